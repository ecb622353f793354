// Calls of operators as JSON: what they were given and what they returned.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

namespace nongemm {

// A JSON string literal.
std::string quoted(const std::string& text);

// "inputs": [spec ..], "attrs": {..}: tensors, those in lists included, as {"dtype": .., "shape": [..]};
// all other arguments by their names in the schema.
std::string describe_inputs(const std::optional<c10::FunctionSchema>& schema,
                            c10::ArrayRef<const c10::IValue> inputs);

// "outputs": [spec ..].
std::string describe_outputs(const std::vector<c10::IValue>& outputs);

}  // namespace nongemm
