"""What a run speaks of: inputs, the units of work that they are put into, and what is there."""

from __future__ import annotations

from dataclasses import dataclass

from fer_core.batch.schema import READ

# In place of what was read in a piece: that all of the video is to be read at once, or that the
# video has fewer pieces.
AS_A_WHOLE, NO_PIECE = b"", b"none"


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
        error: The kind of error where it failed, in a word.
    """

    address: str
    kind: str
    size_bytes: int = 0
    modified_us: int = 0
    status: str = READ
    reason: str | None = None
    error: str = ""


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

    A long video is a unit of several pieces, which several processes read; whoever is the last of
    them writes the part.

    Attributes:
        number: Its place in the plan, from 0.
        kind: That of all its inputs.
        inputs: One video, or up to a few hundred photos.
        piece: The piece to read, from 0.
        pieces: How many there are at most; 1 for what is read as a whole.
    """

    number: int
    kind: str
    inputs: tuple[Input, ...]
    piece: int = 0
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class VideoPiece:
    """What a process is asked for: a piece of a video.

    Attributes:
        input: The video.
        number: The piece's, from 0.
        count: How many there are at most.
    """

    input: Input
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class PiecedVideo:
    """What a process is asked for: a video whose pieces have been read, as one.

    Attributes:
        input: The video.
        readings: What was read in the pieces.
    """

    input: Input
    readings: tuple[bytes, ...]


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
