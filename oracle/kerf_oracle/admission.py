"""Admission: is the problem deterministic, and can anything tell a right answer from a trivial one?"""

import math

import torch

from . import baselines, draws, errors, judge, precision, trace

LARGE = 4e9             # operations: beyond, two of the extra distributions are enough, lest admission take minutes
CUSTOMARY = 1e-2        # the tolerance of customary harnesses, in units of each output's magnitude
SENSIBLE = {torch.float64: 1e-9, torch.float32: 1e-3, torch.bfloat16: 0.2, torch.float16: 0.05}


class Sample:
    """One set of inputs and parameters with the answers to it; without `judged` only those in the working type."""

    def __init__(self, workload, distribution, seed, report, state=None, judged=True):
        report(f"answering {distribution} inputs")
        self.inputs = [torch.empty(t.shape, dtype=t.dtype, device=workload.device) for t in workload.tensors_of_template()]
        self.names = workload.input_names
        self.state = state or {name: torch.empty_like(t) for name, t in workload.initial.items()}
        workload.draw(distribution, seed, self.inputs, self.state) if state is None else \
            workload.draw_inputs(distribution, seed, self.inputs)
        self.truths, self.reference = answers(workload, self.inputs, self.state, report) if judged else \
            (None, reference_answers(workload, self.inputs, self.state, report))


def reference_answers(workload, inputs, state, report):
    baselines.pin(workload.exact)
    workload.set_state(state)
    copies = [t.clone() for t in inputs] if workload.mutates_inputs else inputs
    return workload.outputs(workload.arguments(copies), report)


def permitted_answers(workload, inputs, state, report):
    """As reference_answers, rounded as far as PyTorch permits; None where it permits nothing that matters here."""
    if not workload.may_round:
        return None
    with precision.Tf32Convolutions() as convolutions:
        outputs = reference_answers(workload, inputs, state, report)
    workload.may_round = convolutions.count > 0
    return outputs if workload.may_round else None


def answers(workload, inputs, state, report, beside=None):
    """(truths, outputs of the reference in the working type) on these tensors. `beside`: the outputs, by name, that are judged first."""
    reference = reference_answers(workload, inputs, state, report)
    if any(r.is_floating_point() for r in reference):
        true = workload.truth(inputs, state, report)
        workload.set_state(state)
        permitted = permitted_answers(workload, inputs, state, report)
    else:
        true, permitted = reference, None
    names = workload.output_names(len(reference))
    truths = [judge.Truth(n, t, r, beside and beside[n], p)
              for n, t, r, p in zip(names, true, reference, permitted or [None] * len(reference))]
    return truths, reference


def ill_conditioned(sample):
    """Why this distribution cannot be judged on, or None."""
    for truth, reference in zip(sample.truths, sample.reference):
        if truth.exact:
            if truth.reference is not None:
                return "exact answers depend on rounding"
            continue
        if not truth.finite or not bool(torch.isfinite(reference).all()):
            return "answers are not finite"
        if truth.error > SENSIBLE[truth.dtype] * max(truth.scale, 1e-30):
            return f"the reference is off by {truth.error / max(truth.scale, 1e-30):.1g} of the largest magnitude"
    return None


def widest_budget(sample):
    """The largest error that an element may have, in units of its output's largest magnitude."""
    return max((t.allowed / t.scale for t in sample.truths if t.scale > 0 and t.finite), default=0.0)


def trivial(sample, other):
    """[(what, answers)] that take no work, for the answers of `sample`."""
    outputs = sample.reference
    found = [("zeros", [torch.zeros_like(t) for t in outputs])]
    if all(t.is_floating_point() and t.numel() > 1 for t in outputs):
        found.append(("a constant", [torch.full_like(t, float(t.mean(dtype=torch.float64))) for t in outputs]))
    for kind, tensors in (("input", list(zip(sample.names, sample.inputs))), ("parameter", list(sample.state.items()))):
        for name, tensor in tensors:
            copies = [broadcast(tensor, t) for t in outputs]
            if all(c is not None for c in copies):
                found.append((f"a copy of {kind} {name}", copies))
    if other is not None and len(other.reference) == len(outputs):
        found.append(("the answer to other inputs", other.reference))
    return found


def broadcast(tensor, like):
    if tensor.dtype != like.dtype or tensor.dim() > like.dim() or tensor.numel() > like.numel():
        return None
    try:
        return tensor.expand(like.shape)
    except RuntimeError:
        return None


def passes(sample, answer):
    for truth, given in zip(sample.truths, answer):
        if list(given.shape) != truth.shape or clearly_wrong(truth, given) or not judge.judge(truth, given, 0)["right"]:
            return False
    return True


def clearly_wrong(truth, given):
    """Whether a few elements show already that an answer is wrong."""
    if truth.exact or not truth.finite or not given.numel():
        return False
    step = max(1, given.numel() // 1024)
    true = truth.true[::step]
    # Element numbers in the order of `true`, as positions of `given`, whose memory may lie otherwise (expanded).
    position, index, rest = [], torch.arange(0, given.numel(), step, device=given.device), None
    rest = index
    for d in reversed(truth.order):
        position.append((d, rest % truth.shape[d]))
        rest = rest // truth.shape[d]
    picks = tuple(each for _, each in sorted(position, key=lambda pair: pair[0]))
    found = given[picks] if picks else given.reshape(1)
    return bool(((found.double() - true).abs() > truth.allowed).any())


def close(a, b, rtol, atol, equal_nan=False):
    """torch.allclose in double precision, without copies of whole tensors."""
    if a.shape != b.shape:
        return False
    a, b = a.reshape(-1), b.reshape(-1)
    return all(torch.allclose(a[i:i + judge.PIECE].double(), b[i:i + judge.PIECE].double(), rtol=rtol, atol=atol, equal_nan=equal_nan)
               for i in range(0, a.numel(), judge.PIECE))


def magnitude(a):
    """The largest of what is finite."""
    largest = float(a.abs().max())
    if not math.isfinite(largest):
        largest = float(a.abs().nan_to_num(0.0, 0.0, 0.0).max())
    return largest


def passes_customarily(sample, answer):
    def alike(a, b):
        return close(a, b, CUSTOMARY, CUSTOMARY)

    # A slice of the leading dimension first: most answers fail there already.
    return all((a.dim() == 0 or a.shape != r.shape or alike(a[:1], r[:1])) and alike(a, r)
               for a, r in zip(answer, sample.reference))


def check_random(workload, sample, program, report):
    """Refuses models whose answers change from run to run."""
    report("running forward a second time")
    runs, written = [], []
    for seed in (1, 2):
        draws.seed_all(seed)
        workload.set_state(sample.state)
        before = {name: (b, b.clone()) for name, b in workload.model.named_buffers() if name not in workload.updated}
        runs.append(workload.outputs(workload.arguments([t.clone() for t in sample.inputs]), report))
        written = [name for name, b in workload.model.named_buffers()
                   if name in before and (b is not before[name][0] or not torch.equal(b, before[name][1]))]
    named = trace.random_operators(program) if program is not None else []
    differs = len(runs[0]) != len(runs[1]) or any(
        not close(a, b, 1e-4, 0 if a.dtype == torch.bool else 1e-5 * magnitude(a), equal_nan=True)
        for a, b in zip(*runs) if a.numel())
    if not differs and not named:
        return None
    if written and not named:
        return (f"forward writes its buffer {written[0]} and the answer depends on it, so that every run gives another one; take what it "
                f"holds as an input and return what it becomes")
    what = f"forward is random ({', '.join(named)})" if named else "forward gives another answer to the same inputs in every run"
    if workload.mode == "eval":
        return f"{what} even in eval mode, so no answer is the right one; draw random tensors in get_inputs() instead"
    was = [m for m in workload.model.modules() if m.training]
    workload.model.eval()
    again = []
    for seed in (1, 2):
        draws.seed_all(seed)
        again.append(workload.outputs(workload.arguments([t.clone() for t in sample.inputs]), report))
    for module in was:
        module.training = True
    if all(torch.equal(a, b) for a, b in zip(*again)):
        return f"{what}, because the file leaves the model in training mode; judge it with --mode eval"
    return f"{what} and --mode eval does not settle it; draw random tensors in get_inputs() instead"


def mistraced(workload, outputs, specifications):
    """Why a trace does not describe the model: its outputs (`specifications`) have other shapes than a run gave them. None if it does."""
    differ = [f"{name} as {traced['shape']} instead of {list(given.shape)}"
              for name, given, traced in zip(workload.output_names(len(outputs)), outputs, specifications)
              if list(given.shape) != traced["shape"]]
    return f"PyTorch {torch.__version__} traces {', '.join(differ)}; use another version of it, or rewrite that part of forward" \
        if differ else None


def admit(workload, traced, report):
    """The Admission of problem/problem.h, as data. `traced`: understand.Traced of the workload. Where what PyTorch lets convolutions round
    leaves little or nothing to be told from trivial answers, the workload computes exactly from now on."""
    verdict, why = examine(workload, traced, report)
    if why is None:
        return verdict
    workload.compute_exactly()
    verdict, _ = examine(workload, traced, report)
    if verdict["admitted"]:
        verdict["notes"].append(f"computed without TF32, baselines and candidates alike: {why}")
    else:
        workload.compute_exactly(False)
    return verdict


def examine(workload, traced, report):
    """(the Admission in the precision in which the workload is computed now, why that ought to be exact or None)"""
    program, operations = traced.program, traced.data["operations"]
    verdict = {"admitted": False, "refused": "", "degenerate": False, "fooled_by_own_inputs": [], "distributions": ["own"],
               "notes": []}
    own = Sample(workload, "own", 101, report)
    if refused := mistraced(workload, own.reference, traced.data["outputs"]) or check_random(workload, own, program, report):
        verdict["refused"] = refused
        return verdict, None
    if workload.may_round and (budget := widest_budget(own)) > judge.MEANINGFUL:
        return verdict, f"with its error {budget:.0%} of the largest magnitude would be allowed"
    if bad := ill_conditioned(own):
        verdict["notes"].append(f"on the file's own inputs {bad}")
        if "finite" in bad and not any(t.numel() and bool(torch.isfinite(t).any()) for t in own.reference):
            verdict["refused"] = "no element of the answer is finite on the file's own inputs, so nothing can be judged"
            return verdict, None
    other = Sample(workload, "own", 202, report, state=own.state, judged=False)
    fooled, customary = [], []
    for what, answer in trivial(own, other):
        if passes(own, answer):
            fooled.append(what)
        elif passes_customarily(own, answer):
            customary.append(what)
    verdict["fooled_by_own_inputs"] = fooled + [f"{what} (at a tolerance of {CUSTOMARY:g})" for what in customary]
    moved = any(workload.continuous)
    telling = {what: False for what in fooled}
    exact = any(t.exact for t in own.truths)
    del other
    answer = own = None  # the extra distributions need the room
    if moved:
        extra = draws.EXTRA[:2] if operations > LARGE else draws.EXTRA
        for i, distribution in enumerate(extra):
            if distribution == "sparse" and exact:
                verdict["notes"].append("not judged on sparse inputs: ties leave the exact answer open")
                continue
            try:
                sample = Sample(workload, distribution, 303 + i, report)
                bad = ill_conditioned(sample)
            except errors.Refusal as error:
                if errors.is_out_of_memory(error):
                    raise
                bad = error.message
            if bad:
                verdict["notes"].append(f"not judged on {distribution} inputs: {bad}")
                sample = None
                continue
            verdict["distributions"].append(distribution)
            if any(not told for told in telling.values()):
                second = Sample(workload, distribution, 404 + i, report, state=sample.state, judged=False)
                for what, answer in trivial(sample, second):
                    if what in telling and not passes(sample, answer):
                        telling[what] = True
            sample = second = answer = None
    nothing_tells = [what for what, told in telling.items() if not told]
    if nothing_tells:
        verdict["degenerate"] = True
        verdict["refused"] = (f"degenerate: {nothing_tells[0]} passes as the answer on every kind of input, so no right answer "
                              f"can be told from a trivial one; give other sizes with --set, or --allow-degenerate")
    else:
        verdict["admitted"] = True
    rounds = verdict["degenerate"] and workload.may_round
    return verdict, f"with its error {nothing_tells[0]} would pass as the answer" if rounds else None
