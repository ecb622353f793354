#include "plan.h"

#include <torch/csrc/jit/ir/constants.h>

#include "common.h"
#include "describe.h"

namespace nongemm {

namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = torch::jit::prim;

// The kinds of nodes that are no operators; nothing for those that may be one.
std::optional<Kind> construct(const Node* node) {
  switch (node->kind()) {
    case prim::TupleConstruct: return Kind::Tuple;
    case prim::ListConstruct: return Kind::List;
    case prim::DictConstruct: return Kind::Dict;
    case prim::ListUnpack: return Kind::ListUnpack;
    case prim::TupleUnpack: return Kind::TupleUnpack;
    case prim::GetAttr: return Kind::GetAttr;
    case prim::SetAttr: return Kind::SetAttr;
    case prim::unchecked_cast: return Kind::Pass;
    case torch::jit::aten::warn: return Kind::Nothing;
    case prim::If: return Kind::If;
    case prim::Loop: return Kind::Loop;
    default: return std::nullopt;
  }
}

// What the interpreter of TorchScript treats apart and this one does not run.
bool is_foreign(const Node* node) {
  switch (node->kind()) {
    case prim::CallMethod:
    case prim::CallFunction:
    case prim::CreateObject:
    case prim::Closure:
    case prim::isinstance:
    case prim::fork:
    case prim::awaitable:
    case torch::jit::aten::wait:
    case prim::Enter:
    case prim::Exit:
    case prim::Uninitialized: return true;
    default: return false;
  }
}

// The node of `block` that `user` is, or lies in.
Node* within(Block* block, Node* user) {
  while (user->owningBlock() != block) user = user->owningBlock()->owningNode();
  return user;
}

// The last node of its own block that needs a value; null if there is none.
Node* last_use(Value* value, Block* block) {
  Node* last = nullptr;
  for (const auto& use : value->uses()) {
    Node* user = within(block, use.user);
    if (last == nullptr || user->isAfter(last)) last = user;
  }
  return last;
}

}  // namespace

Plan::Plan(const torch::jit::Module& module) : module_(module) {
  graph_ = module_.get_method("forward").graph()->copy();
  main_ = compile(graph_->block());
}

size_t Plan::number(Value* value) {
  const auto found = numbers_.emplace(value, registers_.size());
  if (found.second) registers_.emplace_back();
  return found.first->second;
}

std::vector<size_t> Plan::registers(at::ArrayRef<Value*> values) {
  std::vector<size_t> out;
  out.reserve(values.size());
  for (Value* value : values) out.push_back(number(value));
  return out;
}

Body Plan::compile(Block* block) {
  Body body;
  body.params = registers(block->inputs());
  std::unordered_map<Node*, std::vector<size_t>> dead;
  const auto free_after = [&](Value* value, Node* definition) {
    Node* last = last_use(value, block);
    dead[last != nullptr ? last : definition].push_back(number(value));
  };
  for (Value* param : block->inputs()) free_after(param, block->return_node());
  for (Node* node : block->nodes()) {
    if (node->kind() == prim::Constant) {
      const auto value = torch::jit::toIValue(node->output());
      TORCH_CHECK(value, "a constant that cannot be read");
      registers_[number(node->output())] = *value;
      continue;
    }
    for (Value* output : node->outputs()) free_after(output, node);
    body.steps.push_back(compile(node));
    body.steps.back().dead = dead[node];
  }
  body.results = registers(block->outputs());
  body.dead = dead[block->return_node()];
  return body;
}

Step Plan::compile(Node* node) {
  Step step(node);
  step.inputs = registers(node->inputs());
  step.outputs = registers(node->outputs());
  for (Block* block : node->blocks()) step.blocks.push_back(compile(block));
  if (const auto kind = construct(node)) {
    step.kind = *kind;
    return step;
  }
  const auto* op = is_foreign(node) ? nullptr : node->maybeOperator();
  TORCH_CHECK(op != nullptr, node->kind().toQualString());
  step.kind = Kind::Call;
  step.handle = c10::Dispatcher::singleton().findSchema(op->schema().operator_name());
  if (!op->isC10Op()) step.handle.reset();
  if (!step.handle) step.operation = op->getOperation(node);
  step.counted = op->schema().is_vararg();
  return step;
}

// Sees each step that may call operators, right before and right after the call.
struct Plan::Observer {
  virtual ~Observer() = default;
  virtual void before(const Step& step, const torch::jit::Stack& stack) = 0;
  virtual void after(const Step& step, const torch::jit::Stack& stack) = 0;
};

// Which visits of steps call operators, and what they are given. What libtorch itself reports is kept; a
// visit that makes several calls is one row under its step's name.
struct Plan::Learner : Plan::Observer {
  Learner(Calls& calls, std::vector<Visit>& visits) : calls(calls), visits(visits) {}

  void before(const Step& step, const torch::jit::Stack& stack) override {
    start = calls.known.size();
    const auto count = step.inputs.size();
    const auto inputs = c10::ArrayRef<c10::IValue>(stack).slice(stack.size() - count - (step.counted ? 1 : 0), count);
    own = "{" + describe_inputs(step.node->schema(), inputs);
  }

  void after(const Step& step, const torch::jit::Stack& stack) override {
    const size_t made = calls.known.size() - start;
    if (made > 1) {
      calls.known.resize(start);
      calls.known.push_back({step.node->kind().toQualString(), own + "," + describe_outputs(stack) + "}"});
    }
    visits.push_back({&step, made > 0});
  }

  Calls& calls;
  std::vector<Visit>& visits;
  size_t start = 0;
  std::string own;
};

struct Plan::Timer : Plan::Observer {
  Timer(const NongemmHooks& hooks, const std::vector<Visit>& visits)
      : hooks(hooks), next(visits.begin()), end(visits.end()) {}

  void before(const Step& step, const torch::jit::Stack&) override {
    TORCH_CHECK(next != end && next->step == &step, "the operators changed from run to run: step ", row, " was ",
                step.node->kind().toQualString());
    if (!next->row) return;
    if (hooks.mark != nullptr) hooks.mark(hooks.context, row, false);
    start = hooks.now(hooks.context);
  }

  void after(const Step&, const torch::jit::Stack&) override {
    if (!next++->row) return;
    const uint64_t stop = hooks.now(hooks.context);
    if (hooks.mark != nullptr) hooks.mark(hooks.context, row, true);
    hooks.push(hooks.context, row++, start, stop);
  }

  const NongemmHooks& hooks;
  std::vector<Visit>::const_iterator next;
  const std::vector<Visit>::const_iterator end;
  uint32_t row = 0;
  uint64_t start = 0;
};

c10::IValue Plan::run(std::vector<c10::IValue> inputs) {
  return execute(std::move(inputs), nullptr);
}

c10::IValue Plan::learn(std::vector<c10::IValue> inputs, Calls& calls) {
  calls.known.clear();
  visits_.clear();
  Learner learner(calls, visits_);
  const Learning learning(&calls);
  return execute(std::move(inputs), &learner);
}

c10::IValue Plan::time(std::vector<c10::IValue> inputs, const NongemmHooks& hooks) {
  Timer timer(hooks, visits_);
  c10::IValue result = execute(std::move(inputs), &timer);
  TORCH_CHECK(timer.next == timer.end, "the operators changed from run to run: only ", timer.row, " ran");
  return result;
}

std::string Plan::scopes() const {
  std::string out;
  for (const Visit& visit : visits_) {
    if (visit.row) out += visit.step->node->scopeName() + "\n";
  }
  return out;
}

c10::IValue Plan::execute(std::vector<c10::IValue> inputs, Observer* observer) {
  const auto method = module_.get_method("forward");
  inputs.insert(inputs.begin(), module_._ivalue());
  method.function().getSchema().checkAndNormalizeInputs(inputs);
  stack_.clear();
  for (size_t i = 0; i < inputs.size(); ++i) registers_[main_.params[i]] = std::move(inputs[i]);
  body(main_, observer);
  TORCH_CHECK(main_.results.size() == 1, "forward returns ", main_.results.size(), " values");
  c10::IValue result = registers_[main_.results[0]];
  clear(main_.dead);
  return result;
}

void Plan::clear(const std::vector<size_t>& dead) {
  for (const size_t number : dead) registers_[number] = c10::IValue();
}

// Copies registers; `first` of `from` are left out.
void Plan::move(const std::vector<size_t>& from, size_t first, const std::vector<size_t>& to) {
  // All are read before any is written: a loop may hand its values on in another order.
  std::vector<c10::IValue> values;
  values.reserve(to.size());
  for (size_t i = 0; i < to.size(); ++i) values.push_back(registers_[from.at(first + i)]);
  for (size_t i = 0; i < to.size(); ++i) registers_[to[i]] = std::move(values[i]);
}

void Plan::body(const Body& body, Observer* observer) {
  for (const Step& part : body.steps) {
    step(part, observer);
    clear(part.dead);
  }
}

void Plan::step(const Step& step, Observer* observer) {
  const auto input = [&](size_t i) -> c10::IValue& { return registers_[step.inputs.at(i)]; };
  const auto all = [&] {
    std::vector<c10::IValue> values;
    values.reserve(step.inputs.size());
    for (const size_t number : step.inputs) values.push_back(registers_[number]);
    return values;
  };
  const auto set = [&](size_t i, c10::IValue value) { registers_[step.outputs.at(i)] = std::move(value); };
  switch (step.kind) {
    case Kind::Call: return call(step, observer);
    case Kind::Tuple: return set(0, c10::ivalue::Tuple::create(all()));
    case Kind::List: {
      c10::impl::GenericList list(step.node->output()->type()->expectRef<c10::ListType>().getElementType());
      for (auto& value : all()) list.push_back(std::move(value));
      return set(0, std::move(list));
    }
    case Kind::Dict: {
      const auto& type = step.node->output()->type()->expectRef<c10::DictType>();
      c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
      for (size_t i = 0; i + 1 < step.inputs.size(); i += 2) dict.insert_or_assign(input(i), input(i + 1));
      return set(0, std::move(dict));
    }
    case Kind::ListUnpack: {
      const auto list = input(0).toListRef().vec();
      TORCH_CHECK(list.size() == step.outputs.size(), "a list of ", list.size(), " where ", step.outputs.size(),
                  " values are expected");
      for (size_t i = 0; i < list.size(); ++i) set(i, list[i]);
      return;
    }
    case Kind::TupleUnpack: {
      const auto tuple = input(0).toTuple();
      for (size_t i = 0; i < step.outputs.size(); ++i) set(i, tuple->elements().at(i));
      return;
    }
    case Kind::GetAttr: return set(0, input(0).toObject()->getAttr(step.node->s(torch::jit::attr::name)));
    case Kind::SetAttr: return input(0).toObject()->setAttr(step.node->s(torch::jit::attr::name), input(1));
    case Kind::Pass: return set(0, input(0));
    case Kind::Nothing: return;
    case Kind::If: {
      const Body& branch = step.blocks.at(input(0).toBool() ? 0 : 1);
      body(branch, observer);
      move(branch.results, 0, step.outputs);
      return clear(branch.dead);
    }
    case Kind::Loop: return loop(step, observer);
  }
}

void Plan::loop(const Step& step, Observer* observer) {
  const Body& turn = step.blocks.at(0);
  const int64_t most = registers_[step.inputs.at(0)].toInt();
  bool more = registers_[step.inputs.at(1)].toBool();
  move(step.inputs, 2, step.outputs);
  const std::vector<size_t> carried(turn.params.begin() + 1, turn.params.end());
  for (int64_t i = 0; i < most && more; ++i) {
    registers_[turn.params.at(0)] = i;
    move(step.outputs, 0, carried);
    body(turn, observer);
    more = registers_[turn.results.at(0)].toBool();
    move(turn.results, 1, step.outputs);
    clear(turn.dead);
  }
}

void Plan::call(const Step& step, Observer* observer) {
  for (const size_t number : step.inputs) stack_.push_back(registers_[number]);
  if (step.counted) stack_.emplace_back(static_cast<int64_t>(step.inputs.size()));
  if (observer != nullptr) observer->before(step, stack_);
  try {
    if (step.handle) {
      step.handle->callBoxed(&stack_);
    } else {
      step.operation(stack_);
    }
  } catch (const c10::Error& error) {
    TORCH_CHECK(false, step.node->kind().toQualString(), ": ", error.what_without_backtrace());
  }
  if (observer != nullptr) observer->after(step, stack_);
  TORCH_CHECK(stack_.size() == step.outputs.size(), step.node->kind().toQualString(), " left ", stack_.size(),
              " values instead of ", step.outputs.size());
  for (size_t i = 0; i < stack_.size(); ++i) registers_[step.outputs[i]] = std::move(stack_[i]);
  stack_.clear();
}

}  // namespace nongemm
