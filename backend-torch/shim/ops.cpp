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
enum Binary { kAdd, kSub, kRsub, kMul, kDiv, kFloorDiv };
enum Compare { kEq, kNe, kLt, kLe, kGt, kGreater, kGe };

at::Tensor binary(int kind, const at::Tensor& x, double value) {
  switch (kind) {
    case kAdd: return at::add(x, wrapped(x, value));
    case kSub: return at::sub(x, wrapped(x, value));
    case kRsub: return at::rsub(x, number(x, value));
    case kMul: return at::mul(x, wrapped(x, value));
    case kDiv: return at::div(x, wrapped(x, value));
    case kFloorDiv: return at::div(x, wrapped(x, value), "floor");
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
    case kGreater: return at::greater(x, other);
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

// A number to the powers of a tensor.
char* nongemm_pow_base(double base, const at::Tensor* exponents, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::pow(number(*exponents, base), *exponents)); });
}

// A bound that is null is left open.
char* nongemm_clamp(const at::Tensor* x, const double* min, const double* max, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::clamp(*x, bound(*x, min), bound(*x, max))); });
}

// No dimension means all.
char* nongemm_vector_norm(const at::Tensor* x, double ord, const int64_t* dims, size_t count, bool keepdim,
                          at::Tensor** out) {
  return guarded([&] {
    at::OptionalIntArrayRef dim;
    if (count > 0) dim = at::IntArrayRef(dims, count);
    *out = new at::Tensor(at::linalg_vector_norm(*x, ord, dim, keepdim));
  });
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

// `x & y` and `x | y` as Python's operators call them.
char* nongemm_bits(bool both, const at::Tensor* x, const at::Tensor* y, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(both ? at::__and__(*x, *y) : at::__or__(*x, *y)); });
}

char* nongemm_fill(at::Tensor* x, double value, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(x->fill_(number(*x, value))); });
}

// Writes `source` over `part`, a view of `whole`, and returns `whole`. Where the part is no view, it is
// taken from `whole`: position `index` of dimension `dim`, and the first elements of all others.
char* nongemm_copy_into(at::Tensor* part, const at::Tensor* source, at::Tensor* whole, int64_t dim,
                        int64_t index, at::Tensor** out) {
  return guarded([&] {
    if (part->is_alias_of(*whole)) {
      part->copy_(*source);
    } else {
      at::Tensor region = whole->select(dim, index);
      for (int64_t axis = 0; axis < region.dim(); ++axis) {
        region = region.narrow(axis, 0, source->size(axis));
      }
      region.copy_(*source);
    }
    *out = new at::Tensor(*whole);
  });
}

// Bilinear, or else nearest.
char* nongemm_upsample(const at::Tensor* x, bool bilinear, bool align_corners, const int64_t* size,
                       at::Tensor** out) {
  return guarded([&] {
    const at::OptionalIntArrayRef pair(at::IntArrayRef(size, 2));
    *out = new at::Tensor(bilinear
                              ? at::upsample_bilinear2d(*x, pair, align_corners, std::nullopt)
                              : at::upsample_nearest2d(*x, pair, std::nullopt));
  });
}

char* nongemm_clone(const at::Tensor* x, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::clone(*x)); });
}

// The result is a tensor of the host: the caller has read the element there.
char* nongemm_is_nonzero(const at::Tensor* x, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(c10::scalar_to_tensor(at::is_nonzero(*x))); });
}

// As `is_nonzero`: the caller has read the number.
char* nongemm_item(const at::Tensor* x, at::Tensor** out) {
  return guarded([&] {
    *out = new at::Tensor(at::detail::scalar_tensor_static(x->item(), x->scalar_type(), at::kCPU));
  });
}

}  // extern "C"
