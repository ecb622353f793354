"""Checkpoints as named tensors: what one holds, and loading one without tolerance for stray names."""

import json
import struct
from dataclasses import dataclass

import safetensors.torch
import torch
import transformers
from transformers.core_model_loading import revert_weight_conversion

DTYPE_NAMES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.int64: "i64", torch.bool: "bool"}

# Last parts of the names of entries that are not weights: a count and a loss's constants, which no inference reads, and
# a table of indices that the size of a window decides.
BOOKKEEPING = ("num_batches_tracked", "criterion.empty_weight", "relative_position_index")


@dataclass
class Entry:
    """One checkpoint entry.

    `name` is the name in published checkpoints; `module_name` is the one in `state_dict()`, which differs where
    transformers renamed modules after publication and renames on loading. `tied_to` names the entry whose storage this
    one shares; `pieces` are the names and shapes of the tensors that published checkpoints hold in its place, in the
    order in which their elements make up its own; `bookkeeping` marks entries that no inference reads or that the
    configuration decides. Tied and bookkeeping entries may be absent from a weights file.
    """

    name: str
    module_name: str
    tensor: torch.Tensor
    tied_to: str | None
    pieces: list

    @property
    def shape(self):
        return list(self.tensor.shape)

    @property
    def bookkeeping(self):
        return self.name.endswith(BOOKKEEPING)

    @property
    def optional(self):
        return self.bookkeeping or self.tied_to is not None

    def to_json(self):
        """`[name, shape, dtype]`, followed by an object with the marks that apply, if any does."""
        marks = {}
        if self.module_name != self.name:
            marks["module_name"] = self.module_name
        if self.tied_to is not None:
            marks["tied_to"] = self.tied_to
        if self.pieces:
            marks["pieces"] = self.pieces
        if self.bookkeeping:
            marks["bookkeeping"] = True
        return [self.name, self.shape, DTYPE_NAMES[self.tensor.dtype]] + ([marks] if marks else [])


def checkpoint_entries(model):
    """The parameters and persistent buffers of a model in `state_dict()` order."""
    state = model.state_dict(keep_vars=True)
    published = published_names(model, state)
    first = {}
    entries = []
    for module_name, tensor in state.items():
        name, pieces = published[module_name]
        owner = first.setdefault(id(tensor), name)
        entries.append(Entry(name, module_name, tensor, None if owner == name else owner, pieces))
    return entries


def published_names(model, state):
    """Maps `state_dict()` names to the name in published checkpoints and the pieces there, if it is kept in pieces."""
    if not isinstance(model, transformers.PreTrainedModel):
        return {name: (name, []) for name in state}
    # One small tensor per name, so that the renamed ones can be told apart even where weights are tied. Its only element
    # is a number of its own; of what is kept in pieces, every piece gets one.
    probes = {name: torch.zeros(tensor.dim() * (1,)) for name, tensor in state.items()}
    fused = [name for name in state if name.endswith((".experts.gate_up_proj", ".experts.down_proj"))]
    for number, name in enumerate(fused):
        count, parts = state[name].shape[0], 2 if name.endswith("gate_up_proj") else 1
        probes[name] = (1000 * (number + 1) + torch.arange(count * parts, dtype=torch.float32)).reshape(count, parts, 1)
    reverted = revert_weight_conversion(model, dict(probes))
    renamed = {id(probe): name for name, probe in reverted.items()}
    shapes = {}
    if fused:
        sizes = {name: torch.empty(tensor.shape, device="meta") for name, tensor in state.items()}
        shapes = {name: list(tensor.shape) for name, tensor in revert_weight_conversion(model, sizes).items()}
    published = {}
    for name, probe in probes.items():
        if id(probe) in renamed:
            published[name] = renamed[id(probe)], []
        elif name in fused:
            numbers = probe.flatten().tolist()
            pieces = {found.item(): piece for piece, found in reverted.items()
                      if found.numel() == 1 and found.item() in numbers}
            published[name] = name, [[pieces[number], shapes[pieces[number]]] for number in numbers]
        else:
            raise ValueError(f"published checkpoints hold {name} in another form than the model")
    return published


class WeightsFile:
    """A safetensors file whose tensors are read one by one to where they belong, so that none is held twice.

    Raises ValueError if it is not one.
    """

    TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
             "I64": torch.int64, "BOOL": torch.bool}

    def __init__(self, path):
        self.file = open(path, "rb")
        try:
            (length,) = struct.unpack("<Q", self.file.read(8))
            self.header = json.loads(self.file.read(length))
        except (struct.error, ValueError) as error:
            raise ValueError(f"{path} is not a readable safetensors file: {error}") from error
        self.header.pop("__metadata__", None)
        self.start = 8 + length

    def shapes(self):
        return {name: entry["shape"] for name, entry in self.header.items()}

    def read_into(self, name, tensor):
        """Overwrites a tensor of the same shape, converting where the types differ."""
        entry = self.header[name]
        dtype = self.TYPES[entry["dtype"]]
        direct = tensor.dtype == dtype and tensor.is_contiguous()
        target = tensor if direct else torch.empty(entry["shape"], dtype=dtype)
        self.file.seek(self.start + entry["data_offsets"][0])
        elements = memoryview(target.detach().view(-1).view(torch.uint8).numpy())
        if self.file.readinto(elements) != len(elements):
            raise ValueError(f"the weights end within {name}")
        if not direct:
            tensor.copy_(target)


def load_strictly(model, weights):
    """Loads a WeightsFile into a model. Raises ValueError that lists every missing, unexpected or mis-shaped name.

    A tensor may carry the published or the `state_dict()` name.
    """
    entries = checkpoint_entries(model)
    by_name = {e.module_name: e for e in entries} | {e.name: e for e in entries}
    given = {}
    unexpected, misshaped = [], []
    for name, shape in weights.shapes().items():
        entry = by_name.get(name)
        if entry is None:
            unexpected.append(name)
        else:
            given[entry.name] = name
            if shape != entry.shape:
                misshaped.append(f"{name} (is {shape}, should be {entry.shape})")
    missing = [e.name for e in entries if not e.optional and e.name not in given]
    problems = [f"{what}: {', '.join(names)}" for what, names in (
        ("missing", missing), ("unexpected", unexpected), ("mis-shaped", misshaped)) if names]
    if not problems:
        with torch.no_grad():
            problems = read_entries(entries, given, weights)
    if problems:
        raise ValueError("the weights do not fit the model; " + "; ".join(problems))


def read_entries(entries, given, weights):
    """Reads the tensors of a file to their places; `given` maps entries to the file's names. Returns what is wrong."""
    untied = []
    for entry in entries:
        if entry.name not in given:
            continue
        if entry.tied_to in given:
            own = torch.empty_like(entry.tensor)
            weights.read_into(given[entry.name], own)
            if not torch.equal(own, entry.tensor):
                untied.append(entry.name)
        else:
            weights.read_into(given[entry.name], entry.tensor)
    return ["differing from the entry they are tied to: " + ", ".join(untied)] if untied else []


def load_tensors(path):
    """Reads a safetensors file. Raises ValueError if it is not one."""
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from error


def save_tensors(tensors, path):
    """Writes named tensors to a safetensors file."""
    # Clones, because the format forbids tensors that share storage.
    safetensors.torch.save_file({name: t.contiguous().clone() for name, t in tensors.items()}, path)
