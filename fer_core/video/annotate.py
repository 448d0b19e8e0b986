"""The annotated copy of a video: drawn and encoded in a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path
from typing import BinaryIO

from fer_core.drawing import draw_tracked
from fer_core.errors import UnwritableVideo
from fer_core.types import TrackedFrame
from fer_core.video.source import VideoFrame, VideoSource
from fer_core.video.writer import AnnotatedWriter

logger = logging.getLogger(__name__)

# Decoded frames that may wait for the encoder, where memory allows.
_MAX_WAITING = 4


class Annotator:
    """Draws and encodes frames while the caller analyses the next ones.

    A problem in writing does not reach the caller's analysis: frames are then dropped, and
    ``finish`` says why. Leaving the context without ``finish`` gives the copy up.

    Attributes:
        damage: One sentence when the copy lacks something, such as its sound, else None; known
            after ``finish``.
    """

    damage: str | None

    def __init__(
        self, target: Path | BinaryIO, video: VideoSource, *, end_s: float | None = None
    ) -> None:
        """Start the thread; arguments as ``AnnotatedWriter``."""
        self._waiting: queue.Queue[tuple[VideoFrame, TrackedFrame | None] | None] = queue.Queue(
            max(1, min(_MAX_WAITING, video.plan.waiting_frames // 2))
        )
        self._given_up = threading.Event()
        self.damage = None
        self._error: str | None = None
        self._thread = threading.Thread(
            target=self._work, args=(target, video, end_s), name="annotate"
        )
        self._thread.start()

    def __enter__(self) -> Annotator:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._given_up.set()
            self._end()

    def put(self, frame: VideoFrame, tracked: TrackedFrame | None) -> None:
        """Take the next frame; wait while the encoder is behind.

        Args:
            frame: The next frame of the part.
            tracked: What is drawn on it, or None before the first analysed frame.
        """
        self._waiting.put((frame, tracked))

    def finish(self) -> str | None:
        """End the video; return a sentence when it could not be written, else None."""
        self._end()
        return self._error

    def _end(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _work(self, target: Path | BinaryIO, video: VideoSource, end_s: float | None) -> None:
        ended = False
        try:
            with AnnotatedWriter(target, video, end_s=end_s) as writer:
                while (item := self._waiting.get()) is not None:
                    frame, tracked = item
                    image_bgr = frame.bgr(video.plan.copy_side)
                    if tracked is not None:
                        image_bgr = draw_tracked(image_bgr, tracked)
                    writer.write(image_bgr, frame)
                ended = True
                if self._given_up.is_set():
                    raise _GivenUp
            self.damage = writer.damage
        except _GivenUp:
            pass
        except UnwritableVideo as error:
            self._error = str(error)
        except Exception:  # one odd frame must not cost the readings
            logger.exception("Writing the annotated video failed")
            self._error = "The annotated video could not be written; the log says why."
        # Whoever puts frames must not wait for ever.
        while not ended:
            ended = self._waiting.get() is None


class _GivenUp(Exception):
    """Leaves the writer's context as an error does, so that nothing half-written stays."""
