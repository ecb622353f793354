// What is known of the operators of a session, and how their times reach the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" {

// How times reach the caller: its clock, and where to put what was measured.
struct NongemmHooks {
  void* context;
  uint64_t (*now)(void* context);
  void (*push)(void* context, uint32_t step, uint64_t start, uint64_t end);
  // Marks a step's start (false) or end (true) on the device, if it has a clock.
  void (*mark)(void* context, uint32_t step, bool end);
};

}  // extern "C"

namespace nongemm {

struct Call {
  std::string name;
  std::string detail;
};

// The operators that one run calls, in order.
struct Calls {
  std::vector<Call> known;
};

// Adds the outermost calls of this thread to `calls` while it lives.
class Learning {
 public:
  explicit Learning(Calls* calls);
  ~Learning();
  Learning(const Learning&) = delete;
  Learning& operator=(const Learning&) = delete;

 private:
  void* recording_;
};

}  // namespace nongemm
