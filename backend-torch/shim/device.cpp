// Threads, math modes, inference mode, and the clock and memory of a device.
#include <dlfcn.h>

#include <memory>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/version.h>

#include "common.h"

using nongemm::guarded;

namespace {

// Events on the current stream, all made before the first run.
struct Events {
  Events(int index, size_t count) : stream(current(index)) {
    for (size_t i = 0; i < count; ++i) {
      events.emplace_back(c10::DeviceType::CUDA, c10::EventFlag::BACKEND_DEFAULT);
    }
  }

  static c10::Stream current(int index) {
    c10::impl::VirtualGuardImpl guard(c10::DeviceType::CUDA);
    return guard.getStream(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index)));
  }

  c10::Stream stream;
  std::vector<c10::Event> events;
};

c10::CachingDeviceAllocator::DeviceStats stats(int index) {
  return c10::getDeviceAllocator(c10::DeviceType::CUDA)
      ->getDeviceStats(static_cast<c10::DeviceIndex>(index));
}

}  // namespace

extern "C" {

const char* nongemm_torch_version() {
  return TORCH_VERSION;
}

// The release that was compiled with, and the one that was loaded: a byte each for major, minor and patch.
uint64_t nongemm_compiled_release() {
  return TORCH_ABI_VERSION >> 40;
}

uint64_t nongemm_loaded_release() {
  return aoti_torch_abi_version() >> 40;
}

// The file that libtorch was loaded from; null if unknown.
char* nongemm_library_path() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &info) == 0) return nullptr;
  return nongemm::text(info.dli_fname);
}

// In inference mode no autograd bookkeeping happens; the handle ends it.
void* nongemm_inference_begin() {
  return new c10::InferenceMode(true);
}

void nongemm_inference_end(void* guard) {
  delete static_cast<c10::InferenceMode*>(guard);
}

char* nongemm_set_threads(int threads) {
  return guarded([&] { at::set_num_threads(threads); });
}

int nongemm_threads() {
  return at::get_num_threads();
}

// Pins the math modes: full precision in f32 unless TF32 is asked for.
char* nongemm_set_math(bool tf32, bool deterministic) {
  return guarded([&] {
    auto& context = at::globalContext();
    context.setAllowTF32CuBLAS(tf32);
    context.setAllowTF32CuDNN(tf32);
    context.setDeterministicCuDNN(deterministic);
    context.setBenchmarkCuDNN(false);
  });
}

// Loads the CUDA half of libtorch, which registers its kernels: needed before any CUDA call, and only
// then. `folder` is where libtorch_cpu was loaded from.
char* nongemm_load_cuda() {
  return guarded([&] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
    std::string reason = dlerror();
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&at::globalContext), &info) != 0) {
      std::string path = info.dli_fname;
      path = path.substr(0, path.rfind('/') + 1) + "libtorch_cuda.so";
      if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
      reason = dlerror();
    }
    TORCH_CHECK(false, reason);
  });
}

char* nongemm_cuda_devices(int* count) {
  return guarded([&] {
    c10::impl::VirtualGuardImpl guard(c10::DeviceType::CUDA);
    *count = guard.deviceCount();
  });
}

char* nongemm_synchronize(int index) {
  return guarded([&] {
    c10::impl::VirtualGuardImpl guard(c10::DeviceType::CUDA);
    guard.synchronizeDevice(static_cast<c10::DeviceIndex>(index));
  });
}

char* nongemm_events_new(int index, size_t count, void** events) {
  return guarded([&] { *events = new Events(index, count); });
}

void nongemm_events_free(void* events) {
  delete static_cast<Events*>(events);
}

// Marks a point of the stream.
char* nongemm_events_mark(void* events, size_t mark) {
  return guarded([&] {
    auto* self = static_cast<Events*>(events);
    self->events.at(mark).record(self->stream);
  });
}

// Nanoseconds between two marks. The device must have finished.
char* nongemm_events_elapsed(void* events, size_t from, size_t to, double* ns) {
  return guarded([&] {
    auto* self = static_cast<Events*>(events);
    *ns = self->events.at(from).elapsedTime(self->events.at(to)) * 1e6;
  });
}

char* nongemm_reset_peak(int index) {
  return guarded([&] {
    c10::getDeviceAllocator(c10::DeviceType::CUDA)
        ->resetPeakStats(static_cast<c10::DeviceIndex>(index));
  });
}

// Largest amounts since the last reset: handed out to tensors, and reserved from the driver.
char* nongemm_peak(int index, uint64_t* allocated, uint64_t* reserved) {
  return guarded([&] {
    const auto device = stats(index);
    *allocated = static_cast<uint64_t>(device.allocated_bytes[0].peak);
    *reserved = static_cast<uint64_t>(device.reserved_bytes[0].peak);
  });
}

}  // extern "C"
