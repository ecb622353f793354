// A TorchScript program node by node: every operator through the dispatcher, none rewritten.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "recording.h"

namespace nongemm {

// One node of the program. Values live in numbered registers.
struct Step;

// A block of the program: a body of a loop, a branch, or all of it.
struct Body {
  std::vector<size_t> params;
  std::vector<Step> steps;
  std::vector<size_t> results;
  // Registers that hold nothing of use once the results are taken.
  std::vector<size_t> dead;
};

enum class Kind { Call, Tuple, List, Dict, ListUnpack, TupleUnpack, GetAttr, SetAttr, Pass, Nothing, If, Loop };

struct Step {
  explicit Step(torch::jit::Node* node) : node(node) {}

  torch::jit::Node* node;
  Kind kind = Kind::Call;
  // Of Call: the operator of the dispatcher, or where that has none, what TorchScript itself does
  // (numbers and lists on the host).
  std::optional<c10::OperatorHandle> handle;
  mutable torch::jit::Operation operation{nullptr};
  bool counted = false;  // whether `operation` expects the number of its inputs
  std::vector<size_t> inputs;
  std::vector<size_t> outputs;
  // Registers whose last use this is.
  std::vector<size_t> dead;
  std::vector<Body> blocks;
};

// One time that a run comes to a step which may call operators; in a loop a step has many.
struct Visit {
  const Step* step;
  // Whether it did call some.
  bool row;
};

class Plan {
 public:
  // Of a program without calls of methods (`flatten`). Throws if it holds a construct that is not run node
  // by node; the message names it.
  explicit Plan(const torch::jit::Module& module);

  // Runs it without measuring.
  c10::IValue run(std::vector<c10::IValue> inputs);

  // Runs it and learns which operators it calls.
  c10::IValue learn(std::vector<c10::IValue> inputs, Calls& calls);

  // Runs it and measures each visit that calls operators. Throws if other steps run than were learned.
  c10::IValue time(std::vector<c10::IValue> inputs, const NongemmHooks& hooks);

  // The module of each operator that was learned, one for each line.
  std::string scopes() const;

 private:
  struct Observer;
  struct Learner;
  struct Timer;

  Body compile(torch::jit::Block* block);
  Step compile(torch::jit::Node* node);
  std::vector<size_t> registers(at::ArrayRef<torch::jit::Value*> values);
  size_t number(torch::jit::Value* value);

  c10::IValue execute(std::vector<c10::IValue> inputs, Observer* observer);
  void body(const Body& body, Observer* observer);
  void step(const Step& step, Observer* observer);
  void call(const Step& step, Observer* observer);
  void loop(const Step& step, Observer* observer);
  void move(const std::vector<size_t>& from, size_t first, const std::vector<size_t>& to);
  void clear(const std::vector<size_t>& dead);

  torch::jit::Module module_;
  std::shared_ptr<torch::jit::Graph> graph_;
  std::unordered_map<const torch::jit::Value*, size_t> numbers_;
  std::vector<c10::IValue> registers_;
  Body main_;
  torch::jit::Stack stack_;
  std::vector<Visit> visits_;
};

}  // namespace nongemm
