"""Command line: ``python -m fer_core analyze PATH…`` and ``python -m fer_core download``."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fer_core.classifier import EmotionClassifier
from fer_core.detection import DETECTORS, load_detector
from fer_core.download import YUNET_SHA256, YUNET_URL, download, yunet_path
from fer_core.drawing import draw_frame
from fer_core.errors import FerError, UnreadableImage
from fer_core.images import IMAGE_SUFFIXES, encode_png, read_image
from fer_core.labels import FER6, FER7
from fer_core.pipeline import DEFAULT_THRESHOLD, analyze_image
from fer_core.records import face_rows, frame_record, rows_to_csv


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status: 0, 1 if a picture failed, 2 for bad use."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A file's name can hold bytes that no text encoding has; that must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except (FerError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fer_core", description=__doc__)
    commands = parser.add_subparsers(required=True)
    analyze = commands.add_parser("analyze", help="read the faces in photos")
    analyze.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photo or folder")
    analyze.add_argument("--json", action="store_true", help="print one JSON object a picture")
    analyze.add_argument("--csv", type=Path, metavar="FILE", help="write a table of all faces")
    analyze.add_argument("--annotate", type=Path, metavar="DIR", help="write annotated pictures")
    analyze.add_argument("--detector", choices=DETECTORS, default="auto")
    analyze.add_argument("--classes", choices=("7", "6"), default="7")
    analyze.add_argument(
        "--threshold",
        type=_share,
        default=DEFAULT_THRESHOLD,
        help="confidence below which a verdict is uncertain (default %(default)s)",
    )
    analyze.set_defaults(run=_analyze)
    fetch = commands.add_parser("download", help="fetch the YuNet face detector")
    fetch.set_defaults(run=_download)
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _download(_: argparse.Namespace) -> int:
    path = yunet_path()
    # A file that the user named is the user's choice, whatever its checksum, and stays.
    chosen = "FER_YUNET" in os.environ and path.is_file()
    fetched = not chosen and download(YUNET_URL, YUNET_SHA256, path)
    print(f"YuNet is {'now' if fetched else 'already'} at {path}.")
    return 0


def _analyze(options: argparse.Namespace) -> int:
    detector = load_detector(options.detector)
    classifier = EmotionClassifier.load((FER7 if options.classes == "7" else FER6).name)
    if options.annotate:
        options.annotate.mkdir(parents=True, exist_ok=True)
    pictures = list(_pictures(options.paths))
    if not pictures:
        print("There are no pictures in these folders.", file=sys.stderr)
    rows: list[dict[str, Any]] = []
    written: set[Path] = set()
    failures = 0
    for path, name in tqdm(pictures, unit="picture", disable=None):
        try:
            photo = read_image(path)
        except UnreadableImage as error:
            failures += 1
            _say({"path": str(path), "error": str(error)}, f"{path}: {error}", options.json)
            continue
        frame = analyze_image(
            photo.image_bgr, detector=detector, classifier=classifier, threshold=options.threshold
        )
        rows += face_rows(frame, str(path))
        verdicts = ", ".join(f"{f.verdict} {f.confidence:.0%}" for f in frame.faces) or "no face"
        record = frame_record(frame, str(path), photo.original_size_wh)
        _say(record, f"{path}: {verdicts}", options.json)
        if options.annotate:
            target = _unused(options.annotate / name, written)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(encode_png(draw_frame(photo.image_bgr, frame)))
    if options.csv:
        table = rows_to_csv(rows, classifier.labels)
        options.csv.write_text(table, encoding="utf-8", errors="surrogateescape")
    return 1 if failures else 0


def _unused(path: Path, written: set[Path]) -> Path:
    """Returns a PNG's name of which nothing was written yet, and remembers it.

    The picture's suffix stays in it, for a.jpg beside a.png; a number tells apart pictures of
    one name from several folders.
    """
    target, number = path.with_name(f"{path.name}.png"), 1
    while target in written:
        number += 1
        target = path.with_name(f"{path.name}-{number}.png")
    written.add(target)
    return target


def _pictures(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Yields every picture with its name relative to the argument that led to it."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and file.suffix.lower() in IMAGE_SUFFIXES:
                    yield file, file.relative_to(path)
        else:
            yield path, Path(path.name)


def _say(record: dict[str, Any], sentence: str, as_json: bool) -> None:
    # Through tqdm, which would otherwise leave half a progress bar in the line.
    tqdm.write(json.dumps(record) if as_json else sentence)


if __name__ == "__main__":
    raise SystemExit(main())
