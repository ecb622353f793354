// Operators whose arguments the crate tch leaves out.
#include "common.h"

using nongemm::guarded;

extern "C" {

char* nongemm_hardtanh(at::Tensor* self, double min, double max, bool inplace, at::Tensor** out) {
  return guarded([&] {
    *out = new at::Tensor(inplace ? at::hardtanh_(*self, min, max) : at::hardtanh(*self, min, max));
  });
}

char* nongemm_softplus(at::Tensor* self, double beta, double threshold, at::Tensor** out) {
  return guarded([&] { *out = new at::Tensor(at::softplus(*self, beta, threshold)); });
}

}  // extern "C"
