"""Command line: ``facial-emotions analyze``."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fer_core.commands import add_reading_options, count_inputs, failure_of, load_classifier, say
from fer_core.detection import FaceDetector, load_detector
from fer_core.drawing import draw_frame
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
from fer_core.images import IMAGE_SUFFIXES, Photo, encode_png, read_image
from fer_core.pipeline import analyze_image
from fer_core.protocols import FaceReader
from fer_core.records import FaceTable, face_rows, frame_record
from fer_core.reporting.making import making_of
from fer_core.reporting.photos import PhotoReport
from fer_core.types import Frame

_PAGE_SUFFIXES = (".html", ".htm")


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
    if Path(text).suffix.lower() not in _PAGE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} is not a page's name, such as report.html")
    return Path(text)


def _analyze(options: argparse.Namespace) -> int:
    total, failures = count_inputs(options.paths, IMAGE_SUFFIXES, "pictures")
    if not total:
        return 1
    detector, classifier = load_detector(options.detector), load_classifier(options)
    if options.annotate:
        options.annotate.mkdir(parents=True, exist_ok=True)
    report = None
    if options.report:
        check_writable(options.report)
        making = making_of(classifier, detector.name, options.threshold)
        report = PhotoReport(making, count=total)
    pictures = files_in(options.paths, IMAGE_SUFFIXES)
    done = 0
    with FaceTable(options.csv, classifier.labels) if options.csv else nullcontext() as table:
        try:
            for path, name in tqdm(pictures, total=total, unit="picture", disable=None):
                try:
                    photo, frame = _read(path, name, detector, classifier, options)
                    if report:
                        report.add(str(name), photo.image_bgr, frame)
                except Exception as error:
                    failures += 1
                    sentence = failure_of(path, error)
                    record: dict[str, Any] = {"path": str(path), "error": sentence}
                    if report:
                        report.add_failure(str(name), sentence)
                else:
                    if table:
                        table.add(face_rows(frame, str(path), threshold=options.threshold))
                    sentence = _sentence(frame, options.threshold)
                    size_wh = photo.original_size_wh
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


def _read(
    path: Path,
    name: Path,
    detector: FaceDetector,
    classifier: FaceReader,
    options: argparse.Namespace,
) -> tuple[Photo, Frame]:
    """Read one picture, and write its annotated copy if asked to."""
    # First, so that nothing is read in vain.
    target = _annotated(path, options.annotate / name) if options.annotate else None
    photo = read_image(sys.stdin.buffer if path is STANDARD_INPUT else path)
    frame = analyze_image(photo.image_bgr, detector=detector, classifier=classifier)
    frame = replace(frame, incomplete=photo.incomplete)
    if target:
        drawn = draw_frame(photo.image_bgr, frame, threshold=options.threshold)
        write_at_once(target, mark_png(encode_png(drawn), source_digest(path)))
    return photo, frame


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
