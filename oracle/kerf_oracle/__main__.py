"""`python -m kerf_oracle --fd N`: serves requests that come over the socket at descriptor N until its other end closes."""

import gc
import os
import signal
import sys
import warnings


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "--fd":
        print("usage: python -m kerf_oracle --fd N (kerf starts this process itself)", file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for kerf, which ends this process by closing the socket
    sys.setrecursionlimit(20000)
    warnings.simplefilter("ignore")
    from .wire import Channel
    channel = Channel(int(sys.argv[2]))
    channel.leave_with_peer()
    # kerf starts us so that nothing is written beside this package. PyTorch's modules are kept compiled, as in any other program that
    # imports them: thousands of them are read here, which takes several times as long from source. None of what they make becomes
    # garbage: the collector looks at it neither now nor later.
    sys.dont_write_bytecode = False
    gc.disable()
    try:
        import torch
        import torch._dynamo  # or the first trace does it
        import torch._subclasses.fake_tensor
        import torch.export
    except Exception as error:
        channel.receive()
        channel.send({"error": {"kind": "unavailable", "message": f"PyTorch does not load in {sys.executable}: "
                                f"{str(error).splitlines()[0] if str(error) else type(error).__name__}; run make setup, or "
                                f"{sys.executable} -m pip install torch==2.13.0"}})
        return 0
    torch.set_grad_enabled(True)
    sys.dont_write_bytecode = True
    from .service import Service
    sys.dont_write_bytecode = False
    gc.freeze()
    gc.enable()
    Service(channel).serve()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a problem file's threads and exit handlers do not keep us
