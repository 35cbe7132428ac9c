"""From a built workload to the data of problem/problem.h."""

import time

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from . import errors, trace
from .workload import Workload, tensors_in


class Traced:
    """The trace of a workload: `data` is the Workload record of problem/problem.h."""

    def __init__(self, workload, report):
        self.workload = workload
        report("tracing the model")
        try:
            program = trace.export(workload.model, workload.template)
            inputs = self.input_names(program)
            self.exported, self.core, core_program = trace.graphs(program, inputs, workload.state_name, self.constant_name(program))
            operations = trace.operations(program, core_program)
        except trace.Untraceable as error:
            raise errors.user(f"{workload.path}: the model cannot be traced to ATen operators: {error}; rewrite that part of "
                              f"forward with tensor operators") from None
        except errors.Refusal:
            raise
        except Exception as error:
            raise errors.explain(error, "tracing the model", workload.path, workload.file.filename) from error
        for held in (program, core_program):  # a model of library calls alone (GRU) has no second one
            if held is not None:
                held._example_inputs = None  # they hold the file's inputs
        self.program = program
        workload.lifts = bool(self.lifted)
        self.fold_constants(program)
        self.data = self.record(program, operations)

    def input_names(self, program):
        """Plan names of the trace's user inputs in order; None for what is no tensor."""
        leaves = self.workload.leaves
        count = sum(s.kind.name == "USER_INPUT" for s in program.graph_signature.input_specs)
        if count != len(leaves):
            tensors = [name for name, leaf in leaves if isinstance(leaf, torch.Tensor)]
            if count != len(tensors):
                raise trace.Untraceable(f"the trace has {count} inputs, forward {len(leaves)}")
            return tensors
        return [name if isinstance(leaf, torch.Tensor) else None for name, leaf in leaves]

    def constant_name(self, program):
        """Names constants that the trace lifted out of forward: those of the model keep theirs, others are counted on."""
        self.lifted = {}

        def name(target):
            if target in self.workload.dotted:
                return self.workload.dotted[target]
            if target not in self.lifted:
                self.lifted[target] = f"constant{self.workload.literal_constants + len(self.lifted)}"
            return self.lifted[target]

        return name

    def fold_constants(self, program):
        workload = self.workload
        for target, name in self.lifted.items():
            value = program.constants[target]
            if not isinstance(value, torch.Tensor):
                raise errors.user(f"{workload.path}: the trace holds the constant {target}, which is no tensor")
            if name not in workload.initial:
                workload.initial[name] = value.detach() if workload.abstract else value.detach().to(workload.device, copy=True)
                workload.slots[name] = (workload.initial[name].detach(), "constant", "kept")

    def record(self, program, operations):
        workload = self.workload
        tensors = []
        for name, drawn, tensor in zip(workload.input_names, workload.recorder_drawn, tensors_in(workload.template)):
            tensors.append({"name": name, "role": "input", "drawn": drawn, **trace.spec(tensor)})
        used = trace.used_names(self.exported)
        for name, (tensor, role, kind) in workload.slots.items():
            if role == "constant" and name not in used and name not in self.lifted.values():
                continue
            drawn = "kept" if kind == "kept" or not tensor.is_floating_point() else "perturbed"
            tensors.append({"name": name, "role": role, "drawn": drawn, **trace.spec(workload.initial[name])})
        out = next(n for n in program.graph.nodes if n.op == "output")
        outputs = [trace.spec(node.meta["val"]) for entry, node in zip(program.graph_signature.output_specs, out.args[0])
                   if entry.kind.name == "USER_OUTPUT" and isinstance(node, torch.fx.Node)
                   and isinstance(node.meta.get("val"), torch.Tensor)]
        if not outputs:
            raise errors.user(f"{workload.path}: forward returns no tensor, so there is nothing to compute")
        moved = [t for t in tensors if t["role"] == "input" or t["name"] in used] + outputs
        return {"id": workload.id, "sizes": workload.file.sizes, "tensors": tensors, "init": workload.init_values(),
                "outputs": outputs, "exported": self.exported, "core": self.core,
                "bytes": sum(storage_bytes(t) for t in moved), "operations": operations, "eager_us": 0.0}


WIDTH = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "bf16": 2, "f16": 2, "i16": 2, "i8": 1, "u8": 1, "bool": 1}


def storage_bytes(spec):
    if 0 in spec["shape"]:
        return 0
    return (1 + sum((n - 1) * s for n, s in zip(spec["shape"], spec["stride"]))) * WIDTH[spec["dtype"]]


def eager_us(workload, report):
    """One warm run, for scale only; notes whether forward writes its inputs."""
    inputs = tensors_in(workload.template)
    before = [t._version for t in inputs]
    args = workload.template
    workload.outputs(args, report)
    workload.mutates_inputs = any(t._version != v for t, v in zip(inputs, before))
    synchronize = torch.cuda.synchronize if workload.device.type == "cuda" else lambda: None
    synchronize()
    begin = time.perf_counter_ns()
    workload.outputs(args, report)
    synchronize()
    return (time.perf_counter_ns() - begin) / 1e3


class Alive(TorchDispatchMode):
    """The most bytes that what operators gave had at a time, beside `held`."""

    def __init__(self, held):
        super().__init__()
        self.known = {StorageWeakRef(t.untyped_storage()): 0 for t in held}
        self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        results = func(*args, **(kwargs or {}))
        for tensor in tensors_in([results]):
            storage = tensor.untyped_storage()
            self.known.setdefault(StorageWeakRef(storage), storage.nbytes())
        self.known = {storage: size for storage, size in self.known.items() if not storage.expired()}
        self.most = max(self.most, sum(self.known.values()))
        return results


def footprint(source, sizes, mode, path, device="cpu"):
    """Bytes that a run moves from and to memory, and the most that it holds, by shapes alone: nothing is computed."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        workload = Workload("fake", source, sizes, mode, path, abstract=True, device=device).build()
        kept = [*workload.initial.values(), *tensors_in(workload.template)]
        with Alive(kept) as alive:
            outputs = workload.outputs(workload.template)
        held, given = (sum(t.untyped_storage().nbytes() for t in each) for each in (kept, outputs))
        return {"moved": held + given, "most": held + alive.most}


def variant_works(source, sizes, mode, path, limit, device="cpu"):
    """The cost of these sizes if they construct and run under fake tensors, else None."""
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            workload = Workload("fake", source, sizes, mode, path, abstract=True, device=device).build()
            outputs = workload.outputs(workload.template)
            held = [*workload.initial.values(), *tensors_in(workload.template), *outputs]
            cost = sum(t.numel() * t.element_size() for t in held)
            if any(t.numel() == 0 for t in held) or not outputs:
                return None
            return cost if cost <= limit else None
    except (Exception, SystemExit):
        return None


def choose_variant(source, base, mode, path, limit, proposals, taken, deadline, device="cpu"):
    """Sizes in which as many of the proposals hold as construct and run together, and their cost. `proposals`: {"name", "values"}
    in order of importance, values by preference. None if nothing changed or another workload has these sizes."""
    def works(sizes):
        return variant_works(source, sizes, mode, path, limit, device)

    everything = {**base, **{p["name"]: p["values"][0] for p in proposals}}
    if proposals and works(everything) is not None:
        return everything if everything not in taken else None
    sizes = dict(base)
    for proposal in proposals:
        for value in proposal["values"]:
            if time.monotonic() > deadline:
                break
            if works({**sizes, proposal["name"]: value}) is not None:
                sizes[proposal["name"]] = value
                break
    return sizes if sizes not in taken else None


def abstract_record(identifier, source, sizes, mode, path, report, device="cpu"):
    """A Workload record and the workload, which is abstract: nothing is computed, only shapes."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        workload = Workload(identifier, source, sizes, mode, path, abstract=True, device=device).build(report)
        return Traced(workload, report).data, workload
