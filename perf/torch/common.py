"""What the comparisons with Python share: runs of nongemm, the reference's weights and inputs, memory that is free."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

REFERENCE = Path(__file__).resolve().parent.parent.parent / "models" / "reference"
sys.path.insert(0, str(REFERENCE))

import reference  # sets the environment before libraries are imported

from families import FAMILIES, build


def run(command):
    """What a command prints; RuntimeError with its last line if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(((done.stdout + done.stderr).strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout


def settings(args):
    return [part for setting in args.set for part in ("--set", setting)]


def overrides(args, spec):
    """The configuration as the reference takes it: it is told the image size there."""
    sizes = {"image": spec["image"]} if spec.get("image") else {}
    return {**dict(setting.split("=", 1) for setting in args.set), **sizes}


def bench(args, model_id, backend, *options):
    """The record of one run of nongemm."""
    with tempfile.TemporaryDirectory() as out:
        run([args.nongemm, "bench", "--model", model_id, "--backend", backend, "--min-samples", 3, "--out", out,
             *settings(args), *options])
        (record,) = Path(out).glob("*/run.json")
        return json.loads(record.read_text())


def export(args, model_id, folder, *options):
    """Writes the weights and inputs that nongemm runs with."""
    run([Path(args.nongemm).parent / "examples" / "parity", "--export", "--full", "--model", model_id, "--dataset", "sample", "--dir", folder, *settings(args),
         *options])


def too_large(args, model_id, copies, width=4):
    """What is said where a model's weights of so many bytes each do not fit into the memory that is free now."""
    _, _, model = build(model_id, overrides(args, {}), device="meta")
    needed = copies * sum(width * parameter.numel() for parameter in model.parameters())
    with open("/proc/meminfo") as file:
        free = next(1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    if needed > free:
        return f"left out: needs about {needed / 1e9:.0f} GB of memory, {free / 1e9:.0f} GB are free"
    return None


def parse(parser):
    """The arguments; models are checked."""
    parser.add_argument("nongemm")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    for model_id in args.models:
        if model_id not in FAMILIES:
            parser.error(f"no model {model_id}; known: {', '.join(FAMILIES)}")
    return args


def each(args, compare):
    """Compares each model; what one fails with is said, and the others go on. Whether all went well.

    `compare` returns whether a model is as it should be; it raises RuntimeError, or whatever a library does.
    """
    well = True
    for model_id in args.models or FAMILIES:
        try:
            well = compare(model_id) and well
        except Exception as error:  # the others are still of use
            first = str(error).strip().splitlines() or [type(error).__name__]
            print(f"  {model_id:14} failed: {first[0]}", flush=True)
            well = False
    return well
