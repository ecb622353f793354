"""Peak memory of nongemm's flows against that of the reference in Python, for the same model, weights and input.

    python memory.py NONGEMM PARITY [MODEL ..] [--backend torch,candle] [--set KEY=VALUE ..] [--dtype f32|f16|bf16]
                     [--batch N]

NONGEMM is the binary with these backends, PARITY the example `parity`, which writes weights and inputs; Python is that of
`cargo xtask setup`.

Each side is a process of its own, and what counts is the most that it ever had resident: libraries, loading of weights
and checks of outputs included. The reference reads its weights straight into the model, from a file that it does not
map, and runs three times.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parent.parent / "models" / "reference"
MB = 1e6


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or done.stdout.strip().splitlines() or ["no message"]
        raise RuntimeError(lines[-1])
    return done.stdout


def settings(args):
    return [part for setting in args.set for part in ("--set", setting)]


def in_nongemm(args, model_id, backend):
    """The peak that the worker process records."""
    with tempfile.TemporaryDirectory() as out:
        run([args.nongemm, "bench", "--model", model_id, "--backend", backend, "--dtype", args.dtype, "--batch",
             args.batch, "--max-time", "1s", "--min-samples", "3", "--out", out, *settings(args)])
        (record,) = Path(out).glob("*/run.json")
        memory = json.loads(record.read_text())["memory"]
        return memory["peak_rss_bytes"], memory["weights_bytes"], memory["activation_bytes"]


def in_python(args, model_id, folder):
    """The peak of the reference, on the weights and inputs in a folder."""
    config = dict(setting.split("=", 1) for setting in args.set)
    return int(run([sys.executable, REFERENCE / "reference.py", "memory", "--model", model_id, "--config",
                    json.dumps(config), "--dtype", args.dtype, "--weights", folder / "weights.safetensors", "--inputs",
                    folder / "inputs.safetensors"]))


def compare(args, model_id):
    """Prints a line for a model; whether no flow took more than the reference."""
    with tempfile.TemporaryDirectory() as folder:
        run([args.parity, "--full", "--export", "--model", model_id, "--dtype", args.dtype, "--batch", args.batch,
             "--dir", folder, *settings(args)])
        python = in_python(args, model_id, Path(folder))
    line, fits = f"  {model_id:14} {python / MB:7.0f} MB in Python", True
    for backend in args.backend.split(","):
        peak, weights, activations = in_nongemm(args, model_id, backend)
        beyond = peak - weights - activations
        line += f", {backend} {peak / MB:6.0f} MB, ratio {peak / python:.2f} ({beyond / MB:.0f} MB beyond weights and activations)"
        fits = fits and peak <= python
    print(line + ("" if fits else "  MORE"), flush=True)
    return fits


def main():
    parser = argparse.ArgumentParser(prog="memory.py")
    parser.add_argument("nongemm")
    parser.add_argument("parity")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--backend", default="torch,candle")
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    known = [model["id"] for model in json.loads(run([args.nongemm, "list", "models", "--json"]))]
    fits = True
    for model_id in args.models or known:
        try:
            fits = compare(args, model_id) and fits
        except RuntimeError as error:
            fits = False
            print(f"  {model_id:14} {error}", flush=True)
    sys.exit(0 if fits else 1)


if __name__ == "__main__":
    main()
