"""Command line: ``facial-emotions``, which is ``python -m fer_core`` too."""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from fer_core._version import __version__
from fer_core.batch.command import add_batch_command
from fer_core.commands import sentence_of
from fer_core.download import YUNET_SHA256, YUNET_URL, download, yunet_path
from fer_core.errors import FerError
from fer_core.photo_command import add_photo_command
from fer_core.video.command import add_video_command

# What a shell says of a program that a signal ended is 128 and the signal's number.
_SIGNALLED = 128
_SIGPIPE = 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0; 1 if a picture or a video failed, or a folder has none; 2 for bad use;
        130 if interrupted, 143 if ended by SIGTERM, 129 if its terminal was closed; 141 if nobody
        reads its output any longer.
    """
    try:
        with _stopped_by_signals():
            try:
                return _run(_parser().parse_args(arguments))
            finally:
                sys.stdout.flush()  # whoever read it may be gone
    except BrokenPipeError:
        # The interpreter would complain at its end about what is still to be written.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _SIGNALLED + _SIGPIPE
    except OSError as error:
        print(sentence_of(error), file=sys.stderr)
        return 2
    except FerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print("\nInterrupted.", file=sys.stderr)
        number = stopped.number if isinstance(stopped, _Stopped) else signal.SIGINT
        return _SIGNALLED + number


def _run(options: argparse.Namespace) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A file's name can hold bytes that no text encoding has; that must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if options.verbose:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("fer_core").setLevel(logging.DEBUG)
    return int(options.run(options))


class _Stopped(KeyboardInterrupt):
    """A signal asks the program to end; all is left as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let the signals that `kill` and a closed terminal send raise an error, as Ctrl-C does."""

    def stop(number: int, _: FrameType | None) -> None:
        raise _Stopped(number)

    handled = []
    # Only the main thread can, and what was asked to be ignored, as by nohup, stays ignored.
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, stop)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _parser() -> argparse.ArgumentParser:
    # What the user typed, for the usage; argparse itself would say "__main__.py".
    script = Path(sys.argv[0]).name != "__main__.py"
    parser = argparse.ArgumentParser(
        prog="facial-emotions" if script else "python -m fer_core",
        description="Read facial expressions in photos and videos.",
    )
    parser.add_argument("--version", action="version", version=f"facial-emotions {__version__}")
    commands = parser.add_subparsers(required=True)
    add_photo_command(commands)
    add_video_command(commands)
    add_batch_command(commands)
    fetch = commands.add_parser("download", help="fetch the YuNet face detector")
    fetch.set_defaults(run=_download, verbose=False)
    return parser


def _download(_: argparse.Namespace) -> int:
    path = yunet_path()
    # A file that the user named is the user's choice, whatever its checksum, and stays.
    chosen = "FER_YUNET" in os.environ and path.is_file()
    fetched = not chosen and download(YUNET_URL, YUNET_SHA256, path)
    print(f"YuNet is {'now' if fetched else 'already'} at {path}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
