// Operators whose arguments the crate tch leaves out, and operators on a tensor and a number.
//
// A number goes to libtorch as Python's bindings pass it: arithmetic gets it wrapped in a tensor
// without dimensions, everything else as a scalar. tch would allocate the scalar.
#include <cmath>

#include <ATen/ScalarOps.h>

#include "common.h"

using nongemm::guarded;

namespace {

// A number as a Python program would write it beside this tensor: a whole number is an integer there
// unless the tensor is floating-point.
at::Scalar number(const at::Tensor& beside, double value) {
  constexpr double exact = 9007199254740992.0;
  if (!beside.is_floating_point() && std::trunc(value) == value && std::abs(value) < exact) {
    return at::Scalar(static_cast<int64_t>(value));
  }
  return at::Scalar(value);
}

at::Tensor wrapped(const at::Tensor& beside, double value) {
  return at::native::wrapped_scalar_tensor(number(beside, value));
}

// The numbers of these enumerations are those of `kernels/missing.rs`.
enum Binary { kAdd, kSub, kRsub, kMul, kDiv };
enum Compare { kEq, kNe, kLt, kLe, kGt, kGe };

at::Tensor binary(int kind, const at::Tensor& x, double value) {
  switch (kind) {
    case kAdd: return at::add(x, wrapped(x, value));
    case kSub: return at::sub(x, wrapped(x, value));
    case kRsub: return at::rsub(x, number(x, value));
    case kMul: return at::mul(x, wrapped(x, value));
    case kDiv: return at::div(x, wrapped(x, value));
  }
  TORCH_CHECK(false, "no operation ", kind, " with a number");
}

at::Tensor binary_inplace(int kind, at::Tensor& x, double value) {
  switch (kind) {
    case kAdd: return x.add_(wrapped(x, value));
    case kSub: return x.sub_(wrapped(x, value));
    case kMul: return x.mul_(wrapped(x, value));
    case kDiv: return x.div_(wrapped(x, value));
  }
  TORCH_CHECK(false, "no operation ", kind, " with a number in place");
}

at::Tensor compare(int kind, const at::Tensor& x, double value) {
  const at::Scalar other = number(x, value);
  switch (kind) {
    case kEq: return at::eq(x, other);
    case kNe: return at::ne(x, other);
    case kLt: return at::lt(x, other);
    case kLe: return at::le(x, other);
    case kGt: return at::gt(x, other);
    case kGe: return at::ge(x, other);
  }
  TORCH_CHECK(false, "no comparison ", kind);
}

std::optional<at::Scalar> bound(const at::Tensor& x, const double* value) {
  if (value == nullptr) return std::nullopt;
  return number(x, *value);
}

}  // namespace

extern "C" {

char* nongemm_binary(int kind, at::Tensor* x, double value, bool inplace, at::Tensor** out) {
  return guarded([&] {
    *out = new at::Tensor(inplace ? binary_inplace(kind, *x, value) : binary(kind, *x, value));
  });
}

char* nongemm_compare(int kind, const at::Tensor* x, double value, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(compare(kind, *x, value)); });
}

char* nongemm_pow(const at::Tensor* x, double exponent, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::pow(*x, number(*x, exponent))); });
}

// A bound that is null is left open.
char* nongemm_clamp(const at::Tensor* x, const double* min, const double* max, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::clamp(*x, bound(*x, min), bound(*x, max))); });
}

char* nongemm_hardtanh(at::Tensor* x, double min, double max, bool inplace, at::Tensor** out) {
  return guarded([&] {
    *out = new at::Tensor(inplace ? at::hardtanh_(*x, min, max) : at::hardtanh(*x, min, max));
  });
}

char* nongemm_softplus(const at::Tensor* x, double beta, double threshold, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::softplus(*x, beta, threshold)); });
}

char* nongemm_masked_fill(const at::Tensor* x, const at::Tensor* mask, double value, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::masked_fill(*x, *mask, number(*x, value))); });
}

char* nongemm_where(const at::Tensor* condition, const at::Tensor* x, double other, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::where(*condition, *x, number(*x, other))); });
}

char* nongemm_clone(const at::Tensor* x, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::clone(*x)); });
}

// The result is a tensor of the host: the caller has read the element there.
char* nongemm_is_nonzero(const at::Tensor* x, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(c10::scalar_to_tensor(at::is_nonzero(*x))); });
}

}  // extern "C"
