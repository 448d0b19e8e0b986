"""The optional parts of the package, and whether what they need is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from fer_core.errors import MissingExtra

# What ``[video]`` in pyproject.toml installs, by the names that are imported.
VIDEO_PACKAGES = (
    "av",
    "pandas",
    "pyarrow",
    "supervision",
    "trackers",
)
# What ``[scale]`` installs besides.
SCALE_PACKAGES = ("fsspec", "ray")


def require_video() -> None:
    """Check that everything that reading videos imports is installed.

    Some of it is imported late, such as what writes the tables. To be called first, so that
    nothing fails after minutes of work.

    Raises:
        MissingExtra: A package is not installed; the message says which, and how to install it.
    """
    _require(VIDEO_PACKAGES, "Reading videos", "video")


def require_scale() -> None:
    """Check in the same way that everything that reading archives imports is installed.

    Raises:
        MissingExtra: A package is not installed; the message says which, and how to install it.
    """
    _require((*VIDEO_PACKAGES, *SCALE_PACKAGES), "Reading archives", "scale")


def _require(packages: Sequence[str], what: str, extra: str) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{what} needs {', '.join(missing)}: install facial-emotions[{extra}].")
