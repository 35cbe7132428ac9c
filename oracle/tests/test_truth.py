"""Where a truth is computed: on the device, or in main memory where the device has no room for it."""

import unittest

import torch

from kerf_oracle import errors
from kerf_oracle.workload import Workload


class Crowded(Workload):
    """A workload on a device ("meta": there is no memory at all) that has room for `room` truths."""

    def __init__(self, room, cause):
        self.device, self.room, self.cause, self.asked = torch.device("meta"), room, cause, []
        self.spares = False

    def make_room(self):
        if self.spares:
            raise errors.NeedsRoom

    def wide_outputs(self, inputs, state, report):
        self.asked.append((self.device.type, [t.device.type for t in [*inputs, *state.values()]]))
        if self.device.type == "meta" and len(self.asked) > self.room:
            raise errors.Refusal("user", "no room") from self.cause
        return [torch.zeros(3, dtype=torch.float64, device=self.device)]


class Truth(unittest.TestCase):
    def given(self):
        return [torch.zeros(3)], {"w": torch.zeros(2)}

    def test_it_stays_on_the_device_where_there_is_room(self):
        crowded = Crowded(1, RuntimeError("CUDA out of memory. Tried to allocate"))
        self.assertEqual(crowded.truth(*self.given())[0].device.type, "meta")
        self.assertEqual(len(crowded.asked), 1)

    def test_main_memory_computes_what_does_not_fit(self):
        threads = torch.get_num_threads()
        crowded = Crowded(0, RuntimeError("CUDA out of memory. Tried to allocate"))
        outputs = crowded.truth(*self.given())
        self.assertEqual(crowded.asked[1], ("cpu", ["cpu", "cpu"]))
        self.assertEqual(outputs[0].device.type, "meta", "the answer goes back")
        self.assertEqual((crowded.device.type, torch.get_num_threads()), ("meta", threads))

    def test_what_nobody_uses_makes_room_first(self):
        crowded = Crowded(0, RuntimeError("CUDA out of memory. Tried to allocate"))
        crowded.spares = True
        with self.assertRaises(errors.NeedsRoom):
            crowded.truth(*self.given())
        self.assertEqual((len(crowded.asked), crowded.device.type), (1, "meta"), "main memory was not asked")

    def test_another_failure_stays_one(self):
        crowded = Crowded(0, ValueError("shapes"))
        with self.assertRaises(errors.Refusal):
            crowded.truth(*self.given())
        self.assertEqual(len(crowded.asked), 1)
