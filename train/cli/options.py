"""What the commands of ``python -m train`` share: options, and how they are read."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from train.data.fer2013 import FaceSet
    from train.data.ferplus import Votes
    from train.data.framing import Framings

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

# Keras, OpenCV and LiteRT take seconds to import: every command imports what it needs.
SPLITS = ("PublicTest", "PrivateTest", "test")
logger = logging.getLogger(__name__)


def add_data(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--data``."""
    command.add_argument(
        "--data",
        type=Path,
        required=required,
        metavar="PATH",
        help="FER-2013: its folder, .zip or .tar.xz, or fer2013.csv",
    )


def add_votes(command: argparse.ArgumentParser) -> None:
    """Add ``--votes``."""
    command.add_argument("--votes", type=Path, metavar="CSV", help="FER+'s votes: ferplus.csv")


def add_framed(command: argparse.ArgumentParser) -> None:
    """Add ``--framed``."""
    command.add_argument(
        "--framed",
        type=Path,
        nargs="+",
        metavar="NPZ",
        help="training pictures as detectors frame them; `frame` makes one file per detector",
    )


def add_models_dir(command: argparse.ArgumentParser) -> None:
    """Add ``--models-dir``."""
    command.add_argument("--models-dir", type=Path, metavar="DIR", help="default assets/models")


def add_audit_dir(command: argparse.ArgumentParser) -> None:
    """Add ``--audit-dir``."""
    command.add_argument("--audit-dir", type=Path, metavar="DIR", help="default assets/fer2013")


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text) if text.strip().isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return number


def folder_name(text: str) -> str:
    """Read the name of a folder, not a path."""
    if not text or text.startswith(".") or Path(text).name != text:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a folder")
    return text


def models_dir(options: argparse.Namespace) -> Path:
    """Return the folder of the models."""
    from fer_core.classifier import MODELS_DIR

    named: Path | None = options.models_dir
    return named or MODELS_DIR


def audit_dir(options: argparse.Namespace) -> Path:
    """Return the folder of the data set's audit."""
    from train.evaluation.storage import AUDIT_DIR

    named: Path | None = options.audit_dir
    return named or AUDIT_DIR


def load(path: Path) -> FaceSet:
    """Load the data set and warns about missing pictures."""
    from train.data.fer2013 import count_faults, load_fer2013

    dataset = load_fer2013(path)
    faults = count_faults(dataset)
    if faults:
        logger.warning(
            "%s is not the whole FER-2013 (%d counts differ; `check-data` lists them): %s",
            path,
            len(faults),
            faults[0],
        )
    return dataset


def votes(options: argparse.Namespace) -> Votes | None:
    """Read FER+'s votes, if they are named."""
    from train.data.ferplus import read_votes

    return None if options.votes is None else read_votes(options.votes)


def framings(options: argparse.Namespace) -> Framings | None:
    """Read framed training pictures, if they are named."""
    from train.data.framing import read_framings

    return None if options.framed is None else read_framings(options.framed)
