"""A problem at concrete sizes: its model, its names, and runs of it on tensors that lie in shared memory."""

import contextlib
import inspect
import os

import torch

from . import draws, errors
from .source import File, value_of

MODEL_SEED = 20261123  # initial parameters; trials perturb them


class NoPhase:
    def __call__(self, phase):
        self.now = phase


def flatten(prefix, value, into):
    """Appends (plan name, tensor or other leaf) of a forward argument: lists and dicts of tensors become states.0, states.key."""
    if isinstance(value, (list, tuple)):
        for i, each in enumerate(value):
            flatten(f"{prefix}.{i}", each, into)
    elif isinstance(value, dict):
        for key, each in value.items():
            flatten(f"{prefix}.{key}", each, into)
    else:
        into.append((prefix, value))


def rebuild(value, leaves):
    """`value` with its leaves replaced by those of the iterator."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[rebuild(each, leaves) for each in value])
    if isinstance(value, (list, tuple)):
        return type(value)(rebuild(each, leaves) for each in value)
    if isinstance(value, dict):
        return {key: rebuild(each, leaves) for key, each in value.items()}
    return next(leaves)


def tensors_in(value):
    leaves = []
    flatten("", value, leaves)
    return [each for _, each in leaves if isinstance(each, torch.Tensor)]


def each_once(tensor):
    """The tensor without what an expansion repeats."""
    for dim, stride in enumerate(tensor.stride()):
        if stride == 0:
            tensor = tensor[(slice(None),) * dim + (slice(0, 1),)]
    return tensor


def with_its_generators(work):
    """(what it gives, False) with the default device that is set, or (what it gives on the CPU, True) where it draws from generators of
    its own, which a file makes for the CPU."""
    try:
        return work(), False
    except RuntimeError as error:
        if "device type for generator" not in str(error):
            raise
    with torch.device("cpu"):
        return work(), True


class Workload:
    """`mode` is "as_written" or "eval". Nothing of the file has run before build(). An abstract workload is built within a
    FakeTensorMode: shapes and names only, no values. On another device than the CPU the file's own tensors are made there, too: what it
    does not place itself."""

    def __init__(self, identifier, source, sizes, mode, path, abstract=False, device="cpu", tf32=False, make_room=lambda: None):
        self.id, self.mode, self.path, self.abstract = identifier, mode, path, abstract
        self.device = torch.device(device)
        self.make_room = make_room  # called before main memory does what the device has no room for
        self.file = File(source, sizes, path)
        self.module = self.model = None
        self.compiled = {}
        self.graphs = {}  # of baselines: the trial on whose tensors each was captured, the graph, its inputs
        self.mutates_inputs = False
        self.may_round = tf32  # whether PyTorch lets it round factors on the target; until its operators are known, it may
        self.exact = False  # whether TF32 is off, for baselines and candidates alike (see compute_exactly)
        self.lifts = True  # whether a trace lifts constants out of forward, which it must name then; until it is known, it may

    def compute_exactly(self, exact=True):
        """Convolutions without TF32, though PyTorch permits it: with that error a right answer would be like any other."""
        self.exact, self.may_round = exact, not exact

    def guarded(self, phase, report, work):
        """Runs a piece of the problem file; whatever it raises becomes one line."""
        report(phase)
        try:
            with self.device if self.device.type != "cpu" else contextlib.nullcontext():
                return work()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise errors.explain(error, phase, self.path, self.file.filename) from error

    def build(self, report=NoPhase()):
        if self.model is not None:
            return self
        self.module = self.guarded("running the file", report, self.file.load)
        init = getattr(self.module, "get_init_inputs", list)
        self.init_args = self.guarded("running get_init_inputs()", report, init)
        if not isinstance(self.init_args, (list, tuple, dict)):
            raise errors.user(f"{self.path}: get_init_inputs() gives a {type(self.init_args).__name__}, expected a list")

        def create():
            draws.seed_all(MODEL_SEED)
            if isinstance(self.init_args, dict):
                return self.module.Model(**self.init_args)
            return self.module.Model(*self.init_args)

        def construct():
            return with_its_generators(create)[0]

        model = self.guarded("constructing Model", report, construct)
        if not isinstance(model, torch.nn.Module):
            raise errors.user(f"{self.path}: Model is no torch.nn.Module; derive it from nn.Module")
        if self.mode == "eval":
            model.eval()
        if self.device.type != "cpu":
            model.to(self.device)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.signature(model)
        args, drawn = self.draw_own(0, report)
        self.recorder_drawn = drawn if self.abstract else [
            "ordered" if how == "derived" and draws.is_ordered(t) else how for how, t in zip(drawn, tensors_in(args))]
        self.template = args
        self.name_inputs(args)
        self.name_state(model)
        self.model = model
        return self

    def signature(self, model):
        try:
            self.forward = inspect.signature(model.forward)
        except (TypeError, ValueError):
            raise errors.user(f"{self.path}: Model has no forward method that can be inspected") from None

    # Names

    def draw_own(self, seed, report=NoPhase()):
        """What get_inputs() gives with this seed: (arguments, [how each tensor was drawn])."""
        def draw():
            draws.seed_all(seed)
            with draws.Recorder() as recorder:
                args = self.module.get_inputs()
            return args, recorder

        (args, recorder), on_the_cpu = self.guarded("running get_inputs()", report, lambda: with_its_generators(draw))
        if isinstance(args, torch.Tensor):
            args = [args]
        if not isinstance(args, (list, tuple)):
            raise errors.user(f"{self.path}: get_inputs() gives a {type(args).__name__}, expected a list of tensors")
        strays = [t for t in tensors_in(list(args)) if t.device.type != self.device.type]
        if strays and not on_the_cpu:
            raise errors.user(f"{self.path}: get_inputs() gives a tensor on {strays[0].device}, expected all on {self.device}: leave "
                              f"the device to kerf")
        drawn = [recorder.drawn(t) for t in tensors_in(list(args))]
        if on_the_cpu:
            args = torch.utils._pytree.tree_map_only(torch.Tensor, lambda t: t.to(self.device), args)
        return list(args), drawn

    def name_inputs(self, args):
        try:
            bound = self.forward.bind(*args)
        except TypeError as error:
            raise errors.user(f"{self.path}: get_inputs() does not fit forward's parameters: {error}; correct the file") from None
        leaves = []
        for name, value in bound.arguments.items():
            flatten(name, value, leaves)
        self.leaves = leaves
        self.input_names = [name for name, leaf in leaves if isinstance(leaf, torch.Tensor)]
        if not self.input_names:
            raise errors.user(f"{self.path}: get_inputs() gives no tensor, so there is nothing to compute from")
        for name, leaf in leaves:
            if not isinstance(leaf, torch.Tensor) and value_of(leaf) is NotImplemented:
                raise errors.user(f"{self.path}: forward's argument {name} is a {type(leaf).__name__}; supported are tensors, "
                                  f"numbers, bools, text, None and lists, tuples or dicts of them")
        self.continuous = [] if self.abstract else [draws.continuous(how, t) for how, t in zip(self.recorder_drawn, tensors_in(args))]

    def name_state(self, model):
        """self.slots: name -> (tensor of the model, role, how it is perturbed); self.initial: name -> its values at first."""
        self.slots, self.initial, self.by_id, self.dotted = {}, {}, {}, {}
        updated = set()
        constants = 0
        for path, module in model.named_modules():
            prefix = f"{path}." if path else ""
            norm = isinstance(module, torch.nn.modules.batchnorm._NormBase)
            for attribute, tensor in module._parameters.items():
                self.add(prefix + attribute, tensor, "parameter", "parameter")
            for attribute, tensor in module._buffers.items():
                kind = ("positive" if attribute == "running_var" else "parameter") if norm else self.buffer_kind(tensor)
                self.add(prefix + attribute, tensor, "buffer", kind)
                if norm and module.training and tensor is not None:
                    updated.add(prefix + attribute)
        for path, module in model.named_modules():
            prefix = f"{path}." if path else ""
            for attribute, tensor in list(vars(module).items()):
                if isinstance(tensor, torch.Tensor) and id(tensor) not in self.by_id:
                    name = f"constant{constants}"
                    constants += 1
                    self.add(name, tensor, "constant", "kept")
                    self.dotted[prefix + attribute] = name
        self.updated = updated
        self.literal_constants = constants

    def add(self, name, tensor, role, kind):
        if tensor is None:
            return
        self.dotted[name] = self.by_id.setdefault(id(tensor), name)
        if self.by_id[id(tensor)] == name:
            self.slots[name] = (tensor, role, kind)
            self.initial[name] = tensor.detach()

    def buffer_kind(self, tensor):
        """Masks, tables of indices and the like are kept; numbers on a continuum are perturbed."""
        if tensor is None or self.abstract or not tensor.is_floating_point() or tensor.numel() < 2:
            return "kept"
        sample = tensor.flatten()[:65536]
        if not bool(torch.isfinite(sample).all()) or sample.unique().numel() <= max(8, sample.numel() // 8):
            return "kept"
        return "parameter"

    def state_name(self, target):
        if target not in self.dotted:
            raise KeyError(target)
        return self.dotted[target]

    # Runs

    def set_state(self, tensors):
        """Makes parameters and buffers views of `tensors` (name -> tensor), in place: no run pays for it. Buffers that a
        run updates get a copy of their own."""
        for name, (held, _, _) in self.slots.items():
            held.data = tensors[name].clone() if name in self.updated else tensors[name]

    def reset_state(self):
        self.set_state(self.initial)

    def arguments(self, tensors):
        """Forward's arguments with the given input tensors in place of the drawn ones."""
        given = iter(tensors)
        leaves = iter([next(given) if isinstance(leaf, torch.Tensor) else leaf for _, leaf in self.leaves])
        return [rebuild(value, leaves) for value in self.template]

    def outputs(self, args, report=NoPhase(), phase="running forward"):
        """Output tensors of one run, flattened."""
        with torch.no_grad():
            return tensors_in(self.guarded(phase, report, lambda: self.model(*args)))

    def truth(self, inputs, state, report=NoPhase()):
        """Outputs in fp64 of the same inputs and parameters. Leaves the model with the fp64 state; set_state undoes it. Where a GPU
        has no room for what that takes, main memory does."""
        try:
            return self.wide_outputs(inputs, state, report)
        except errors.Refusal as error:
            if self.device.type == "cpu" or not errors.is_out_of_memory(error.__cause__):
                raise
        self.make_room()
        torch.cuda.empty_cache()
        own, threads = self.device, torch.get_num_threads()
        self.device = torch.device("cpu")
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        try:
            outputs = self.wide_outputs([t.cpu() for t in inputs], {name: t.cpu() for name, t in state.items()}, report)
        finally:
            self.device = own
            torch.set_num_threads(threads)
        return [t.to(own) for t in outputs]

    def wide_outputs(self, inputs, state, report):
        wide = {}
        for name, tensor in state.items():
            wide[name] = tensor.double() if tensor.is_floating_point() else tensor
        self.set_state(wide)
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            args = self.arguments([t.double() if t.is_floating_point() else t for t in inputs])
            return self.outputs(args, report, "running forward in fp64")
        finally:
            torch.set_default_dtype(before)

    def shed(self):
        """Lets go of what get_inputs() gave, where room is short: from here on shapes and types are enough."""
        def bare(leaf):
            return torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device="meta") \
                if isinstance(leaf, torch.Tensor) else leaf

        self.leaves = [(name, bare(leaf)) for name, leaf in self.leaves]
        leaves = iter([leaf for _, leaf in self.leaves])
        self.template = [rebuild(value, leaves) for value in self.template]

    def tensors_of_template(self):
        return tensors_in(self.template)

    @staticmethod
    def output_names(count):
        return ["out"] if count == 1 else [f"out{i}" for i in range(count)]

    def draw(self, distribution, seed, inputs, state):
        """Fills `inputs` (list of tensors) and `state` (name -> tensor) for one trial."""
        self.draw_inputs(distribution, seed, inputs)
        generator = draws.generator(self.device, seed ^ 0xBF58476D1CE4E5B9)
        for name, (_, _, kind) in self.slots.items():
            draws.perturb(kind, self.initial[name], state[name], generator)

    def draw_inputs(self, distribution, seed, inputs):
        args, _ = self.draw_own(seed)
        own = tensors_in(args)
        if [t.shape for t in own] != [t.shape for t in inputs] or [t.dtype for t in own] != [t.dtype for t in inputs]:
            raise errors.user(f"{self.path}: get_inputs() gives other shapes or types from one call to the next, which makes "
                              f"it no fixed problem")
        generator = draws.generator(self.device, seed ^ 0x9E3779B97F4A7C15)
        for source, into, moves in zip(own, inputs, self.continuous):
            source, into = each_once(source), each_once(into)
            if distribution != "own" and moves:
                draws.draw(distribution, into, generator)
                if moves == "scaled":
                    into.mul_(source)
            else:
                into.copy_(source)

    def init_values(self):
        """Arguments of __init__ by name, defaults included; what no plan can name is left out."""
        try:
            bound = inspect.signature(self.module.Model.__init__)
            args = ([], self.init_args) if isinstance(self.init_args, dict) else (self.init_args, {})
            bound = bound.bind(None, *args[0], **args[1])
        except (TypeError, ValueError):
            return []
        bound.apply_defaults()
        values = []
        for name, value in list(bound.arguments.items())[1:]:
            plain = value_of(value)
            if plain is not NotImplemented:
                values.append([name, plain])
        return values

    def size(self):
        return sum(t.numel() * t.element_size() for t in self.initial.values()) if self.model is not None else 0

    def unload(self):
        self.module = self.model = None
        self.compiled = {}
        self.graphs = {}
        self.initial = self.slots = self.by_id = None
