#include "describe.h"

#include <cmath>
#include <cstdio>

#include <ATen/ATen.h>

namespace nongemm {

namespace {

// nongemm's names of element types; empty for those that it has none for.
const char* dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kDouble: return "f64";
    case at::kFloat: return "f32";
    case at::kHalf: return "f16";
    case at::kBFloat16: return "bf16";
    case at::kLong: return "i64";
    case at::kInt: return "i32";
    case at::kByte: return "u8";
    case at::kBool: return "bool";
    default: return "";
  }
}

std::string number(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", value);
  return buffer;
}

void tensor(const at::Tensor& value, std::string& out) {
  if (!value.defined()) return;
  if (!out.empty()) out += ',';
  out += "{\"dtype\":" + quoted(dtype_name(value.scalar_type())) + ",\"shape\":[";
  for (int64_t i = 0; i < value.dim(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(value.size(i));
  }
  out += "]}";
}

// Appends the tensors in a value, at any depth.
void tensors(const c10::IValue& value, std::string& out) {
  if (value.isTensor()) {
    tensor(value.toTensor(), out);
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) tensors(item, out);
  } else if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) tensors(item, out);
  }
}

bool holds_tensor(const c10::IValue& value) {
  std::string found;
  tensors(value, found);
  return !found.empty() || value.isTensor();
}

std::string literal(const c10::IValue& value) {
  if (value.isNone()) return "null";
  if (value.isBool()) return value.toBool() ? "true" : "false";
  if (value.isInt()) return std::to_string(value.toInt());
  if (value.isDouble()) return number(value.toDouble());
  if (value.isString()) return quoted(value.toStringRef());
  if (value.isDevice()) return quoted(value.toDevice().str());
  if (value.isList()) {
    std::string out = "[";
    for (const c10::IValue& item : value.toListRef()) {
      if (out.size() > 1) out += ',';
      out += literal(item);
    }
    return out + "]";
  }
  return quoted(value.tagKind());
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string describe_inputs(const std::optional<c10::FunctionSchema>& schema,
                            c10::ArrayRef<const c10::IValue> inputs) {
  std::string specs;
  std::string attrs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (holds_tensor(inputs[i])) {
      tensors(inputs[i], specs);
      continue;
    }
    // Arguments that are left out say nothing.
    if (inputs[i].isNone()) continue;
    const bool named = schema && i < schema->arguments().size();
    const std::string name = named ? schema->arguments()[i].name() : std::to_string(i);
    if (!attrs.empty()) attrs += ',';
    attrs += quoted(name) + ":" + literal(inputs[i]);
  }
  return "\"inputs\":[" + specs + "],\"attrs\":{" + attrs + "}";
}

std::string describe_outputs(const std::vector<c10::IValue>& outputs) {
  std::string results;
  for (const c10::IValue& output : outputs) tensors(output, results);
  return "\"outputs\":[" + results + "]";
}

}  // namespace nongemm
