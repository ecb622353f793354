"""nongemm's libtorch flows against the same models driven from Python, on the same libtorch.

    cargo xtask perf torch [MODEL ..] [--flow torch|torch:script|torch:compile] [--rounds N] [--seconds S]
                           [--set KEY=VALUE ..]

Both sides are measured in turn: a round is some seconds of nongemm in a process of its own, then as many
of Python in this one, with the same number of threads; the ratio of a round is that of the two medians.
What is printed is the median of the rounds' ratios with their range, the geometric mean over all models,
and beside nongemm's perturbation what torch.profiler costs.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "reference"))

import reference  # sets the environment before libraries are imported

import torch
from families import FAMILIES, build

DATA_DEPENDENT = {"faster-rcnn", "mask-rcnn"}
DEFAULT = ["gpt2", "bert", "vit-b16", "resnet50", "mobilenet-v2", "swin-t", "segformer-b0", "detr", "maskformer"]


def median_ns(call, seconds, least=3):
    times = []
    started = time.perf_counter()
    while len(times) < least or time.perf_counter() - started < seconds:
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times)


class Positional(torch.nn.Module):
    """A reference model as a module of positional tensors, for tracing and compiling."""

    def __init__(self, family, model, names):
        super().__init__()
        self.family, self.model, self.names = family, model, names

    def forward(self, *tensors):
        return tuple(self.family.forward(self.model, dict(zip(self.names, tensors))).values())


def in_python(model_id, flow, overrides, spec):
    """A call that runs the reference once in the flow's counterpart in Python."""
    family, config, model = build(model_id, overrides)
    inputs = family.example_inputs(config, batch=spec["batch"], seq=spec["seq"], image=spec["image"])
    if flow == "torch":
        return lambda: family.forward(model, inputs)
    module = Positional(family, model, list(inputs)).eval()
    tensors = tuple(inputs.values())
    if flow == "torch:script":
        traced = torch.jit.trace(module, tensors, check_trace=False)
        frozen = torch.jit.freeze(traced.eval())
        return lambda: frozen(*tensors)
    compiled = torch.compile(module)
    return lambda: compiled(*tensors)


def in_nongemm(binary, model_id, flow, seconds, threads, settings):
    """The record of one run of nongemm."""
    with tempfile.TemporaryDirectory() as out:
        command = [binary, "bench", "--model", model_id, "--backend", flow, "--threads", str(threads),
                   "--max-time", f"{seconds}s", "--target-ci", "0.001", "--min-samples", "3", "--out", out]
        for setting in settings:
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True)
        records = list(Path(out).glob("*/run.json"))
        if done.returncode != 0 or not records:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no run record")
        return json.loads(records[0].read_text())


def compare(args, model_id):
    overrides = dict(setting.split("=", 1) for setting in args.set)
    # A short run says which sizes the model runs at, and compiles what is not in the cache yet.
    spec = in_nongemm(args.binary, model_id, args.flow, 1, args.threads, args.set)["spec"]
    call = in_python(model_id, args.flow, overrides, spec)
    with torch.inference_mode():
        for _ in range(3):
            call()
        ratios, perturbations, pythons = [], [], []
        for _ in range(args.rounds):
            ours = in_nongemm(args.binary, model_id, args.flow, args.seconds, args.threads, args.set)
            python = median_ns(call, args.seconds)
            ratios.append(ours["latency"]["median_ns"] / python)
            pythons.append(python)
            perturbations.append(ours["profile"]["perturbation"])
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True):
            profiled = median_ns(call, min(args.seconds, 3))
    profiler = profiled / statistics.median(pythons) - 1
    ratio = statistics.median(ratios)
    print(f"  {model_id:14} {statistics.median(pythons) / 1e6:9.2f} ms in Python, ratio {ratio:.3f} "
          f"[{min(ratios):.3f}, {max(ratios):.3f}], perturbation {100 * statistics.median(perturbations):5.2f}%, "
          f"torch.profiler {100 * profiler:5.1f}%", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask perf torch")
    parser.add_argument("binary")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--flow", default="torch", choices=["torch", "torch:script", "torch:compile"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{args.flow} against Python, torch {torch.__version__}, {args.threads} threads "
          "(targets: geometric mean of the ratio at most 1.0, none above 1.05):")
    ratios = []
    for model_id in args.models or DEFAULT:
        if model_id in DATA_DEPENDENT:
            print(f"  {model_id:14} left out: its work depends on weights and picture, which differ here")
            continue
        if model_id not in FAMILIES:
            parser.error(f"no model {model_id}; known: {', '.join(FAMILIES)}")
        ratios.append(compare(args, model_id))
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"  geometric mean over {len(ratios)} models: {mean:.3f}, largest {max(ratios):.3f}")


if __name__ == "__main__":
    main()
