#!/usr/bin/env python3
"""Golden outputs of single operators, computed by PyTorch.

    ops_golden.py --cases CASES.json --inputs INPUTS.safetensors --out OUTPUTS.safetensors [--only SUBSTRING]

CASES.json is a list of `{"case": "softmax/last", "op": "softmax", "attrs": {...}, "inputs": [{"dtype", "shape"}, ...]}`;
the inputs' values are in INPUTS.safetensors under `CASE/in0`, `CASE/in1`, ...; outputs are written under `CASE/out0`, ...
Names are ATen's and attributes are the fields of the operator types in the `operators` crate.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision

from checkpoint import load_tensors, save_tensors

DTYPES = {
    "f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "i64": torch.int64,
    "i32": torch.int32, "u32": torch.uint32, "u8": torch.uint8, "bool": torch.bool,
}


def compute(case, inputs):
    """The outputs of one case as a list."""
    outputs = OPS[case["op"]](case.get("attrs") or {}, *inputs)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def read_input(inputs, name, spec):
    """An input tensor, checked against what the case says about it."""
    tensor = inputs.get(name)
    if tensor is None:
        raise ValueError(f"{name} is not in the inputs file; export cases and inputs together")
    if list(tensor.shape) != spec["shape"] or tensor.dtype != DTYPES[spec["dtype"]]:
        raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, the case says {spec['dtype']} {spec['shape']}")
    return tensor


def number(value):
    """A number of an attribute: infinities are strings there, and a whole number may be an integer."""
    value = float(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def elementwise(function):
    """A function of two tensors, the second of which may be the attribute `scalar`."""

    def call(a, x, *rest):
        other = rest[0] if rest else number(a["scalar"])
        return function(x, other)

    return call


def elementwise_div(a, x, *rest):
    rounding = "floor" if a["kind"] == "floor_div" else None
    return torch.div(x, rest[0] if rest else number(a["scalar"]), rounding_mode=rounding)


def unary(function):
    return lambda a, x: function(x)


def creation(function):
    return lambda a, *x: function(rows(a, x), dtype=DTYPES[a["dtype"]])


def empty(a, *x):
    return x[0].clone() if x else fill(a)


def fill(a, *x):
    return torch.full(rows(a, x), number(a["value"]), dtype=DTYPES[a["dtype"]])


def reduce(function):
    return lambda a, x: function(x, a["dims"] or list(range(x.dim())), keepdim=a["keepdim"])


def one_dimension(function):
    """A reduction that takes one dimension or none."""
    return lambda a, x: function(x, a["dims"][0], keepdim=a["keepdim"]) if a["dims"] else function(x)


def bounds(a, names):
    return {name: number(a[name]) for name in names if a.get(name) is not None}


def dtype(a):
    return DTYPES[a["dtype"]] if a.get("dtype") else None


def new_gelu(a, x):
    from transformers.activations import NewGELUActivation

    return NewGELUActivation()(x)


def rms_norm(a, x, weight):
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    module = LlamaRMSNorm(weight.numel(), a["eps"])
    module.load_state_dict({"weight": weight})
    return module(x)


def rotary_embedding(a, x, cos, sin):
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    return apply_rotary_pos_emb(x, x, cos[:, 0], sin[:, 0])[0]


def attention(a, query, key, value, mask=None):
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=a["is_causal"], scale=a.get("scale")
    )


def conv2d(a, x, weight, bias=None):
    return F.conv2d(x, weight, bias, a["stride"], a["padding"], a["dilation"], a["groups"])


def where(a, condition, x=None, other=None):
    if x is None:
        return torch.where(condition)
    return torch.where(condition, x, number(a["other"]) if other is None else other)


def paste_masks(a, masks, boxes):
    from torchvision.models.detection.roi_heads import paste_mask_in_image

    size = (a["height"], a["width"])
    pasted = [paste_mask_in_image(mask[0], box, *size) for mask, box in zip(masks, boxes)]
    return torch.stack(pasted)[:, None] if pasted else masks.new_zeros((0, 1, *size))


def frozen_batch_norm(a, x, weight, bias, mean, var):
    from torchvision.ops import FrozenBatchNorm2d

    module = FrozenBatchNorm2d(weight.numel(), a["eps"])
    module.load_state_dict({"weight": weight, "bias": bias, "running_mean": mean, "running_var": var})
    return module(x)


def roi_align(a, features, rois):
    return torchvision.ops.roi_align(
        features, rois, (a["pooled_height"], a["pooled_width"]), a["spatial_scale"], a["sampling_ratio"], a["aligned"])


def rows(a, inputs):
    """A size whose first dimension is that of an input, where the attributes say so."""
    return [inputs[0].shape[0], *a["size"]] if a.get("rows") else a["size"]


def unbind(a, x):
    pieces = list(x.unbind(a["dim"]))
    return pieces + pieces[-1:] * ((a.get("count") or 0) - len(pieces))


def copy_(a, part, source, whole):
    region = tuple(slice(size) for size in source.shape)
    whole = whole.clone()
    whole.select(a["dim"], a["index"])[region].copy_(source)
    return whole


OPS = {
    # gemm
    "linear": lambda a, *x: F.linear(*x),
    "addmm": lambda a, *x: torch.addmm(*x),
    "matmul": lambda a, *x: torch.matmul(*x),
    "bmm": lambda a, *x: torch.bmm(*x),
    "einsum": lambda a, *x: torch.einsum(a["equation"], *x),
    "conv2d": conv2d,
    "conv_transpose2d": lambda a, x, weight, bias=None: F.conv_transpose2d(
        x, weight, bias, a["stride"], a["padding"], a["output_padding"], 1, a["dilation"]),
    "scaled_dot_product_attention": attention,
    # activation
    "gelu": lambda a, x: F.gelu(x, approximate=a["approximate"]),
    "new_gelu": new_gelu,
    "hardtanh": lambda a, x: F.hardtanh(x, number(a["min_val"]), number(a["max_val"])),
    "softplus": lambda a, x: F.softplus(x, number(a["beta"]), number(a["threshold"])),
    # normalization
    "layer_norm": lambda a, x, *wb: F.layer_norm(x, a["normalized_shape"], *wb, eps=a["eps"]),
    "rms_norm": rms_norm,
    "batch_norm": lambda a, x, w, b, mean, var: F.batch_norm(x, mean, var, w, b, eps=a["eps"]),
    "frozen_batch_norm": frozen_batch_norm,
    "group_norm": lambda a, x, w, b: F.group_norm(x, a["num_groups"], w, b, a["eps"]),
    # arithmetic
    "rsub": elementwise(torch.rsub),
    "pow": lambda a, x: torch.pow(number(a["base"]), x) if "base" in a else torch.pow(x, number(a.get("exponent", 0.0))),
    "div": elementwise_div,
    "__and__": lambda a, x, y: x & y,
    "__or__": lambda a, x, y: x | y,
    "all": one_dimension(torch.all),
    "any": one_dimension(torch.any),
    "max": one_dimension(torch.max),
    "min": one_dimension(torch.min),
    "argmax": one_dimension(torch.argmax),
    "cumsum": lambda a, x: torch.cumsum(x, a["dim"], dtype=dtype(a)),
    "diff": lambda a, x, prepend=None: torch.diff(x, dim=a["dim"], prepend=prepend),
    "rotary_embedding": rotary_embedding,
    "clamp_min": lambda a, x: torch.clamp_min(x, number(a["min"])),
    "linalg_vector_norm": lambda a, x: torch.linalg.vector_norm(x, a["ord"], a["dim"] or None, a["keepdim"]),
    "clamp": lambda a, x: torch.clamp(x, **bounds(a, ["min", "max"])),
    # memory
    "arange": lambda a, *x: torch.arange(a["start"], len(x[0]) if x else a["end"], a["step"], dtype=dtype(a)),
    "full": fill,
    "empty": empty,
    "zeros": creation(torch.zeros),
    "ones": creation(torch.ones),
    "new_full": lambda a, x: x.new_full(a["size"], number(a["value"]), dtype=dtype(a)),
    "new_zeros": lambda a, x: x.new_zeros(a["size"], dtype=dtype(a)),
    "new_ones": lambda a, x: x.new_ones(a["size"], dtype=dtype(a)),
    "view": lambda a, x: x.view(a["size"]),
    "repeat": lambda a, x: x.repeat(a["repeats"]),
    "reshape": lambda a, x: x.reshape(a["shape"]),
    "flatten": lambda a, x: x.flatten(a["start_dim"], a["end_dim"]),
    "transpose": lambda a, x: x.transpose(a["dim0"], a["dim1"]),
    "permute": lambda a, x: x.permute(a["dims"]),
    "expand": lambda a, x: x.expand(a["size"]),
    "slice": lambda a, x: torch.ops.aten.slice(x, a["dim"], a["start"], a.get("end"), a["step"]),
    "select": lambda a, x: x.select(a["dim"], a["index"]),
    "split": lambda a, x: x.split(a["split_size"], a["dim"]),
    "chunk": lambda a, x: x.chunk(a["chunks"], a["dim"]),
    "cat": lambda a, *x: torch.cat(x, a["dim"]),
    "stack": lambda a, *x: torch.stack(x, a["dim"]),
    "squeeze": lambda a, x: x.squeeze() if a.get("dim") is None else x.squeeze(a["dim"]),
    "unsqueeze": lambda a, x: x.unsqueeze(a["dim"]),
    "to": lambda a, x: x.to(dtype(a)),
    "where": where,
    "masked_fill": lambda a, x, mask: x.masked_fill(mask, number(a["value"])),
    "gather": lambda a, x, index: torch.gather(x, a["dim"], index),
    "index_select": lambda a, x, index: torch.index_select(x, a["dim"], index),
    "index": lambda a, x, *indices: x[indices],
    "roll": lambda a, x: torch.roll(x, a["shifts"], a["dims"]),
    "pad": lambda a, x: F.pad(x, a["pad"], value=float(a["value"])),
    "is_nonzero": lambda a, x: torch.tensor(torch.is_nonzero(x)),
    "unbind": unbind,
    "copy_": copy_,
    "fill_": lambda a, x: torch.fill(x, number(a["value"])),
    "full_like": lambda a, x: torch.full_like(x, number(a["fill_value"]), dtype=dtype(a)),
    "zeros_like": lambda a, x: torch.zeros_like(x, dtype=dtype(a)),
    "meshgrid": lambda a, *x: torch.meshgrid(*x, indexing="ij"),
    "expand_as": lambda a, x, other: x.expand_as(other),
    "split_with_sizes": lambda a, x, *like: x.split(a["split_sizes"] or [len(other) for other in like], a["dim"]),
    "index_put_": lambda a, x, index, values: x.index_put((index,), values),
    "nonzero": lambda a, x: torch.nonzero(x),
    "one_hot": lambda a, x: F.one_hot(x, a["num_classes"]),
    "item": lambda a, x: x.reshape(()),
    "index_add_": lambda a, x, index, source: torch.index_add(x, a["dim"], index, source),
    "topk": lambda a, x: torch.topk(x, a["k"], a["dim"]),
    "sort": lambda a, x: torch.sort(x, dim=a["dim"], descending=a["descending"], stable=True),
    "_unique2": lambda a, x: torch.ops.aten._unique2(x),
    # regions of interest, interpolation
    "nms": lambda a, boxes, scores: torchvision.ops.nms(boxes, scores, a["iou_threshold"]),
    "roi_align": roi_align,
    "upsample_bilinear2d": lambda a, x: F.interpolate(
        x, a["output_size"], mode="bilinear", align_corners=a.get("align_corners", False)),
    "upsample_nearest2d": lambda a, x: F.interpolate(x, a["output_size"], mode="nearest"),
    "paste_masks_in_image": paste_masks,
    # the rest
    "softmax": lambda a, x: torch.softmax(x, a["dim"], dtype=dtype(a)),
    "log_softmax": lambda a, x: torch.log_softmax(x, a["dim"], dtype=dtype(a)),
    "embedding": lambda a, weight, indices: F.embedding(indices, weight),
    "max_pool2d": lambda a, x: F.max_pool2d(x, a["kernel_size"], a["stride"], a["padding"], a["dilation"]),
    "avg_pool2d": lambda a, x: F.avg_pool2d(
        x, a["kernel_size"], a["stride"], a["padding"], count_include_pad=a["count_include_pad"]
    ),
    "adaptive_avg_pool1d": lambda a, x: F.adaptive_avg_pool1d(x, a["output_size"]),
    "adaptive_avg_pool2d": lambda a, x: F.adaptive_avg_pool2d(x, a["output_size"]),
    "dropout": lambda a, x: F.dropout(x, a["p"], training=False),
    # families whose members have PyTorch's own name and no attributes but `scalar` and `inplace`
    **{name: elementwise(getattr(torch, name)) for name in
       "add sub mul maximum minimum eq ne lt le gt greater ge logical_and logical_or".split()},
    **{name: unary(getattr(torch, name)) for name in
       "neg abs floor ceil exp log log2 sqrt rsqrt sin cos reciprocal erf bitwise_not logical_not".split()},
    **{name: unary(getattr(torch, name)) for name in "detach clone sigmoid tanh".split()},
    **{name: unary(getattr(F, name)) for name in "relu silu hardswish hardsigmoid".split()},
    **{name: unary(getattr(torch.ops.aten, name)) for name in "alias lift_fresh contiguous".split()},
    **{name: reduce(getattr(torch, name)) for name in "sum mean amax amin".split()},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    args = parser.parse_args()
    inputs = load_tensors(args.inputs)
    cases = [case for case in json.loads(args.cases.read_text()) if args.only in case["case"]]
    unknown = sorted({case["op"] for case in cases} - set(OPS))
    if unknown:
        raise ValueError(f"not in the table of ops_golden.py: {', '.join(unknown)}")
    outputs = {}
    for case in cases:
        name = case["case"]
        tensors = [read_input(inputs, f"{name}/in{i}", spec) for i, spec in enumerate(case["inputs"])]
        for i, tensor in enumerate(compute(case, tensors)):
            outputs[f"{name}/out{i}"] = tensor
    save_tensors(outputs, args.out)
    print(f"{len(outputs)} outputs")


if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.inference_mode():
        try:
            main()
        except (ValueError, OSError) as error:
            sys.exit(f"ops_golden.py: {error}")
