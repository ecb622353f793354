"""Records the top-level ATen operators of an eager forward pass.

Three sources are put together, because none has everything:

- torch's execution trace observer sees every dispatched operator with its shapes, dtypes, schema, outputs and caller;
- module hooks open a profiler range per module, so that every operator knows the module path it ran in;
- a TorchFunctionMode opens a range per Python-level call and keeps its numbers, since `x * 0.5` reaches the dispatcher
  with 0.5 already packed into a zero-dimensional tensor.

An operator is top-level when no other ATen operator called it: `aten::linear` counts, its `t` and `addmm` do not.
"""

import json
import os
import re
import tempfile
from dataclasses import dataclass

import torch
from torch.overrides import TorchFunctionMode
from torch.profiler import ExecutionTraceObserver, record_function

MODULE = "nongemm.module:"
CALL = "nongemm.call:"
DTYPES = {
    "float": "f32", "double": "f64", "c10::Half": "f16", "c10::BFloat16": "bf16", "long int": "i64", "int": "i32",
    "long": "i64", "unsigned char": "u8", "signed char": "i8", "bool": "bool", "short int": "i16",
}
# Operators that get real tensors even where a Python call names a number: `torch.tensor(1)`, `x.fill_(1)`, `x[i] = True`.
TAKE_TENSORS = {"fill_", "to", "lift_fresh", "detach_", "index_put_"}
# Numbers of c10::ScalarType.
SCALAR_TYPES = {0: "u8", 1: "i8", 2: "i16", 3: "i32", 4: "i64", 5: "f16", 6: "f32", 7: "f64", 11: "bool", 15: "bf16"}


@dataclass
class TracedOp:
    """One top-level operator call.

    Tensors are `{"shape", "dtype"}`; `attrs` holds every other argument by schema name; `children` names the operators
    that it called directly, which tells a `reshape` that copies (`clone`) from one that does not (`view`).
    """

    scope: str
    name: str
    overload: str
    inputs: list
    attrs: dict
    outputs: list
    children: list

    def to_json(self):
        return {"scope": self.scope, "op": self.name, "overload": self.overload, "inputs": self.inputs,
                "attrs": self.attrs, "outputs": self.outputs, "children": self.children}

    def to_text(self):
        def tensor(t):
            if isinstance(t, list):
                return "[" + ", ".join(map(tensor, t)) + "]"
            value = f"={t['value']}" if "value" in t else ""
            return f"{t['dtype']}{t['shape']}{value}".replace(" ", "")

        ins = " ".join(f"{t['arg']}:{tensor(t)}" if "arg" in t else tensor(t) for t in self.inputs)
        attrs = " ".join(f"{k}={v}".replace(" ", "") for k, v in self.attrs.items() if v is not None)
        line = f"{self.scope or '.':<40} {self.name:<20} {ins} -> {' '.join(map(tensor, self.outputs))}  {{{attrs}}}"
        return line + (f"  <{','.join(self.children)}>" if self.children else "")


def trace(model, forward):
    """Runs `forward()` once without gradients and returns its top-level operators in execution order."""
    calls = CallRecorder()
    handles = hook_modules(model)
    path = os.path.join(tempfile.mkdtemp(prefix="nongemm-trace-"), "trace.json")
    observer = ExecutionTraceObserver().register_callback(path)
    try:
        with torch.no_grad(), calls:
            observer.start()
            forward()
            observer.stop()
    finally:
        observer.unregister_callback()
        for handle in handles:
            handle.remove()
    with open(path) as file:
        nodes = json.load(file)["nodes"]
    os.remove(path)
    os.rmdir(os.path.dirname(path))
    return top_level_ops(nodes, calls.numbers)


def fold_paste(ops):
    """Replaces the calls of torchvision's Python loop over masks by one that is called as the function around it.

    The loop calls some thirty operators for each detection. It starts where masks and boxes are unbound and ends where
    the pasted masks are stacked and get a channel.
    """
    folded, i = [], 0
    while i < len(ops):
        masks, boxes = ops[i], ops[i + 1] if i + 1 < len(ops) else None
        if not (boxes and masks.name == boxes.name == "unbind" and boxes.inputs[0]["dtype"] == "i64"
                and len(masks.inputs[0]["shape"]) == 4 and len(boxes.inputs[0]["shape"]) == 2):
            folded.append(ops[i])
            i += 1
            continue
        end = next(j for j in range(i, len(ops)) if ops[j].name == "stack") + 1
        folded.append(TracedOp(masks.scope, "paste_masks_in_image", "", masks.inputs + boxes.inputs, {},
                               ops[end].outputs, []))
        i = end + 1
    return folded


class CallRecorder(TorchFunctionMode):
    """Opens a profiler range around every Python-level torch call and keeps the call's plain numbers."""

    def __init__(self):
        super().__init__()
        self.numbers = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if str(func).startswith("profiler."):  # the module hooks' own ranges must not end inside a call's range
            return func(*args, **kwargs)
        values = list(args) + list(kwargs.values())
        self.numbers.append([v for v in values if isinstance(v, (bool, int, float))])
        with record_function(f"{CALL}{len(self.numbers) - 1}"):
            return func(*args, **kwargs)


def hook_modules(model):
    """Opens a profiler range named after the module path for as long as each module's forward runs."""
    open_ranges = []
    handles = []

    for path, module in model.named_modules():
        def before(_module, _args, path=path):
            scope = record_function(MODULE + path)
            scope.__enter__()
            open_ranges.append(scope)

        def after(_module, _args, _output):
            open_ranges.pop().__exit__(None, None, None)

        handles.append(module.register_forward_pre_hook(before))
        handles.append(module.register_forward_hook(after))
    return handles


def top_level_ops(nodes, numbers):
    """Selects the operators that no operator called, in start order, and decodes them."""
    by_id = {node["id"]: node for node in nodes}
    children = {}
    ops = []
    for node in sorted(nodes, key=lambda n: n["id"]):
        if not is_operator(node):
            continue
        ranges, caller = enclosing(node, by_id)
        if caller is not None:
            children.setdefault(caller, []).append(short_name(node))
            continue
        scope = next((r[len(MODULE):] for r in ranges if r.startswith(MODULE)), "")
        call = next((int(r[len(CALL):]) for r in ranges if r.startswith(CALL)), None)
        # The list is shared on purpose: it fills when the children come by.
        ops.append(decode(node, scope, numbers[call] if call is not None else [], children.setdefault(node["id"], [])))
    return ops


def is_operator(node):
    return "::" in node["name"]


def short_name(node):
    return node["name"].removeprefix("aten::")


def enclosing(node, by_id):
    """The ranges around a node, innermost first, up to the operator that called it; and that operator's id or None."""
    ranges = []
    while node["ctrl_deps"] != node["id"]:
        node = by_id.get(node["ctrl_deps"])
        if node is None:
            break
        if is_operator(node):
            return ranges, node["id"]
        ranges.append(node["name"])
    return ranges, None


def decode(node, scope, numbers, children):
    """Turns one node of the execution trace into a TracedOp."""
    schema = next(a["value"] for a in node["attrs"] if a["name"] == "op_schema")
    args = argument_names(schema)
    overload = re.match(r"[\w:]+\.?(\w*)\(", schema)
    inputs, attrs = [], {}
    wrapped = list(numbers)
    ins = node["inputs"]
    for i, (value, shape, kind) in enumerate(zip(ins["values"], ins["shapes"], ins["types"])):
        name = args[i] if i < len(args) else f"arg{i}"
        if kind.startswith("Tensor("):
            tensor = tensor_spec(shape, kind)
            # A number packed into a zero-dimensional f64 or i64 tensor by the Python binding.
            packed = shape == [] and tensor["dtype"] in ("f64", "i64", "bool") and short_name(node) not in TAKE_TENSORS
            if name != "self" and packed and wrapped:
                tensor["value"] = wrapped.pop(0)
            inputs.append({"arg": name, **tensor})
        elif kind.startswith("GenericList[Tensor"):
            inputs += [{"arg": name, **tensor_spec(s, k)} for s, k in zip(shape, list_kinds(kind))]
        else:
            attrs[name] = attribute(name, value, numbers)
    outputs = []
    outs = node["outputs"]
    for shape, kind in zip(outs["shapes"], outs["types"]):
        if kind.startswith("Tensor("):
            outputs.append(tensor_spec(shape, kind))
        elif kind.startswith("GenericList[Tensor"):
            outputs += [tensor_spec(s, k) for s, k in zip(shape, list_kinds(kind))]
    return TracedOp(scope, short_name(node), overload.group(1) if overload else "", inputs, attrs, outputs, children)


def attribute(name, value, numbers):
    """One non-tensor argument. The trace keeps six decimals of a float, so the caller's own number is preferred."""
    if value == "<None>":
        return None
    if name == "dtype":
        return SCALAR_TYPES.get(value, value)
    if isinstance(value, float):
        return next((n for n in numbers if isinstance(n, float) and abs(n - value) <= 1e-6), value)
    return value


def tensor_spec(shape, kind):
    element = kind[len("Tensor("):-1]
    return {"shape": shape, "dtype": DTYPES.get(element, element)}


def list_kinds(kind):
    return re.findall(r"Tensor\([^)]*\)", kind)


def argument_names(schema):
    """The argument names of an operator schema such as `aten::gelu(Tensor self, *, str approximate="none") -> Tensor`."""
    depth, start, parts = 0, None, []
    for i, c in enumerate(schema):
        if c in "([":
            depth += 1
            if depth == 1:
                start = i + 1
        elif c in ")]":
            depth -= 1
            if depth == 0:
                parts.append(schema[start:i])
                break
        elif c == "," and depth == 1:
            parts.append(schema[start:i])
            start = i + 1
    names = [p.strip().split("=")[0].strip().split(" ")[-1] for p in parts]
    return [n for n in names if n not in ("*", "")]
