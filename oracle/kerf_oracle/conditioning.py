"""How much of the reference's error is chance. It is one draw, and where a function is ill-conditioned (scores of a softmax that are large
and nearly equal) the draws have a long tail: a right answer may err by more than eight times what the reference happened to. Who is off by
what a change in the last bit of the inputs does computes as well as PyTorch does, so the reference's answers to inputs that were changed so
count, too. They are only asked for where an answer would be wrong without them, and narrowly."""

import collections

import torch

from . import admission, draws, errors

SAMPLES = 3
BITS = {torch.float32: torch.int32, torch.float64: torch.int64}

# As much of admission.Sample as trivial answers are made of.
Given = collections.namedtuple("Given", "names inputs state truths reference")


def nudged(tensor, generator):
    """A copy in which each number is the next one up or down, by lot; zeros and what is not finite stay. Types of few bits as they are."""
    if tensor.dtype not in BITS:
        return tensor
    made = torch.randint(0, 2, tensor.shape, generator=generator, dtype=BITS[tensor.dtype], device=tensor.device)
    made = made.mul_(2).sub_(1).add_(tensor.view(BITS[tensor.dtype])).view(tensor.dtype)
    return torch.where((tensor != 0) & torch.isfinite(tensor) & torch.isfinite(made), made, tensor)


def narrowly_wrong(truths, found):
    """Whether something is wrong, and nothing by more than samples may permit."""
    wrong = [(truth, judged) for truth, judged in zip(truths, found) if not judged["right"]]
    return bool(wrong) and all(truth.may_permit(judged) for truth, judged in wrong)


def sample(trial, report):
    """Has the truths of a trial (of service.py) permit what the reference says to its inputs and parameters with other last bits, unless
    a trivial answer would be right then. Where there is no answer, or no room for one, they stay as they are."""
    try:
        permit_samples(trial, report)
    except Exception as error:
        full = errors.is_out_of_memory(error) or errors.is_out_of_memory(error.__cause__)
        if not full and not isinstance(error, errors.Refusal):
            raise
        for truth in trial.truths:
            truth.permit_no_more()
        if full:
            trial.workload.make_room()
    finally:
        trial.workload.set_state(trial.state)


def permit_samples(trial, report):
    workload = trial.workload
    generator = draws.generator(workload.device, trial.seed ^ 0x94D049BB133111EB)
    for _ in range(SAMPLES):
        inputs = [nudged(t, generator) if moves else t for t, moves in zip(trial.inputs, workload.continuous)]
        state = {name: t if workload.slots[name][2] == "kept" else nudged(t, generator) for name, t in trial.state.items()}
        outputs = admission.permitted_answers(workload, inputs, state, report) or \
            admission.reference_answers(workload, inputs, state, report)
        for truth, output in zip(trial.truths, outputs):
            truth.permit(output)
        inputs = state = None
    other = admission.Sample(workload, trial.distribution, trial.seed + 1, report, state=trial.state, judged=False)
    given = Given(workload.input_names, trial.inputs, trial.state, trial.truths, outputs)
    if any(admission.passes(given, answer) for _, answer in admission.trivial(given, other)):
        for truth in trial.truths:
            truth.permit_no_more()
