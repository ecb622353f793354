"""Checks ONNX models with ONNX's own checker, and what they compute with ONNX Runtime.

A model is a folder as ONNX's own tests have it: model.onnx, and test_data_set_0 with input_0.pb, ...,
output_0.pb, ... Prints a line for each model that fails, then how many passed.

    python check.py FOLDER [--tolerance X] [--level disable|basic|extended|all]
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.shape_inference
import onnxruntime as ort

LEVELS = {
    "disable": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def tensors(folder, kind):
    found = []
    while (path := folder / f"{kind}_{len(found)}.pb").exists():
        tensor = onnx.TensorProto.FromString(path.read_bytes())
        found.append(onnx.numpy_helper.to_array(tensor))
    return found


def deviation(expected, found, relative):
    """The largest error: relative to the larger of 1 and each expected value, or to the largest of them."""
    expected, found = expected.astype(np.float64), found.astype(np.float64)
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    scale = np.abs(expected)
    scale = scale.max(initial=np.finfo(np.float64).tiny) if relative else np.maximum(scale, 1.0)
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0.0, np.abs(expected - found) / scale)
    return float(np.nan_to_num(error, nan=np.inf).max(initial=0.0))


def check(folder, options):
    path = folder / "model.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    if not (folder / "model.onnx.data").exists():
        model = onnx.load(path)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    data = folder / "test_data_set_0"
    if not data.exists():
        return 0.0
    settings = ort.SessionOptions()
    settings.graph_optimization_level = LEVELS[options.level]
    settings.log_severity_level = 3
    session = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    outputs = session.run(None, dict(zip(names, tensors(data, "input"))))
    expected = tensors(data, "output")
    if len(expected) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs for {len(expected)}")
    worst = 0.0
    for number, (want, got) in enumerate(zip(expected, outputs)):
        if want.shape != got.shape or want.dtype != got.dtype:
            raise ValueError(
                f"output {number}: {got.dtype}{got.shape} for {want.dtype}{want.shape}"
            )
        worst = max(worst, deviation(want, got, options.relative))
    if worst > options.tolerance:
        raise ValueError(f"off by {worst:.1e}")
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--relative", action="store_true")
    parser.add_argument("--level", choices=LEVELS, default="all")
    options = parser.parse_args()
    passed, failed = 0, 0
    for model in sorted(options.folder.rglob("model.onnx")):
        name = model.parent.relative_to(options.folder)
        try:
            check(model.parent, options)
            passed += 1
        except Exception as error:  # whatever it is, the others are checked too
            failed += 1
            print(f"{name}: {' '.join(str(error).split())[:600]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
