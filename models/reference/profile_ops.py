"""Counts the top-level operators of an eager forward pass with torch's own profiler.

The operators that no other operator called, by the profiler's names (`aten::linear`, `aten::add_`, ...): what PyTorch
itself reports to its users, and independent of the execution trace that trace_ops.py reads.
"""

from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile


def profile_counts(forward):
    """Runs `forward()` twice without gradients, the second time profiled, and counts its top-level operators."""
    with torch.no_grad():
        forward()  # what only a first call does is not counted
        with profile(activities=[ProfilerActivity.CPU]) as recorded:
            forward()
    return Counter(event.name for event in recorded.events() if is_operator(event) and not called_by_operator(event))


def is_operator(event):
    return "::" in event.name and not event.name.startswith("profiler::")


def called_by_operator(event):
    caller = event.cpu_parent
    while caller is not None:
        if is_operator(caller):
            return True
        caller = caller.cpu_parent
    return False
