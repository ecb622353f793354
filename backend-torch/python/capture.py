"""Captures a model of PyTorch for nongemm: a TorchScript archive and its inputs.

    from capture import capture
    capture(model, (images,), "mymodel.pt")                            # positional inputs
    capture(bert, {"input_ids": ids, "attention_mask": mask}, "bert.pt")   # keyword inputs

then `nongemm bench --model mymodel.pt --backend torch` (or `torch:script`). Works for any `nn.Module`
that `torch.jit.trace` takes, Hugging Face's models included. Needs torch and safetensors.

A trace is what ran with these inputs, but for a few things: what nothing uses is left out, and what Python
asks of a tensor's values is decided once and for all; some operators are what they call (`_convolution` for
`conv2d`); `x[:, i]` slices what eager indexing takes whole; `contiguous` is a call even where nothing is to
do; constants made by `torch.tensor` are made only once; a number computed from sizes is a tensor.
"""

import inspect
from pathlib import Path

import torch


class _Flat(torch.nn.Module):
    """Calls a model with tensors by name and returns the tensors of its result, in order."""

    def __init__(self, model, names):
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *tensors):
        result = self.model(**dict(zip(self.names, tensors)))
        leaves = [leaf for leaf in torch.utils._pytree.tree_leaves(_plain(result))
                  if isinstance(leaf, torch.Tensor)]
        return tuple(leaves)


def _plain(value):
    """Data classes of results, such as Hugging Face's, as dictionaries without what is not set."""
    if hasattr(value, "to_tuple"):
        return value.to_tuple()
    return value


def capture(model, inputs, path):
    """Traces `model` with `inputs`, a tuple or a dictionary of tensors, and writes `path` (.pt) and
    the inputs beside it (.inputs.safetensors)."""
    from safetensors.torch import save_file

    path = Path(path)
    if path.suffix != ".pt":
        raise ValueError(f"{path} must end in .pt")
    model = model.eval()
    if not isinstance(inputs, dict):
        names = list(inspect.signature(model.forward).parameters)[: len(inputs)]
        if len(names) < len(inputs):
            raise ValueError(f"forward takes {len(names)} named arguments, got {len(inputs)} inputs")
        inputs = dict(zip(names, inputs))
    for name, value in inputs.items():
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"input {name} must be a tensor, is {type(value).__name__}")
    names = list(inputs)
    with torch.no_grad():
        traced = torch.jit.trace(_Flat(model, names), tuple(inputs.values()), check_trace=False)
    arguments = [value.debugName() for value in list(traced.graph.inputs())[1:]]
    traced.save(str(path))
    # The archive names its arguments in its own way; the inputs follow it.
    stored = [a.name for a in torch.jit.load(str(path)).forward.schema.arguments[1:]]
    assert len(stored) == len(arguments) == len(names)
    tensors = {stored[i]: inputs[name].contiguous() for i, name in enumerate(names)}
    save_file(tensors, str(path.with_suffix("")) + ".inputs.safetensors")
    return path
