"""What the commands of ``facial-emotions`` share: options, inputs and the names of outputs."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from fer_core.classifier import EmotionClassifier
from fer_core.detection import DETECTORS
from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7, check_threshold
from fer_core.protocols import FaceReader
from fer_core.readings import DEFAULT_READING, READINGS


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the choice of detector, model, reading and threshold."""
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="auto",
        help="what finds the faces; with none, pictures are ready face crops (default %(default)s)",
    )
    parser.add_argument("--classes", choices=("7", "6"), default="7")
    parser.add_argument(
        "--reading",
        choices=READINGS,
        default=DEFAULT_READING,
        help="people: the share of people who would choose each emotion; labels: how probable it "
        "is as FER-2013's label (default %(default)s)",
    )
    parser.add_argument(
        "--threshold",
        type=_threshold,
        default=DEFAULT_THRESHOLD,
        help="confidence below which a verdict is uncertain (default %(default)s)",
    )


def load_classifier(options: argparse.Namespace) -> FaceReader:
    """Load what reads faces as chosen.

    Raises:
        ModelError: Its files are missing, damaged, or do not match.
    """
    name = (FER7 if options.classes == "7" else FER6).name
    return EmotionClassifier.load(name, reading=options.reading)


def files_in(paths: Sequence[Path], suffixes: Collection[str]) -> Iterator[tuple[Path, Path]]:
    """Yield every input with its name relative to the argument that led to it.

    Args:
        paths: Files, which are taken whatever their suffix, and folders, searched to the bottom.
        suffixes: Endings in lower case, with the dot, of the files that a folder gives.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and file.suffix.lower() in suffixes:
                    yield file, file.relative_to(path)
        else:
            yield path, Path(path.name)


def unused(path: Path, written: set[Path]) -> Path:
    """Return a name of which nothing was written yet, and remember it.

    A number tells apart inputs of one name from several folders.
    """
    target, number = path, 1
    while target in written:
        number += 1
        target = path.with_name(f"{path.name}-{number}")
    written.add(target)
    return target


def _threshold(text: str) -> float:
    try:
        return check_threshold(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1") from None
