"""Files that draw from generators of their own, on a machine whose default device is no CPU."""

import unittest

import torch

from kerf_oracle.workload import Workload, with_its_generators

# As PyTorch does on a GPU: draws there refuse a generator of the CPU.
OWN = """import torch
def own(*size):
    device = torch.empty(0).device
    if device.type != "cpu":
        raise RuntimeError(f"Expected a '{device.type}' device type for generator but found 'cpu'")
    return torch.randint(0, 7, size, generator=torch.Generator().manual_seed(5))
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("index", own(4))
    def forward(self, x):
        return x[:, self.index]
def get_inputs():
    return [own(3, 9).float()]
def get_init_inputs():
    return []
"""


def refuses():
    if torch.empty(0).device.type == "meta":
        raise RuntimeError("Expected a 'meta' device type for generator but found 'cpu'")
    return torch.ones(2)


class Generators(unittest.TestCase):
    def test_draw_on_the_cpu_what_the_device_refuses(self):
        with torch.device("meta"):
            made, on_the_cpu = with_its_generators(refuses)
            self.assertEqual(torch.empty(0).device.type, "meta")
        self.assertTrue(on_the_cpu)
        self.assertEqual(made.device.type, "cpu")

    def test_leave_everything_else_as_it_is(self):
        with torch.device("meta"):
            made, on_the_cpu = with_its_generators(lambda: torch.ones(2))
        self.assertFalse(on_the_cpu)
        self.assertEqual(made.device.type, "meta")

        def fails():
            raise RuntimeError("the file is wrong")
        with self.assertRaisesRegex(RuntimeError, "the file is wrong"):
            with_its_generators(fails)

    def test_of_a_model_and_its_inputs_end_on_the_device(self):
        workload = Workload("p", OWN, {}, "as_written", "p.py", abstract=True, device="meta").build()
        self.assertEqual(workload.model.index.device.type, "meta")
        self.assertEqual([t.device.type for t in workload.template], ["meta"])

    def test_are_what_they_are_on_a_cpu(self):
        workload = Workload("p", OWN, {}, "as_written", "p.py").build()
        expected = torch.randint(0, 7, (4,), generator=torch.Generator().manual_seed(5))
        self.assertTrue(torch.equal(workload.model.index, expected))


if __name__ == "__main__":
    unittest.main()
