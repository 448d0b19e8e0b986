"""Command line: ``facial-emotions``, which is ``python -m fer_core`` too."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fer_core._version import __version__
from fer_core.commands import add_reading_options, files_in, load_classifier, unused
from fer_core.detection import load_detector
from fer_core.download import YUNET_SHA256, YUNET_URL, download, yunet_path
from fer_core.drawing import draw_frame
from fer_core.errors import FerError, UnreadableImage
from fer_core.images import IMAGE_SUFFIXES, encode_png, read_image
from fer_core.pipeline import analyze_image
from fer_core.records import face_rows, frame_record, rows_to_csv
from fer_core.video.command import add_video_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0; 1 if a picture or a video failed; 2 for bad use; 130 if interrupted.
    """
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
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    # What the user typed, for the usage; argparse itself would say "__main__.py".
    script = Path(sys.argv[0]).name != "__main__.py"
    parser = argparse.ArgumentParser(
        prog="facial-emotions" if script else "python -m fer_core",
        description="Read facial expressions in photos and videos.",
    )
    parser.add_argument("--version", action="version", version=f"facial-emotions {__version__}")
    commands = parser.add_subparsers(required=True)
    analyze = commands.add_parser("analyze", help="read the faces in photos")
    analyze.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photo or folder")
    analyze.add_argument("--json", action="store_true", help="print one JSON object per picture")
    analyze.add_argument("--csv", type=Path, metavar="FILE", help="write a table of all faces")
    analyze.add_argument("--annotate", type=Path, metavar="DIR", help="write annotated pictures")
    add_reading_options(analyze)
    analyze.set_defaults(run=_analyze)
    add_video_command(commands)
    fetch = commands.add_parser("download", help="fetch the YuNet face detector")
    fetch.set_defaults(run=_download)
    return parser


def _download(_: argparse.Namespace) -> int:
    path = yunet_path()
    # A file that the user named is the user's choice, whatever its checksum, and stays.
    chosen = "FER_YUNET" in os.environ and path.is_file()
    fetched = not chosen and download(YUNET_URL, YUNET_SHA256, path)
    print(f"YuNet is {'now' if fetched else 'already'} at {path}.")
    return 0


def _analyze(options: argparse.Namespace) -> int:
    detector = load_detector(options.detector)
    classifier = load_classifier(options)
    if options.annotate:
        options.annotate.mkdir(parents=True, exist_ok=True)
    pictures = list(files_in(options.paths, IMAGE_SUFFIXES))
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
            photo.image_bgr,
            detector=detector,
            classifier=classifier,
        )
        threshold = options.threshold
        rows += face_rows(frame, str(path), threshold=threshold)
        verdicts = [f"{face.verdict(threshold)} {face.confidence:.0%}" for face in frame.faces]
        record = frame_record(frame, str(path), photo.original_size_wh, threshold=threshold)
        said = ", ".join(verdicts) or "no face"
        if frame.turned_deg:
            said += f" (turned by {frame.turned_deg}°)"
        _say(record, f"{path}: {said}", options.json)
        if options.annotate:
            # The picture's suffix stays in the name, for a.jpg beside a.png.
            base = unused(options.annotate / name, written)
            target = base.with_name(f"{base.name}.png")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(encode_png(draw_frame(photo.image_bgr, frame, threshold=threshold)))
    if options.csv:
        table = rows_to_csv(rows, classifier.labels)
        options.csv.write_text(table, encoding="utf-8", errors="surrogateescape")
    return 1 if failures else 0


def _say(record: dict[str, Any], sentence: str, as_json: bool) -> None:
    # Through tqdm, which would otherwise leave half a progress bar in the line.
    tqdm.write(json.dumps(record) if as_json else sentence)


if __name__ == "__main__":
    raise SystemExit(main())
