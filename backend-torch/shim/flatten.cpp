#include "flatten.h"

#include <string>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace nongemm {

namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = torch::jit::prim;

std::string joined(const std::string& outer, const std::string& inner) {
  return outer.empty() || inner.empty() ? outer + inner : outer + "." + inner;
}

// How a graph reaches a module from its own: `layer.0`.
std::string path(Value* module) {
  Node* node = module->node();
  if (node->kind() != prim::GetAttr) return "";
  return joined(path(node->input(0)), node->s(torch::jit::attr::name));
}

torch::jit::ScopePtr scope_of(const std::string& path) {
  auto root = c10::make_intrusive<torch::jit::Scope>();
  return path.empty() ? root : root->push(c10::Symbol::scope(path));
}

// The first input of a call of a function is the function.
void drop_callee(Node* call) {
  Node* callee = call->input(0)->node();
  call->removeInput(0);
  if (!callee->hasUses()) callee->destroy();
}

// What is called is flattened first, in a copy, so that one insertion is all it takes: libtorch's own pass
// has to be repeated for every depth.
void flatten(Block* block, const std::string& module) {
  const auto scope = scope_of(module);
  for (auto next = block->nodes().begin(); next != block->nodes().end();) {
    Node* node = *next++;
    node->setScope(scope);
    for (Block* inner : node->blocks()) flatten(inner, module);
    auto* callee = torch::jit::tryToGraphFunction(node);
    if (callee == nullptr) continue;
    const bool method = node->kind() == prim::CallMethod;
    callee->ensure_defined();
    const auto body = callee->graph()->copy();
    flatten(body->block(), method ? joined(module, path(node->input(0))) : module);
    if (!method) drop_callee(node);
    torch::jit::inlineCallTo(node, callee, body.get());
  }
}

bool reads_number(c10::Symbol kind) {
  return kind == torch::jit::aten::Int || kind == torch::jit::aten::IntImplicit ||
         kind == torch::jit::aten::ScalarImplicit;
}

// Tracing keeps a size as a tensor and reads it back as a number; the code that was traced has the number,
// and so has the executor of TorchScript.
void keep_numbers(Block* block) {
  for (auto next = block->nodes().begin(); next != block->nodes().end();) {
    Node* read = *next++;
    for (Block* inner : read->blocks()) keep_numbers(inner);
    if (!reads_number(read->kind())) continue;
    Node* kept = read->input(0)->node();
    if (kept->kind() != prim::NumToTensor) continue;
    if (!kept->input(0)->type()->isSubtypeOf(*read->output()->type())) continue;
    read->output()->replaceAllUsesWith(kept->input(0));
    read->destroy();
    if (!kept->output()->hasUses()) kept->destroy();
  }
}

}  // namespace

void flatten(torch::jit::Graph& graph) {
  flatten(graph.block(), "");
  keep_numbers(graph.block());
}

}  // namespace nongemm
