"""What can go wrong, as one line for a person."""

import traceback


class Refusal(Exception):
    """`kind` is one of kerf's error kinds: user, unavailable, system, internal."""

    def __init__(self, kind, message, out_of_memory=False):
        super().__init__(message)
        self.kind, self.message, self.out_of_memory = kind, message, out_of_memory


class NeedsRoom(Exception):
    """There is memory that nobody uses, which others may have open: kerf has them close it and asks again."""


def user(message):
    return Refusal("user", message)


def one_line(error):
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def is_out_of_memory(error):
    text = str(error)
    return isinstance(error, MemoryError) or "can't allocate memory" in text or "not enough memory" in text \
        or "Cannot allocate memory" in text or "CUDA out of memory" in text or "out of memory on the GPU" in text


def line_in(error, filename):
    """The last line of `filename` on the error's way, or None."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    return lines[-1] if lines else None


def explain(error, phase, path, filename):
    """A Refusal for what a problem file did while `phase` ("constructing Model")."""
    if isinstance(error, Refusal):
        return error
    line = line_in(error, filename)
    where = f"{path}{f' line {line}' if line else ''}"
    if is_out_of_memory(error):
        return user(f"{where}: out of memory while {phase}; make its sizes smaller with --set NAME=VALUE or --sizes FILE")
    if isinstance(error, ModuleNotFoundError):
        import sys
        return user(f"{where}: the problem needs the Python package {error.name}, which is not installed; "
                    f"install it with {sys.executable} -m pip install {error.name}")
    if isinstance(error, SystemExit):
        return user(f"{where}: the file ends the process (sys.exit) while {phase}; remove that call")
    if isinstance(error, SyntaxError):
        return user(f"{where}: not valid Python: {error.msg}; correct the file")
    if isinstance(error, RecursionError):
        return user(f"{where}: endless recursion while {phase}; correct the file")
    name = type(error).__name__
    return user(f"{where}: {name} while {phase}: {one_line(error)}; correct the file or its sizes")
