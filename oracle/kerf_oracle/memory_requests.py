"""The requests about memory on a device: what kerf does itself where it can map it."""

import gc

import torch

from . import device, errors

KEEP_SPARES = 0.25  # of a GPU's memory


class MemoryRequests:
    """What is held on the device that is ours, if there is one: trials, and outputs of their runs."""

    def __init__(self):
        self.device = torch.device("cpu")
        self.trials = {}
        self.memories = {}  # of outputs on a device, by id
        self.spares = device.Spares()
        self.share = 1.0  # of the GPU's memory, that is ours
        self.bounds = device.Bounds()

    def on_device(self):
        return self.device.type != "cpu"

    @staticmethod
    def find(table, key, what):
        if key not in table:
            raise errors.Refusal("system", f"the oracle knows no {what} {key}; it was forgotten or the oracle was started anew")
        return table[key]

    def placed(self, tensors):
        size, _ = device.place(tensors)
        return device.Memory(tensors, self.spares.take(size) or device.Block(size, self.device))

    def spare(self, memory):
        self.spares.give(memory.let_go())
        if self.spares.size() > KEEP_SPARES * self.share * torch.cuda.get_device_properties(self.device).total_memory:
            raise errors.NeedsRoom

    def free_spares_first(self):
        if self.spares or self.bounds.limit:
            self.bounds.lift()
            raise errors.NeedsRoom

    def on_free_spares(self, *_):
        """Nobody has them open any more. What PyTorch keeps of what was computed goes, too: it may be most of a GPU."""
        self.spares.free()
        gc.collect()
        torch.cuda.empty_cache()
        return {}

    def on_outputs(self, request, _):
        memory = self.placed(request["tensors"])
        self.memories[request["id"]] = memory
        return {"memory": memory.describe(request["id"])}

    def on_release(self, request, _):
        memory = self.memories.pop(request["memory"], None)
        if memory is not None:
            self.spare(memory)
        return {}

    def on_fill(self, request, _):
        self.find(self.memories, request["memory"], "memory").fill(request["sentinel"])
        return {}

    def on_margin_hit(self, request, _):
        return {"hit": self.find(self.memories, request["memory"], "memory").margin_hit(request["sentinel"])}

    def on_difference(self, request, _):
        return {"difference": device.difference(*(self.find(self.memories, request[name], "memory") for name in ("a", "b")))}

    def exchange(self, request):
        trial = self.find(self.trials, request["trial"], "trial")
        for i, placed in enumerate(trial.memory.placed):
            if placed["name"] in request["names"]:
                trial.memory.perturb(placed, request["seed"] + i)

    def on_perturb(self, request, _):
        self.exchange(request)
        torch.cuda.synchronize()
        return {}

    def on_refresh(self, request, _):
        """What a timed run finds: elements exchanged, outputs filled. While the GPU fills, the exchanges are handed over."""
        self.find(self.memories, request["memory"], "memory").begin_fill(request["sentinel"])
        self.exchange(request)
        torch.cuda.synchronize()
        return {}

    def on_intact(self, request, _):
        return {"intact": self.find(self.trials, request["trial"], "trial").memory.is_intact()}
