"""Who holds the lock of a GPU, and who waits for it."""

import fcntl
import os
import tempfile
import threading
import unittest

from kerf_oracle.sharing import Sharing


class TheLock(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "gpu.lock")
        self.sharing = Sharing(self.path, patience=0.01)

    def tearDown(self):
        self.folder.cleanup()

    def taken_by_another(self, path, how):
        file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        self.addCleanup(os.close, file)
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return file

    def may_be(self, how):
        file = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        except OSError:
            return False
        finally:
            os.close(file)

    def may_be_alone(self):
        return self.may_be(fcntl.LOCK_EX)

    def test_nobody_is_alone_while_the_gpu_is_used(self):
        with self.sharing.beside():
            self.assertFalse(self.may_be_alone())
            with Sharing(self.path).beside():  # others beside
                pass
        self.assertTrue(self.may_be_alone())
        self.assertEqual(self.sharing.missed, 0)

    def test_who_is_alone_is_waited_for_and_then_passed_and_counted(self):
        alone = self.taken_by_another(self.path, fcntl.LOCK_EX)
        ran = False
        with self.sharing.beside():
            ran = True
        self.assertTrue(ran)
        self.assertEqual(self.sharing.missed, 1)
        fcntl.flock(alone, fcntl.LOCK_UN)
        with self.sharing.beside():
            self.assertFalse(self.may_be_alone())
        self.assertEqual(self.sharing.missed, 1)

    def test_who_waits_to_be_alone_is_not_passed(self):
        self.taken_by_another(self.path + ".gate", fcntl.LOCK_EX)
        with self.sharing.beside():
            pass
        self.assertEqual(self.sharing.missed, 1)

    def test_what_is_held_changes_for_a_while(self):
        with self.sharing.beside():
            with self.sharing.alone():
                self.assertFalse(self.may_be(fcntl.LOCK_SH))
            self.assertTrue(self.may_be(fcntl.LOCK_SH))
            self.assertFalse(self.may_be_alone())
            with self.sharing.apart():
                self.assertTrue(self.may_be_alone())
                with self.sharing.alone():
                    self.assertFalse(self.may_be(fcntl.LOCK_SH))
                self.assertTrue(self.may_be_alone())
            self.assertFalse(self.may_be_alone())
        self.assertEqual((self.sharing.missed, self.sharing.how), (0, "apart"))

    def test_who_waits_has_a_turn_in_between(self):
        ended = []
        with self.sharing.beside():
            self.sharing.give_way(lambda: ended.append("for nobody"))
            self.assertEqual(ended, [])
            gate = self.taken_by_another(self.path + ".gate", fcntl.LOCK_EX)

            def settle():
                self.assertFalse(self.may_be_alone())  # not before what was begun has ended
                ended.append("begun")
                threading.Timer(0.05, turn).start()

            def turn():
                ended.append(self.may_be_alone())
                fcntl.flock(gate, fcntl.LOCK_UN)
            self.sharing.patience = 10
            self.sharing.give_way(settle)
            self.assertEqual(ended, ["begun", True])
            self.assertFalse(self.may_be_alone())
        self.assertEqual(self.sharing.missed, 0)

    def test_who_does_not_hold_it_beside_others_gives_no_way(self):
        self.taken_by_another(self.path + ".gate", fcntl.LOCK_EX)
        self.sharing.give_way(self.fail)
        Sharing().give_way(self.fail)

    def test_a_failing_body_lets_go(self):
        with self.assertRaises(ZeroDivisionError):
            with self.sharing.beside():
                1 / 0
        self.assertTrue(self.may_be_alone())

    def test_without_a_path_nothing_is_locked(self):
        with Sharing().beside():
            pass
        self.assertFalse(os.path.exists(self.path))


if __name__ == "__main__":
    unittest.main()
