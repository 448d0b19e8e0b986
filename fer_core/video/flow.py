"""Frames on their way: faces found in several at once, read in batches, handed on in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.protocols import FaceReader
from fer_core.tracking import CutDetector
from fer_core.types import FaceReading, Frame, Probabilities, TrackedFrame
from fer_core.video.annotate import Annotator
from fer_core.video.finder import FaceFinder, FoundFaces
from fer_core.video.memory import MemoryPlan
from fer_core.video.source import VideoFrame

# Frames a batch of faces is made of: more are no faster and would be held longer.
_MAX_BATCH_FRAMES = 8


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame on its way; without ``found`` it is only copied."""

    frame: VideoFrame
    found: Future[FoundFaces] | None

    @property
    def ready(self) -> bool:
        return self.found is None or self.found.done()


class Flow:
    """Reads the faces of frames; a window bounds how many frames are held at a time.

    Attributes:
        first_bgr: uint8 ``(H, W, 3)``, the first frame that was read, small; None before it.
        last_bgr: The last one.
    """

    first_bgr: NDArray[np.uint8] | None
    last_bgr: NDArray[np.uint8] | None

    def __init__(
        self,
        finder: FaceFinder,
        classifier: FaceReader,
        plan: MemoryPlan,
        take: Callable[[Frame, bool], TrackedFrame],
        copy: Annotator | None = None,
    ) -> None:
        """Begin without frames.

        Args:
            finder: Finds the faces.
            classifier: Reads them.
            plan: Bounds how many frames may wait.
            take: Takes in each frame that was read, in their order, and whether there is a cut
                right before it; returns what is drawn on it.
            copy: Takes all frames, with what was known last.
        """
        self.first_bgr = self.last_bgr = None
        self._finder, self._classifier, self._copy = finder, classifier, copy
        self._window = finder.window
        self._most_bytes = plan.waiting_bytes
        self._take = take
        self._cuts = CutDetector()
        self._waiting: deque[_Waiting] = deque()
        self._known: TrackedFrame | None = None

    def run(
        self, frames: Iterable[tuple[VideoFrame, bool]], is_cancelled: Callable[[], bool]
    ) -> None:
        """Read frames, and hand them on.

        Args:
            frames: Each with whether it is to be read.
            is_cancelled: Tells whether to stop; what is on its way is then left.
        """
        for frame, due in frames:
            if is_cancelled():
                return
            self._waiting.append(_Waiting(frame, self._finder.submit(frame) if due else None))
            while self._enough():
                self._pass_on()
        while self._waiting and not is_cancelled():
            self._pass_on()

    def _enough(self) -> bool:
        """Return whether no further frame should wait."""
        waiting = self._waiting
        return (
            len(waiting) >= self._window
            or sum(item.frame.bytes for item in waiting) >= self._most_bytes
        )

    def _pass_on(self) -> None:
        """Wait for the first frame, and pass it on with all after it that are ready by then."""
        waiting = self._waiting
        ready = [waiting.popleft()]
        if ready[0].found is not None:
            wait([ready[0].found])
        while waiting and waiting[0].ready and len(ready) < _MAX_BATCH_FRAMES:
            ready.append(waiting.popleft())
        for item, known in zip(ready, self._read(ready), strict=True):
            if self._copy is not None:
                self._copy.put(item.frame, known)

    def _read(self, items: Sequence[_Waiting]) -> list[TrackedFrame | None]:
        """Return what is known at each frame: a frame that is only copied shows the last."""
        founds = [item.found.result() if item.found else None for item in items]
        crops = [crop for found in founds if found for crop in found.crops]
        rows = iter(self._classifier.predict(crops))
        known = []
        for item, found in zip(items, founds, strict=True):
            if found is not None:
                self._known = self._hand_on(item.frame, found, rows)
            known.append(self._known)
        return known

    def _hand_on(
        self, frame: VideoFrame, found: FoundFaces, rows: Iterator[NDArray[np.float32]]
    ) -> TrackedFrame:
        faces = tuple(
            FaceReading(face, Probabilities(self._classifier.labels, next(rows)), crop)
            for face, crop in zip(found.faces, found.crops, strict=True)
        )
        self.last_bgr = found.thumbnail_bgr
        if self.first_bgr is None:
            self.first_bgr = self.last_bgr
        after_cut = self._cuts.is_cut(found.thumbnail_bgr, frame.time_s)
        return self._take(Frame(frame.index, frame.time_s, frame.size_wh, faces), after_cut)
