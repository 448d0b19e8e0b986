"""Reads one file in a process of its own, with limits of memory and time."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from fer_core.errors import FerError
from fer_core.images import read_image
from fer_core.labels import FER7
from fer_core.video.opening import UNFORESEEN
from fer_core.video.source import VideoSource
from tests.conftest import ROOT
from tests.train.zips import PNG, zip_of
from train.data.archives import PictureArchive
from train.data.fer2013 import load_fer2013, read_picture_files
from train.data.ferplus import read_votes
from train.errors import ArchiveError, TrainError

MOST_BYTES = 600_000_000
MOST_S = 10.0
# Beyond the memory that counts there is some for what is reserved and never touched; readers
# themselves take no more than a share of it all.
_RESERVED_BYTES = 1_400_000_000
_MOST_FRAMES = 40
_VIDEOS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    Attributes:
        fault: What must not be, the same for files that fail at the same place; "" for a file
            that was read, or refused by a named error.
        refused: Whether it was refused.
        seconds: How long it took.
        bytes: How much memory it took.
        details: Where it failed.
    """

    fault: str
    refused: bool
    seconds: float
    bytes: int
    details: str = ""


def try_reading(content: bytes, suffix: str) -> Outcome:
    """Read a file as the app does, in a child process."""
    started = time.monotonic()
    receiving, sending = os.pipe()
    # OpenCV's threads would not live on in the child.
    cv2.setNumThreads(0)
    child = os.fork()
    if not child:
        os.close(receiving)
        _read_and_tell(content, suffix, sending)
    os.close(sending)
    told = b""
    with open(receiving, "rb", buffering=0) as answer:
        while (left_s := started + MOST_S - time.monotonic()) > 0:
            if select.select([answer], [], [], left_s)[0]:
                part = answer.read(1 << 16)
                told += part
                if not part:
                    break
    late = time.monotonic() - started >= MOST_S
    if late:
        os.killpg(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    seconds = time.monotonic() - started
    if late:
        return Outcome(f"more than {MOST_S:.0f} s", False, seconds, 0)
    if os.WIFSIGNALED(status) or not told:
        return Outcome(f"the process ended, status {status}", False, seconds, 0)
    found = Outcome(seconds=seconds, **json.loads(told))
    if not found.fault and found.bytes > MOST_BYTES:
        return Outcome(f"more than {MOST_BYTES / 1e6:.0f} MB", False, seconds, found.bytes)
    return found


def _read_and_tell(content: bytes, suffix: str, sending: int) -> None:
    """Read a file, write what became of it into the pipe, and end the process."""
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    before = _most_resident()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    limit = size + MOST_BYTES + _RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    told = {"fault": "", "refused": False, "details": ""}
    try:
        _read(content, suffix)
    except (FerError, TrainError) as error:
        told["refused"] = True
        if str(error) == UNFORESEEN and error.__cause__ is not None:
            told["fault"] = _place_of(error.__cause__)
            told["details"] = "".join(traceback.format_exception(error))
    except BaseException as error:
        told["fault"], told["details"] = _place_of(error), traceback.format_exc()
    told["bytes"] = _most_resident() - before + _most_resident(resource.RUSAGE_CHILDREN)
    os.write(sending, json.dumps(told).encode())
    os._exit(0)


def _read(content: bytes, suffix: str) -> None:
    if suffix in _VIDEOS:
        _read_video(content)
    elif suffix in (".zip", ".tar", ".csv"):
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = Path(folder) / f"file{suffix}"
            path.write_bytes(content)
            _read_data(path, content)
    else:
        read_image(content)


def _read_video(content: bytes) -> None:
    with VideoSource(content) as source:
        frames = source.frames()
        for frame, _ in zip(frames, range(_MOST_FRAMES), strict=False):
            frame.bgr(160)
        frames.close()
        source.frame_at((source.facts.duration_s or 0.0) / 2)


def _read_data(path: Path, content: bytes) -> None:
    """Read a file as everything that it may be; if one refuses it, the next one gets it."""
    readers: list[Callable[[Path], object]] = [load_fer2013]
    if path.suffix == ".csv":
        pictures = {"labels.csv": content, "a.png": PNG, "b.png": PNG}
        readers += [read_votes, lambda _: _read_archive(zip_of(pictures))]
    else:
        readers += [read_picture_files]
        if path.suffix == ".zip":
            readers += [lambda _: _read_archive(content)]
    refusals = []
    for reader in readers:
        try:
            reader(path)
        except (FerError, TrainError) as error:
            refusals.append(error)
    if len(refusals) == len(readers):
        raise refusals[-1]


def _read_archive(content: bytes) -> None:
    with PictureArchive(content, FER7.labels) as archive:
        for file in archive.files:
            try:
                read_image(archive.read(file.name))
            except (FerError, ArchiveError):
                continue


def _most_resident(who: int = resource.RUSAGE_SELF) -> int:
    return resource.getrusage(who).ru_maxrss * 1024


def _place_of(error: BaseException) -> str:
    """Return the kind of an error and the last line of ours that it passed."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(ROOT / "fer_core")) or "/train/" in frame.filename
    ]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].name}" if ours else ""
    return f"{type(error).__name__}{place}"
