// torchvision's operators on regions of interest, which libtorch does not have: our own code, for the
// host. What they compute is torchvision's; 16-bit numbers are computed in 32 bits.
#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <torch/library.h>

#include "common.h"

using nongemm::guarded;

namespace {

void on_host(const at::Tensor& x, const char* name) {
  TORCH_CHECK(x.is_cpu(), "there is no kernel for ", name, " on ", x.device(),
              ": it is torchvision's, and its kernels for GPUs are not part of libtorch; "
              "choose --device cpu");
}

// A type that the kernels here compute in.
at::Tensor wide(const at::Tensor& x) {
  const bool narrow = x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
  return (narrow ? x.to(at::kFloat) : x).contiguous();
}

template <typename T>
struct Box {
  T left, top, right, bottom, area;
};

// Indices of the boxes that are kept, best first: a box goes if it overlaps with a better one that is
// kept by more than the threshold (shared area over the area of their union).
template <typename T>
std::vector<int64_t> kept(const T* corners, const int64_t* order, int64_t count, double threshold) {
  std::vector<Box<T>> boxes;
  boxes.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const T* c = corners + 4 * order[i];
    boxes.push_back({c[0], c[1], c[2], c[3], (c[2] - c[0]) * (c[3] - c[1])});
  }
  std::vector<char> dropped(count, 0);
  std::vector<int64_t> result;
  for (int64_t i = 0; i < count; ++i) {
    if (dropped[i]) continue;
    result.push_back(order[i]);
    const Box<T>& a = boxes[i];
    for (int64_t j = i + 1; j < count; ++j) {
      if (dropped[j]) continue;
      const Box<T>& b = boxes[j];
      const T width = std::max<T>(0, std::min(a.right, b.right) - std::max(a.left, b.left));
      const T height = std::max<T>(0, std::min(a.bottom, b.bottom) - std::max(a.top, b.top));
      const T shared = width * height;
      dropped[j] = shared / (a.area + b.area - shared) > threshold;
    }
  }
  return result;
}

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double threshold) {
  on_host(boxes, "nms");
  TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4, "boxes must be [n, 4], got ", boxes.sizes());
  TORCH_CHECK(scores.dim() == 1 && scores.size(0) == boxes.size(0), "there must be a score for each of ",
              boxes.size(0), " boxes, got ", scores.sizes());
  const at::Tensor order = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
  const at::Tensor ranks = order.contiguous();
  const at::Tensor corners = wide(boxes);
  std::vector<int64_t> result;
  AT_DISPATCH_FLOATING_TYPES(corners.scalar_type(), "nms", [&] {
    result = kept(corners.const_data_ptr<scalar_t>(), ranks.const_data_ptr<int64_t>(), boxes.size(0),
                  threshold);
  });
  at::Tensor indices = at::empty({static_cast<int64_t>(result.size())}, at::kLong);
  std::copy(result.begin(), result.end(), indices.mutable_data_ptr<int64_t>());
  return indices;
}

// Four neighbouring pixels and their weights.
template <typename T>
struct Sample {
  int64_t at[4];
  T weight[4];
};

// The bilinear sample of a plane at (y, x); weights are zero more than a pixel outside.
template <typename T>
Sample<T> sample(T y, T x, int64_t height, int64_t width) {
  if (y < -1 || y > height || x < -1 || x > width) return {{0, 0, 0, 0}, {0, 0, 0, 0}};
  const auto neighbours = [](T position, int64_t size, int64_t& low, int64_t& high) -> T {
    const T inside = std::max<T>(position, 0);
    low = static_cast<int64_t>(inside);
    if (low >= size - 1) {
      low = high = size - 1;
      return 0;
    }
    high = low + 1;
    return inside - low;
  };
  int64_t top, bottom, left, right;
  const T down = neighbours(y, height, top, bottom);
  const T across = neighbours(x, width, left, right);
  return {{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
          {(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across}};
}

struct Pooling {
  double scale;
  int64_t height, width;  // bins
  int64_t ratio;          // samples along a side of a bin; 0 or less: one for each pixel
  bool aligned;
};

// One region: `height` x `width` bins for each channel.
template <typename T>
void pool(const T* image, const T* region, T* out, const Pooling& p, int64_t channels,
          int64_t height, int64_t width) {
  const T offset = p.aligned ? static_cast<T>(0.5) : static_cast<T>(0);
  const T scale = static_cast<T>(p.scale);
  const T left = region[1] * scale - offset, top = region[2] * scale - offset;
  T across = region[3] * scale - offset - left, down = region[4] * scale - offset - top;
  if (!p.aligned) {
    across = std::max<T>(across, 1);
    down = std::max<T>(down, 1);
  }
  const T bin_height = down / static_cast<T>(p.height), bin_width = across / static_cast<T>(p.width);
  const auto steps = [&](T bin) {
    return p.ratio > 0 ? p.ratio : static_cast<int64_t>(std::ceil(bin));
  };
  const int64_t rows = steps(bin_height), columns = steps(bin_width);
  const T count = static_cast<T>(std::max<int64_t>(rows * columns, 1));
  // The positions are the same in every channel.
  std::vector<Sample<T>> samples;
  samples.reserve(std::max<int64_t>(p.height * p.width * rows * columns, 0));
  for (int64_t bin = 0; bin < p.height * p.width; ++bin) {
    const T bin_top = top + static_cast<T>(bin / p.width) * bin_height;
    const T bin_left = left + static_cast<T>(bin % p.width) * bin_width;
    for (int64_t row = 0; row < rows; ++row) {
      const T y = bin_top + (static_cast<T>(row) + static_cast<T>(0.5)) * bin_height / static_cast<T>(rows);
      for (int64_t column = 0; column < columns; ++column) {
        const T x =
            bin_left + (static_cast<T>(column) + static_cast<T>(0.5)) * bin_width / static_cast<T>(columns);
        samples.push_back(sample(y, x, height, width));
      }
    }
  }
  for (int64_t channel = 0; channel < channels; ++channel) {
    const T* plane = image + channel * height * width;
    const Sample<T>* next = samples.data();
    for (int64_t bin = 0; bin < p.height * p.width; ++bin) {
      T sum = 0;
      for (int64_t i = 0; i < rows * columns; ++i, ++next) {
        for (int k = 0; k < 4; ++k) sum += next->weight[k] * plane[next->at[k]];
      }
      *out++ = sum / count;
    }
  }
}

at::Tensor roi_align(const at::Tensor& features, const at::Tensor& regions, const Pooling& p) {
  on_host(features, "roi_align");
  TORCH_CHECK(features.dim() == 4, "features must be [n, c, h, w], got ", features.sizes());
  TORCH_CHECK(regions.dim() == 2 && regions.size(1) == 5, "regions must be [k, 5], got ", regions.sizes());
  const at::Tensor images = wide(features);
  const at::Tensor rois = wide(regions).to(images.scalar_type());
  const int64_t channels = images.size(1), height = images.size(2), width = images.size(3);
  at::Tensor out = at::empty({rois.size(0), channels, p.height, p.width}, images.options());
  AT_DISPATCH_FLOATING_TYPES(images.scalar_type(), "roi_align", [&] {
    const scalar_t* region = rois.const_data_ptr<scalar_t>();
    scalar_t* result = out.mutable_data_ptr<scalar_t>();
    for (int64_t i = 0; i < rois.size(0); ++i, region += 5, result += channels * p.height * p.width) {
      const auto image = static_cast<int64_t>(region[0]);
      TORCH_CHECK(image >= 0 && image < images.size(0), "region ", i, " is in image ", image, " of ",
                  images.size(0));
      pool(images.const_data_ptr<scalar_t>() + image * channels * height * width, region, result, p,
           channels, height, width);
    }
  });
  return out.to(features.scalar_type());
}

at::Tensor roi_align_call(const at::Tensor& input, const at::Tensor& rois, double spatial_scale,
                          int64_t pooled_height, int64_t pooled_width, int64_t sampling_ratio,
                          bool aligned) {
  return roi_align(input, rois,
                   {spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned});
}

}  // namespace

// Under torchvision's own names and signatures: traced programs hold them as operators, and archives
// that were traced with torchvision run without it.
TORCH_LIBRARY_FRAGMENT(torchvision, library) {
  library.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
  library.def(
      "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
      "int pooled_width, int sampling_ratio, bool aligned) -> Tensor");
}

TORCH_LIBRARY_IMPL(torchvision, CompositeExplicitAutograd, library) {
  library.impl("nms", &nms);
  library.impl("roi_align", &roi_align_call);
}

extern "C" {

char* nongemm_nms(const at::Tensor* boxes, const at::Tensor* scores, double threshold,
                  at::Tensor** out) {
  return guarded([&] {
    static const auto call = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("torchvision::nms", "")
                                 .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double)>();
    *out = new at::Tensor(call.call(*boxes, *scores, threshold));
  });
}

char* nongemm_roi_align(const at::Tensor* features, const at::Tensor* regions, double scale,
                        int64_t height, int64_t width, int64_t ratio, bool aligned,
                        at::Tensor** out) {
  return guarded([&] {
    static const auto call =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("torchvision::roi_align", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double, int64_t, int64_t, int64_t,
                              bool)>();
    *out = new at::Tensor(call.call(*features, *regions, scale, height, width, ratio, aligned));
  });
}

}  // extern "C"
