"""The requests that kerf makes. One at a time, in the order in which they come."""

import contextlib
import gc
import hashlib
import os
import resource
import sys
import time

import torch

from . import PROTOCOL, admission, ahead, baselines, conditioning, errors, fused, judge, layout, sharing, understand, wire
from .memory_requests import MemoryRequests
from .workload import Workload, tensors_in

KEEP_BUILT = 6                 # models of the workloads used last stay built
KEEP_BYTES = 2 << 30           # of parameters
KEEP_TRUTHS = 1 << 30          # bytes of a trial's inputs up to which its true answers are kept on a GPU
VARIANT_COST = 1.5             # of the primary's bytes
VARIANT_SECONDS = 3.0


class Trial:
    def __init__(self, request, workload, memory, inputs, state):
        self.id, self.distribution, self.seed = request["id"], request["distribution"], request["seed"]
        self.workload, self.memory, self.inputs, self.state = workload, memory, inputs, state
        self.truths = None
        self.sampled = False  # whether the truths count further samples of the reference's error, where any can be had


class Service(MemoryRequests):
    def __init__(self, channel):
        super().__init__()
        self.channel = channel
        self.workloads, self.outputs = {}, layout.Memories(8)
        self.recent = []
        self.sharing = sharing.Sharing()
        self.flush = baselines.Flusher()
        self.tf32 = False   # whether convolutions may round, as PyTorch lets them on the target
        self.graph = False  # whether baselines are timed as captured graphs
        self.in_place = None  # the trial whose tensors the model's parameters are views of now, by workload id

    def serve(self):
        while (frame := self.channel.receive()) is not None:
            request, fds = frame
            try:
                reply = {"ok": getattr(self, "on_" + request["do"])(request, fds)}
            except errors.NeedsRoom:
                reply = {"needs_room": True}
            except Exception as error:
                out = errors.is_out_of_memory(error) or errors.is_out_of_memory(error.__cause__)
                if out and (self.spares or self.bounds.limit):
                    self.bounds.lift()
                    reply = {"needs_room": True}
                elif isinstance(error, errors.Refusal):
                    reply = {"error": {"kind": error.kind, "message": error.message}}
                else:
                    reply = {"error": self.unexpected(error)}
            finally:
                wire.close_all(fds)
            self.channel.send(reply)

    @staticmethod
    def unexpected(error):
        if errors.is_out_of_memory(error):
            return {"kind": "user", "message": "the oracle ran out of memory; make the problem smaller with --set NAME=VALUE, or end "
                                               "what else uses the memory"}
        import traceback
        traceback.print_exc()
        at = traceback.extract_tb(error.__traceback__)[-1]
        return {"kind": "internal", "message": f"{type(error).__name__} in {os.path.basename(at.filename)}:{at.lineno}: "
                                               f"{errors.one_line(error)}"}

    def report(self, phase):
        """Tells kerf what is being done, so that it can say what never ended. Between two phases others may have their turn."""
        self.channel.send({"phase": phase})
        self.sharing.give_way(torch.cuda.synchronize)

    def on_hello(self, request, _):
        if request["protocol"] != PROTOCOL:
            raise errors.Refusal("internal", f"kerf speaks protocol {request['protocol']}, this oracle {PROTOCOL}; "
                                             f"install both from one release")
        if cpus := request.get("cpus"):
            os.sched_setaffinity(0, cpus)
        torch.set_num_threads(request["threads"])
        versions = {"torch": torch.__version__, "python": ".".join(map(str, sys.version_info[:3])),
                    "threads": torch.get_num_threads()}
        self.graph = request.get("graph", False)
        self.tf32 = request.get("tf32", False)
        if name := request.get("device"):
            versions.update(self.use(name, request["flush_bytes"], request["lock"]))
        elif limit := request.get("memory_limit"):  # a GPU's driver reserves far more addresses than memory
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return {"protocol": PROTOCOL, "versions": versions}

    def use(self, name, flush_bytes, lock):
        """From now on everything lives on this GPU. What a receipt should say of it."""
        self.device = torch.device(name)
        if not torch.cuda.is_available():
            raise errors.Refusal("unavailable", f"PyTorch {torch.__version__} sees no GPU: it needs a CUDA build and NVIDIA's driver")
        torch.cuda.set_device(self.device)
        self.sharing = sharing.Sharing(lock)
        baselines.pin()
        self.flush = baselines.Flusher(self.device, flush_bytes)
        slow = fused.why_not(self.device.type)
        return {"judged_by": "fused kernels" if slow is None else f"PyTorch's operators, more slowly: {slow}",
                "cuda": torch.version.cuda, "gpu": torch.cuda.get_device_name(self.device),
                "tf32_matmul": torch.backends.cuda.matmul.allow_tf32, "tf32_cudnn": torch.backends.cudnn.allow_tf32}

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
            self.workloads[identifier] = Workload(identifier, problem["source"], problem["sizes"], problem["mode"], problem["path"],
                                                   device=self.device, tf32=self.tf32, make_room=self.free_spares_first)
        if problem.get("exact_convolutions"):
            self.workloads[identifier].compute_exactly()
        return self.workloads[identifier]

    def on_register(self, request, _):
        """A workload that was admitted before, e.g. by a process that died."""
        return {"id": self.register(request["problem"]).id}

    def make_room(self):
        """Forgets all trials and models: a GPU holds those of one problem."""
        for trial in list(self.trials):
            self.on_forget({"trial": trial}, [])
        for memory in list(self.memories):
            self.on_release({"memory": memory}, [])
        self.spares.free()
        for workload in self.recent:
            workload.unload()
        self.recent.clear()
        torch._dynamo.reset()  # what was compiled holds examples of what it was compiled for
        gc.collect()
        torch.cuda.empty_cache()

    def built(self, workload):
        if workload.model is None:
            workload.build(self.report)
            if workload.lifts:
                understand.Traced(workload, self.report)  # names constants that the trace lifts out
            understand.eager_us(workload, self.report)
            if self.on_device():
                workload.shed()
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

    def on_leave(self, *_):
        """Others need the room: nothing of what was admitted is asked for any more."""
        if self.on_device():
            self.make_room()
        return {}

    def on_footprint(self, request, _):
        """How much memory a problem will take, before any of it is taken."""
        problem = request["problem"]
        self.report("reading the file")
        return {"id": self.identify(problem), **understand.footprint(problem["source"], problem["sizes"], problem["mode"], problem["path"],
                                                                     self.device)}

    def on_admit(self, request, _):
        """Nobody who asks for this holds the GPU's lock: it is taken here, for as long as the GPU is used."""
        problem = request["problem"]
        self.share = request.get("share", 1.0)
        self.report("reading the file")
        missed = self.sharing.missed
        with self.sharing.beside():
            if self.on_device():
                self.make_room()  # kerf had others close what they have open
                self.bounds.enter(self.identify(problem), request.get("computing_bytes", 0), self.device)
            workload = self.register(problem)
            workload.build(self.report)
            eager = understand.eager_us(workload, self.report)
        traced = understand.Traced(workload, self.report)
        data = traced.data
        data["eager_us"] = eager
        data["sizes"] = problem["sizes"]
        with self.sharing.beside():
            if self.on_device():
                workload.shed()
            verdict = admission.admit(workload, traced, self.report)
            if workload.exact:  # so are variants, of which some may be known already
                for other in self.workloads.values():
                    if other.file.source == workload.file.source and other.mode == workload.mode:
                        other.compute_exactly()
            data["exact_convolutions"] = workload.exact
            workload.reset_state()
            self.built(workload)
        if self.sharing.missed > missed:
            verdict["notes"].append(f"another process held the GPU's lock ({self.sharing.path}) for {sharing.PATIENCE:g} s, and the GPU "
                                    f"was used without it")
        if verdict["degenerate"] and problem.get("allow_degenerate"):
            verdict["notes"].append(verdict["refused"])
            verdict.update(admitted=True, refused="")
        return {"workload": data, "admission": verdict, "module_sizes": workload.file.module_sizes(workload.module)}

    def on_trace(self, request, _):
        """What on_admit says of shapes: nothing is drawn or computed, so that any size will do."""
        problem = request["problem"]
        self.report("reading the file")
        data, abstract = understand.abstract_record(self.register(problem).id, problem["source"], problem["sizes"], problem["mode"],
                                                    problem["path"], self.report)
        data["sizes"] = problem["sizes"]
        return {"workload": data, "module_sizes": abstract.file.module_sizes(abstract.module)}

    def on_variants(self, request, _):
        """Hidden variants out of proposals: [[{"name", "values"}]], a list a variant."""
        problem, found, taken = request["problem"], [], [request["problem"]["sizes"]]
        limit = VARIANT_COST * request["cost"]
        for proposals in request["proposals"]:
            self.report("looking for hidden variants")
            sizes = understand.choose_variant(problem["source"], problem["sizes"], problem["mode"], problem["path"], limit,
                                              proposals, taken, time.monotonic() + VARIANT_SECONDS, self.device)
            if sizes is None:
                continue
            taken.append(sizes)
            workload = self.register(problem, sizes)
            try:
                data, abstract = understand.abstract_record(workload.id, problem["source"], sizes, problem["mode"], problem["path"],
                                                            self.report, self.device)
            except errors.Refusal:
                continue
            found.append(data)
            workload.lifts = abstract.lifts  # else it is traced a second time when it is first drawn
        return {"workloads": found}

    # Trials

    def on_draw(self, request, fds):
        workload = self.built(self.find(self.workloads, request["workload"], "workload"))
        on_device = self.on_device()
        memory = self.placed(request["tensors"]) if on_device else layout.Memory(fds[0], writable=True)
        views = {placed["name"]: memory.view(placed) for placed in request["tensors"]}
        inputs = [views[name] for name in workload.input_names]
        state = {name: views.get(name, workload.initial[name]) for name in workload.slots}
        scratch = {n: t if n in views else t.clone() for n, t in state.items()}
        workload.draw(request["distribution"], request["seed"], inputs, scratch)
        self.trials[request["id"]] = Trial(request, workload, memory, inputs, scratch)
        self.in_place = None
        if not on_device:
            return {}
        torch.cuda.synchronize()
        memory.seal()
        return {"memory": memory.describe(request["id"])}

    def on_judge(self, request, fds):
        trial = self.find(self.trials, request["trial"], "trial")
        on_device = self.on_device()
        memory = self.find(self.memories, request["memory"], "memory") if on_device else self.outputs.get(fds[0])
        outputs = {each["name"]: memory.view(each) for each in request["tensors"]}
        if trial.truths is None or request["inputs_changed"]:
            trial.truths, trial.sampled = None, False
            trial.truths, _ = admission.answers(trial.workload, trial.inputs, trial.state, self.report, outputs)
            self.in_place = None

        def judged():
            return [judge.judge(truth, outputs[truth.name], request["sentinel"]) for truth in trial.truths]

        found = judged()
        if not trial.sampled and conditioning.narrowly_wrong(trial.truths, found):
            conditioning.sample(trial, self.report)
            trial.sampled = True
            self.in_place = None
            found = judged()
        if on_device and trial.memory.size > KEEP_TRUTHS:
            trial.truths = None  # computing them again takes less than the room they would take
        return {"right": all(each["right"] for each in found), "outputs": found}

    def on_forget(self, request, _):
        trial = self.trials.pop(request["trial"], None)
        self.in_place = None
        if trial is not None and self.on_device():
            trial.workload.graphs = {name: kept for name, kept in trial.workload.graphs.items() if kept[0] != trial.id}
            trial.workload.reset_state()  # parameters may be views of the memory that goes
            trial.inputs = trial.state = trial.truths = None
            self.spare(trial.memory)
        return {}

    # Baselines

    def on_prepare_baseline(self, request, _):
        """Where nobody who asks for this holds the GPU's lock, it is taken here, and not while something is compiled."""
        lock = sharing.Sharing() if request["held"] else self.sharing
        compiled = self.on_device() and request["baseline"] in baselines.COMPILED
        with lock.beside(), ahead.Measured(lock, torch.cuda.synchronize) if compiled else contextlib.nullcontext():
            workload = self.built(self.find(self.workloads, request["workload"], "workload"))
            self.report(f"preparing {request['baseline']}")
            self.in_place = None
            workload.reset_state()
            own = workload.draw_own(0)[0] if self.on_device() else workload.template
            copies = [t.clone() for t in tensors_in(own)]
            own = None
            try:
                baselines.prepare(workload, request["baseline"], lambda: workload.arguments(copies), self.graph)
            except errors.Refusal as refusal:
                if refusal.out_of_memory:
                    self.free_spares_first()
                raise
        return {}

    def on_compile_ahead(self, request, _):
        """In a process that does nothing else, and makes way for those that do."""
        os.nice(max(0, 10 - os.nice(0)))
        problem, baseline, on = request["problem"], request["baseline"], torch.device(request["device"])
        ready = ahead.compile_baseline(problem, baseline, on, self.report)
        if baseline == "max_autotune" and ahead.has_room(request["bytes"], on, request["beside"]):
            ahead.measure_baseline(problem, baseline, on, sharing.Sharing(request["lock"]), self.report, request["beside"])
            ready = True
        return {"ready": ready}

    def on_trace_baseline(self, request, _):
        """Of one call on inputs of its own, which are nobody's secret."""
        workload = self.built(self.find(self.workloads, request["workload"], "workload"))
        self.report(f"tracing {request['baseline']}")
        own = workload.draw_own(0)[0] if self.on_device() else workload.template
        inputs = [t.clone() for t in tensors_in(own)]
        return {"trace": baselines.trace(workload, request["baseline"], lambda: workload.arguments(inputs))}

    def on_time_baseline(self, request, _):
        trial = self.find(self.trials, request["trial"], "trial")
        workload = self.built(trial.workload)
        if self.in_place != trial.id:
            workload.set_state(trial.state)
            self.in_place = trial.id
            workload.graphs = {}  # buffers that runs update are others now
        refused = baselines.refused_allocations(self.device)
        flush = self.flush if request["cold"] else None
        if self.graph:
            us, switches, shows_host = baselines.time_graph(workload, request["baseline"], trial.id, trial.inputs, flush)
        else:
            inputs = [t.clone() for t in trial.inputs] if workload.mutates_inputs else trial.inputs
            us, switches, shows_host = baselines.time_once(workload, request["baseline"], workload.arguments(inputs), flush)
        if baselines.refused_allocations(self.device) > refused:
            self.free_spares_first()
            raise errors.Refusal("unavailable", f"{request['baseline']} found no room on the GPU for its workspace, and did with a slower "
                                                f"kernel; end what else uses the GPU's memory")
        return {"us": us, "switches": switches, "shows_host": shows_host}
