"""Command line: ``facial-emotions analyze``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.budget import usable_cores
from fer_core.commands import (
    add_jobs_option,
    add_reading_options,
    count_inputs,
    failure_of,
    load_classifier,
    names_a_page,
    say,
)
from fer_core.detection import load_detector
from fer_core.drawing import draw_frame
from fer_core.errors import FerError, SetAside
from fer_core.files import (
    STANDARD_INPUT,
    check_writable,
    files_in,
    mark_png,
    source_digest,
    source_of_png,
    unclaimed,
    write_at_once,
)
from fer_core.images import IMAGE_SUFFIXES, MAX_FILE_BYTES, encode_png, read_image
from fer_core.pipeline import analyze_image
from fer_core.records import FaceTable, face_rows, frame_record
from fer_core.reporting.making import checksum_of, making_of
from fer_core.reporting.photos import PhotoReport
from fer_core.types import Frame
from fer_core.workers import Workers

logger = logging.getLogger(__name__)

# A process takes as long to begin as another one takes for so many pictures.
_WORTH_A_PROCESS = 25


def add_photo_command(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    photos = commands.add_parser("analyze", help="read the faces in photos")
    photos.add_argument(
        "paths",
        nargs="+",
        type=_input,
        metavar="PATH",
        help="photo or folder; - for a photo on standard input",
    )
    photos.add_argument("--json", action="store_true", help="print one JSON object per picture")
    photos.add_argument(
        "--csv", type=_table, metavar="FILE", help="write a table of all faces, picture by picture"
    )
    photos.add_argument(
        "--annotate", type=Path, metavar="DIR", help="write an annotated copy of each picture"
    )
    photos.add_argument(
        "--report",
        type=_report,
        metavar="FILE.html",
        help="write one page with all pictures and faces, which needs no network",
    )
    add_jobs_option(photos, "all cores, where there are enough pictures")
    add_reading_options(photos)
    photos.set_defaults(run=_analyze)


def _input(text: str) -> Path:
    return STANDARD_INPUT if text == "-" else Path(text)


def _table(text: str) -> Path:
    # As in --csv *.jpg, which names the first photo.
    if Path(text).suffix.lower() in IMAGE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} is a picture's name, not a table's")
    return Path(text)


def _report(text: str) -> Path:
    # As in --report *.jpg; what is no page would not open in a browser either.
    if not names_a_page(text):
        raise argparse.ArgumentTypeError(f"{text} is not a page's name, such as report.html")
    return Path(text)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a picture was not read; ``trace`` says where an error that nobody foresaw came from."""

    sentence: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A picture to read, and what is wanted of it besides its faces.

    Attributes:
        path: The file.
        name: What it is called among the results.
        content: Of what came on standard input.
        drawn: Whether an annotated copy is wanted.
        shown: Whether the picture itself is wanted.
        summed: Whether its file's checksum is wanted.
        failure: Why it is not to be read.
    """

    path: Path
    name: Path
    content: bytes | None = None
    drawn: bool = False
    shown: bool = False
    summed: bool = False
    failure: _Failure | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read in a picture.

    Attributes:
        frame: The faces.
        original_size_wh: The size that the file has.
        image_bgr: The picture, empty where it is not wanted.
        png: The annotated copy, empty where none is wanted.
        checksum: SHA-256 of the file; None where it is not wanted, or could be read only once.
    """

    frame: Frame
    original_size_wh: tuple[int, int]
    image_bgr: NDArray[np.uint8]
    png: bytes
    checksum: str | None


class PhotoReader:
    """Reads pictures, in this process or in one of its own.

    Attributes:
        detector: Finds the faces.
        classifier: Reads them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        """Load what reads, as the options choose.

        Raises:
            DetectorUnavailable: The detector's file is missing or damaged.
            ModelError: The network cannot be loaded.
        """
        self.detector = load_detector(options.detector)
        self.classifier = load_classifier(options)
        self._threshold = options.threshold

    @classmethod
    def beside_others(cls, options: argparse.Namespace) -> PhotoReader:
        """Return a reader that leaves the other cores alone."""
        cv2.setNumThreads(1)
        return cls(options)

    def read(self, asked: _Asked) -> _Found | _Failure:
        """Read a picture; what is wrong with it becomes a sentence."""
        try:
            return asked.failure or self._find(asked)
        except Exception as error:
            return _failure(asked.path, error)

    def _find(self, asked: _Asked) -> _Found:
        source = asked.path if asked.content is None else asked.content
        photo = read_image(source)
        frame = analyze_image(photo.image_bgr, detector=self.detector, classifier=self.classifier)
        frame = replace(frame, incomplete=photo.incomplete)
        png = b""
        if asked.drawn:
            png = encode_png(draw_frame(photo.image_bgr, frame, threshold=self._threshold))
        image_bgr = photo.image_bgr if asked.shown else np.empty((0, 0, 3), np.uint8)
        checksum = checksum_of(source) if asked.summed else None
        return _Found(frame, photo.original_size_wh, image_bgr, png, checksum)


def _failure(path: Path, error: Exception) -> _Failure:
    foreseen = isinstance(error, FerError | OSError)
    trace = "" if foreseen else "".join(traceback.format_exception(error))
    return _Failure(failure_of(path, error), trace)


def _analyze(options: argparse.Namespace) -> int:
    total, failures = count_inputs(options.paths, IMAGE_SUFFIXES, "pictures")
    if not total:
        return 1
    reader = PhotoReader(options)
    if options.annotate:
        options.annotate.mkdir(parents=True, exist_ok=True)
    report = None
    if options.report:
        check_writable(options.report)
        making = making_of(reader.classifier, reader.detector.name, options.threshold)
        report = PhotoReport(making, count=total)
    labels = reader.classifier.labels
    done = 0
    with (
        FaceTable(options.csv, labels) if options.csv else nullcontext() as table,
        closing(_answers(reader, options, report, total)) as answers,
    ):
        try:
            for asked, answer in tqdm(answers, total=total, unit="picture", disable=None):
                path, found = asked.path, _kept(asked, answer, report, options)
                if isinstance(found, _Failure):
                    failures += 1
                    sentence = found.sentence
                    record: dict[str, Any] = {"path": str(path), "error": sentence}
                    if report:
                        report.add_failure(str(asked.name), sentence)
                else:
                    frame = found.frame
                    if table:
                        table.add(face_rows(frame, str(path), threshold=options.threshold))
                    sentence = _sentence(frame, options.threshold)
                    size_wh = found.original_size_wh
                    record = frame_record(frame, str(path), size_wh, threshold=options.threshold)
                done += 1
                say(json.dumps(record) if options.json else f"{path}: {sentence}")
        except KeyboardInterrupt:
            if table:
                read = f"{done:,} of {total:,} pictures"
                print(f"\n{table.path} has the faces of {read}.", end="", file=sys.stderr)
            raise
    if report:
        write_at_once(options.report, report.html().encode())
    return 1 if failures else 0


def _answers(
    reader: PhotoReader, options: argparse.Namespace, report: PhotoReport | None, total: int
) -> Generator[tuple[_Asked, _Found | _Failure], None, None]:
    """Yield every input with what was found in it, in their order."""
    waiting: deque[_Asked] = deque()

    def questions() -> Iterator[_Asked]:
        for path, name in files_in(options.paths, IMAGE_SUFFIXES):
            waiting.append(_question(path, name, options, report))
            yield waiting[-1]

    processes = options.jobs or usable_cores()
    processes = min(processes, total if options.jobs else total // _WORTH_A_PROCESS)
    if processes < 2:
        for found in map(reader.read, questions()):
            yield waiting.popleft(), found
        return
    with Workers(partial(PhotoReader.beside_others, options), processes) as workers:
        for answer in workers.answers(questions()):
            asked = waiting.popleft()
            if isinstance(answer, _Failure) and answer.trace:
                logger.debug("%s: an unforeseen error\n%s", asked.path, answer.trace)
            yield asked, _failure(asked.path, answer) if isinstance(answer, SetAside) else answer


def _question(
    path: Path, name: Path, options: argparse.Namespace, report: PhotoReport | None
) -> _Asked:
    asked = _Asked(
        path,
        name,
        drawn=bool(options.annotate),
        shown=report is not None and not report.is_full,
        summed=report is not None,
    )
    try:
        if options.annotate:
            _annotated(path, options.annotate / name)  # first, so that nothing is read in vain
        if path is STANDARD_INPUT:
            return replace(asked, content=sys.stdin.buffer.read(MAX_FILE_BYTES + 1))
        return asked
    except Exception as error:
        return replace(asked, failure=_failure(path, error))


def _kept(
    asked: _Asked,
    answer: _Found | _Failure,
    report: PhotoReport | None,
    options: argparse.Namespace,
) -> _Found | _Failure:
    """Write the annotated copy and take the picture into the report, where they are wanted."""
    if isinstance(answer, _Failure):
        return answer
    try:
        if asked.drawn:
            target = _annotated(asked.path, options.annotate / asked.name)
            write_at_once(target, mark_png(answer.png, source_digest(asked.path)))
        if report:
            report.add(str(asked.name), answer.image_bgr, answer.frame, checksum=answer.checksum)
        return answer
    except Exception as error:
        return _failure(asked.path, error)


def _annotated(path: Path, base: Path) -> Path:
    """Return where a picture's annotated copy goes: to its own name, or to one that is free."""
    # The picture's suffix stays in the name, for a.jpg beside a.png.
    ending = ".png"

    def is_ours(base: Path) -> bool:
        try:
            source = source_of_png(base.with_name(base.name + ending))
        except FileNotFoundError:
            return True
        except IsADirectoryError:
            return False
        # What comes on standard input may be another picture each time.
        return path is not STANDARD_INPUT and source == source_digest(path)

    base = unclaimed(base, ending, is_ours)
    return base.with_name(base.name + ending)


def _sentence(frame: Frame, threshold: float) -> str:
    verdicts = [f"{face.verdict(threshold)} {face.confidence:.0%}" for face in frame.faces]
    said = ", ".join(verdicts) or "no face"
    if frame.turned_deg:
        said += f" (turned by {frame.turned_deg}°)"
    return f"{said} (the end of the file is missing)" if frame.incomplete else said
