"""A long video in pieces, which are read at the same time and joined as if it had been one.

A piece begins at a keyframe, and ends with the frame with which the next one begins: so what tells
two shots apart is known at the seams as well, and what two readings find in one frame shows whether
they speak of the same video. Who is who is found out afterwards, in the order of the frames. What
comes out is what ``analyze_video`` finds; where that is not certain, there is no result.
"""

from __future__ import annotations

import io
import json
import logging
import threading
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.commands import load_classifier
from fer_core.detection import FaceDetector, load_detector
from fer_core.errors import SetAside
from fer_core.protocols import FaceReader
from fer_core.timeline import Timeline, TimelineBuilder
from fer_core.types import Frame, TrackedFace, TrackedFrame
from fer_core.video.analysis import VideoOptions, VideoResult, stand_upright
from fer_core.video.annotate import Annotator
from fer_core.video.finder import FaceFinder
from fer_core.video.flow import Flow
from fer_core.video.memory import room_for
from fer_core.video.opening import VideoFile
from fer_core.video.progress import Meter, Progress, expected_frames
from fer_core.video.render import known_at
from fer_core.video.sampling import FrameChoice
from fer_core.video.source import VideoFacts, VideoFrame, VideoSource
from fer_core.workers import Workers

logger = logging.getLogger(__name__)

# Shorter pieces than this, in seconds, are not worth what opening the file costs.
LEAST_S = 20.0
# Longer ones would tell seldom how far it is, and so many for each worker end at the same time.
_USUAL_S, _PIECES_EACH = 60.0, 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the analysed part.

    Attributes:
        from_s: The tick with which it begins; None for the part's beginning.
        until_s: The tick whose frame is its last one; None for the part's end.
    """

    from_s: float | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class PieceReading:
    """What was read in a piece.

    Attributes:
        facts: What the file says of itself, and how the video was turned.
        readings: The readings, of nobody in particular: all persons are 0. The numbers of frames
            may count from any frame.
        ends: Checksums of the first and the last picture; (0, 0) where there is none.
        is_sound: Whether nothing in the piece was damaged.
    """

    facts: VideoFacts
    readings: Timeline
    ends: tuple[int, int]
    is_sound: bool

    def to_bytes(self) -> bytes:
        """Return the reading as a file's content, for ``from_bytes``."""
        readings = self.readings
        head = {
            "facts": self.facts.record(),
            "labels": readings.labels,
            "ends": self.ends,
            "is_sound": self.is_sound,
        }
        file = io.BytesIO()
        columns = {name: getattr(readings, name) for name in _COLUMNS}
        np.savez_compressed(
            file, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **columns
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return what ``to_bytes`` was called for."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            columns = {name: file[name] for name in _COLUMNS}
            head = json.loads(file["head"].tobytes())
        facts = head["facts"] | {"size_wh": tuple(head["facts"]["size_wh"])}
        person = np.zeros(len(columns["row"]), np.int64)
        readings = Timeline(tuple(head["labels"]), person=person, **columns)
        return cls(VideoFacts(**facts), readings, tuple(head["ends"]), head["is_sound"])


_COLUMNS = ("frame_index", "time_s", "cut", "row", "boxes_xyxy", "score", "probabilities")


def cut(video: VideoSource, options: VideoOptions, most: int) -> list[Piece]:
    """Cut the analysed part of a video into pieces of about the same length.

    Args:
        video: The video.
        options: What is analysed.
        most: How many pieces there may be.

    Returns:
        The pieces in their order; one where the video is short, or cannot be cut.

    Raises:
        UnreadableVideo: The file cannot be opened any more.
    """
    if video.facts.duration_s is None:
        return [Piece()]
    end_s = min(video.facts.duration_s, options.end_s or video.facts.duration_s)
    length_s = end_s - options.start_s
    count = int(min(most, length_s / LEAST_S))
    if count < 2:
        return [Piece()]
    choice = FrameChoice(options.start_s, options.fps)
    wanted_s = [options.start_s + length_s * n / count for n in range(1, count)]
    # Several may be the same one, or lie before the part.
    keyframes_s = {
        time_s for time_s in video.keyframes_before(wanted_s) if time_s > options.start_s
    }
    seams_s = sorted({choice.tick_from(time_s) for time_s in keyframes_s})
    bounds = [None, *(time_s for time_s in seams_s if time_s < end_s), None]
    return [Piece(*ends) for ends in pairwise(bounds)]


def find_turn(
    video: VideoSource, make_detector: Callable[[], FaceDetector], options: VideoOptions
) -> None:
    """Turn a video as ``analyze_video`` does.

    Args:
        video: The video.
        make_detector: Makes a face detector.
        options: What is analysed.
    """
    with FaceFinder(make_detector, 1) as finder:
        stand_upright(video, finder, options)


def read_piece(
    source: VideoFile,
    piece: Piece,
    *,
    turned_deg: int,
    classifier: FaceReader,
    make_detector: Callable[[], FaceDetector],
    options: VideoOptions,
) -> PieceReading:
    """Find and read the faces of a piece.

    Args:
        source: The video, as for ``analyze_video``.
        piece: The piece, from ``cut``.
        turned_deg: By how many degrees ``find_turn`` turned the video.
        classifier: Reads the faces.
        make_detector: Makes a face detector; called once per worker.
        options: What is analysed, and how.

    Raises:
        UnreadableVideo: The file is no video, or not a single frame can be read.
    """
    builder = TimelineBuilder(classifier.labels)

    def take(frame: Frame, after_cut: bool) -> TrackedFrame:
        tracked = _of_nobody(frame)
        builder.add(tracked, after_cut=after_cut)
        return tracked

    with ExitStack() as stack:
        video = stack.enter_context(VideoSource(source))
        video.turn(turned_deg)
        stack.enter_context(room_for(video.plan, None, threading.Event()))
        finder = stack.enter_context(FaceFinder(make_detector, video.plan.waiting_frames))
        flow = Flow(finder, classifier, video.plan, take)
        flow.run(_frames(video, piece, options), lambda: False)
        ends = _checksum(flow.first_bgr), _checksum(flow.last_bgr)
        return PieceReading(video.facts, builder.build(), ends, video.damage is None)


def join(pieces: Sequence[PieceReading], options: VideoOptions) -> VideoResult | None:
    """Put the readings of all pieces together, and follow the persons through them.

    Args:
        pieces: What was read, in the order of the pieces.
        options: What was analysed, and how.

    Returns:
        What ``analyze_video`` finds in the video; None where its pieces are damaged or do not fit
        together, so that only ``analyze_video`` can tell.
    """
    if not all(piece.is_sound and len(piece.readings.time_s) for piece in pieces):
        return None
    if not all(_fit(before, after) for before, after in pairwise(pieces)):
        return None
    timeline = _joined([piece.readings for piece in pieces]).followed(options.max_gap_s)
    return VideoResult(pieces[0].facts, timeline, False, None, None, options)


@dataclass(frozen=True, slots=True)
class Question:
    """What ``PieceReader`` is asked: a piece of a file, and what ``read_piece`` needs besides."""

    path: Path
    piece: Piece
    turned_deg: int
    options: VideoOptions


class PieceReader:
    """Reads pieces, in a process of its own, on its share of the cores."""

    def __init__(self, detector: str, classes: str, reading: str) -> None:
        """Load what reads; arguments as of the command line.

        Raises:
            ModelError: The network cannot be loaded.
        """
        cv2.setNumThreads(1)
        self._detector = detector
        self._classifier = load_classifier(Namespace(classes=classes, reading=reading))

    def read(self, question: Question) -> PieceReading | None:
        """Read a piece; None where that fails."""
        try:
            return read_piece(
                question.path,
                question.piece,
                turned_deg=question.turned_deg,
                classifier=self._classifier,
                make_detector=lambda: load_detector(self._detector),
                options=question.options,
            )
        except Exception:  # whoever reads the whole file says why
            logger.debug("%s: a piece cannot be read", question.path, exc_info=True)
            return None


def analyze_in_pieces(
    path: Path,
    workers: Workers,
    *,
    make_detector: Callable[[], FaceDetector],
    options: VideoOptions,
    on_progress: Callable[[Progress], None] | None = None,
) -> VideoResult | None:
    """Find, follow and read the faces of a video by several processes.

    Args:
        path: The video.
        workers: Have a ``PieceReader`` each.
        make_detector: Makes a face detector, such as theirs.
        options: What is analysed, and how.
        on_progress: Called after every piece.

    Returns:
        What ``analyze_video`` finds; None where the video is short, cannot be cut, or is damaged.

    Raises:
        SetAside: A piece ends the processes that read it.
        UnreadableVideo: The file is no video, or not a single frame can be read.
    """
    with VideoSource(path) as video:
        length_s = video.facts.duration_s or 0.0
        pieces = cut(video, options, max(_PIECES_EACH * len(workers), int(length_s / _USUAL_S)))
        if len(pieces) < 2:
            return None
        find_turn(video, make_detector, options)
        total = expected_frames(video.facts, options.start_s, options.end_s, options.fps)
        questions = (Question(path, piece, video.facts.turned_deg, options) for piece in pieces)
        meter = Meter(total, on_progress)
        readings = []
        for found in workers.answers(questions):
            if isinstance(found, SetAside):
                raise found
            if not isinstance(found, PieceReading) or not found.is_sound:
                return None
            readings.append(found)
            frames = len(found.readings.time_s)
            meter.count(found.readings.time_s[-1] if frames else 0.0, frames)
    return join(readings, options)


def annotate(path: Path, target: Path, result: VideoResult) -> VideoResult:
    """Write the annotated video for readings, as ``analyze_video`` does while it reads.

    Returns:
        The result, with what is wrong with the annotated video.

    Raises:
        UnreadableVideo: The video cannot be opened any more.
    """
    options = result.options
    smoothed = result.timeline.smoothed(options.smoothing_s, options.threshold)
    with ExitStack() as stack:
        video = stack.enter_context(VideoSource(path))
        video.turn(result.facts.turned_deg)
        stack.enter_context(room_for(video.plan, None, threading.Event()))
        copy = stack.enter_context(Annotator(target, video, end_s=options.end_s))
        frames = video.frames(start_s=options.start_s, end_s=options.end_s)
        for frame, known in known_at(frames, result.timeline, video.facts.size_wh, *smoothed):
            copy.put(frame, known)
        unwritten = copy.finish()
        return replace(result, damage=copy.damage, unwritten=unwritten)


def _of_nobody(frame: Frame) -> TrackedFrame:
    faces = tuple(TrackedFace(0, face, face.probabilities, "") for face in frame.faces)
    return TrackedFrame(frame.index, frame.time_s, frame.size_wh, faces)


def _frames(
    video: VideoSource, piece: Piece, options: VideoOptions
) -> Iterator[tuple[VideoFrame, bool]]:
    """Yield the frames of a piece up to the first one of the next."""
    start_s, end_s, fps = options.start_s, options.end_s, options.fps
    if piece.from_s is None:
        frames = video.frames(start_s=start_s, end_s=end_s, fps=fps)
    else:
        frames = video.frames_from(piece.from_s, start_s=start_s, end_s=end_s, fps=fps)
    for frame in frames:
        yield frame, True
        if piece.until_s is not None and frame.time_s >= piece.until_s:
            frames.close()
            return


def _checksum(image_bgr: NDArray[np.uint8] | None) -> int:
    return 0 if image_bgr is None else zlib.crc32(image_bgr.tobytes())


def _fit(before: PieceReading, after: PieceReading) -> bool:
    """Return whether a piece ends with the frame with which the next one begins."""
    same_time = before.readings.time_s[-1] == after.readings.time_s[0]
    same_place = before.facts == after.facts and before.ends[1] == after.ends[0]
    return bool(same_time and same_place)


def _joined(pieces: Sequence[Timeline]) -> Timeline:
    """Put pieces together; of a frame that two have, the first one's reading stays."""
    whole = pieces[0]
    parts = [whole]
    count, last = len(whole.time_s), int(whole.frame_index[-1])
    for piece in pieces[1:]:
        first = int(np.searchsorted(piece.row, 1))
        index = piece.frame_index + (last - int(piece.frame_index[0]))
        parts.append(
            replace(
                piece,
                frame_index=index[1:],
                time_s=piece.time_s[1:],
                cut=piece.cut[1:],
                row=piece.row[first:] + (count - 1),
                person=piece.person[first:],
                boxes_xyxy=piece.boxes_xyxy[first:],
                score=piece.score[first:],
                probabilities=piece.probabilities[first:],
            )
        )
        count, last = count + len(index) - 1, int(index[-1])
    names = (*_COLUMNS, "person")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    return replace(whole, **columns)
