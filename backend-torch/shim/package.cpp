// Packages of TorchInductor, compiled ahead of time.
#include <memory>
#include <vector>

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include "common.h"

using nongemm::guarded;

namespace {

struct Package {
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader;
  std::vector<at::Tensor> outputs;
};

Package* package(void* handle) {
  return static_cast<Package*>(handle);
}

}  // namespace

extern "C" {

char* nongemm_package_load(const char* path, int device_index, void** handle) {
  return guarded([&] {
    auto loader = std::make_unique<torch::inductor::AOTIModelPackageLoader>(
        path, "model", /*run_single_threaded=*/true, /*num_runners=*/1,
        static_cast<c10::DeviceIndex>(device_index));
    *handle = new Package{std::move(loader), {}};
  });
}

void nongemm_package_free(void* handle) {
  delete package(handle);
}

char* nongemm_package_run(void* handle, at::Tensor** inputs, size_t count) {
  return guarded([&] {
    Package* self = package(handle);
    self->outputs.clear();
    std::vector<at::Tensor> values;
    values.reserve(count);
    for (size_t i = 0; i < count; ++i) values.push_back(*inputs[i]);
    self->outputs = self->loader->run(values);
  });
}

size_t nongemm_package_outputs(void* handle) {
  return package(handle)->outputs.size();
}

at::Tensor* nongemm_package_output(void* handle, size_t index) {
  return new at::Tensor(package(handle)->outputs.at(index));
}

}  // extern "C"
