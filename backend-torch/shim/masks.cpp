// Masks of boxes placed in images: the loop that Mask R-CNN's reference writes in Python, with the same
// calls of libtorch in it.
#include <algorithm>
#include <vector>

#include <ATen/ScalarOps.h>

#include "common.h"

using nongemm::guarded;

namespace {

at::Tensor plus(const at::Tensor& x, int64_t number) {
  return at::add(x, at::native::wrapped_scalar_tensor(number));
}

// What Python's `max` and `min` of a tensor's element and a number return: the tensor, or the number
// where that is the larger or the smaller one.
struct Bound {
  at::Tensor tensor;
  int64_t number;

  static Bound at_least(at::Tensor x, int64_t number) {
    const bool take = at::is_nonzero(at::lt(x, number));
    return {take ? at::Tensor() : std::move(x), number};
  }

  static Bound at_most(at::Tensor x, int64_t number) {
    const bool take = at::is_nonzero(at::gt(x, number));
    return {take ? at::Tensor() : std::move(x), number};
  }

  int64_t value() const {
    return tensor.defined() ? tensor.item<int64_t>() : number;
  }

  // The distance from a corner of the box.
  at::Tensor from(const at::Tensor& corner) const {
    return tensor.defined() ? at::sub(tensor, corner) : at::rsub(corner, at::Scalar(number));
  }
};

// Python's `x[start:end]` along a dimension, which calls nothing for all of it.
at::Tensor sliced(const at::Tensor& x, int64_t dim, int64_t start, int64_t end) {
  return start == 0 && end == x.size(dim) ? x : at::slice(x, dim, start, end);
}

at::Tensor paste(const at::Tensor& mask, const at::Tensor& box, int64_t height, int64_t width) {
  const auto corner = [&](int64_t i) { return at::select(box, 0, i); };
  const auto extent = [&](int64_t low, int64_t high) {
    const at::Tensor size = plus(at::sub(corner(high), corner(low)), 1);
    return std::max<int64_t>(size.item<int64_t>(), 1);
  };
  const int64_t across = extent(0, 2);
  const int64_t size[] = {extent(1, 3), across};
  at::Tensor resized =
      at::upsample_bilinear2d(mask.expand({1, 1, -1, -1}), at::OptionalIntArrayRef(size),
                              /*align_corners=*/false, std::nullopt);
  resized = at::select(at::select(resized, 0, 0), 0, 0);
  at::Tensor image = at::zeros({height, width}, mask.options());
  const Bound left = Bound::at_least(corner(0), 0);
  const Bound right = Bound::at_most(plus(corner(2), 1), width);
  const Bound top = Bound::at_least(corner(1), 0);
  const Bound bottom = Bound::at_most(plus(corner(3), 1), height);
  const at::Tensor rows[] = {top.from(corner(1)), bottom.from(corner(1))};
  const at::Tensor columns[] = {left.from(corner(0)), right.from(corner(0))};
  const int64_t first_row = rows[0].item<int64_t>(), last_row = rows[1].item<int64_t>();
  if (first_row >= last_row) return image;  // the box is outside
  at::Tensor part = sliced(resized, 0, first_row, last_row);
  const int64_t first_column = columns[0].item<int64_t>(), last_column = columns[1].item<int64_t>();
  if (first_column >= last_column) return image;
  part = sliced(part, 1, first_column, last_column);
  if (part.is_same(resized)) part = at::alias(part);  // an index never returns the tensor itself
  const int64_t above = top.value(), below = bottom.value();
  const at::Tensor band = sliced(image, 0, above, below);
  const int64_t before = left.value(), behind = right.value();
  sliced(band, 1, before, behind).copy_(part);
  return image;
}

}  // namespace

extern "C" {

char* nongemm_paste_masks(const at::Tensor* masks, const at::Tensor* boxes, int64_t height,
                          int64_t width, at::Tensor** out) {
  return guarded([&] {
    if (masks->size(0) == 0) {
      *out = new at::Tensor(masks->new_zeros({0, 1, height, width}));
      return;
    }
    const std::vector<at::Tensor> each = at::unbind(*masks, 0);
    const std::vector<at::Tensor> places = at::unbind(*boxes, 0);
    std::vector<at::Tensor> images;
    for (size_t i = 0; i < each.size(); ++i) {
      images.push_back(paste(at::select(each[i], 0, 0), places.at(i), height, width));
    }
    *out = new at::Tensor(at::unsqueeze(at::stack(images, 0), 1));
  });
}

}  // extern "C"
