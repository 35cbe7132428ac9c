"""What can be shown of device memory without a GPU: places, margins, seals, exchanges, over memory of this machine."""

import unittest
from unittest import mock
from unittest import mock

import torch

from kerf_oracle import device

SENTINEL = 0xC480448044804480


class Fake(device.Memory):
    """The same, in main memory, and nobody's to open."""

    def __init__(self, tensors):
        self.device = torch.device("cpu")
        self.size, offsets = device.place(tensors)
        self.placed = [{**each, "offset": offset} for each, offset in zip(tensors, offsets)]
        self.bytes = torch.zeros(self.size, dtype=torch.uint8)
        self.words = self.bytes.view(torch.int64)
        self.seal_, self.keys = None, [1, 1, 1]

    def let_go(self):
        pass


class Block:
    def __init__(self, size):
        self.size, self.freed = size, False

    def free(self):
        self.freed = True


class Driver:
    """Remembers what is asked for; refuses the first `refusals` times."""

    def __init__(self, refusals=0):
        self.refusals, self.asked = refusals, []

    def cuMemAlloc_v2(self, pointer, size):
        self.asked.append(size.value)
        return 2 if len(self.asked) <= self.refusals else 0

    def cuIpcGetMemHandle(self, handle, pointer):
        return 0


class Allocation(unittest.TestCase):
    def asked(self, size, refusals=0):
        driver = Driver(refusals)
        with mock.patch.object(device, "driver", lambda: driver), mock.patch.object(torch.cuda, "empty_cache"):
            block = device.Block(size, torch.device("cpu"))
        self.assertEqual(block.size, size)
        return driver.asked

    def test_is_in_whole_large_pages_so_that_who_opens_it_gets_such(self):
        self.assertEqual(self.asked(1), [2 << 20])
        self.assertEqual(self.asked(2 << 20), [2 << 20])
        self.assertEqual(self.asked((2 << 20) + 8), [4 << 20])

    def test_is_tried_again_without_what_pytorch_keeps(self):
        self.assertEqual(self.asked((4 << 20) - 8, refusals=1), [4 << 20] * 2)


class Bounds(unittest.TestCase):
    def setUp(self):
        self.set = []
        self.bounds = device.Bounds(lambda fraction, on: self.set.append((fraction, on)))
        whole = mock.patch("torch.cuda.get_device_properties", lambda on: mock.Mock(total_memory=80))
        whole.start()
        self.addCleanup(whole.stop)

    def test_hold_for_a_problem_until_it_cannot_do_with_them(self):
        self.bounds.enter("a", 20, "cuda:0")
        self.assertEqual((self.set, self.bounds.limit), ([(0.25, "cuda:0")], 20))
        self.bounds.lift()
        self.assertEqual((self.set[-1], self.bounds.limit), ((1.0, "cuda:0"), 0))
        self.bounds.enter("a", 20, "cuda:0")  # asked again
        self.assertEqual((len(self.set), self.bounds.limit), (2, 0))
        self.bounds.enter("b", 40, "cuda:0")
        self.assertEqual((self.set[-1], self.bounds.limit), ((0.5, "cuda:0"), 40))

    def test_whoever_is_alone_has_none(self):
        self.bounds.enter("a", 0, "cuda:0")
        self.bounds.lift()
        self.assertEqual((self.set, self.bounds.lifted), ([], None))


class Spares(unittest.TestCase):
    def test_the_last_one_of_the_size_is_taken_first(self):
        spares, blocks = device.Spares(), [Block(8), Block(16), Block(8)]
        for block in blocks:
            spares.give(block)
        self.assertEqual((len(spares), spares.size()), (3, 32))
        self.assertIs(spares.take(8), blocks[2])
        self.assertIs(spares.take(8), blocks[0])
        self.assertIsNone(spares.take(8))
        self.assertEqual(spares.size(), 16)

    def test_nothing_is_freed_before_it_is_said(self):
        spares, block = device.Spares(), Block(8)
        spares.give(block)
        self.assertFalse(block.freed)
        spares.free()
        self.assertTrue(block.freed)
        self.assertFalse(spares)


class Memory(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(7)
        self.x = {"name": "x", "dtype": "f32", "shape": [64, 33], "stride": [33, 1]}
        self.y = {"name": "y", "dtype": "i64", "shape": [10], "stride": [1]}
        self.memory = Fake([self.x, self.y])
        self.memory.words.fill_(device.signed(SENTINEL))
        self.memory.view(self.x).normal_()
        self.memory.view(self.y).copy_(torch.arange(10))
        self.memory.seal()

    def test_tensors_lie_apart_and_aligned(self):
        size, (first, second) = device.place([self.x, self.y])
        self.assertEqual((first % device.ALIGNMENT, second % device.ALIGNMENT), (0, 0))
        self.assertGreaterEqual(second - (first + device.extent(self.x)), device.MARGIN)
        self.assertGreaterEqual(size - (second + device.extent(self.y)), device.MARGIN)
        self.assertEqual(device.extent({"dtype": "f32", "shape": [2, 0], "stride": [0, 1]}), 0)

    def test_a_write_beside_a_tensor_is_found(self):
        self.assertIsNone(self.memory.margin_hit(SENTINEL))
        end = self.memory.placed[0]["offset"] + device.extent(self.x)
        self.memory.bytes[end + 5] ^= 1
        self.assertEqual(self.memory.margin_hit(SENTINEL), {"name": "x", "behind": True, "distance": 5})
        self.memory.bytes[end + 5] ^= 1
        self.memory.bytes[self.memory.placed[1]["offset"] - 3] ^= 1
        self.assertEqual(self.memory.margin_hit(SENTINEL), {"name": "y", "behind": False, "distance": 2})

    def test_exchanges_keep_the_seal_and_the_values(self):
        before = self.memory.view(self.x).flatten().sort().values.clone()
        there = self.memory.view(self.x).clone()
        for seed in range(5):
            self.memory.perturb(self.x, seed)
            self.memory.perturb(self.y, seed)
        self.assertTrue(self.memory.is_intact())
        self.assertFalse(torch.equal(self.memory.view(self.x), there))
        self.assertTrue(torch.equal(self.memory.view(self.x).flatten().sort().values, before))

    def test_every_element_changes_places_sooner_or_later(self):
        x = {"name": "x", "dtype": "f32", "shape": [40, 50], "stride": [1, 40]}
        memory = Fake([x])
        memory.view(x).copy_(torch.arange(2000).view(40, 50))
        memory.seal()
        moved = torch.zeros(40, 50, dtype=torch.bool)
        for seed in range(400):
            before = memory.view(x).clone()
            memory.perturb(x, seed)
            moved |= memory.view(x) != before
        self.assertTrue(memory.is_intact())
        self.assertGreater(int(moved.sum()), 1980)

    def test_exchanges_know_elements_of_all_sizes_and_gaps_between_rows(self):
        for dtype, stride in (("i8", [33, 1]), ("f16", [33, 1]), ("f64", [33, 1]), ("f32", [40, 1])):
            x = {"name": "x", "dtype": dtype, "shape": [64, 33], "stride": stride}
            memory = Fake([x])
            memory.view(x).copy_(torch.randn(64, 33) * 20)
            memory.seal()
            before = memory.view(x).clone()
            for seed in range(3):
                memory.perturb(x, seed)
            self.assertTrue(memory.is_intact(), dtype)
            self.assertFalse(torch.equal(memory.view(x), before), (dtype, stride))

    def test_what_a_kernel_changed_stays_changed(self):
        self.memory.view(self.x).zero_()
        self.assertFalse(self.memory.is_intact())
        for seed in range(3):
            self.memory.perturb(self.x, seed)
            self.assertFalse(self.memory.is_intact())

    def test_elements_that_change_places_are_seen(self):
        x = self.memory.view(self.x)
        x[0, 0], x[1, 1] = x[1, 1].clone(), x[0, 0].clone()
        self.assertFalse(self.memory.is_intact())

    def test_difference_names_the_first(self):
        other = Fake([self.x, self.y])
        other.bytes.copy_(self.memory.bytes)
        self.assertIsNone(device.difference(self.memory, other))
        other.view(self.x)[2, 5] += 1
        other.view(self.x)[7, 0] += 1
        self.assertEqual(device.difference(self.memory, other), {"name": "x", "first": [2, 5], "count": 2})


if __name__ == "__main__":
    unittest.main()
