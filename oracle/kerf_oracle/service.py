"""The requests that kerf makes. One at a time, in the order in which they come."""

import gc
import hashlib
import os
import resource
import sys
import time

import torch

from . import PROTOCOL, admission, baselines, errors, judge, layout, understand, wire
from .workload import Workload, tensors_in

KEEP_BUILT = 6                 # models of the workloads used last stay built
KEEP_BYTES = 2 << 30           # of parameters
VARIANT_COST = 1.5             # of the primary's bytes
VARIANT_SECONDS = 3.0


class Trial:
    def __init__(self, identifier, workload, memory, inputs, state):
        self.id, self.workload, self.memory, self.inputs, self.state = identifier, workload, memory, inputs, state
        self.truths = None


class Service:
    def __init__(self, channel):
        self.channel = channel
        self.workloads, self.trials, self.outputs = {}, {}, layout.Memories(8)
        self.recent = []
        self.flush = baselines.Flusher()
        self.in_place = None  # the trial whose tensors the model's parameters are views of now, by workload id

    def serve(self):
        while (frame := self.channel.receive()) is not None:
            request, fds = frame
            try:
                reply = {"ok": getattr(self, "on_" + request["do"])(request, fds)}
            except errors.Refusal as error:
                reply = {"error": {"kind": error.kind, "message": error.message}}
            except Exception as error:
                reply = {"error": self.unexpected(error)}
            finally:
                wire.close_all(fds)
            self.channel.send(reply)

    @staticmethod
    def unexpected(error):
        if errors.is_out_of_memory(error):
            return {"kind": "user", "message": "the oracle ran out of memory; make the problem smaller with --set NAME=VALUE"}
        import traceback
        traceback.print_exc()
        at = traceback.extract_tb(error.__traceback__)[-1]
        return {"kind": "internal", "message": f"{type(error).__name__} in {os.path.basename(at.filename)}:{at.lineno}: "
                                               f"{errors.one_line(error)}"}

    def report(self, phase):
        """Tells kerf what is being done, so that it can say what never ended."""
        self.channel.send({"phase": phase})

    def on_hello(self, request, _):
        if request["protocol"] != PROTOCOL:
            raise errors.Refusal("internal", f"kerf speaks protocol {request['protocol']}, this oracle {PROTOCOL}; "
                                             f"install both from one release")
        if cpus := request.get("cpus"):
            os.sched_setaffinity(0, cpus)
        torch.set_num_threads(request["threads"])
        if limit := request.get("memory_limit"):
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return {"protocol": PROTOCOL, "versions": {
            "torch": torch.__version__, "python": ".".join(map(str, sys.version_info[:3])),
            "threads": torch.get_num_threads()}}

    # Workloads

    @staticmethod
    def identify(problem):
        digest = hashlib.sha256()
        for part in (problem["source"], repr(sorted(problem["sizes"].items())), problem["mode"]):
            digest.update(len(part.encode()).to_bytes(8, "little") + part.encode())
        return digest.hexdigest()

    def register(self, problem, sizes=None):
        problem = problem if sizes is None else {**problem, "sizes": sizes}
        identifier = self.identify(problem)
        if identifier not in self.workloads:
            self.workloads[identifier] = Workload(identifier, problem["source"], problem["sizes"], problem["mode"], problem["path"])
        return self.workloads[identifier]

    def on_register(self, request, _):
        """A workload that was admitted before, e.g. by a process that died."""
        return {"id": self.register(request["problem"]).id}

    def built(self, workload):
        if workload.model is None:
            workload.build(self.report)
            understand.Traced(workload, self.report)  # names constants that the trace lifts out
            understand.eager_us(workload, self.report)
        if workload in self.recent:
            self.recent.remove(workload)
        self.recent.append(workload)
        in_use = {trial.workload for trial in self.trials.values()}
        for old in self.recent[:-1]:
            many = len(self.recent) > KEEP_BUILT or sum(w.size() for w in self.recent) > KEEP_BYTES
            if many and old not in in_use:
                self.recent.remove(old)
                old.unload()
                gc.collect()
        return workload

    def on_admit(self, request, _):
        problem = request["problem"]
        self.report("reading the file")
        workload = self.register(problem)
        workload.build(self.report)
        eager = understand.eager_us(workload, self.report)
        traced = understand.Traced(workload, self.report)
        data = traced.data
        data["eager_us"] = eager
        data["sizes"] = problem["sizes"]
        verdict = admission.admit(workload, traced.program, data["operations"], self.report)
        workload.reset_state()
        if verdict["degenerate"] and problem.get("allow_degenerate"):
            verdict["notes"].append(verdict["refused"])
            verdict.update(admitted=True, refused="")
        self.built(workload)
        return {"workload": data, "admission": verdict, "module_sizes": workload.file.module_sizes(workload.module)}

    def on_trace(self, request, _):
        """What on_admit says of shapes: nothing is drawn or computed, so that any size will do."""
        problem = request["problem"]
        self.report("reading the file")
        data, sizes = understand.abstract_record(self.register(problem).id, problem["source"], problem["sizes"], problem["mode"],
                                                 problem["path"], self.report)
        data["sizes"] = problem["sizes"]
        return {"workload": data, "module_sizes": sizes}

    def on_variants(self, request, _):
        """Hidden variants out of proposals: [[{"name", "values"}]], a list a variant."""
        problem, found, taken = request["problem"], [], [request["problem"]["sizes"]]
        limit = VARIANT_COST * request["cost"]
        for proposals in request["proposals"]:
            self.report("looking for hidden variants")
            sizes = understand.choose_variant(problem["source"], problem["sizes"], problem["mode"], problem["path"], limit,
                                              proposals, taken, time.monotonic() + VARIANT_SECONDS)
            if sizes is None:
                continue
            taken.append(sizes)
            workload = self.register(problem, sizes)
            try:
                found.append(understand.abstract_trace(workload.id, problem["source"], sizes, problem["mode"], problem["path"],
                                                       self.report))
            except errors.Refusal:
                continue
        return {"workloads": found}

    # Trials

    def on_draw(self, request, fds):
        workload = self.built(self.find(self.workloads, request["workload"], "workload"))
        memory = layout.Memory(fds[0], writable=True)
        views = {placed["name"]: memory.view(placed) for placed in request["tensors"]}
        inputs = [views[name] for name in workload.input_names]
        state = {name: views.get(name, workload.initial[name]) for name in workload.slots}
        scratch = {n: t if n in views else t.clone() for n, t in state.items()}
        workload.draw(request["distribution"], request["seed"], inputs, scratch)
        self.trials[request["id"]] = Trial(request["id"], workload, memory, inputs, scratch)
        self.in_place = None
        return {}

    @staticmethod
    def find(table, key, what):
        if key not in table:
            raise errors.Refusal("system", f"the oracle knows no {what} {key}; it was forgotten or the oracle was started anew")
        return table[key]

    def on_judge(self, request, fds):
        trial = self.find(self.trials, request["trial"], "trial")
        if trial.truths is None or request["inputs_changed"]:
            truths, _ = admission.answers(trial.workload, trial.inputs, trial.state, self.report)
            trial.truths = truths
            self.in_place = None
        memory = self.outputs.get(fds[0])
        placed = {each["name"]: each for each in request["tensors"]}
        found = [judge.judge(truth, memory.view(placed[truth.name]), request["sentinel"]) for truth in trial.truths]
        return {"right": all(each["right"] for each in found), "outputs": found}

    def on_forget(self, request, _):
        self.trials.pop(request["trial"], None)
        self.in_place = None
        return {}

    # Baselines

    def on_prepare_baseline(self, request, _):
        workload = self.built(self.find(self.workloads, request["workload"], "workload"))
        self.report(f"preparing {request['baseline']}")
        self.in_place = None
        workload.reset_state()
        copies = [t.clone() for t in tensors_in(workload.template)]
        baselines.prepare(workload, request["baseline"], lambda: workload.arguments(copies))
        return {}

    def on_time_baseline(self, request, _):
        trial = self.find(self.trials, request["trial"], "trial")
        workload = self.built(trial.workload)
        if self.in_place != trial.id:
            workload.set_state(trial.state)
            self.in_place = trial.id
        inputs = [t.clone() for t in trial.inputs] if workload.mutates_inputs else trial.inputs
        us, switches = baselines.time_once(workload, request["baseline"], workload.arguments(inputs),
                                           self.flush if request["cold"] else None)
        return {"us": us, "switches": switches}
