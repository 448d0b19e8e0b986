"""What a run speaks of: inputs, the units of work that they are put into, and what is there."""

from __future__ import annotations

from dataclasses import dataclass

from fer_core.batch.schema import READ


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read, or to say why not.

    Attributes:
        address: The one name by which it is known.
        kind: Whether it is read as a photo or as a video.
        size_bytes: Its size; 0 where that is not known.
        modified_us: When it was changed, in microseconds since 1970; 0 where that is not known.
        status: "read" for what is to be read; "failed" or "skipped" where that is known before.
        reason: Why it failed or is skipped, in a sentence.
    """

    address: str
    kind: str
    size_bytes: int = 0
    modified_us: int = 0
    status: str = READ
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """An input that the data set has a row of."""

    address: str
    size_bytes: int
    modified_us: int
    status: str
    part: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of all three tables.

    Attributes:
        name: That of its files, without the ending.
        kind: That of its inputs.
        files: Rows of ``files``.
        faces: Rows of ``faces``.
    """

    name: str
    kind: str
    files: int
    faces: int


@dataclass(frozen=True, slots=True)
class Unit:
    """Inputs that one process reads one after the other; their rows become one part.

    Attributes:
        number: Its place in the plan, from 0.
        kind: That of all its inputs.
        inputs: One video, or up to a few hundred photos.
    """

    number: int
    kind: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run is about to do.

    Attributes:
        photos: Photos to read, and inputs of which it is known already that they cannot be.
        videos: Videos to read.
        video_bytes: Their sizes together.
        done: Inputs that are as they were when they were read; nothing is done about them.
        done_failed: Those of them that failed.
    """

    photos: int
    videos: int
    video_bytes: int
    done: int
    done_failed: int

    @property
    def total(self) -> int:
        """How many inputs are to be read."""
        return self.photos + self.videos
