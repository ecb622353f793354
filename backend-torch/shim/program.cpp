// TorchScript programs: traced here or read from a file; optimised, run, written.
#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/passes/normalize_ops.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "call.h"
#include "common.h"
#include "describe.h"
#include "flatten.h"
#include "plan.h"

using nongemm::guarded;
using nongemm::text;

namespace {

struct Program {
  torch::jit::Module module;
  // Runs it node by node, if that was asked for.
  std::unique_ptr<nongemm::Plan> plan;
  // Results of the last run, in order, with a name for each.
  std::vector<std::pair<std::string, at::Tensor>> outputs;
};

Program* program(void* handle) {
  return static_cast<Program*>(handle);
}

// Appends the tensors of a result at any depth, named by their way there.
void flatten(const c10::IValue& value, const std::string& name,
             std::vector<std::pair<std::string, at::Tensor>>& out) {
  const auto at = [&](const std::string& part) { return name.empty() ? part : name + "." + part; };
  if (value.isTensor()) {
    out.emplace_back(name.empty() ? "output" : name, value.toTensor());
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i) flatten(elements[i], at(std::to_string(i)), out);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (size_t i = 0; i < elements.size(); ++i) flatten(elements[i], at(std::to_string(i)), out);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const bool named = entry.key().isString();
      flatten(entry.value(), at(named ? entry.key().toStringRef() : "key"), out);
    }
  }
}

std::vector<c10::IValue> values(at::Tensor** tensors, size_t count) {
  std::vector<c10::IValue> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.emplace_back(*tensors[i]);
  return out;
}

// The sizes that a node's outputs had when it was traced: outputs are separated by semicolons, sizes by
// commas; `?` where they are not known.
std::string traced_sizes(torch::jit::Node* node) {
  std::string out;
  for (torch::jit::Value* value : node->outputs()) {
    if (value->offset() > 0) out += ";";
    const auto type = value->type()->cast<c10::TensorType>();
    const auto sizes = type ? type->sizes().concrete_sizes() : std::nullopt;
    if (!sizes) out += "?";
    for (size_t i = 0; sizes && i < sizes->size(); ++i) {
      out += (i > 0 ? "," : "") + std::to_string((*sizes)[i]);
    }
  }
  return out;
}

// For each node of a graph, in order, its operator and its scope, separated by a tab, one for each line.
std::string listed(torch::jit::Graph& graph, bool with_sizes = false) {
  std::string out;
  std::vector<torch::jit::Block*> blocks{graph.block()};
  while (!blocks.empty()) {
    torch::jit::Block* block = blocks.back();
    blocks.pop_back();
    for (torch::jit::Node* node : block->nodes()) {
      out += std::string(node->kind().toQualString()) + "\t" + node->scopeName();
      if (with_sizes) out += "\t" + traced_sizes(node);
      out += "\n";
      for (torch::jit::Block* inner : node->blocks()) blocks.push_back(inner);
    }
  }
  return out;
}

}  // namespace

extern "C" {

// A traced run: `body` is called once with `context` and returns its outputs through `outputs`.
typedef bool (*NongemmBody)(void* context, at::Tensor** outputs, size_t count);

char* nongemm_trace(at::Tensor** inputs, size_t inputs_count, NongemmBody body, void* context,
                    size_t outputs_count, void** handle) {
  return guarded([&] {
    torch::jit::Stack stack;
    for (size_t i = 0; i < inputs_count; ++i) stack.emplace_back(*inputs[i]);
    torch::jit::Module module("nongemm");
    const auto traced = torch::jit::tracer::trace(
        std::move(stack),
        [&](torch::jit::Stack) -> torch::jit::Stack {
          std::vector<at::Tensor*> results(outputs_count, nullptr);
          const bool ok = body(context, results.data(), outputs_count);
          torch::jit::Stack outputs;
          std::vector<c10::IValue> values;
          for (at::Tensor* result : results) {
            if (result != nullptr) values.emplace_back(*result);
            delete result;
          }
          TORCH_CHECK(ok, "the traced run failed");
          outputs.emplace_back(c10::ivalue::Tuple::create(std::move(values)));
          return outputs;
        },
        [](const at::Tensor&) { return std::string(); },
        /*strict=*/true, /*force_outplace=*/false);
    // Traced as a function: its nodes keep the scopes that they are given. A method has its module as
    // first argument.
    auto graph = traced.first->graph;
    graph->insertInput(0, "self")->setType(module._ivalue()->type());
    torch::jit::NormalizeOps(graph);
    const auto function = module._ivalue()->compilation_unit()->create_function(
        c10::QualifiedName(*module.type()->name(), "forward"), graph);
    module.type()->addMethod(function);
    module.eval();
    *handle = new Program{std::move(module), nullptr, {}};
  });
}

// Nodes that are traced from now on belong to `scope`.
void nongemm_trace_enter(const char* scope) {
  const auto& state = torch::jit::tracer::getTracingState();
  if (state != nullptr) state->graph->push_scope(scope);
}

void nongemm_trace_leave() {
  const auto& state = torch::jit::tracer::getTracingState();
  if (state != nullptr) state->graph->pop_scope();
}

char* nongemm_program_load(const char* path, const char* device, void** handle) {
  return guarded([&] {
    auto module = torch::jit::load(path, c10::Device(device));
    module.eval();
    nongemm::flatten(*module.get_method("forward").graph());
    *handle = new Program{std::move(module), nullptr, {}};
  });
}

// One operator, from what a record says of a call of it (`call.h`).
char* nongemm_program_call(const char* name, const char* attributes, size_t tensors, void** handle) {
  return guarded([&] {
    *handle = new Program{nongemm::program_of_call(name, attributes, tensors), nullptr, {}};
  });
}

char* nongemm_program_save(void* handle, const char* path) {
  return guarded([&] { program(handle)->module.save(path); });
}

void nongemm_program_free(void* handle) {
  delete program(handle);
}

// `level`: 0 leaves the program as it is, 1 freezes it and folds constants into it, 2 also rewrites it
// for inference on this kind of machine.
char* nongemm_program_optimize(void* handle, int level) {
  return guarded([&] {
    auto& module = program(handle)->module;
    if (level >= 1) module = torch::jit::freeze(module);
    if (level >= 2) module = torch::jit::optimize_for_inference(module);
  });
}

// Whether programs run as they are written, or as the executor rewrites them after watching a run.
void nongemm_executor_optimize(bool on) {
  torch::jit::setGraphExecutorOptimize(on);
}

// The inputs by name, one for each line; only tensors can be given.
char* nongemm_program_inputs(void* handle, char** names) {
  return guarded([&] {
    std::string out;
    const auto& schema = program(handle)->module.get_method("forward").function().getSchema();
    for (size_t i = 1; i < schema.arguments().size(); ++i) {
      const auto& argument = schema.arguments()[i];
      if (argument.default_value()) continue;
      out += argument.name() + "\n";
    }
    *names = text(out);
  });
}

char* nongemm_program_run(void* handle, at::Tensor** inputs, size_t count) {
  return guarded([&] {
    Program* self = program(handle);
    self->outputs.clear();
    auto given = values(inputs, count);
    const auto result =
        self->plan ? self->plan->run(std::move(given)) : self->module.forward(std::move(given));
    flatten(result, "", self->outputs);
  });
}

// From now on the program runs node by node; an error is the name of a construct that does not.
char* nongemm_program_plan(void* handle) {
  return guarded([&] {
    Program* self = program(handle);
    self->plan = std::make_unique<nongemm::Plan>(self->module);
  });
}

// Runs it node by node: without hooks the calls are learned anew, else each is measured.
char* nongemm_program_steps(void* handle, at::Tensor** inputs, size_t count, void* calls,
                            const NongemmHooks* hooks) {
  return guarded([&] {
    Program* self = program(handle);
    self->outputs.clear();
    auto given = values(inputs, count);
    auto& known = *static_cast<nongemm::Calls*>(calls);
    const auto result = hooks == nullptr ? self->plan->learn(std::move(given), known)
                                         : self->plan->time(std::move(given), *hooks);
    flatten(result, "", self->outputs);
  });
}

// The module of each call that was learned, one for each line.
char* nongemm_program_scopes(void* handle, char** scopes) {
  return guarded([&] { *scopes = text(program(handle)->plan->scopes()); });
}

size_t nongemm_program_outputs(void* handle) {
  return program(handle)->outputs.size();
}

// A copy of the handle of an output of the last run.
at::Tensor* nongemm_program_output(void* handle, size_t index) {
  return new at::Tensor(program(handle)->outputs.at(index).second);
}

const char* nongemm_program_output_name(void* handle, size_t index) {
  return program(handle)->outputs.at(index).first.c_str();
}

// The operators of the program that ran last on this thread, as it was executed.
char* nongemm_executed_nodes(char** nodes) {
  return guarded([&] { *nodes = text(listed(*torch::jit::lastExecutedOptimizedGraph())); });
}

// The operators of a program as it is written, with a third column: the sizes of the outputs. An
// archive keeps neither these nor the scopes.
char* nongemm_program_nodes(void* handle, char** nodes) {
  return guarded([&] {
    const auto method = program(handle)->module.get_method("forward");
    *nodes = text(listed(*method.graph(), /*with_sizes=*/true));
  });
}

}  // extern "C"
