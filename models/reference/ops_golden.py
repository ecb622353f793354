#!/usr/bin/env python3
"""Golden outputs of single operators, computed by PyTorch.

    ops_golden.py --cases CASES.json --inputs INPUTS.safetensors --out OUTPUTS.safetensors [--only SUBSTRING]

CASES.json is a list of `{"case": "softmax/last", "op": "softmax", "attrs": {...}, "inputs": [{"dtype", "shape"}, ...]}`;
the inputs' values are in INPUTS.safetensors under `CASE/in0`, `CASE/in1`, ...; outputs are written under `CASE/out0`, ...
Names are ATen's and attributes are the fields of the operator types in the `operators` crate.
"""

import argparse
import json
import math
import sys

import torch
import torch.nn.functional as F

from checkpoint import load_tensors, save_tensors

DTYPES = {
    "f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "i64": torch.int64,
    "i32": torch.int32, "u32": torch.uint32, "u8": torch.uint8, "bool": torch.bool,
}


def compute(case, inputs):
    """The outputs of one case as a list."""
    function = OPS.get(case["op"])
    if function is None:
        raise ValueError(f"{case['case']}: operator {case['op']} is not in the table of ops_golden.py")
    outputs = function(dict(case.get("attrs") or {}), *inputs)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
