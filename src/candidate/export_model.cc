// What exported files make of a problem's Model: ModelNew, which knows what it was given before.
#include "candidate/export_support.h"

namespace kerf {

std::string_view export_model() {
  return R"py(def _kerf_outputs(model, args, kwargs):
    """Shapes, strides and dtypes of the outputs, found without computing anything, and how they are nested."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    mode = FakeTensorMode(allow_non_fake_inputs=True)

    def fake(value):
        return mode.from_tensor(value) if isinstance(value, _torch.Tensor) else value

    with mode, _torch.no_grad():
        state = {name: fake(value) for name, value in [*model.named_parameters(), *model.named_buffers()]}
        model._kerf_off = True
        try:
            out = _torch.func.functional_call(model, state, _pytree.tree_map(fake, args), _pytree.tree_map(fake, kwargs))
        finally:
            model._kerf_off = False
    leaves, nesting = _pytree.tree_flatten(out)
    return [(tuple(t.shape), t.stride(), t.dtype) for t in leaves], nesting


_KERF_FORWARD = list(_inspect.signature(Model.forward).parameters.values())[1:]
_KERF_PLAIN = all(p.kind == p.POSITIONAL_OR_KEYWORD for p in _KERF_FORWARD)
_KERF_PLACE = {p.name: i for i, p in enumerate(_KERF_FORWARD)}
# Of each tensor: its dtype, and which argument of forward it is, or where the model has it.
_KERF_WHERE = [(dtype, _KERF_PLACE.get(name), None) if role == "input" else (dtype, None, name.split("."))
               for name, (role, dtype, _) in KERF_TENSORS.items()]


def _kerf_of_model(model, path):
    """A parameter or a buffer; by way of Module's own tables, which takes a fifth of the time of its attributes."""
    owner = model
    try:
        for part in path[:-1]:
            owner = owner._modules[part]
        found = owner._parameters.get(path[-1])
        return owner._buffers[path[-1]] if found is None else found
    except (AttributeError, KeyError):
        return _operators.attrgetter(".".join(path))(model)


def _kerf_tensors(model, args, kwargs):
    """The tensors that the plan names, in the order of KERF_TENSORS, or None where they are not what it was written for."""
    if kwargs or len(args) != len(_KERF_FORWARD) or not _KERF_PLAIN:
        bound = _inspect.signature(Model.forward).bind(model, *args, **kwargs)
        bound.apply_defaults()
        args = [bound.arguments.get(p.name) for p in _KERF_FORWARD]
    tensors, where, on_gpu = [], None, KERF_DEVICE == "cuda"
    for dtype, place, path in _KERF_WHERE:
        value = _kerf_of_model(model, path) if path else args[place] if place is not None else None
        if not isinstance(value, _torch.Tensor) or value.dtype is not dtype or not (value.is_cuda if on_gpu else value.is_cpu):
            return None
        if value.is_neg() or (on_gpu and value.data_ptr() % 16):  # memory has the negated; kernels load whole vectors
            return None
        if where is None:
            where = value.get_device()
        elif value.get_device() != where:
            return None
        tensors.append(value)
    return tensors


def _kerf_understand(model, args, kwargs, named, device):
    """Of these shapes; None where the plan does not support them."""
    try:
        outputs, nesting = _kerf_outputs(model, args, kwargs)
        outs = [_torch.empty_strided(s, stride, dtype=dtype, device="meta") for s, stride, dtype in outputs]
        good = len(outs) == len(KERF_OUTPUTS) and all(t.numel() > 0 for t in [*outs, *named.values()])
        good = good and all(t.is_contiguous() or not contiguous or i in KERF_ADOPTED
                            for i, (t, contiguous) in enumerate(zip(outs, KERF_OUTPUTS)))
        good = good and bool(_kerf_supports(named, model._kerf_init, outs))
    except Exception as error:
        _warnings.warn(f"the original model runs instead of kerf's kernels: {error}")
        return None
    if not good or (KERF_KERNELS and _kerf_library(device if device.type != "cpu" else None) is None):
        return None
    return _Known(outputs, None if nesting.is_leaf() else nesting)


def _kerf_stamp(tensors):
    """What changes when a parameter does: prepare steps are run again then."""
    return [(t.data_ptr(), object() if t.is_inference() else t._version)
            for t, (role, _, _) in zip(tensors, KERF_TENSORS.values()) if role == "state"] if KERF_PREPARES else None


class _Known:
    """Of tensors of these shapes: what the outputs are, what prepare steps gave, a run as it was learned, and the shortcut to it."""

    def __init__(self, outputs, nesting):
        self.outputs, self.nesting = outputs, nesting
        self.stamp, self.prepared, self.run, self.again, self.steps = None, None, None, None, 0


_KERF_NEW = object()


def _kerf_forward(model, args, kwargs):
    """What the plan computes, or None where it does not support what it is given."""
    if model._kerf_off:
        return None
    tensors = _kerf_tensors(model, args, kwargs)
    if tensors is None:
        return None
    device = tensors[0].device
    if KERF_DEVICE == "cuda" and device.index != _torch.cuda.current_device():
        with _torch.cuda.device(device):
            return _kerf_forward(model, args, kwargs)
    bound = tuple(function(*given) for function, *given in _kerf_bounds(device))
    key = (bound, _threading.get_ident(), *[(t.shape, t.stride()) for t in tensors])
    known = model._kerf_known.get(key, _KERF_NEW)
    if known is None:
        return None
    stamp = _kerf_stamp(tensors)
    if known is not _KERF_NEW and known.run is not None and known.stamp == stamp:
        result = known.run(*tensors)
    else:
        with _torch.no_grad():
            named = {name: t.detach().contiguous() if contiguous else t.detach()
                     for t, (name, (_, _, contiguous)) in zip(tensors, KERF_TENSORS.items())}
            if known is _KERF_NEW:  # not seen yet
                known = model._kerf_known[key] = _kerf_understand(model, args, kwargs, named, device)
                if known is None:
                    return None
            result = _kerf_learn(model, known, tensors, named, stamp, device, bound)
    # What comes next is likely to look like this.
    again = known.again
    if again is None or again.__globals__["run"] is not known.run or not again.__globals__["check"](*tensors):
        known.again = _kerf_shortcut(model, tensors, known, device, bound)
    others = [shortcut for shortcut in model._kerf_shortcuts if shortcut is not again]
    model.__dict__["_kerf_shortcuts"] = [known.again, *others][:_KERF_SHORTCUTS] if known.again else others
    return result


def _kerf_learn(model, known, tensors, named, stamp, device, bound):
    """The first run on tensors of these shapes, or the first since parameters changed that prepare steps were given."""
    known.run = None
    outs = [_torch.empty_strided(shape, stride, dtype=dtype, device="meta" if i in KERF_ADOPTED else device)
            for i, (shape, stride, dtype) in enumerate(known.outputs)]
    made = [t for i, t in enumerate(outs) if i not in KERF_ADOPTED]
    _kerf_local.device, _kerf_local.bound, _kerf_local.given = device, bound, [*named.values(), *outs]
    try:
        if known.prepared is None or known.stamp != stamp:
            _kerf_local.learned = _Learned([], [])
            known.prepared, known.stamp = _kerf_prepare(named, model._kerf_init), stamp
        learned = _kerf_local.learned = _Learned(named.values(), made)
        _kerf_run(named, model._kerf_init, outs, known.prepared)
    finally:
        _kerf_local.learned, _kerf_local.given = None, None
    if all(t.data_ptr() == own.data_ptr() for t, own in zip(named.values(), tensors)):  # or else it begins with a copy
        known.run, known.steps = learned.run(outs, known.nesting), learned.steps
    return outs[0] if known.nesting is None else _pytree.tree_unflatten(outs, known.nesting)


class ModelNew(Model):
    """Model with forward replaced, for inference: gradients do not flow through it. Parameters and state_dict are Model's."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        bound = _inspect.signature(Model.__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        self._kerf_init = {k: v for k, v in bound.arguments.items() if v is not self}
        self._kerf_known, self._kerf_shortcuts = {}, []
        self._kerf_off = False
        if KERF_EVAL:
            self.eval()

    def __getstate__(self):  # copies and saved models begin anew
        return {**self.__dict__, "_kerf_known": {}, "_kerf_shortcuts": []}

    def forward(self, *args, **kwargs):
        if not kwargs:
            for again in self._kerf_shortcuts:
                result = again(self, args)
                if result is not None:
                    return result
        result = _kerf_forward(self, args, kwargs)
        return super().forward(*args, **kwargs) if result is None else result
)py";
}

}  // namespace kerf
