"""A process that reads inputs, so that a file on which it dies does not take others along.

Decoders are native code, and what a damaged file makes of them no ``except`` catches. The process
has the networks; whoever started it knows which file it was at, starts another one, and sets the
file aside when that one dies too.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any, Protocol

from fer_core.batch.findings import Finding, failed
from fer_core.batch.plan import Input
from fer_core.budget import share_machine
from fer_core.errors import FerError, ReaderLost

MAX_TRIES = 2
_LAST_WORDS_BYTES = 4000
# From the end of its output to that of the process itself.
_GRACE_S = 5
_LOOK_EVERY_S = 1
# What is left of a conversation with a process that died.
_DIED = (OSError, EOFError, pickle.UnpicklingError)


class Reader(Protocol):
    """Reads inputs, one after the other."""

    def read(self, item: Input) -> Finding:
        """Read an input; whatever is wrong with it is in what is found."""


def packed(make_reader: Callable[[], Reader]) -> bytes:
    """Return what makes a reader, for another process.

    Args:
        make_reader: Something that can be pickled, such as a ``functools.partial`` of a class.
    """
    return pickle.dumps(make_reader)


class ReadingProcess:
    """Reads inputs in another process; a context manager."""

    def __init__(self, reader: bytes, processes: int = 1) -> None:
        """Prepare; the process is started with the first input.

        Args:
            reader: Makes what reads, in the process, from ``packed``: whoever holds it need not
                import what readers import.
            processes: How many like this share the machine.
        """
        self._first = pickle.dumps(processes) + reader
        self._process: subprocess.Popen[bytes] | None = None
        self._last_words: IO[bytes] | None = None

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def read(self, item: Input) -> Finding:
        """Read one input, with a new process if the last one died; see ``InputReader.read``.

        Raises:
            FerError: The detector or the network cannot be loaded, or no process can begin.
            OSError: No process can be started.
        """
        cause = said = ""
        for tries in range(1, MAX_TRIES + 1):
            process = self._process or self._start()
            try:
                finding: Finding = _asked(process, pickle.dumps(item))
            except _DIED:
                cause, said = self._end()
                continue
            self._forget_words()
            return replace(finding, file=finding.file | {"tries": tries})
        sentence = f"Reading it ended the process {tries} times ({cause}), so it was set aside."
        return failed(item, "SetAside", sentence, said, tries)

    def _start(self) -> subprocess.Popen[bytes]:
        self._last_words = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = process = subprocess.Popen(
            # "-P": nothing is imported from the folder that the user happens to be in.
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._last_words,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Ctrl-C is for whoever started it.
            start_new_session=True,
        )
        try:
            refusal = _asked(process, self._first)
        except _DIED:
            cause, said = self._end()
            # No file is to blame for what happens before the first one.
            reason = (said.strip().splitlines() or [cause])[-1].rstrip(".")
            raise ReaderLost(f"The process that reads files ends at once: {reason}.") from None
        if refusal is not None:
            self.close()
            raise refusal
        return process

    def _forget_words(self) -> None:
        """Keep what libraries say of file after file from filling the disk."""
        if self._last_words is not None:
            self._last_words.truncate(0)
            self._last_words.seek(0)  # the other process goes on at the same place

    def _end(self) -> tuple[str, str]:
        """Wait for the end of the process, and return how it ended and what it said last."""
        process, last_words = self._process, self._last_words
        assert process is not None and last_words is not None
        self._process = None
        try:
            code = process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:  # it lives, but what it answered is no answer
            process.kill()
            code = process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what it did not take any more
                pipe.close() if pipe else None
        with last_words:
            last_words.seek(max(0, last_words.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
            said = last_words.read().decode(errors="replace")
        return _ending(code), said


def _asked(process: subprocess.Popen[bytes], question: bytes) -> Any:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(question)
    process.stdin.flush()
    return pickle.load(process.stdout)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"signal {-code}, {signal.Signals(-code).name}"
    return f"signal {-code}"


def main() -> None:
    """Read what is asked for on standard input; answer on standard output."""
    _end_with_the_parent()
    faulthandler.enable()
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    questions = sys.stdin.buffer
    share_machine(pickle.load(questions))
    try:
        reader = pickle.load(questions)()
    except FerError as error:
        _answer(answers, error)
        return
    _answer(answers, None)
    while True:
        try:
            item = pickle.load(questions)
        except EOFError:
            return
        _answer(answers, reader.read(item))


def _answer(answers: IO[bytes], answer: Any) -> None:
    pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _end_with_the_parent() -> None:
    """End this process soon after the one that started it, also in the middle of a long video."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
