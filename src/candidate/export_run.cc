#include "candidate/export_support.h"

namespace kerf {

std::string_view export_run() {
  return R"py(_KERF_ENDLESS = 256  # a run of more steps is not learned
_KERF_SHORTCUTS = 4  # that a model tries, one after the other

try:  # PyTorch's own, of torch.compile: all of a tensor but its address is compared, and memory allocated, in one call
    from torch._C._dynamo.guards import TensorGuards as _Guards
except ImportError:
    _Guards = None
try:
    from torch._C._dynamo import guards as _guards
    _kerf_empty = _guards._empty_strided_cuda if KERF_DEVICE == "cuda" else _guards._empty_strided_cpu
except (ImportError, AttributeError):
    def _kerf_empty(shape, stride, dtype):
        return _torch.empty_strided(shape, stride, dtype=dtype, device=KERF_DEVICE)


class _Learned:
    """A run while it is learned: its steps are done and, at the same time, written down as a function of the tensors given that does
    them again with nothing worked out anew. What a run makes are variables there, everything else is a constant. Outputs are made
    where they are first used, so that a first launch waits for nothing that it does not need."""

    def __init__(self, given, outputs):
        self.lines, self.constants, self.steps, self.operators = [], {"empty": _kerf_empty}, 0, False
        self.kept, self.names, self.addresses = [], {}, {}  # by id(), which is theirs as long as they are kept
        self.given = [self.name(t) for t in given]
        self.unmade = {id(t): (self.name(t), tuple(t.shape), t.stride(), t.dtype) for t in outputs}
        if KERF_DEVICE == "cuda":  # kernels load whole vectors
            for t in given:
                self.address(t)
            self.lines += [f"if ({' | '.join(self.addresses.values())}) % 16:", "    return None"]

    def name(self, tensor):
        self.kept.append(tensor)
        self.names[id(tensor)] = f"t{len(self.kept)}"
        self.addresses.pop(id(tensor), None)
        return self.names[id(tensor)]

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def tensor(self, tensor):
        """The variable that holds it, or None."""
        if id(tensor) in self.unmade:
            name, *looks = self.unmade.pop(id(tensor))
            self.lines.append(f"{name} = empty({', '.join(map(self.constant, looks))})")
        return self.names.get(id(tensor))

    def address(self, tensor):
        name = self.tensor(tensor)
        if name and id(tensor) not in self.addresses:
            self.addresses[id(tensor)] = "a" + name[1:]
            self.lines.append(f"a{name[1:]} = {name}.data_ptr()")
        return self.addresses.get(id(tensor))

    def text(self, value):
        if isinstance(value, list):
            return f"[{', '.join(map(self.text, value))}]"
        return self.tensor(value) or self.constant(value)

    def step(self, line):
        self.lines.append(line)
        self.steps += 1
        if self.endless():
            self.lines, self.constants, self.kept, self.names, self.unmade = [], {}, [], {}, {}

    def endless(self):
        return self.steps > _KERF_ENDLESS

    def call(self, function, args, kwargs, result):
        if self.endless():
            return
        given = [self.text(value) for value in args]
        if kwargs:  # names may be words of Python
            given.append("**{" + ", ".join(f"{key!r}: {self.text(value)}" for key, value in kwargs.items()) + "}")
        call = f"{self.constant(function)}({', '.join(given)})"
        if isinstance(result, _torch.Tensor):
            call = f"{self.name(result)} = {call}"
        elif isinstance(result, (tuple, list)) and result:
            call = f"{', '.join(self.name(t) if isinstance(t, _torch.Tensor) else '_' for t in result)}, = {call}"
        self.operators = True
        self.step(call)

    def begin(self, begin, given, failed, slots, args):
        if self.endless():
            return
        patches = [(i, self.address(value)) for i, value in enumerate(args)]
        written = self.constant(slots)
        self.lines += [f"{written}[{i}] = {address}" for i, address in patches if address]
        self.constant([value for value in args if isinstance(value, _torch.Tensor) and id(value) not in self.names])  # scratch
        held = [self.names[id(value)] for value in args if id(value) in self.names]  # till then; see let_go
        does = f"{self.constant(begin)}(*{self.constant(given)})  # {' '.join(held)}"
        if failed:
            self.lines += [f"code = {does}", "if code:"]
            does = f"    {self.constant(failed)}(code)"
        self.step(does)

    def let_go(self):
        """The lines, and none of them holds what none behind it uses: its memory can be taken again, as when PyTorch runs the model."""
        lines, seen = [], set(self.given)
        for line in reversed(self.lines):
            last = {f"t{number}" for number in _re.findall(r"\b[ta](\d+)\b", line)} - seen
            if last and not line.startswith("return"):
                lines.append("; ".join(f"{name} = None" for name in sorted(last)))
            lines.append(line)
            seen |= last
        return lines[::-1]

    def run(self, outputs, nesting):
        """The function, or None."""
        if self.endless():
            return None
        results = [self.tensor(t) for t in outputs]
        if None in results:
            return None
        result = results[0] if nesting is None else f"unflatten([{', '.join(results)}], {self.constant(nesting)})"
        self.lines.append(f"return {result}")
        given = ", ".join(self.given)
        steps = _kerf_written(f"steps({given})", self.let_go(),
                              {**self.constants, "unflatten": _pytree.tree_unflatten})
        if not self.operators:
            return steps
        return _kerf_written(f"run({given})", ["if grad():", "    with no_grad():", f"        return steps({given})",
                                               f"return steps({given})"],
                             {"steps": steps, "grad": _torch.is_grad_enabled, "no_grad": _torch.no_grad})


def _kerf_written(head, lines, names):
    exec("\n    ".join([f"def {head}:", *lines]), names)
    return names[head.partition("(")[0]]


def _do(function, *args, **kwargs):
    result = function(*args, **kwargs)
    _kerf_local.learned.call(function, args, kwargs, result)
    return result


def _slots(args):
    """Arguments of a kernel, 8 bytes each."""
    slots = (_ctypes.c_ulonglong * max(1, len(args)))()
    for i, value in enumerate(args):
        _ctypes.memmove(_ctypes.addressof(slots) + 8 * i, _slot(value), 8)
    return slots


def _kerf_begin(begin, given, failed, slots=(), args=()):
    """A launch, or what goes to the driver like one: from run to run only addresses in `slots` change."""
    code = begin(*given)
    if failed and code:
        failed(code)
    _kerf_local.learned.begin(begin, given, failed, slots, args)


def _kerf_guards(tensors):
    return _Guards(*tensors, dynamic_dims_sizes=[list(t.shape) for t in tensors],
                   dynamic_dims_strides=[list(t.stride()) for t in tensors]).check


def _kerf_expression(model, place, path):
    """Where _kerf_shortcut finds a tensor, or None: in Module's own tables."""
    if place is not None:
        return f"args[{place}]"
    owner = model
    for part in path[:-1]:
        owner = owner._modules.get(part)
        if owner is None:
            return None
    table = "_parameters" if path[-1] in owner._parameters else "_buffers" if path[-1] in owner._buffers else None
    return table and "".join(["model", *(f"._modules[{part!r}]" for part in path[:-1]), f".{table}[{path[-1]!r}]"])


def _kerf_shortcut(model, tensors, known, device, bound):
    """A function of the model and arguments of forward: does the run again where everything is as it was for `known`, or else
    returns None. Whatever _kerf_forward looks at, this does, too."""
    if _Guards is None or known.run is None or not _KERF_PLAIN or (KERF_PREPARES and any(t.is_inference() for t in tensors)):
        return None
    where = [_kerf_expression(model, place, path) for _, place, path in _KERF_WHERE]
    if None in where:
        return None
    given = ", ".join(f"t{i}" for i in range(len(tensors)))
    names = {"run": known.run, "thread": _threading.get_ident, "check": _kerf_guards(tensors),
             "failures": (AttributeError, KeyError, TypeError)}
    lines = [f"if thread() != {_threading.get_ident()} or len(args) != {len(_KERF_FORWARD)}:", "    return None", "try:", f"    {given}, = {', '.join(where)},",
             f"    if not check({given}):", "        return None", "except failures:", "    return None"]
    differs = []
    for i, ((function, *fixed), value) in enumerate(zip(_kerf_bounds(device), bound)):
        names[f"bound{i}"] = function
        differs.append(f"bound{i}({', '.join(map(repr, fixed))}) != {value!r}")
    for i, (kind, _, _) in enumerate(KERF_TENSORS.values()):
        if KERF_PREPARES and kind == "state":
            differs.append(f"t{i}._version != {tensors[i]._version} or t{i}.data_ptr() != {tensors[i].data_ptr()}")
    if differs:
        lines += [f"if {' or '.join(differs)}:", "    return None"]
    return _kerf_written("again(model, args)", [*lines, f"return run({given})"], names)


)py";
}

}  // namespace kerf
