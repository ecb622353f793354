// Threads, math modes, inference mode, and the clock and memory of a device.
#include <dlfcn.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
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

const char* precision(at::Float32MatmulPrecision precision) {
  switch (precision) {
    case at::Float32MatmulPrecision::HIGHEST: return "highest";
    case at::Float32MatmulPrecision::HIGH: return "high";
    default: return "medium";
  }
}

// Which forms of fused attention may be chosen.
std::string attention(const at::Context& context) {
  std::string out;
  const auto add = [&](const char* name, bool on) {
    if (on) out += (out.empty() ? "" : ", ") + std::string(name);
  };
  add("flash", context.userEnabledFlashSDP());
  add("memory-efficient", context.userEnabledMemEfficientSDP());
  add("cudnn", context.userEnabledCuDNNSDP());
  add("math", context.userEnabledMathSDP());
  return out;
}

// Whether this thread's arithmetic loses what is too small for a normal number: libtorch can set this but
// not say it.
bool flushes_denormals() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = smallest / 2;
  return half == 0;
}

// What runs loops in parallel, as libtorch calls it.
std::string parallel_backend() {
  const std::string info = at::get_parallel_info();
  const std::string label = "ATen parallel backend: ";
  const size_t at = info.find(label);
  if (at == std::string::npos) return "unknown";
  const size_t start = at + label.size();
  return info.substr(start, info.find('\n', start) - start);
}

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

// Threads inside operators and beside them. libtorch takes the second number once in a process.
char* nongemm_set_threads(int threads) {
  return guarded([&] {
    at::set_num_threads(threads);
    static const bool beside = [&] {
      at::set_num_interop_threads(threads);
      return true;
    }();
    static_cast<void>(beside);
  });
}

int nongemm_threads() {
  return at::get_num_threads();
}

// Pins the math modes: full precision in f32 unless TF32 is asked for, which only GPUs use.
// What else there is to choose has PyTorch's own defaults, whatever the environment says.
char* nongemm_set_math(bool tf32) {
  return guarded([&] {
    auto& context = at::globalContext();
    context.setFloat32MatmulPrecision(tf32 ? "high" : "highest");
    context.setAllowTF32CuDNN(tf32);
    for (const auto op : {at::Float32Op::MATMUL, at::Float32Op::CONV, at::Float32Op::RNN}) {
      context.setFloat32Precision(at::Float32Backend::MKLDNN, op, at::Float32Precision::IEEE);
    }
    context.setDeterministicAlgorithms(false, false);
    context.setDeterministicCuDNN(false);
    context.setUserEnabledCuDNN(true);
    context.setBenchmarkCuDNN(false);
    context.setAllowFP16ReductionCuBLAS(true);
    context.setAllowBF16ReductionCuBLAS(true);
    context.setAllowFP16AccumulationCuBLAS(false);
    context.setAllowFP16BF16ReductionMathSDP(false);
    context.setSDPUseFlash(true);
    context.setSDPUseMemEfficient(true);
    context.setSDPUseMath(true);
    context.setSDPUseCuDNN(true);
    context.setUserEnabledMkldnn(true);
    at::Context::setFlushDenormal(false);
  });
}

// The modes in force, as name and value separated by a tab, one for each line: those of the host, and
// with `cuda` those of GPUs too.
char* nongemm_modes(bool cuda, char** modes) {
  return guarded([&] {
    const auto& context = at::globalContext();
    std::string out;
    const auto add = [&](const char* name, const std::string& value) { out += std::string(name) + "\t" + value + "\n"; };
    const auto flag = [&](const char* name, bool on) { add(name, on ? "on" : "off"); };
    const auto onednn = [&](at::Float32Op op) {
      return at::precision2str(context.float32Precision(at::Float32Backend::MKLDNN, op));
    };
    const auto reduction = [](at::CuBLASReductionOption option) {
      return option == at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK;
    };
    add("threads", std::to_string(at::get_num_threads()));
    add("interop_threads", std::to_string(at::get_num_interop_threads()));
    add("parallel_backend", parallel_backend());
    add("cpu_capability", at::get_cpu_capability());
    flag("onednn", at::Context::hasMKLDNN() && context.userEnabledMkldnn());
    add("onednn.matmul_precision", onednn(at::Float32Op::MATMUL));
    add("onednn.conv_precision", onednn(at::Float32Op::CONV));
    flag("mkl", at::Context::hasMKL());
    flag("flush_denormal", flushes_denormals());
    add("float32_matmul_precision", precision(context.float32MatmulPrecision()));
    flag("deterministic_algorithms", context.deterministicAlgorithms());
    add("sdp", attention(context));
    flag("sdp.math_reduced_precision", context.allowFP16BF16ReductionMathSDP());
    if (cuda) {
      flag("tf32.matmul", context.allowTF32CuBLAS());
      flag("tf32.cudnn", context.allowTF32CuDNN());
      flag("cudnn", context.userEnabledCuDNN());
      flag("cudnn.benchmark", context.benchmarkCuDNN());
      flag("cudnn.deterministic", context.deterministicCuDNN());
      flag("f16_reduced_precision_reduction", reduction(context.allowFP16ReductionCuBLAS()));
      flag("bf16_reduced_precision_reduction", reduction(context.allowBF16ReductionCuBLAS()));
      flag("f16_accumulation", context.allowFP16AccumulationCuBLAS());
    }
    *modes = nongemm::text(out);
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
