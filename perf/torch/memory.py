"""Peak memory of nongemm's flows against that of the reference in Python, for the same model, weights and input.

    cargo xtask perf memory [MODEL ..] [--backend ID,..] [--dtype f32|f16|bf16] [--batch N] [--set KEY=VALUE ..]

Each side is a process of its own, and what counts is the most that it ever had resident: libraries, loading of weights
and checks of outputs included. The reference reads its weights straight into the model, from a file that it does not
map, and runs three times. Beside the ratio stands what nongemm takes beyond weights and the intermediate results that
are alive at the same time. Models whose weights do not fit into free memory are left out.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from common import REFERENCE, bench, each, export, overrides, parse, run, too_large

MB = 1e6
BYTES = {"f32": 4, "f16": 2, "bf16": 2}
# How often weights are in memory at the same time, at most: in ONNX Runtime, the model's and those that it lays out anew.
COPIES = 2.2


def sizes(args):
    return ["--dtype", args.dtype, "--batch", args.batch]


def in_python(args, model_id, spec):
    """The peak of the reference."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        export(args, model_id, folder, *sizes(args))
        return int(run([
            sys.executable, REFERENCE / "reference.py", "memory", "--model", model_id, "--dtype", args.dtype, "--config",
            json.dumps(overrides(args, spec)), "--weights", folder / "weights.safetensors", "--inputs",
            folder / "inputs.safetensors"]))


def compare(args, model_id):
    """Prints a line for each flow; whether none took more than the reference."""
    reason = too_large(args, model_id, COPIES, BYTES[args.dtype])
    if reason is not None:
        print(f"  {model_id:14} {reason}", flush=True)
        return True
    python, fits = None, True
    for backend in args.backend.split(","):
        record = bench(args, model_id, backend, "--max-time", "1s", *sizes(args))
        if python is None:
            python = in_python(args, model_id, record["spec"])
            print(f"  {model_id:14} {'Python':13} {python / MB:7.0f} MB", flush=True)
        memory = record["memory"]
        peak = memory["peak_rss_bytes"]
        beyond = peak - memory["weights_bytes"] - memory["activation_bytes"]
        more = "  MORE" if peak > python else ""
        print(f"  {'':14} {backend:13} {peak / MB:7.0f} MB, ratio {peak / python:.2f}, "
              f"{beyond / MB:.0f} MB beyond weights and activations{more}", flush=True)
        fits = fits and peak <= python
    return fits


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask perf memory")
    parser.add_argument("--backend", default="torch,candle,ort")
    parser.add_argument("--dtype", default="f32", choices=list(BYTES))
    parser.add_argument("--batch", type=int, default=1)
    args = parse(parser)
    print("peak memory against Python (target: ratio at most 1.0):", flush=True)
    sys.exit(0 if each(args, lambda model_id: compare(args, model_id)) else 1)


if __name__ == "__main__":
    main()
