"""What overriding a module-level name means, and how a file's names are read."""

import ast
import unittest

from kerf_oracle import errors
from kerf_oracle.source import File, module_names, override, value_of


def run(source, sizes):
    names = {}
    exec(compile(override(source, sizes, "p.py"), "p.py", "exec"), names)
    return names


class Override(unittest.TestCase):
    def test_what_follows_is_computed_from_the_new_value(self):
        self.assertEqual(run("n = 4\nm = n * 2\n", {"n": 5})["m"], 10)

    def test_the_named_part_alone_of_several_targets(self):
        names = run("height = width = 128\n", {"height": 3})
        self.assertEqual((names["height"], names["width"]), (3, 128))

    def test_the_named_part_alone_of_a_tuple(self):
        names = run("d, h, w = 16, 32, 64\n", {"h": 3})
        self.assertEqual((names["d"], names["h"], names["w"]), (16, 3, 64))

    def test_both_of_two_assignments(self):
        self.assertEqual(run("n = 1\nm = n\nn = 2\n", {"n": 7})["m"], 7)
        self.assertEqual(run("n = 1\nn = 2\n", {"n": 7})["n"], 7)

    def test_a_list_becomes_a_tuple_where_the_file_has_one(self):
        self.assertEqual(run("s = (1, 2)\n", {"s": [3, 4]})["s"], (3, 4))
        self.assertEqual(run("s = [1, 2]\n", {"s": [3, 4]})["s"], [3, 4])

    def test_annotated_assignments(self):
        self.assertEqual(run("n: int = 4\n", {"n": 5})["n"], 5)

    def test_names_in_functions_are_left_alone(self):
        with self.assertRaises(errors.Refusal) as caught:
            run("def f():\n    n = 4\n", {"n": 5})
        self.assertIn("n is not assigned at the top level", caught.exception.message)

    def test_what_cannot_be_taken_apart_is_refused(self):
        for source in ("a, b = f()\n", "n = 1\nn += 2\n", "(a, b) = c = 1, 2\n"):
            with self.assertRaises(errors.Refusal) as caught:
                override(source, {"a": 1} if "a" in source else {"n": 1}, "p.py")
            self.assertEqual(caught.exception.kind, "user")

    def test_names_come_in_order(self):
        self.assertEqual(module_names(ast.parse("b = 1\na, c = 2, 3\nd: int = 4\ndef e(): f = 1\n")), ["b", "a", "c", "d"])


class Values(unittest.TestCase):
    def test_plain_values_only(self):
        self.assertEqual(value_of((1, [2.0, "x", None, True])), [1, [2.0, "x", None, True]])
        self.assertIs(value_of(object()), NotImplemented)
        self.assertIs(value_of([object()]), NotImplemented)
        self.assertIs(value_of(2**63), NotImplemented)

    def test_a_file_without_model_is_refused(self):
        with self.assertRaises(errors.Refusal):
            File("get_inputs = list\n", {}, "p.py").load()


if __name__ == "__main__":
    unittest.main()
