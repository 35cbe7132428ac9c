"""What a run of a baseline must not be."""

import types
import unittest
from unittest import mock

from kerf_oracle import baselines, device, errors
from kerf_oracle.service import Service


class OnAFullGpu(unittest.TestCase):
    """A run in which PyTorch was refused memory `refusals` times before it ends, on a GPU with or without spare memory of ours."""

    def timed(self, refusals, spares):
        service = Service.__new__(Service)
        trial = types.SimpleNamespace(id=1, workload="w", state={}, inputs=[])
        workload = types.SimpleNamespace(set_state=lambda state: None, graphs={}, mutates_inputs=False, arguments=lambda tensors: [])
        service.trials, service.in_place, service.graph, service.flush = {1: trial}, None, False, None
        service.device, service.spares, service.built = "cuda", spares, lambda given: workload
        service.bounds = device.Bounds()
        counts = iter([5, 5 + refusals])
        with mock.patch.object(baselines, "refused_allocations", lambda device: next(counts)), \
                mock.patch.object(baselines, "time_once", lambda *given: (12.5, -1, False)):
            return service.on_time_baseline({"trial": 1, "baseline": "eager", "cold": True}, [])

    def test_a_run_with_all_the_memory_it_wanted_counts(self):
        self.assertEqual(self.timed(0, spares=[]), {"us": 12.5, "switches": -1, "shows_host": False})

    def test_spare_memory_goes_first_and_the_run_is_made_again(self):
        with self.assertRaises(errors.NeedsRoom):
            self.timed(1, spares=["some"])

    def test_one_that_was_refused_memory_is_no_time(self):
        with self.assertRaises(errors.Refusal) as caught:
            self.timed(2, spares=[])
        self.assertEqual(caught.exception.kind, "unavailable")
        self.assertIn("no room", caught.exception.message)

    def test_main_memory_is_not_asked(self):
        self.assertEqual(baselines.refused_allocations("cpu"), 0)


if __name__ == "__main__":
    unittest.main()
