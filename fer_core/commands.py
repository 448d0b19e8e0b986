"""What the commands of ``facial-emotions`` share: options, inputs, and what is said of each."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from tqdm import tqdm

from fer_core.detection import DETECTORS
from fer_core.errors import FerError
from fer_core.files import files_in
from fer_core.labels import DEFAULT_THRESHOLD, FER6, FER7
from fer_core.pipeline import shared_classifier
from fer_core.protocols import FaceReader
from fer_core.readings import DEFAULT_READING, READINGS
from fer_core.smoothing import DEFAULT_SMOOTHING_S

logger = logging.getLogger(__name__)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add the choice of detector, model, reading and threshold, and how much is told."""
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
        type=number("between 0 and 1", lambda value: 0 <= value <= 1),
        default=DEFAULT_THRESHOLD,
        help="confidence below which a verdict is uncertain (default %(default)s)",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="tell on standard error what is done, and where an unforeseen error came from",
    )


def add_video_options(parser: argparse.ArgumentParser, of_what: str = "") -> None:
    """Add how many frames of a video are read, and how much is smoothed.

    Args:
        parser: The command's.
        of_what: Said of both where the command also reads something else.
    """
    parser.add_argument(
        "--fps",
        type=number("a number of more than 0", lambda value: 0 < value < math.inf),
        metavar="N",
        help=f"analysed frames a second{of_what} (default: every frame)",
    )
    parser.add_argument(
        "--smoothing",
        type=number("a number of 0 or more", lambda value: 0 <= value < math.inf),
        default=DEFAULT_SMOOTHING_S,
        metavar="SECONDS",
        help=f"time constant of the smoothing{of_what}, 0 for none (default %(default)s)",
    )


def names_a_page(path: str | Path) -> bool:
    """Return whether a browser would open a file of that name as a page."""
    return Path(path).suffix.lower() in (".html", ".htm")


def add_jobs_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add how many processes read at once; ``default`` says how many do by default."""
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help=f"processes that read at once (default: {default})",
    )


def _jobs(text: str) -> int:
    whole = number("a whole number from 1", lambda value: value >= 1 and value % 1 == 0)
    return int(whole(text))


def number(what: str, is_valid: Callable[[float], bool]) -> Callable[[str], float]:
    """Return a type for argparse: a number, refused in a sentence where it is not valid.

    Args:
        what: What it must be, as after "is not".
        is_valid: Tells whether a number is; it is asked about NaN for a text that is no number.
    """

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not is_valid(value):
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return value

    return read


def load_classifier(options: argparse.Namespace) -> FaceReader:
    """Load what reads faces as chosen.

    Raises:
        ModelError: Its files are missing, damaged, or do not match.
    """
    name = (FER7 if options.classes == "7" else FER6).name
    return shared_classifier(name, options.reading)


def count_inputs(paths: Sequence[Path], suffixes: Collection[str], what: str) -> tuple[int, int]:
    """Count the inputs, and say which folders have none.

    Args:
        paths: As for ``files_in``.
        suffixes: As there.
        what: What is looked for, such as "pictures".

    Returns:
        The number of inputs, and that of folders without any.
    """
    counts = [sum(1 for _ in files_in([path], suffixes)) for path in paths]
    empty = [path for path, found in zip(paths, counts, strict=True) if not found]
    for path in empty:
        print(f"{path}: There are no {what} in this folder.", file=sys.stderr)
    return sum(counts), len(empty)


def say(text: str) -> None:
    """Print a line at once, for whoever reads along."""
    # Through tqdm, which would otherwise leave half a progress bar in the line.
    tqdm.write(text)
    sys.stdout.flush()


def failure_of(path: Path, error: Exception) -> str:
    """Return the sentence for an input that failed; where nobody foresaw it, log the trace."""
    if isinstance(error, FerError):
        return str(error)
    if isinstance(error, OSError):
        return sentence_of(error, path)
    logger.debug("%s: an unforeseen error", path, exc_info=error)
    return (
        f"An unforeseen error ({type(error).__name__}) ended its analysis; --verbose tells where "
        "it came from."
    )


def sentence_of(error: OSError, path: Path | None = None) -> str:
    """Return an error of the system as a sentence, which names the file unless it is ``path``."""
    reason = f"{error.strerror or error or type(error).__name__}."
    if isinstance(error, FileExistsError):
        reason = "There is a file where a folder should be."
    named = error.filename is not None and str(error.filename) != str(path)
    return f"{error.filename}: {reason}" if named else reason
