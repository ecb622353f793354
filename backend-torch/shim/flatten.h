// Programs without calls of methods and functions.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace nongemm {

// Puts the bodies of the methods and functions that a graph calls in the place of the calls, at every
// depth. Each node's scope becomes the path of the module that it lies in, as attributes are named.
// Calls through an interface stay. Numbers that tracing only passed on as tensors are numbers again.
void flatten(torch::jit::Graph& graph);

}  // namespace nongemm
