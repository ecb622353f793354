// New tensors of numbers. Values arrive as doubles and are passed on in the kind of the element type, as
// Python passes them.
#include <algorithm>
#include <cstring>

#include <ATen/Dispatch_v2.h>
#include <ATen/TracerMode.h>

#include "common.h"

using nongemm::guarded;

namespace {

// Where and of what type a tensor is made; `device` is the index of a GPU, or -1 for the host.
at::TensorOptions options(int dtype, int device) {
  const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
  if (device < 0) return options.device(at::kCPU);
  return options.device(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device)));
}

at::Scalar scalar(int dtype, double value) {
  const auto type = static_cast<at::ScalarType>(dtype);
  if (type == at::kBool) return at::Scalar(value != 0.0);
  if (at::isIntegralType(type, false)) return at::Scalar(static_cast<int64_t>(value));
  return at::Scalar(value);
}

}  // namespace

extern "C" {

char* nongemm_full(const int64_t* size, size_t rank, double value, int dtype, int device,
                   at::Tensor** out) {
  return guarded([&] {
    *out = new at::Tensor(
        at::full(at::IntArrayRef(size, rank), scalar(dtype, value), options(dtype, device)));
  });
}

char* nongemm_new_full(const at::Tensor* x, const int64_t* size, size_t rank, double value,
                       int dtype, at::Tensor** out) {
  return guarded([&] {
    const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    *out = new at::Tensor(
        x->new_full(at::IntArrayRef(size, rank), scalar(dtype, value), options));
  });
}

char* nongemm_full_like(const at::Tensor* x, double value, int dtype, at::Tensor** out) {
  return guarded([&] {
    const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    *out = new at::Tensor(at::full_like(*x, scalar(dtype, value), options));
  });
}

char* nongemm_zeros_like(const at::Tensor* x, int dtype, at::Tensor** out) {
  return guarded([&] {
    const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    *out = new at::Tensor(at::zeros_like(*x, options));
  });
}

// What Python does to make a tensor of its own numbers: allocates it on the host and writes them
// there. A tensor without dimensions stays on the host until it is moved.
char* nongemm_written(const int64_t* size, size_t rank, double value, int dtype, int device,
                      at::Tensor** out) {
  return guarded([&] {
    const bool host = device < 0 || rank == 0;
    // Writing is no operator: a program that is traced takes the whole tensor as a constant.
    const at::tracer::impl::NoTracerDispatchMode untraced;
    at::Tensor made = at::empty(at::IntArrayRef(size, rank), options(dtype, host ? -1 : device));
    if (!host) {
      made.fill_(scalar(dtype, value));
    } else {
      AT_DISPATCH_V2(made.scalar_type(), "written", AT_WRAP([&] {
        std::fill_n(made.mutable_data_ptr<scalar_t>(), made.numel(), static_cast<scalar_t>(value));
      }), AT_EXPAND(AT_ALL_TYPES), at::kHalf, at::kBFloat16, at::kBool);
    }
    *out = new at::Tensor(std::move(made));
  });
}

// The same for a list of numbers, which are those of `elements`.
char* nongemm_written_from(const at::Tensor* elements, at::Tensor** out) {
  return guarded([&] {
    const at::tracer::impl::NoTracerDispatchMode untraced;
    at::Tensor made = at::empty(elements->sizes(), elements->options());
    if (made.is_cpu() && elements->is_contiguous()) {
      std::memcpy(made.mutable_data_ptr(), elements->const_data_ptr(), made.nbytes());
    } else {
      made.copy_(*elements);
    }
    *out = new at::Tensor(std::move(made));
  });
}

// The overload is the one that Python's `arange` takes for these arguments.
char* nongemm_arange(int64_t start, int64_t end, int64_t step, int dtype, int device,
                     at::Tensor** out) {
  return guarded([&] {
    const auto where = options(dtype, device);
    *out = new at::Tensor(step != 1    ? at::arange(start, end, step, where)
                          : start != 0 ? at::arange(start, end, where)
                                       : at::arange(end, where));
  });
}

}  // extern "C"
