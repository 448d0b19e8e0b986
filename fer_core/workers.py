"""Processes that read files: on all cores, and so that one on which they die takes no others along.

Decoders are native code, and what a damaged file makes of them no ``except`` catches. The process
has the networks; whoever started it knows which file it was at, starts another one, and sets the
file aside when that one dies too.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, Protocol

from fer_core.budget import share_machine
from fer_core.errors import FerError, ReaderLost, SetAside

MAX_TRIES = 2
# Questions for each worker that are asked ahead of the answer that comes next.
_AHEAD_EACH = 4
_LAST_WORDS_BYTES = 4000
# From the end of its output to that of the process itself.
_GRACE_S = 5
_LOOK_EVERY_S = 1
# What is left of a conversation with a process that died.
_DIED = (OSError, EOFError, pickle.UnpicklingError)


class Reader(Protocol):
    """Answers questions about files, one after the other."""

    def read(self, question: Any, /) -> Any:
        """Return what is found; whatever is wrong with a file is in there."""


def packed(make_reader: Callable[[], Reader]) -> bytes:
    """Return what makes a reader, for another process.

    Args:
        make_reader: Something that can be pickled, such as a ``functools.partial`` of a class.
    """
    return pickle.dumps(make_reader)


class Worker:
    """A reader in another process; a context manager, for one thread at a time."""

    def __init__(self, reader: bytes, processes: int = 1, cores: int | None = None) -> None:
        """Prepare; the process is started with the first question.

        Args:
            reader: Makes what reads, in the process, from ``packed``: whoever holds it need not
                import what readers import.
            processes: How many like this share the machine.
            cores: How many it may keep busy; None for its part of the machine's.
        """
        self._first = pickle.dumps((processes, cores)) + reader
        self._process: subprocess.Popen[bytes] | None = None
        self._last_words: IO[bytes] | None = None
        self._stopped = threading.Event()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """End the process, and whatever another thread asks it; ``close`` has to follow."""
        self._stopped.set()
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def ask(self, question: Any) -> tuple[Any, int]:
        """Ask the reader, with a new process if the last one died.

        Args:
            question: What ``Reader.read`` takes; can be pickled.

        Returns:
            The answer, and how often the question was asked for it.

        Raises:
            SetAside: Every process dies on it.
            FerError: The reader cannot be made, or no process can begin.
            OSError: No process can be started.
        """
        asked = pickle.dumps(question, pickle.HIGHEST_PROTOCOL)
        cause = said = ""
        for tries in range(1, MAX_TRIES + 1):
            process = self._process or self._start()
            try:
                answer = _asked(process, asked)
            except _DIED:
                cause, said = self._end()
                continue
            self._forget_words()
            return answer, tries
        raise SetAside(
            f"Reading it ended the process {MAX_TRIES} times ({cause}), so it was set aside.",
            MAX_TRIES,
            said,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        if self._stopped.is_set():
            raise ReaderLost("The process that reads files was stopped.")
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
        if self._stopped.is_set():  # by now, and nobody else knows of this process
            process.kill()
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


class Workers:
    """Several workers that share the machine; a context manager."""

    def __init__(self, make_reader: Callable[[], Reader], processes: int) -> None:
        """Prepare; each process is started with its first question.

        Args:
            make_reader: As for ``packed``.
            processes: How many there are.
        """
        self._ahead = _AHEAD_EACH * processes
        self._all = [Worker(packed(make_reader), processes) for _ in range(processes)]
        # The last one that was used comes first: no process begins while another has nothing to do.
        self._free: queue.LifoQueue[Worker] = queue.LifoQueue()
        for worker in self._all:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(processes, "ask")

    def __len__(self) -> int:
        return len(self._all)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, whatever they are at."""
        for worker in self._all:
            worker.stop()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.close()

    def answers(self, questions: Iterable[Any]) -> Iterator[Any]:
        """Ask the workers, several questions at once, and yield the answers in their order.

        Args:
            questions: What ``Reader.read`` takes; taken a few ahead.

        Yields:
            The answer to each; SetAside in place of one that no process survived.

        Raises:
            FerError: The reader cannot be made, or no process can begin.
            OSError: No process can be started.
        """
        waiting: deque[Future[Any]] = deque()
        try:
            for question in questions:
                waiting.append(self._threads.submit(self._ask, question))
                while waiting and (len(waiting) >= self._ahead or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _ask(self, question: Any) -> Any:
        worker = self._free.get()
        try:
            return worker.ask(question)[0]
        except SetAside as error:
            return error
        finally:
            self._free.put(worker)


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
    share_machine(*pickle.load(questions))
    try:
        reader = pickle.load(questions)()
    except FerError as error:
        _answer(answers, error)
        return
    _answer(answers, None)
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            return
        _answer(answers, reader.read(question))


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
