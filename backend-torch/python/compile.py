"""Compiles a TorchScript archive with TorchDynamo and TorchInductor into an AOTInductor package.

    python compile.py ARCHIVE INPUTS.json NODES.json THREADS PACKAGE.pt2 KERNELS.json

INPUTS.json: [{"dtype": "float32", "shape": [1, 3, 224, 224], "device": "cpu"}, ..]. NODES.json:
[{"op": .., "scope": .., "sizes": [[1, 64], null, ..]}, ..] for the archive's nodes in order, since an archive
keeps neither scopes nor sizes. KERNELS.json receives, for every kernel that was generated, the operators
that it fuses and the scopes of the archive's nodes that they come from. Only the program is read; no module
of the user is imported.
"""

import json
import operator
import re
import sys

import torch
import torch._inductor
from torch import fx
from torch._library.fake_impl import FakeImplCtx

try:
    import torchvision  # its operators on regions
except ImportError:
    torchvision = None
else:
    # torchvision asks by this name for two boxes at least, which need not be there.
    FakeImplCtx.create_unbacked_symint = FakeImplCtx.new_dynamic_size


def value_of(node):
    """The Python value of a prim::Constant."""
    if node.output().type().kind() == "NoneType":
        return None
    return node.output().toIValue()


# Whose operators say themselves when only the data decide how large their results are.
BUILT_IN = {"aten", "prims"}


class Converter:
    """Turns the straight-line graph of a traced and frozen module into a torch.fx graph."""

    def __init__(self, listing):
        self.listing = listing
        self.position = 0
        self.graph = fx.Graph()
        self.root = torch.nn.Module()
        self.constants = {}
        self.scopes = {}
        self.env = {}

    def constant(self, value):
        if not isinstance(value, torch.Tensor):
            return value
        # Weights that two layers share are one tensor.
        key = (value.data_ptr(), value.dtype, value.shape, value.stride())
        if key not in self.constants or not value.numel():
            self.constants[key] = f"constant_{len(list(self.root.buffers()))}"
            self.root.register_buffer(self.constants[key], value.detach().clone())
        return self.graph.get_attr(self.constants[key])

    def traced(self, kind):
        """What is known of the next traced node of this kind. All but constants keep their order."""
        for position in range(self.position, len(self.listing)):
            if self.listing[position]["op"] == kind:
                self.position = position + 1
                return self.listing[position]
        return {"scope": "", "sizes": []}

    def overload(self, node):
        """The overload that a node calls, with its arguments split as Python passes them."""
        namespace, name = node.kind().split("::")
        packet = getattr(getattr(torch.ops, namespace), name)
        wanted = node.schema()
        for overload_name in packet.overloads():
            overload = getattr(packet, overload_name)
            if str(overload._schema) == wanted:
                break
        else:
            raise NotImplementedError(f"{node.kind()} has no overload {wanted}")
        args, kwargs = [], {}
        for argument, value in zip(overload._schema.arguments, node.inputs()):
            operand = self.env[value.debugName()]
            if argument.kwarg_only:
                kwargs[argument.name] = operand
            else:
                args.append(operand)
        return overload, tuple(args), kwargs

    def scalar(self, node, operands):
        """Operators of TorchScript on numbers, which Python writes as expressions."""
        kind = node.kind()
        if kind in ("prim::NumToTensor", "aten::Int", "aten::Float", "aten::Bool", "aten::ScalarImplicit",
                    "aten::IntImplicit"):
            if not isinstance(operands[0], fx.Node):
                return operands[0]
            if kind == "prim::NumToTensor":
                return self.graph.call_function(torch.scalar_tensor, (operands[0],))
            return self.graph.call_method("item", (operands[0],))
        return NotImplemented

    def add(self, node):
        kind = node.kind()
        outputs = [output.debugName() for output in node.outputs()]
        if kind == "prim::Constant":
            self.env[outputs[0]] = self.constant(value_of(node))
            return
        traced = self.traced(kind)
        self.scope = traced["scope"].split("/")[-1]
        operands = [self.env[value.debugName()] for value in node.inputs()]
        if kind == "prim::ListConstruct":
            self.env[outputs[0]] = list(operands)
        elif kind == "prim::TupleConstruct":
            self.env[outputs[0]] = tuple(operands)
        elif kind in ("prim::ListUnpack", "prim::TupleUnpack"):
            for index, name in enumerate(outputs):
                source = operands[0]
                is_node = isinstance(source, fx.Node)
                if is_node:
                    call = (operator.getitem, (source, index))
                    self.env[name] = self.named("item", lambda: self.graph.call_function(*call))
                else:
                    self.env[name] = source[index]
        elif (result := self.scalar(node, operands)) is not NotImplemented:
            self.env[outputs[0]] = result
        elif node.kind().startswith("prim::"):
            raise NotImplementedError(f"{kind} cannot be exported: the program is not straight-line")
        else:
            self.env.update(zip(outputs, self.call(node, traced["sizes"])))

    def call(self, node, sizes):
        """The results of an operator."""
        target, args, kwargs = self.overload(node)
        made = self.named("op", lambda: self.graph.call_function(target, args, kwargs))
        results = [made]
        count = len(list(node.outputs()))
        if count > 1:
            results = [self.named("item", lambda: self.graph.call_function(operator.getitem, (made, index)))
                       for index in range(count)]
        if torch.Tag.dynamic_output_shape in target.tags or target.namespace not in BUILT_IN:
            for result, known in zip(results, sizes):
                self.fix(result, known or [])
        return results

    def fix(self, tensor, sizes):
        """A traced program holds for the sizes that it was traced with: those that the data decide too. The
        program that is compiled says so, and checks it when it runs."""
        for dim, size in enumerate(sizes):
            found = self.graph.call_method("size", (tensor, dim))
            same = self.graph.call_function(operator.eq, (found, size))
            self.graph.call_function(torch._check, (same,))

    def named(self, kind, make):
        """Gives what `make` adds a name that leads back to the scope of the node at hand."""
        made = make()
        made._rename(f"from_{len(self.scopes)}_{kind}")
        self.scopes[made.name] = self.scope
        return made


def convert(module, listing):
    converter = Converter(listing)
    graph = module.graph.copy()
    torch._C._jit_pass_inline(graph)
    for value in list(graph.inputs())[1:]:
        converter.env[value.debugName()] = converter.graph.placeholder(
            re.sub(r"\W", "_", "input_" + value.debugName()))
    for node in graph.nodes():
        converter.add(node)
    outputs = [converter.env[value.debugName()] for value in graph.outputs()]
    result = outputs[0] if len(outputs) == 1 else tuple(outputs)
    converter.graph.output(result if isinstance(result, tuple) else (result,))
    return fx.GraphModule(converter.root, converter.graph), converter.scopes


def library_calls():
    """The nodes that the program at hand leaves to a library's kernels."""
    from torch._inductor import ir
    from torch._inductor.virtualized import V

    calls = (operation for operation in V.graph.operations if isinstance(operation, ir.ExternKernel))
    return {call.get_origin_node() for call in calls}


def watch_kernels(scopes):
    """Collects what each generated kernel fuses, from the hooks where Inductor names kernels."""
    kernels = {}

    def origins(nodes):
        ops, found, libraries = [], [], library_calls()
        # What fuses no operator writes a small constant, as `torch.tensor` does, or lays out a library
        # call's arguments.
        otherwise = "tensor"
        for node in nodes:
            buffer = getattr(node, "node", None)
            for origin in sorted(getattr(buffer, "origins", ()), key=lambda n: n.name):
                aten = origin.meta.get("original_aten")
                if origin in libraries:
                    otherwise = "contiguous"
                elif aten is not None:
                    ops.append(str(aten).split(".")[1])
                for name in re.findall(r"\b(from_\d+_\w+) =", origin.meta.get("stack_trace") or ""):
                    found.append(scopes.get(name, ""))
        return {"ops": sorted(set(ops)) or [otherwise], "scopes": sorted(set(found) - {""}, key=scope_order)}

    def wrap(scheduling, nodes_of):
        define = scheduling.define_kernel

        def defined(self, *args, **kwargs):
            name = define(self, *args, **kwargs)
            kernels[name] = origins(nodes_of(args, kwargs))
            return name

        scheduling.define_kernel = defined

    from torch._inductor.codegen.cpp import CppScheduling

    wrap(CppScheduling, lambda args, kwargs: args[1] if len(args) > 1 else kwargs["nodes"])
    if torch.cuda.is_available():
        from torch._inductor.codegen.triton import TritonScheduling

        wrap(TritonScheduling, lambda args, kwargs: args[1] if len(args) > 1 else kwargs["node_schedule"])
    return kernels


def scope_order(scope):
    return (int(scope) if scope.isdigit() else 0, scope)


def main(archive, inputs_file, nodes_file, threads, package, kernels_file):
    torch.set_num_threads(int(threads))
    with open(inputs_file) as file:
        specs = json.load(file)
    with open(nodes_file) as file:
        listing = json.load(file)
    device = specs[0]["device"] if specs else "cpu"
    module = torch.jit.load(archive, map_location=device).eval()
    inputs = tuple(
        torch.zeros(spec["shape"], dtype=getattr(torch, spec["dtype"]), device=spec["device"])
        for spec in specs
    )
    converted, scopes = convert(module, listing)
    kernels = watch_kernels(scopes)
    with torch.no_grad():
        exported = torch.export.export(converted, inputs, strict=True)
        torch._inductor.aoti_compile_and_package(
            exported,
            package_path=package,
            inductor_configs={
                "cpp.enable_kernel_profile": True,
                # The process that loads the package has libtorch already. Naming libtorch.so would pull
                # in the CUDA libraries, also for the CPU.
                "aot_inductor.link_libtorch": False,
            },
        )
    with open(kernels_file, "w") as file:
        json.dump(kernels, file)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        if torchvision is None and "torchvision::" in str(error):
            first = "it calls operators of torchvision, which this Python does not have"
        print(f"{type(error).__name__}: {first}", file=sys.stderr)
        sys.exit(1)
