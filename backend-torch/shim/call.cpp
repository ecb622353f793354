#include "call.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>

namespace nongemm {

namespace {

using Attributes = std::map<std::string, std::string>;

Attributes read(const std::string& lines) {
  Attributes out;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const auto tab = line.find('\t');
    if (tab != std::string::npos) out.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return out;
}

// A JSON string without its quotes; other text as it is.
std::string unquoted(const std::string& text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// The elements of a flat JSON list; nothing if it is none.
std::optional<std::vector<std::string>> elements(const std::string& text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::vector<std::string> out;
  std::istringstream stream(text.substr(1, text.size() - 2));
  for (std::string part; std::getline(stream, part, ',');) out.push_back(part);
  return out;
}

std::optional<int64_t> whole(const std::string& text) {
  char* end = nullptr;
  const int64_t value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

// Infinities and what is no number are written as text.
std::optional<double> real(const std::string& text) {
  const std::string plain = unquoted(text);
  char* end = nullptr;
  const double value = std::strtod(plain.c_str(), &end);
  if (plain.empty() || *end != '\0') return std::nullopt;
  return value;
}

std::optional<bool> truth(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

template <typename Element>
std::optional<c10::IValue> list(const std::string& text, std::optional<Element> (*parse)(const std::string&)) {
  const auto parts = elements(text);
  if (!parts) return std::nullopt;
  c10::List<Element> out;
  for (const std::string& part : *parts) {
    const auto value = parse(part);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return c10::IValue(out);
}

template <typename Element>
std::optional<c10::IValue> single(const std::optional<Element>& value) {
  if (!value) return std::nullopt;
  return c10::IValue(*value);
}

// What an argument of this type was; nothing where the text is of another one.
std::optional<c10::IValue> parse(const c10::TypePtr& type, const std::string& text) {
  switch (type->kind()) {
    case c10::TypeKind::OptionalType: return parse(type->expectRef<c10::OptionalType>().getElementType(), text);
    case c10::TypeKind::IntType: return single(whole(text));
    case c10::TypeKind::FloatType: return single(real(text));
    case c10::TypeKind::BoolType: return single(truth(text));
    case c10::TypeKind::NumberType: {
      if (const auto value = truth(text)) return c10::IValue(*value);
      if (const auto value = whole(text)) return c10::IValue(*value);
      return single(real(text));
    }
    case c10::TypeKind::StringType: {
      if (unquoted(text) == text) return std::nullopt;
      return c10::IValue(unquoted(text));
    }
    case c10::TypeKind::DeviceObjType: {
      if (unquoted(text) == text) return std::nullopt;
      return c10::IValue(c10::Device(unquoted(text)));
    }
    case c10::TypeKind::ListType: {
      switch (type->expectRef<c10::ListType>().getElementType()->kind()) {
        case c10::TypeKind::IntType: return list<int64_t>(text, whole);
        case c10::TypeKind::FloatType: return list<double>(text, real);
        case c10::TypeKind::BoolType: return list<bool>(text, truth);
        default: return std::nullopt;
      }
    }
    default: return std::nullopt;
  }
}

bool is_tensor(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::TensorType;
}

// Of an optional or a list: what it holds.
c10::TypePtr inner(const c10::TypePtr& type) {
  if (const auto optional = type->cast<c10::OptionalType>()) return optional->getElementType();
  if (const auto list = type->cast<c10::ListType>()) return list->getElementType();
  return type;
}

enum class Source { Value, Tensor, Tensors };

// What one argument is given.
struct Given {
  Source source;
  c10::IValue value;
  // Tensors that it takes.
  size_t count;
  c10::TypePtr type;
};

// A schema with what its arguments are given, and how many of these the record does not hold.
struct Match {
  const c10::FunctionSchema* schema;
  std::vector<Given> arguments;
  size_t assumed;
};

// Takes the record if its names are those of the schema. Sets `open` where it is left open which argument a
// tensor was.
std::optional<Match> match(const c10::FunctionSchema& schema, const Attributes& attributes, size_t tensors,
                           bool& open) {
  Match out{&schema, {}, 0};
  size_t used = 0, required = 0, optional = 0, lists = 0;
  bool gaps = false;
  for (const c10::Argument& argument : schema.arguments()) {
    const auto& type = argument.type();
    const auto found = attributes.find(argument.name());
    if (found != attributes.end()) {
      const auto value = parse(type, found->second);
      if (!value) return std::nullopt;
      ++used;
      out.arguments.push_back({Source::Value, *value, 0, type});
    } else if (is_tensor(type)) {
      ++required;
      out.arguments.push_back({Source::Tensor, {}, 1, type});
    } else if (type->kind() == c10::TypeKind::ListType && is_tensor(inner(inner(type)))) {
      ++lists;
      gaps = !is_tensor(inner(type));
      out.arguments.push_back({Source::Tensors, {}, 0, inner(type)});
    } else if (type->kind() == c10::TypeKind::OptionalType && is_tensor(inner(type))) {
      ++optional;
      out.arguments.push_back({Source::Tensor, {}, 0, type});
    } else if (argument.default_value()) {
      if (!argument.default_value()->isNone()) ++out.assumed;
      out.arguments.push_back({Source::Value, *argument.default_value(), 0, type});
    } else if (type->kind() == c10::TypeKind::OptionalType) {
      out.arguments.push_back({Source::Value, {}, 0, type});
    } else {
      return std::nullopt;
    }
  }
  if (used != attributes.size() || tensors < required) return std::nullopt;
  const size_t left = tensors - required;
  if (lists == 0 && left > optional) return std::nullopt;
  if (lists > 1 || (lists == 1 && (optional > 0 || gaps)) || (lists == 0 && left != 0 && left != optional)) {
    open = true;
    return std::nullopt;
  }
  for (Given& given : out.arguments) {
    if (given.source == Source::Tensors) given.count = left;
    if (given.source == Source::Tensor && given.count == 0 && left == optional) given.count = left > 0 ? 1 : 0;
  }
  return out;
}

// An overload that writes into a tensor that it is given for that.
bool is_out(const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  return !arguments.empty() && arguments.back().is_out();
}

Match best(c10::Symbol symbol, const Attributes& attributes, size_t tensors) {
  std::optional<Match> best;
  bool known = false, open = false;
  for (const auto& op : torch::jit::getAllOperatorsFor(symbol)) {
    if (!op->isC10Op()) continue;
    known = true;
    if (is_out(op->schema())) continue;
    auto found = match(op->schema(), attributes, tensors, open);
    if (found && (!best || found->assumed < best->assumed)) best = std::move(found);
  }
  const char* name = symbol.toQualString();
  TORCH_CHECK(known, "libtorch has no operator ", name);
  TORCH_CHECK(best || !open, "the record of ", name, " leaves open which of its arguments the tensors were");
  TORCH_CHECK(best, "no schema of ", name, " takes ", tensors, " tensors and the recorded arguments");
  return std::move(*best);
}

}  // namespace

torch::jit::Module program_of_call(const std::string& name, const std::string& attributes, size_t tensors) {
  const auto symbol = c10::Symbol::fromQualString(name);
  const Match call = best(symbol, read(attributes), tensors);
  torch::jit::Module module("nongemm");
  auto graph = std::make_shared<torch::jit::Graph>();
  graph->addInput("self")->setType(module._ivalue()->type());
  std::vector<torch::jit::Value*> inputs;
  for (size_t i = 0; i < tensors; ++i) inputs.push_back(graph->addInput("x" + std::to_string(i)));
  auto next = inputs.begin();
  std::vector<torch::jit::Value*> arguments;
  for (const Given& given : call.arguments) {
    if (given.source == Source::Tensors) {
      const std::vector<torch::jit::Value*> items(next, next + given.count);
      next += given.count;
      arguments.push_back(graph->insertNode(graph->createList(given.type, items))->output());
    } else if (given.source == Source::Tensor && given.count == 1) {
      arguments.push_back(*next++);
    } else {
      arguments.push_back(graph->insertConstant(given.value));
    }
  }
  const auto& returns = call.schema->returns();
  auto* node = graph->insertNode(graph->create(symbol, arguments, returns.size()));
  for (size_t i = 0; i < returns.size(); ++i) node->output(i)->setType(returns[i].type());
  if (returns.size() == 1) {
    graph->registerOutput(node->output());
  } else {
    graph->registerOutput(graph->insertNode(graph->createTuple(node->outputs()))->output());
  }
  const auto function = module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*module.type()->name(), "forward"), graph);
  module.type()->addMethod(function);
  module.eval();
  return module;
}

}  // namespace nongemm
