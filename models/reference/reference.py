#!/usr/bin/env python3
"""Reference models for parity tests: what the published implementations compute and which operators they run.

    reference.py run    --model ID [--config JSON] [--dtype TYPE] --weights W.safetensors --inputs I.safetensors
                        --out O.safetensors
    reference.py memory --model ID [--config JSON] [--dtype TYPE] --weights W.safetensors --inputs I.safetensors
    reference.py params --model ID [--config JSON]
    reference.py trace  --model ID [--config JSON] [--batch B] [--seq S] [--image N]
                        [--weights W.safetensors] [--inputs I.safetensors] [--format json|text|counts]
    reference.py profile --model ID [--config JSON] [--batch B] [--seq S] [--image N]
                        [--weights W.safetensors] [--inputs I.safetensors]

Models are built from explicit configurations (families.py), with random weights, on the CPU, in eval mode and f32 unless `--dtype` says otherwise, with
eager attention and without a key/value cache. Nothing is fetched from a network.
"""

import argparse
import json
import os
import sys

# Must be set before the libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

import torch

from checkpoint import DTYPE_NAMES, WeightsFile, checkpoint_entries, load_strictly, load_tensors, save_tensors
from families import FAMILIES, build
from profile_ops import profile_counts
from trace_ops import fold_paste, trace


# By the names that nongemm gives them.
DTYPES = {name: dtype for dtype, name in DTYPE_NAMES.items() if dtype.is_floating_point}


def load_inputs(path):
    """Named inputs. Integers of any width become i64, the only width that embeddings and masks take everywhere."""
    return {name: t if t.is_floating_point() else t.long() for name, t in load_tensors(path).items()}


def cmd_run(args):
    """Runs one forward pass on given weights and inputs and writes the outputs by name."""
    family, model, inputs = build_with_weights(args)
    with torch.no_grad():
        outputs = family.forward(model, inputs)
    save_tensors(outputs, args.out)


def cmd_memory(args):
    """Prints the most memory that this process has had resident, in bytes, after some forward passes."""
    family, model, inputs = build_with_weights(args)
    with torch.inference_mode():
        for _ in range(3):
            family.forward(model, inputs)
    with open("/proc/self/status") as status:
        print(next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:")))


def build_with_weights(args):
    """The family, the model with the weights of a file, and the inputs of a file."""
    family, config, model = build(args.model, args.config, dtype=DTYPES[args.dtype], initialize=False)
    load_strictly(model, WeightsFile(args.weights))
    return family, model, load_inputs(args.inputs)


def cmd_params(args):
    """Prints the checkpoint's entries and the number of trainable parameters."""
    # Shapes only: on the meta device even the largest model costs no memory.
    _, _, model = build(args.model, args.config, device="meta")
    print(json.dumps({
        "model": args.model,
        "trainable": sum(p.numel() for p in model.parameters()),
        "entries": [entry.to_json() for entry in checkpoint_entries(model)],
    }))


def build_with_inputs(args):
    """The family, the model and inputs: those of files, or made-up ones of the sizes asked for."""
    family, config, model = build(args.model, args.config)
    if args.weights:
        load_strictly(model, WeightsFile(args.weights))
    if args.inputs:
        inputs = load_inputs(args.inputs)
    else:
        inputs = family.example_inputs(config, batch=args.batch, seq=args.seq, image=args.image)
    if family.warm_up:
        with torch.no_grad():
            family.forward(model, inputs)
    return family, model, inputs


def cmd_profile(args):
    """Prints how often torch's profiler sees each top-level operator in one eager forward pass."""
    family, model, inputs = build_with_inputs(args)
    for name, count in sorted(profile_counts(lambda: family.forward(model, inputs)).items()):
        print(name, count)


def cmd_trace(args):
    """Prints the top-level ATen operators of one eager forward pass in execution order."""
    family, model, inputs = build_with_inputs(args)
    ops = fold_paste(trace(model, lambda: family.forward(model, inputs)))
    if args.format == "counts":
        counts = {}
        for op in ops:
            counts[op.name] = counts.get(op.name, 0) + 1
        print(json.dumps(dict(sorted(counts.items()))))
    else:
        for op in ops:
            print(op.to_text() if args.format == "text" else json.dumps(op.to_json()))


def parse_args(argv):
    parser = argparse.ArgumentParser(description="Reference models for parity tests.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, run):
        sub = commands.add_parser(name, help=run.__doc__)
        sub.set_defaults(run=run)
        sub.add_argument("--model", required=True, choices=sorted(FAMILIES))
        sub.add_argument("--config", type=json.loads, default={}, help="overrides, a JSON object such as {\"layers\": 2}")
        return sub

    run = command("run", cmd_run)
    run.add_argument("--out", required=True, metavar="FILE.safetensors")
    for sub in (run, command("memory", cmd_memory)):
        for name in ("--weights", "--inputs"):
            sub.add_argument(name, required=True, metavar="FILE.safetensors")
        sub.add_argument("--dtype", choices=DTYPES, default="f32")
    command("params", cmd_params)
    tr = command("trace", cmd_trace)
    for sub in (tr, command("profile", cmd_profile)):
        sub.add_argument("--batch", type=int, default=1)
        sub.add_argument("--seq", type=int, default=8)
        sub.add_argument("--image", type=int, default=None, help="input side in pixels (default: the configuration's)")
        sub.add_argument("--inputs", metavar="FILE.safetensors", help="named inputs instead of made-up ones")
        sub.add_argument("--weights", metavar="FILE.safetensors", help="weights instead of made-up ones")
    tr.add_argument("--format", choices=["json", "text", "counts"], default="json")
    return parser.parse_args(argv)


def main():
    args = parse_args(sys.argv[1:])
    try:
        args.run(args)
    except (ValueError, OSError) as error:
        sys.exit(f"reference.py: {error}")


if __name__ == "__main__":
    main()
