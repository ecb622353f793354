// Memory of texts that cross the C interface.
#include "common.h"

extern "C" void nongemm_free(char* text) {
  std::free(text);
}
