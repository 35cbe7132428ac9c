"""Tracing a model with torch.export, and the graph as the data of problem/graph.h."""

import contextlib

import torch
from torch._decomp import decompositions
from torch.utils import flop_counter

aten = torch.ops.aten

DTYPES = {torch.float64: "f64", torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16", torch.int64: "i64",
          torch.int32: "i32", torch.int16: "i16", torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool"}
MEMORY_FORMATS = {torch.contiguous_format: "contiguous_format", torch.preserve_format: "preserve_format",
                  torch.channels_last: "channels_last", torch.channels_last_3d: "channels_last_3d"}
CORE_NODES = 5000  # core ATen unrolls recurrent layers; beyond this the exported graph stands for both
WHERE = {"device", "layout", "pin_memory", "non_blocking"}  # everything is strided and in main memory
RESERVED = {"out", "init", "threads", "thread", "none", "true", "false", "min", "max", "abs", "cdiv", "next_pow2", "numel",
            "i32", "f32", "f64", "and", "or", "not", "if", "else"}


class Untraceable(Exception):
    pass


def spec(tensor, operator=None):
    """As data; `operator` gave it."""
    if tensor.is_complex():
        raise Untraceable(f"{operator or 'it'} {'gives' if operator else 'holds'} complex numbers, and plans know real ones (two tensors, "
                          "of real and of imaginary parts, will do)")
    if tensor.dtype not in DTYPES:
        raise Untraceable(f"a tensor has the type {tensor.dtype}, which plans have no word for")
    if tensor.layout != torch.strided:
        raise Untraceable(f"a tensor has the layout {tensor.layout}, only strided ones are supported")
    try:
        return {"dtype": DTYPES[tensor.dtype], "shape": [int(n) for n in tensor.shape], "stride": [int(n) for n in tensor.stride()]}
    except Exception:  # a symbolic integer that has no value
        raise Untraceable(f"the shape of what {operator} gives depends on the values of tensors" if operator else
                          "a shape depends on the values of tensors") from None


def tensors_of(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [each for each in value if isinstance(each, torch.Tensor)]
    return []


@contextlib.contextmanager
def states_as_documented():
    """Before 2.13 PyTorch traces the last states of an LSTM with an axis too many, [layers, 1, batch, hidden], while a run gives
    [layers, batch, hidden] (pytorch/pytorch#151200): within it a layer's states have the shape of those that it began with."""
    layer = decompositions.one_layer_lstm

    def repaired(inputs, hidden, *args, **kwargs):
        outputs, states = layer(inputs, hidden, *args, **kwargs)
        return outputs, tuple(s if s.shape == h.shape else s.reshape(h.shape) for s, h in zip(states, hidden))

    decompositions.one_layer_lstm = repaired
    try:
        yield
    finally:
        decompositions.one_layer_lstm = layer


def export(model, args, kwargs=None):
    """A torch.export program of the model before decomposition."""
    reasons = []
    for strict in (False, True):
        try:
            with states_as_documented():
                return torch.export.export(model, tuple(args), kwargs or {}, strict=strict)
        except Exception as error:
            text = str(error).strip()
            reasons.append(text.splitlines()[0] if text else type(error).__name__)
    raise Untraceable(reasons[0][:300])


def recurrent_steps(program):
    """A lower bound of what unrolling recurrent layers gives, in nodes."""
    nodes = 0
    for node in program.graph.nodes:
        packet = getattr(node.target, "overloadpacket", None)
        if packet in (aten.lstm, aten.gru, aten.rnn_tanh, aten.rnn_relu):
            x, flags = node.args[0].meta["val"], node.args
            layers = next((a for a in flags if isinstance(a, int) and not isinstance(a, bool)), 1)
            steps = x.shape[1] if x.dim() == 3 and flags[-1] is True else x.shape[0]
            nodes += int(steps) * layers * 8 * (2 if flags[-2] is True else 1)
    return nodes


def decompose(program):
    """The program in core ATen, or None where that would explode."""
    if recurrent_steps(program) > CORE_NODES:
        return None
    try:
        with states_as_documented():
            core = program.run_decompositions()
    except Exception:
        return None
    return core if len(core.graph.nodes) <= CORE_NODES else None


class Writer:
    """Writes one program's graph. `names`: a function from (kind, target, position) of a placeholder to its plan name."""

    def __init__(self, program, inputs, state, constants):
        self.program, self.inputs, self.state, self.constants = program, inputs, state, constants
        self.taken = set(RESERVED)
        self.refs, self.nodes, self.buffers = {}, [], set()
        self.alias = {}  # tensor reference -> representative of its storage, for in-place operators

    def write(self):
        signature = self.program.graph_signature
        kinds = {s.arg.name: s for s in signature.input_specs}
        position = 0
        for node in self.program.graph.nodes:
            if node.op != "placeholder":
                continue
            entry = kinds[node.name]
            kind = entry.kind.name
            if kind == "USER_INPUT":
                name, position = self.inputs[position], position + 1
                if name is None:  # no tensor: stands in the graph as a literal
                    self.refs[node] = None
                    continue
            elif kind in ("PARAMETER", "BUFFER"):
                name = self.state(entry.target)
                if kind == "BUFFER":
                    self.buffers.add(name)
            elif kind == "CONSTANT_TENSOR":
                name = self.constants(entry.target)
            else:
                raise Untraceable(f"the model holds a {kind.lower().replace('_', ' ')}, which a graph of tensors cannot")
            self.refs[node] = {"tensor": name}
        for ref in self.refs.values():
            if ref:
                self.taken.add(ref["tensor"])
        for node in self.program.graph.nodes:
            if node.op in ("placeholder", "output"):
                continue
            if node.op != "call_function":
                raise Untraceable(f"the trace holds a {node.op} of {node.target}")
            self.call(node)
        outputs = self.outputs(signature)
        return {"nodes": self.needed(outputs), "outputs": outputs}

    def outputs(self, signature):
        out = next(n for n in self.program.graph.nodes if n.op == "output")
        found = []
        for entry, node in zip(signature.output_specs, out.args[0]):
            if entry.kind.name == "USER_OUTPUT" and isinstance(node, torch.fx.Node) and tensors_of(node.meta["val"]):
                ref = self.refs[node]
                found.append(ref)
        return found

    def needed(self, outputs):
        """Nodes that the outputs depend on, and those that update buffers."""
        by_name = {n["name"]: n for n in self.nodes}
        want, stack = set(), [r["tensor"] for r in outputs]
        for node in self.nodes:
            if node.get("mutates_buffer"):
                stack.append(node["name"])
        while stack:
            name = stack.pop()
            if name in want or name not in by_name:
                continue
            want.add(name)
            stack.extend(names_in(by_name[name]["args"]))
            stack.extend(names_in(by_name[name].get("kwargs", [])))
        return [n for n in self.nodes if n["name"] in want]

    def call(self, node):
        target = node.target
        if target.__class__.__name__ == "builtin_function_or_method" and getattr(target, "__name__", "") == "getitem":
            base, index = self.refs[node.args[0]], node.args[1]
            self.refs[node] = {"tensor": base["tensor"], "index": index} if index else {"tensor": base["tensor"]}
            return
        if not isinstance(target, torch._ops.OpOverload):
            raise Untraceable(f"the trace holds {getattr(target, '__name__', target)}, which is no ATen operator")
        packet = target.overloadpacket
        value = node.meta.get("val")
        results = tensors_of(value)
        if not results:
            if isinstance(value, (int, float, bool)) or value is None:
                return  # assertions; shapes are static
            raise Untraceable(f"{target} gives no tensor")
        if target.namespace != "aten":
            raise Untraceable(f"the trace calls {target}, which is no ATen operator")
        first = node.args[0] if node.args and isinstance(node.args[0], torch.fx.Node) else None
        if self.is_identity(node, target, packet, first, value):
            self.refs[node] = self.refs[first]
            return
        written = [a.name for a in target._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        name, args, kwargs = str(target), list(node.args), dict(node.kwargs)
        if packet is aten.to:
            target, args, kwargs = aten.to.dtype, [first, value.dtype], {}
            name = str(target)
        mutates = False
        if written:
            ref = self.refs.get(first)
            mutates = ref is not None and ref["tensor"] in self.buffers
            if not mutates:
                name = self.functional(target, node, first)
        entry = {"name": self.fresh(node.name), "op": name, "args": [self.argument(a) for a in args],
                 "results": [spec(t, name) for t in results]}
        if pairs := [[k, self.argument(v)] for k, v in kwargs.items() if k not in WHERE]:
            entry["kwargs"] = pairs
        if mutates:
            entry["mutates_buffer"] = True
        self.nodes.append(entry)
        self.refs[node] = {"tensor": entry["name"]}
        if written and not mutates:  # what follows sees the new value
            self.refs[first] = self.refs[node]

    @staticmethod
    def is_identity(node, target, packet, first, value):
        if packet in (aten.detach, aten.detach_, aten.lift_fresh, aten.lift_fresh_copy, aten.alias):
            return True
        if packet is aten.dropout or packet is aten.feature_dropout or packet is aten.alpha_dropout:
            return node.args[1] == 0 or node.args[2] is False
        if packet in (aten.to, aten._to_copy):
            source = first.meta["val"]
            return source.dtype == value.dtype and source.stride() == value.stride()
        if packet is aten.contiguous:
            return first.meta["val"].stride() == value.stride()
        return False

    def functional(self, target, node, first):
        """The functional twin of an in-place operator, where no other view of the tensor is used afterwards."""
        name = target._schema.name.split("::")[1]
        twin = getattr(getattr(aten, name[:-1], None), target._overloadname, None) if name.endswith("_") else None
        if twin is None or first is None or len(target._schema.returns) != 1:
            raise Mutation(f"{target} changes a tensor in place")
        family, later, seen = self.family(first), set(), False
        for each in self.program.graph.nodes:
            if each is node:
                seen = True
            elif seen:
                later.update(each.all_input_nodes)
        if (family - {first, node}) & later:
            raise Mutation(f"{target} changes a tensor of which another view is used")
        return str(twin)

    def family(self, node):
        """All nodes that share memory with `node`, by schema."""
        group, changed = {node}, True
        while changed:
            changed = False
            for each in self.program.graph.nodes:
                if each.op != "call_function":
                    continue
                schema = getattr(each.target, "_schema", None)
                shares = schema is None or any(r.alias_info is not None for r in schema.returns)
                if not shares and getattr(each.target, "overloadpacket", None) not in MAYBE_VIEWS:
                    continue
                base = next(iter(each.all_input_nodes), None)
                if base is not None and (each in group) != (base in group):
                    group |= {each, base}
                    changed = True
        return group

    def argument(self, value):
        if isinstance(value, torch.fx.Node):
            if value not in self.refs or self.refs[value] is None:
                held = value.meta.get("val")
                if isinstance(held, (bool, int, float)) or held is None:
                    return held
                raise Untraceable(f"{value.name} is no tensor")
            return self.refs[value]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, torch.dtype):
            return {"dtype": DTYPES[value]}
        if isinstance(value, torch.memory_format):
            return MEMORY_FORMATS[value]
        if isinstance(value, (torch.device, torch.layout)):
            return None
        if isinstance(value, (list, tuple)):
            items = [self.argument(each) for each in value]
            return {"list": items} if any(isinstance(each, dict) for each in items) else items
        raise Untraceable(f"an operator takes a {type(value).__name__}, which plans have no word for")

    def fresh(self, wanted):
        name, n = wanted, 1
        while name in self.taken or name.startswith("out") and name[3:].isdigit():
            n += 1
            name = f"{wanted}_v{n}"
        self.taken.add(name)
        return name


MAYBE_VIEWS = {aten.reshape, aten.contiguous, aten.flatten, aten.to, aten.unflatten, aten.dropout}


class Mutation(Untraceable):
    pass


def names_in(arguments):
    for each in arguments:
        if isinstance(each, dict):
            if "tensor" in each:
                yield each["tensor"]
            elif "list" in each:
                yield from names_in(each["list"])
        elif isinstance(each, list):
            yield from names_in(each)


def graphs(program, inputs, state, constants):
    """(exported, core, program in core ATen or None) as data."""
    try:
        exported = Writer(program, inputs, state, constants).write()
    except Untraceable:
        # Functional, with regions (no_grad) inlined and composite operators kept.
        exported = Writer(program.run_decompositions({}), inputs, state, constants).write()
    core_program = decompose(program)
    core = exported if core_program is None else Writer(core_program, inputs, state, constants).write()
    return exported, core, core_program


def operations(program, core_program):
    """Floating-point operations: of matrix products and convolutions by the usual formulas, one an element for the rest."""
    total = 0
    for node in (core_program or program).graph.nodes:
        if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
            continue
        packet, value = node.target.overloadpacket, node.meta.get("val")
        results = tensors_of(value)
        if not results:
            continue
        if formula := flop_counter.flop_registry.get(packet):
            args, kwargs = meta(node.args), meta(node.kwargs)
            total += formula(*args, **kwargs, out_val=value)
        elif packet in (aten.lstm, aten.gru, aten.rnn_tanh, aten.rnn_relu):
            total += recurrent_operations(node)
        elif packet in (aten.linear, aten.matmul):
            a, b = node.args[0].meta["val"], node.args[1].meta["val"]
            total += 2 * results[0].numel() * a.shape[-1]
            del b
        elif packet in (aten.conv1d, aten.conv2d, aten.conv3d, aten.conv_transpose1d, aten.conv_transpose2d, aten.conv_transpose3d):
            weight = node.args[1].meta["val"]
            transposed = "transpose" in str(packet)
            positions = (node.args[0].meta["val"] if transposed else results[0])
            total += 2 * positions.numel() * weight.numel() // weight.shape[0]
        elif not node.target.is_view and any(t.is_floating_point() for t in results) and node.all_input_nodes:
            sizes = [t.numel() for n in node.all_input_nodes for t in tensors_of(n.meta.get("val"))]
            total += max(sizes + [t.numel() for t in results])
    return float(total)


def recurrent_operations(node):
    x = node.args[0].meta["val"]
    weights = [w.meta["val"] for a in node.args if isinstance(a, (list, tuple)) for w in a if isinstance(w, torch.fx.Node)]
    steps = x.numel() // x.shape[-1]
    return 2 * steps * sum(w.numel() for w in weights if w.dim() == 2)


def meta(tree):
    return torch.utils._pytree.tree_map_only(torch.fx.Node, lambda n: n.meta.get("val"), tree)


def used_names(graph):
    used = set()
    for node in graph["nodes"]:
        if not node.get("mutates_buffer"):
            used.update(names_in(node["args"]))
            used.update(names_in(node.get("kwargs", [])))
    used.update(r["tensor"] for r in graph["outputs"])
    return used


def random_operators(program):
    """Names of operators in the graph whose result is random as they are called."""
    found = []
    for node in program.graph.nodes:
        target = node.target
        if node.op != "call_function" or not isinstance(target, torch._ops.OpOverload):
            continue
        packet = target.overloadpacket
        if packet in (aten.dropout, aten.feature_dropout, aten.alpha_dropout, aten.native_dropout):
            if node.args[1] != 0 and node.args[2] is not False:
                found.append("dropout")
        elif packet in (aten.lstm, aten.gru, aten.rnn_tanh, aten.rnn_relu, aten.scaled_dot_product_attention, aten.rrelu):
            continue  # random only with an active dropout, which two runs show
        elif torch.Tag.nondeterministic_seeded in target.tags:
            found.append(str(packet).removeprefix("aten."))
    return list(dict.fromkeys(found))
