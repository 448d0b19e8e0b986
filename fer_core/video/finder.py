"""Faces found in several frames of a video at once."""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import align_face
from fer_core.budget import usable_cores
from fer_core.detection import FRAME_SIZES, FaceDetector
from fer_core.orientation import SCORED_DETECTOR, find_turn
from fer_core.types import DetectedFace
from fer_core.video.memory import MAX_READ_SIDE
from fer_core.video.source import VideoFrame

# A cut changes the whole picture, and shows in a small one of any shape.
_CUT_SIZE_WH = (160, 90)
# Frames that decide how a video is turned.
_AGREEING_FRAMES = 3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The faces of one frame, cut out and not read yet.

    Attributes:
        faces: N faces, row by row from left to right, in pixels of the video's picture.
        crops: N times uint8 ``(S, S)``, the faces in FER-2013's frame.
        thumbnail_bgr: uint8 ``(H, W, 3)``, the frame, small; cuts show in it.
    """

    faces: tuple[DetectedFace, ...]
    crops: list[NDArray[np.uint8]]
    thumbnail_bgr: NDArray[np.uint8]


class _AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, work: Callable[..., _T], /, *args: Any, **options: Any) -> Future[_T]:
        future: Future[_T] = Future()
        try:
            future.set_result(work(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


class FaceFinder:
    """Finds the faces of several frames at once; every worker has a detector of its own.

    Attributes:
        window: Frames that are worth submitting ahead: no worker waits for the reader, and yet
            few frames in 4K are held.
    """

    def __init__(self, make_detector: Callable[[], FaceDetector], most_frames: int) -> None:
        """Start the workers, as many as there are cores, where memory allows.

        On one core frames are searched when they are submitted: a thread beside the caller's would
        take what belongs to others.

        Args:
            make_detector: Makes a face detector; called once a worker.
            most_frames: How many frames there may be at once.
        """
        cores = usable_cores()
        workers = min(cores, most_frames)
        self._detectors: queue.SimpleQueue[FaceDetector] = queue.SimpleQueue()
        for _ in range(workers):
            self._detectors.put(make_detector())
        self._pool = _AtOnce() if cores == 1 else ThreadPoolExecutor(workers, "find-faces")
        self.window = min(3 * workers, most_frames)

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, frame: VideoFrame) -> Future[FoundFaces]:
        """Begin with a frame, when a worker is free."""
        return self._pool.submit(self._find, frame)

    def find_turn(self, frames: Iterable[VideoFrame]) -> int:
        """Return by how many degrees clockwise a video is to be turned: 0, 90, 180 or 270.

        What several frames with faces agree on first, or most of those that there are.

        Args:
            frames: The frames to look at, as far as needed.
        """
        detector = self._detectors.get()
        try:
            if detector.name != SCORED_DETECTOR:
                return 0
            votes: Counter[int] = Counter()
            for frame in frames:
                small = frame.own_bgr(max(FRAME_SIZES))
                faces = detector.detect(small, FRAME_SIZES)
                turn = find_turn(detector, small, faces, min(FRAME_SIZES))
                if faces or turn:
                    votes[turn] += 1
                if votes[turn] == _AGREEING_FRAMES:
                    break
            return votes.most_common(1)[0][0] if votes else 0
        finally:
            self._detectors.put(detector)

    def _find(self, frame: VideoFrame) -> FoundFaces:
        # Only the small picture is in colour: a face is read from the full luma alone.
        small = frame.own_bgr(max(FRAME_SIZES))
        detector = self._detectors.get()
        try:
            in_small = detector.detect(small, FRAME_SIZES)
        finally:
            self._detectors.put(detector)
        crops: list[NDArray[np.uint8]] = []
        faces: tuple[DetectedFace, ...] = ()
        if in_small:
            gray, width = frame.own_gray(MAX_READ_SIDE), small.shape[1]
            crops = [align_face(gray, face.scaled(gray.shape[1] / width)) for face in in_small]
            faces = tuple(frame.placement.face(face, width) for face in in_small)
        thumbnail = cv2.resize(small, _CUT_SIZE_WH, interpolation=cv2.INTER_AREA)
        return FoundFaces(faces, crops, np.asarray(thumbnail, np.uint8))
