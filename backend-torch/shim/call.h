// A program of one operator, from what a record says of a call of it.
#pragma once

#include <string>

#include <torch/csrc/jit/api/module.h>

namespace nongemm {

// `attributes` holds a line for each argument that is no tensor: its name in the schema, a tab, its value as
// JSON. The `tensors` tensor arguments are the inputs of `forward`, those in lists included. Throws if no
// schema of the operator takes these, or if it stays open which argument a tensor was.
torch::jit::Module program_of_call(const std::string& name, const std::string& attributes, size_t tensors);

}  // namespace nongemm
