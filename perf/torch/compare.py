"""nongemm's libtorch flows against the same models driven from Python, on the same libtorch.

    cargo xtask perf torch [MODEL ..] [--flow torch|torch:script|torch:compile] [--rounds N] [--seconds S]
                           [--threads N] [--set KEY=VALUE ..]

Both sides have the same weights and inputs (`parity --export --dataset sample`), and the same number of
threads. They are measured in turn: a round is some seconds of nongemm in a process of its own, then as many
of Python in this one; the ratio of a round is that of the two medians. What is printed is the median of the
rounds' ratios with their range, the geometric mean over all models, and beside nongemm's perturbation what
torch.profiler costs. `torch:compile` has two counterparts in Python: `torch.compile`, and an AOTInductor
package that is compiled and loaded there. Models that do not fit into memory twice are left out.
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
from checkpoint import WeightsFile, load_strictly
from families import FAMILIES, build

# How often a model's weights are in memory at the same time, at most.
COPIES = {"torch": 2.2, "torch:script": 3.2, "torch:compile": 6}


def nanoseconds(call):
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin


def median_ns(call, seconds, least=3):
    times = []
    started = time.perf_counter()
    while len(times) < least or time.perf_counter() - started < seconds:
        times.append(nanoseconds(call))
    return statistics.median(times)


class Positional(torch.nn.Module):
    """A reference model as a module of positional tensors, for tracing and compiling."""

    def __init__(self, family, model, names):
        super().__init__()
        self.family, self.model, self.names = family, model, names

    def forward(self, *tensors):
        return tuple(self.family.forward(self.model, dict(zip(self.names, tensors))).values())


def load(model_id, overrides, spec, folder):
    """The reference model with the weights and inputs in a folder."""
    sizes = {"image": spec["image"]} if spec["image"] else {}
    family, _, model = build(model_id, {**overrides, **sizes}, initialize=False)
    load_strictly(model, WeightsFile(folder / "weights.safetensors"))
    return family, model, reference.load_inputs(folder / "inputs.safetensors")


def packaged(module, tensors, folder):
    """An AOTInductor package of a module, loaded."""
    with torch.no_grad():
        program = torch.export.export(module, tensors)
        path = torch._inductor.aoti_compile_and_package(program, package_path=str(folder / "model.pt2"))
    return torch._inductor.aoti_load_package(path)


def in_python(flow, family, model, inputs, folder):
    """The flow's counterparts in Python, by name: calls that run the reference once."""
    if flow == "torch":
        return {"eager": lambda: family.forward(model, inputs)}
    module = Positional(family, model, list(inputs)).eval()
    tensors = tuple(inputs.values())
    if flow == "torch:script":
        frozen = torch.jit.freeze(torch.jit.trace(module, tensors, check_trace=False).eval())
        return {"torch.jit": lambda: frozen(*tensors)}
    compiled = torch.compile(module)
    package = packaged(module, tensors, folder)
    return {"AOTInductor": lambda: package(*tensors), "torch.compile": lambda: compiled(*tensors)}


def in_nongemm(args, model_id, seconds):
    """The record of one run of nongemm."""
    with tempfile.TemporaryDirectory() as out:
        command = [args.binary, "bench", "--model", model_id, "--backend", args.flow, "--threads", str(args.threads),
                   "--max-time", f"{seconds}s", "--target-ci", "0.001", "--min-samples", "3", "--out", out]
        for setting in args.set:
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True)
        records = list(Path(out).glob("*/run.json"))
        if done.returncode != 0 or not records:
            said = done.stderr.strip().splitlines() or ["no run record"]
            raise RuntimeError(f"nongemm: {said[-1]}")
        return json.loads(records[0].read_text())


def export(args, model_id, folder):
    """Writes the weights and inputs that nongemm runs with."""
    command = [args.exporter, "--export", "--full", "--model", model_id, "--dataset", "sample", "--dir", folder]
    for setting in args.set:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stdout + done.stderr).strip().splitlines()[-1])


def profiler_cost(call, seconds):
    """What torch.profiler adds to a call: the median over neighbouring calls with and without it."""
    ratios = []
    started = time.perf_counter()
    while len(ratios) < 3 or time.perf_counter() - started < seconds:
        plain = nanoseconds(call)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True):
            call()  # its first call in a session makes its buffers
            profiled = nanoseconds(call)
        ratios.append(profiled / plain)
    return statistics.median(ratios) - 1


def measured(args, model_id, calls):
    """Ratios to each counterpart and perturbations, one of each for every round."""
    ratios, pythons, perturbations = {name: [] for name in calls}, {name: [] for name in calls}, []
    for _ in range(args.rounds):
        ours = in_nongemm(args, model_id, args.seconds)
        perturbations.append(ours["profile"]["perturbation"])
        for name, call in calls.items():
            pythons[name].append(median_ns(call, args.seconds))
            ratios[name].append(ours["latency"]["median_ns"] / pythons[name][-1])
    return ratios, pythons, perturbations


def compare(args, model_id):
    """The ratio to each counterpart in Python."""
    overrides = dict(setting.split("=", 1) for setting in args.set)
    # A short run says which sizes the model runs at, and compiles what is not in the cache yet.
    spec = in_nongemm(args, model_id, 1)["spec"]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        export(args, model_id, folder)
        family, model, inputs = load(model_id, overrides, spec, folder)
        calls = in_python(args.flow, family, model, inputs, folder)
    with torch.inference_mode():
        for call in calls.values():
            for _ in range(3):
                call()
        ratios, pythons, perturbations = measured(args, model_id, calls)
        profiler = profiler_cost(next(iter(calls.values())), min(args.seconds, 6))
    beside = f"perturbation {100 * statistics.median(perturbations):5.2f}%, torch.profiler {100 * profiler:5.1f}%"
    for name, values in ratios.items():
        print(f"  {model_id:14} {statistics.median(pythons[name]) / 1e6:9.2f} ms in Python ({name}), "
              f"ratio {statistics.median(values):.3f} [{min(values):.3f}, {max(values):.3f}], {beside}", flush=True)
    return {name: statistics.median(values) for name, values in ratios.items()}


def too_large(args, model_id):
    """What is said where a model does not fit into the memory that is free now."""
    _, _, model = build(model_id, {}, device="meta")
    needed = COPIES[args.flow] * sum(4 * parameter.numel() for parameter in model.parameters())
    with open("/proc/meminfo") as file:
        free = next(1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    if needed > free:
        return f"left out: needs about {needed / 1e9:.0f} GB of memory, {free / 1e9:.0f} GB are free"
    return None


def summary(ratios):
    """A line for each counterpart in Python."""
    for name in dict.fromkeys(name for model in ratios for name in model):
        values = [model[name] for model in ratios if name in model]
        mean = math.exp(sum(map(math.log, values)) / len(values))
        print(f"  against {name}: geometric mean over {len(values)} models {mean:.3f}, largest {max(values):.3f}")


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask perf torch")
    parser.add_argument("binary")
    parser.add_argument("exporter")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--flow", default="torch", choices=list(COPIES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    for model_id in args.models:
        if model_id not in FAMILIES:
            parser.error(f"no model {model_id}; known: {', '.join(FAMILIES)}")
    torch.set_num_threads(args.threads)
    print(f"{args.flow} against Python, torch {torch.__version__}, {args.threads} threads "
          "(targets: geometric mean of the ratio at most 1.0, none above 1.05):", flush=True)
    ratios, failed = [], False
    for model_id in args.models or FAMILIES:
        reason = too_large(args, model_id)
        if reason is None:
            try:
                ratios.append(compare(args, model_id))
                continue
            except Exception as error:  # the others are still of use
                first = str(error).strip().splitlines() or [type(error).__name__]
                failed, reason = True, f"failed: {first[0]}"
        print(f"  {model_id:14} {reason}", flush=True)
    summary(ratios)
    sys.exit(failed)


if __name__ == "__main__":
    main()
