"""nongemm's exported models against those of PyTorch's own exporter, on the same ONNX Runtime.

    cargo xtask perf ort [MODEL ..] [--rounds N] [--seconds S] [--set KEY=VALUE ..]

Both files of a model run in this one process with the same options, in turn, run by run, with inputs and
outputs bound; the ratio of a round is that of the two medians. What is printed is the median of the rounds'
ratios with their range, whether both compute the same, and what ONNX Runtime's profiler costs `nongemm`.
The weights are those of the reference model in both.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "reference"))

import reference  # sets the environment before libraries are imported

import numpy as np
import onnxruntime as ort
import torch
from checkpoint import save_tensors
from families import build

DEFAULT = ["bert", "gpt2", "vit-b16", "swin-t", "resnet50", "segformer-b0"]
SIZES = {"batch": 1, "seq": 128, "image": 224}


class Positional(torch.nn.Module):
    """A reference model as a module of positional tensors, for exporting."""

    def __init__(self, family, model, names):
        super().__init__()
        self.family, self.model, self.names = family, model, names

    def forward(self, *tensors):
        return tuple(self.family.forward(self.model, dict(zip(self.names, tensors))).values())


def session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def bound(model, inputs):
    """A call that runs a model once, and one that fetches its outputs."""
    binding = model.io_binding()
    declared = [entry.name for entry in model.get_inputs()]
    if len(declared) != len(inputs):
        raise RuntimeError(f"the model reads {declared}, {len(inputs)} inputs are given")
    # PyTorch's exporter gives positional inputs names of its own.
    named = inputs if set(declared) == set(inputs) else dict(zip(declared, inputs.values()))
    for name, value in named.items():
        binding.bind_cpu_input(name, value)
    for output in model.get_outputs():
        binding.bind_output(output.name)
    return lambda: model.run_with_iobinding(binding), lambda: binding.copy_outputs_to_cpu()


def in_turn(ours, theirs, seconds):
    """The ratio of the medians of two calls that run in turn."""
    times = ([], [])
    started = time.perf_counter()
    while len(times[0]) < 5 or time.perf_counter() - started < seconds:
        order = (0, 1) if len(times[0]) % 2 == 0 else (1, 0)
        for side in order:
            begin = time.perf_counter_ns()
            (ours, theirs)[side]()
            times[side].append(time.perf_counter_ns() - begin)
    medians = [statistics.median(side) for side in times]
    return medians[0] / medians[1], medians[1]


def perturbation(args, model_id, out):
    """What the profiler costs, from a run of nongemm."""
    command = [args.binary, "bench", "--model", model_id, "--backend", "ort", "--threads", str(args.threads),
               "--max-time", f"{args.seconds}s", "--min-samples", "5", "--out", str(out)]
    command += [word for setting in args.set for word in ("--set", setting)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    record = json.loads(next(Path(out).glob("*/run.json")).read_text())
    return record["profile"]["perturbation"]


def compare(args, model_id):
    overrides = dict(setting.split("=", 1) for setting in args.set)
    family, config, model = build(model_id, overrides)
    inputs = family.example_inputs(config, batch=SIZES["batch"], seq=SIZES["seq"], image=config.get("image", SIZES["image"]))
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_tensors(dict(model.state_dict()), weights)
        theirs_path = str(Path(folder) / "torch.onnx")
        module = Positional(family, model, list(inputs)).eval()
        with torch.inference_mode():
            program = torch.onnx.export(module, tuple(inputs.values()), dynamo=True, verbose=False)
            program.save(theirs_path)
        command = [args.binary, "export", model_id, "--out", folder, "--weights", str(weights)]
        if "input_ids" in inputs:
            command += ["--seq", str(SIZES["seq"])]
        command += [word for setting in args.set for word in ("--set", setting)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
        ours, our_outputs = bound(session(str(Path(folder) / f"{model_id}.onnx"), args.threads), arrays)
        theirs, their_outputs = bound(session(theirs_path, args.threads), arrays)
        for _ in range(2):
            ours()
            theirs()
        difference = max(float(np.abs(a - b).max()) for a, b in zip(our_outputs(), their_outputs()))
        rounds = [in_turn(ours, theirs, args.seconds) for _ in range(args.rounds)]
        cost = perturbation(args, model_id, Path(folder) / "results")
    ratios = [ratio for ratio, _ in rounds]
    print(f"  {model_id:14} {statistics.median(ns for _, ns in rounds) / 1e6:9.2f} ms from torch.onnx, "
          f"ratio {statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}], "
          f"outputs differ by {difference:.1e}, profiler {100 * cost:5.2f}%", flush=True)
    return statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask perf ort")
    parser.add_argument("binary")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    print(f"exported models on ONNX Runtime {ort.__version__}, {args.threads} threads "
          "(target: ratio at most 1.02):")
    ratios = [compare(args, model_id) for model_id in args.models or DEFAULT]
    print(f"  largest ratio over {len(ratios)} models: {max(ratios):.3f}")


if __name__ == "__main__":
    main()
