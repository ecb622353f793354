#!/usr/bin/env python3
"""Writes checkpoints as they are published, with inputs and outputs, for tests that load them.

    published.py FOLDER < CASES

CASES are JSON lines `{"name", "model", "config", "batch", "seq"}`. For each, FOLDER/NAME gets what `save_pretrained` writes
for transformers' models (names and pieces of the hub's checkpoints) and `torch.save` of the state dictionary for
torchvision's, and beside it NAME.inputs.safetensors and NAME.outputs.safetensors.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

import torch
import transformers

from checkpoint import save_tensors
from families import build


def randomize(model):
    """Numbers unlike the initial ones, many of which are zero or one, and running variances that are positive."""
    generator = torch.Generator().manual_seed(2)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.rand(tensor.shape, generator=generator)
        tensor.copy_(tensor * (1 + 0.2 * noise) + 0.02 * noise)


def write(folder, case):
    family, config, model = build(case["model"], case["config"])
    with torch.no_grad():
        randomize(model)
        inputs = family.example_inputs(config, batch=case["batch"], seq=case["seq"] or 8, image=None)
        outputs = family.forward(model, inputs)
    target = folder / case["name"]
    target.mkdir()
    if case["name"].endswith("-base"):
        # Published without the head that is tied to the embeddings, and so without the prefix.
        model.base_model.save_pretrained(target)
    elif not case["name"].endswith("-pth") and isinstance(model, transformers.PreTrainedModel):
        model.save_pretrained(target)
    else:
        torch.save(model.state_dict(), target / "pytorch_model.bin")
    save_tensors(inputs, folder / f"{case['name']}.inputs.safetensors")
    save_tensors(outputs, folder / f"{case['name']}.outputs.safetensors")


def main():
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        write(folder, json.loads(line))


if __name__ == "__main__":
    main()
