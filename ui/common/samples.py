"""Photos as they come in, and the sample photos of the repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SAMPLES_DIR = Path(__file__).resolve().parents[2] / "assets" / "samples"


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo as it came in: its name and the content of its file."""

    name: str
    content: bytes


def sample_uploads() -> list[Upload]:
    """Return the sample photos of the repository."""
    return [Upload(path.name, path.read_bytes()) for path in sorted(SAMPLES_DIR.glob("*.jpg"))]
