// What every part of the shim shares: errors cross the C interface as text.
#pragma once

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include <ATen/ATen.h>

namespace nongemm {

// A copy that the Rust side frees with nongemm_free.
inline char* text(const std::string& message) {
  return strdup(message.c_str());
}

// Runs `body`; null if it ends well, else the message of what it threw. libtorch appends a backtrace
// to its messages, which says nothing to the user of a program: only the message itself is kept.
template <typename Body>
char* guarded(Body&& body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return text(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return text(error.what());
  } catch (...) {
    return text("an exception of unknown type");
  }
}

}  // namespace nongemm
