"""What the commands of ``facial-emotions`` share: options, inputs and the names of outputs."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from fer_core.classifier import EmotionClassifier
from fer_core.detection import DETECTORS
from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of detector, class set and threshold."""
    parser.add_argument("--detector", choices=DETECTORS, default="auto")
    parser.add_argument("--classes", choices=("7", "6"), default="7")
    parser.add_argument(
        "--threshold",
        type=_share,
        default=DEFAULT_THRESHOLD,
        help="confidence below which a verdict is uncertain (default %(default)s)",
    )


def load_classifier(options: argparse.Namespace) -> EmotionClassifier:
    """Loads the network of the chosen class set.

    Raises:
        ModelError: Its files are missing, damaged, or do not match.
    """
    return EmotionClassifier.load((FER7 if options.classes == "7" else FER6).name)


def files_in(paths: Sequence[Path], suffixes: Collection[str]) -> Iterator[tuple[Path, Path]]:
    """Yields every input with its name relative to the argument that led to it.

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
    """Returns a name of which nothing was written yet, and remembers it.

    A number tells apart inputs of one name from several folders.
    """
    target, number = path, 1
    while target in written:
        number += 1
        target = path.with_name(f"{path.name}-{number}")
    written.add(target)
    return target


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
