"""The oracle's end of the socket."""

import pathlib
import socket
import subprocess
import sys
import unittest

BUSY = """
import sys, time
sys.path.insert(0, sys.argv[1])
from kerf_oracle.wire import Channel
channel = Channel(int(sys.argv[2]))
channel.leave_with_peer()
channel.send({"busy": True})
time.sleep(600)
"""


class LeaveWithPeer(unittest.TestCase):
    def setUp(self):
        self.ours, theirs = socket.socketpair()
        package = pathlib.Path(__file__).resolve().parent.parent
        self.busy = subprocess.Popen([sys.executable, "-c", BUSY, str(package), str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()
        self.addCleanup(self.busy.wait)
        self.addCleanup(self.busy.kill)
        self.assertTrue(self.ours.recv(4))

    def test_a_process_that_is_busy_ends_when_the_other_end_is_gone(self):
        self.ours.close()
        self.assertEqual(self.busy.wait(timeout=30), 1)

    def test_and_not_before_even_if_nothing_more_is_asked(self):
        self.ours.shutdown(socket.SHUT_WR)
        with self.assertRaises(subprocess.TimeoutExpired):
            self.busy.wait(timeout=0.5)
        self.ours.close()
