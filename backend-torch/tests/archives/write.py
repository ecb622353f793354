"""Captures small models for `tests/suite/file.rs`: for each an archive with its inputs, the outputs of its eager code and
how often PyTorch's profiler sees each operator there.

    python backend-torch/tests/archives/write.py [FOLDER]
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torchvision
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1] / "python"), str(HERE.parents[2] / "models" / "reference")]

from capture import capture
from profile_ops import profile_counts


class Unusual(torch.nn.Module):
    """Operators that have no class, and one that reads a number on the host."""

    def forward(self, x):
        y = torch.special.erfcx(x) + torch.digamma(x)
        return y * float(y.sum())


class Idioms(torch.nn.Module):
    """What tracing writes down otherwise than eager code runs it, once each."""

    def forward(self, x):
        torch.arange(3)[None]  # used by nothing
        x = x[: x.shape[1] + 1]  # a number computed from a size
        x = x[:, None]  # all of a dimension
        x = x.contiguous()  # it is already
        return torch.where(x > 0, x, torch.tensor(0.0))  # a constant tensor


class NoKernel(torch.nn.Module):
    """An operator that only GPUs have."""

    def forward(self, x: torch.Tensor):
        return torch.cudnn_convolution(x, x, [0, 0], [1, 1], [1, 1], 1, False, False, False)


class Forked(torch.nn.Module):
    """A construct that does not run node by node."""

    def forward(self, x: torch.Tensor):
        return torch.jit.wait(torch.jit.fork(torch.tanh, x)) + x


@torch.jit.script
def doubled(x: torch.Tensor):
    return x * 2


class Scaled(torch.nn.Module):
    """A module with a method that calls another one."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([3.0]))

    def scaled(self, x: torch.Tensor):
        return x.mul(self.scale)

    def forward(self, x: torch.Tensor):
        return doubled(self.scaled(x))


class Loop(torch.nn.Module):
    """Control flow, calls, lists and dictionaries: what tracing does not write and scripting does."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([Scaled(), torch.nn.Sequential(Scaled(), torch.nn.Tanh())])

    def forward(self, x: torch.Tensor, turns: torch.Tensor):
        kept: list[torch.Tensor] = []
        seen: list[torch.Tensor] = []
        for layer in self.layers:
            x = layer(x)
        for i in range(int(turns)):
            x = x * 2 if i % 2 == 0 else x.tanh() + i
            # Lists are compared element by element, in the turns in which they are equally long.
            if [turns] == seen:
                x = x.abs()
            kept.append(x)
            seen.append(turns.clone())
        a, b = x.chunk(2)
        return {"last": x, "all": torch.stack(kept), "half": a + b}


def bert():
    config = transformers.BertConfig(
        num_hidden_layers=1, hidden_size=16, num_attention_heads=2, intermediate_size=32, vocab_size=50,
        max_position_embeddings=16)
    config._attn_implementation = "eager"
    mask = torch.ones(2, 8, dtype=torch.long)
    mask[1, 5:] = 0
    return transformers.BertModel(config), {"input_ids": torch.arange(16).reshape(2, 8), "attention_mask": mask}


def inverted():
    block = torchvision.models.mobilenetv2.InvertedResidual(4, 4, 1, 2)
    return torch.nn.Sequential(block, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()), (torch.randn(2, 4, 6, 6),)


def leaves(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def script(folder, name, model, inputs):
    """Control flow and all, which tracing leaves out."""
    torch.jit.script(model).save(str(folder / f"{name}.pt"))
    save_file(inputs, folder / f"{name}.inputs.safetensors")


def write(folder, name, model, inputs, scripted=False):
    torch.manual_seed(0)
    model.eval()
    given = inputs if isinstance(inputs, dict) else None
    call = (lambda: model(**given)) if given else (lambda: model(*inputs))
    path = folder / f"{name}.pt"
    if scripted:
        script(folder, name, model, inputs)
    else:
        capture(model, inputs, path)
    with torch.inference_mode():
        result = call()
    result = result.to_tuple() if hasattr(result, "to_tuple") else result
    outputs = {str(i): leaf.contiguous().clone() for i, leaf in enumerate(leaves(result))}
    save_file(outputs, folder / f"{name}.outputs.safetensors")
    counts = profile_counts(call)
    lines = [f"{op} {count}\n" for op, count in sorted(counts.items())]
    (folder / f"{name}.profile.txt").write_text("".join(lines))


def main(folder):
    torch.manual_seed(0)
    write(folder, "bert", *bert())
    write(folder, "inverted", *inverted())
    write(folder, "unusual", Unusual(), (torch.rand(3, 4) + 0.5,))
    write(folder, "idioms", Idioms(), (torch.randn(4, 2),))
    write(folder, "loop", Loop(), {"x": torch.randn(4, 2), "turns": torch.tensor(3)}, scripted=True)
    write(folder, "forked", Forked(), {"x": torch.randn(3)}, scripted=True)
    script(folder, "no-kernel", NoKernel(), {"x": torch.randn(1, 1, 1, 1)})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
