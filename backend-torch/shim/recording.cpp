// Times of operators from libtorch's own callbacks.
//
// Only outermost calls count: what an operator calls is part of it, so that nothing is counted twice.
// A recording first learns which operators run, with their arguments (`learn`); later ones only check
// that the same operators run in the same order, and note the times.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <ATen/record_function.h>

#include "common.h"
#include "describe.h"
#include "recording.h"

using nongemm::guarded;

using nongemm::Calls;

namespace {

struct Recording {
  Calls* calls = nullptr;
  const NongemmHooks* hooks = nullptr;
  bool learning = false;
  size_t depth = 0;
  size_t next = 0;
  uint64_t start = 0;
  std::string changed;
  std::string detail;
  std::optional<c10::FunctionSchema> schema;
};

// Callbacks carry no state of their own.
thread_local Recording* active = nullptr;

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& call) {
  Recording* self = active;
  if (self == nullptr || self->depth++ > 0) return nullptr;
  if (self->learning) {
    // Before the call: operators that work in place may change the shapes of their inputs.
    // A boxed call shows the whole stack, on which its arguments lie last.
    self->schema = call.operator_schema();
    auto inputs = call.inputs();
    if (self->schema && inputs.size() > self->schema->arguments().size()) {
      inputs = inputs.slice(inputs.size() - self->schema->arguments().size());
    }
    self->detail = "{" + nongemm::describe_inputs(self->schema, inputs);
    return nullptr;
  }
  const size_t step = self->next;
  const auto& known = self->calls->known;
  if (step >= known.size() || std::strcmp(known[step].name.c_str(), call.name()) != 0) {
    if (self->changed.empty()) self->changed = call.name();
    return nullptr;
  }
  self->start = self->hooks->now(self->hooks->context);
  if (self->hooks->mark != nullptr) self->hooks->mark(self->hooks->context, step, false);
  return nullptr;
}

void on_end(const at::RecordFunction& call, at::ObserverContext*) {
  Recording* self = active;
  if (self == nullptr || self->depth == 0 || --self->depth > 0) return;
  if (self->learning) {
    std::vector<c10::IValue> outputs = call.outputs();
    if (self->schema && outputs.size() > self->schema->returns().size()) {
      outputs.erase(outputs.begin(), outputs.end() - self->schema->returns().size());
    }
    self->detail += "," + nongemm::describe_outputs(outputs) + "}";
    self->calls->known.push_back({call.name(), std::move(self->detail)});
    return;
  }
  if (self->changed.empty()) {
    const uint32_t step = static_cast<uint32_t>(self->next);
    if (self->hooks->mark != nullptr) self->hooks->mark(self->hooks->context, step, true);
    const uint64_t end = self->hooks->now(self->hooks->context);
    self->hooks->push(self->hooks->context, step, self->start, end);
  }
  ++self->next;
}

// A recording in progress on this thread.
struct Active {
  Recording recording;
  at::CallbackHandle handle;

  Active(Calls* calls, const NongemmHooks* hooks, bool learning) {
    TORCH_CHECK(active == nullptr, "recordings cannot be nested");
    recording.calls = calls;
    recording.hooks = hooks;
    recording.learning = learning;
    handle = at::addThreadLocalCallback(at::RecordFunctionCallback(&on_start, &on_end)
                                            .scopes({at::RecordScope::FUNCTION})
                                            .needsInputs(learning)
                                            .needsOutputs(learning));
    active = &recording;
  }

  ~Active() {
    active = nullptr;
    at::removeCallback(handle);
  }
};

}  // namespace

nongemm::Learning::Learning(Calls* calls) : recording_(new Active(calls, nullptr, true)) {}

nongemm::Learning::~Learning() {
  delete static_cast<Active*>(recording_);
}

extern "C" {

void* nongemm_calls_new() {
  return new Calls();
}

void nongemm_calls_free(void* calls) {
  delete static_cast<Calls*>(calls);
}

size_t nongemm_calls_count(void* calls) {
  return static_cast<Calls*>(calls)->known.size();
}

const char* nongemm_call_name(void* calls, size_t index) {
  return static_cast<Calls*>(calls)->known.at(index).name.c_str();
}

const char* nongemm_call_detail(void* calls, size_t index) {
  return static_cast<Calls*>(calls)->known.at(index).detail.c_str();
}

// Starts a recording on this thread: without hooks it learns the calls anew, else it times them.
char* nongemm_recording_begin(void* calls, const NongemmHooks* hooks, void** recording) {
  return guarded([&] {
    auto* known = static_cast<Calls*>(calls);
    if (hooks == nullptr) known->known.clear();
    *recording = new Active(known, hooks, hooks == nullptr);
  });
}

// Ends it; an error if other operators ran than those known.
char* nongemm_recording_end(void* recording) {
  return guarded([&] {
    const std::unique_ptr<Active> self(static_cast<Active*>(recording));
    const Recording& done = self->recording;
    if (done.learning) return;
    TORCH_CHECK(done.changed.empty(), "the operators changed from run to run: step ", done.next,
                " was ", done.changed);
    TORCH_CHECK(done.next == done.calls->known.size(), "only ", done.next, " of ",
                done.calls->known.size(), " operators ran");
  });
}

}  // extern "C"
