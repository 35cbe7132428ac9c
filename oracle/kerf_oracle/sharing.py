"""The lock of a GPU that all kerf processes of a machine share, as src/base/shared_lock.h takes it: two files, one that holds the lock, and
a gate through which goes whoever wants it, so that those who come later do not pass one who waits to be alone."""

import contextlib
import fcntl
import os
import time

PATIENCE = 30.0  # seconds: longer than a kerf times one candidate, shorter than an admission may take


def opened(path):
    """None where the file cannot be opened. Another user's may be, but not in a way that could make it."""
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_CREAT):
        try:
            return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError:
            pass
    return None


class Sharing:
    """`path` empty: there is nothing to share. What is held is one of HOW, and changes for as long as a `with` lasts; bodies run in any
    case."""

    HOW = {"apart": None, "beside": fcntl.LOCK_SH, "alone": fcntl.LOCK_EX}

    def __init__(self, path="", patience=PATIENCE):
        self.path, self.patience = path, patience
        self.how, self.file = "apart", None
        self.missed = 0  # how often it could not be had

    def beside(self):
        """While the body uses the GPU nobody times anything on it."""
        return self.held("beside")

    def alone(self):
        """While the body uses the GPU nobody else does."""
        return self.held("alone")

    def apart(self):
        """The body does not use the GPU: others may."""
        return self.held("apart")

    def give_way(self, settle):
        """Lets whoever waits have their turn, in the midst of what is done beside others: lest who wants to time something waits for all of
        it. `settle` ends what was begun on the GPU."""
        if self.how != "beside" or self.file is None or not self.is_awaited():
            return
        settle()
        self.change("apart")
        self.change("beside")

    def is_awaited(self):
        """Whether somebody waits at the gate."""
        gate = opened(self.path + ".gate")
        if gate is None:
            return False
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except OSError:
            return True
        finally:
            os.close(gate)

    @contextlib.contextmanager
    def held(self, how):
        before = self.how
        self.change(how)
        try:
            yield
        finally:
            self.change(before)

    def change(self, how):
        if how == self.how or not self.path:
            self.how = how
            return
        self.how = how
        if self.file is not None:
            os.close(self.file)  # lets go
            self.file = None
        if how == "apart":
            return
        deadline = time.monotonic() + self.patience
        self.file, gate = opened(self.path), opened(self.path + ".gate")
        if self.file is None or gate is None or not self.wait(gate, fcntl.LOCK_EX, deadline) \
                or not self.wait(self.file, self.HOW[how], deadline):
            self.missed += 1
        if gate is not None:
            os.close(gate)

    @staticmethod
    def wait(file, how, deadline):
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.001)
