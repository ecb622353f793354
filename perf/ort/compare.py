"""nongemm's exported models against those of PyTorch's own exporter, on the same ONNX Runtime.

    cargo xtask perf ort [MODEL ..] [--rounds N] [--seconds S] [--threads N] [--set KEY=VALUE ..]

Both files of a model have the weights of the reference model. They run in this one process, on one library, in
sessions with the same options, in turn, run by run, with inputs and outputs bound. Before anything is timed
their outputs are compared with the reference's. Each round has new sessions, ours and the other made first in
turn, because where their weights happen to lie was seen to make one percent. The ratio of a round is that of the
two medians; what is printed is the median of the rounds' ratios with their range, and what ONNX Runtime's
profiler costs `nongemm`.
"""

import argparse
import gc
import json
import logging
import math
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "reference"))

import reference  # sets the environment before libraries are imported

import numpy as np
import onnxruntime as ort
import torch
from checkpoint import save_tensors
from families import FAMILIES, build

DEFAULT = ["bert", "gpt2", "vit-b16", "swin-t", "resnet50", "segformer-b0"]
TARGET = 1.02
# Relative to the largest magnitude of an output.
TOLERANCE = 1e-3


class Positional(torch.nn.Module):
    """A reference model as a module of positional tensors, for exporting."""

    def __init__(self, family, model, names):
        super().__init__()
        self.family, self.model, self.names = family, model, names

    def forward(self, *tensors):
        return tuple(self.family.forward(self.model, dict(zip(self.names, tensors))).values())


def nongemm(args, *words):
    """Runs nongemm; the last line that it says is the reason where it fails."""
    settings = [word for setting in args.set for word in ("--set", setting)]
    command = [args.binary, *map(str, words), *settings]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RuntimeError(f"nongemm {words[0]}: {said[-1]}")


def our_file(args, model_id, model, folder):
    """The model with the reference's weights, as nongemm writes it."""
    weights = folder / "weights.safetensors"
    save_tensors(dict(model.state_dict()), weights)
    nongemm(args, "export", model_id, "--out", folder, "--weights", weights)
    weights.unlink()
    return folder / f"{model_id}.onnx"


def their_file(family, model, inputs, folder):
    """The model as PyTorch's exporter writes it, with its defaults."""
    module = Positional(family, model, list(inputs)).eval()
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(module, tuple(inputs.values()), dynamo=True, verbose=False)
    path = folder / "torch.onnx"
    program.save(path)
    return path


def session(path, threads):
    """The options that nongemm runs with."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # Else the idle threads of one session spin for a while and take the processor from the other.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs_for(model, family, config):
    """The reference's inputs in the sizes of an exported model."""
    shapes = {entry.name: entry.shape for entry in model.get_inputs()}
    sizes = next(iter(shapes.values()))
    batch, seq, image = sizes[0], sizes[-1], sizes[-1]
    inputs = family.example_inputs(config, batch=batch, seq=seq, image=image)
    found = {name: list(tensor.shape) for name, tensor in inputs.items()}
    if found != shapes:
        raise RuntimeError(f"the reference takes {found}, the exported model {shapes}")
    return inputs


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


def difference(found, expected, whose):
    """The largest difference of outputs from the reference's, relative to the largest magnitude of an output."""
    shapes = [list(a.shape) for a in found], [list(b.shape) for b in expected]
    if shapes[0] != shapes[1]:
        raise RuntimeError(f"{whose} outputs have the shapes {shapes[0]}, the reference's {shapes[1]}")
    worst = 0.0
    for a, b in zip(found, expected):
        off = float(np.abs(a.astype(np.float64) - b).max() / np.abs(b).max())
        if not off <= TOLERANCE:
            raise RuntimeError(f"{whose} outputs differ from the reference's by {off:.1e} of the largest")
        worst = max(worst, off)
    return worst


def in_turn(ours, theirs, seconds):
    """The medians of two calls that run in turn."""
    times = ([], [])
    started = time.perf_counter()
    while len(times[0]) < 5 or time.perf_counter() - started < seconds:
        order = (0, 1) if len(times[0]) % 2 == 0 else (1, 0)
        for side in order:
            begin = time.perf_counter_ns()
            (ours, theirs)[side]()
            times[side].append(time.perf_counter_ns() - begin)
    return [statistics.median(side) for side in times]


def profiler_cost(args, model_id, folder):
    """What the profiler costs, from a run of nongemm."""
    nongemm(args, "bench", "--model", model_id, "--backend", "ort", "--threads", args.threads,
            "--max-time", f"{args.seconds}s", "--min-samples", "5", "--out", folder)
    record = json.loads(next(folder.glob("*/run.json")).read_text())
    return record["profile"]["perturbation"]


def without_zeros(model):
    """Fills biases that are zero, as those of new models are: PyTorch's exporter leaves them out of the products
    that they are added to. Trained models have none."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)


def exported(args, model_id, folder):
    """Both files, ours first, their inputs, and the reference's outputs."""
    overrides = dict(setting.split("=", 1) for setting in args.set)
    family, config, model = build(model_id, overrides)
    without_zeros(model)
    ours = our_file(args, model_id, model, folder)
    inputs = inputs_for(session(ours, args.threads), family, config)
    theirs = their_file(family, model, inputs, folder)
    with torch.inference_mode():
        expected = [output.double().numpy() for output in family.forward(model, inputs).values()]
    return (ours, theirs), {name: tensor.numpy() for name, tensor in inputs.items()}, expected


def one_round(args, paths, inputs, expected, number):
    """The medians of both sides, ours first, and how far their outputs are from the reference's."""
    calls, off = {}, {}
    for side in (0, 1) if number % 2 == 0 else (1, 0):
        calls[side], outputs = bound(session(paths[side], args.threads), inputs)
        for _ in range(2):
            calls[side]()
        off[side] = difference(outputs(), expected, ("our", "torch.onnx's")[side])
    return in_turn(calls[0], calls[1], args.seconds), (off[0], off[1])


def compare(args, model_id):
    """The ratio of our latency to theirs."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        paths, inputs, expected = exported(args, model_id, folder)
        gc.collect()
        rounds, off = zip(*(one_round(args, paths, inputs, expected, number) for number in range(args.rounds)))
        cost = profiler_cost(args, model_id, folder / "results")
    off = [max(side) for side in zip(*off)]
    ratios = [ours / theirs for ours, theirs in rounds]
    print(f"  {model_id:14} {statistics.median(theirs for _, theirs in rounds) / 1e6:9.2f} ms from torch.onnx, "
          f"ratio {statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}], "
          f"outputs off by {off[0]:.1e} and {off[1]:.1e}, profiler {100 * cost:5.2f}%", flush=True)
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
    for model_id in args.models:
        if model_id not in FAMILIES:
            parser.error(f"no model {model_id}; known: {', '.join(FAMILIES)}")
    torch.set_num_threads(args.threads)
    logging.disable(logging.WARNING)  # the exporter's
    print(f"exported models on ONNX Runtime {ort.__version__}, torch {torch.__version__}, {args.threads} threads "
          f"(target: ratio at most {TARGET}):", flush=True)
    ratios, failed = [], False
    for model_id in args.models or DEFAULT:
        try:
            ratios.append(compare(args, model_id))
        except Exception as error:  # the others are still of use
            first = str(error).strip().splitlines() or [type(error).__name__]
            failed = True
            print(f"  {model_id:14} failed: {first[0]}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"  geometric mean over {len(ratios)} models {mean:.3f}, largest {max(ratios):.3f}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
