"""The optional parts of the package, and whether what they need is installed."""

from __future__ import annotations

from importlib.util import find_spec

from fer_core.errors import MissingExtra

# What ``[video]`` in pyproject.toml installs, by the names that are imported.
VIDEO_PACKAGES = (
    "av",
    "pandas",
    "pyarrow",
    "scenedetect",
    "supervision",
    "trackers",
)


def require_video() -> None:
    """Check that everything that reading videos imports is installed.

    Some of it is imported late, such as what writes the tables. To be called first, so that
    nothing fails after minutes of work.

    Raises:
        MissingExtra: A package is not installed; the message says which, and how to install it.
    """
    missing = [name for name in VIDEO_PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Reading videos needs {', '.join(missing)}: install facial-emotions[video]."
        )
