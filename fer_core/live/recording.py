"""What a visitor asks to keep of a live session: the readings, and the annotated video."""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import IO

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.timeline import Timeline, TimelineBuilder
from fer_core.types import TrackedFrame

logger = logging.getLogger(__name__)

# Longest recordings, in seconds: an hour of readings takes some 20 MB of memory, ten minutes of
# video up to 200 MB of the disk.
MAX_READINGS_S = 3600.0
MAX_VIDEO_S = 600.0
# Without pictures for so long, in seconds, the visitor is gone.
_PATIENCE_S = 60.0
# Pictures that wait for the encoder; a third of a second.
_WAITING_PICTURES = 10
_MILLISECONDS = Fraction(1, 1000)


class ReadingsRecorder:
    """Keeps a live session's readings.

    Attributes:
        labels: K emotions in the order of the probabilities.
        problem: Why it stopped before it was told to, one sentence, or "".
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Begin empty."""
        self.labels = tuple(labels)
        self.problem = ""
        self._builder = TimelineBuilder(self.labels)
        self._first_s: float | None = None
        self._last_s = 0.0
        self._frames = 0
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self._last_s

    @property
    def frames(self) -> int:
        """How many readings it has."""
        return self._frames

    def add(self, tracked: TrackedFrame) -> None:
        """Keep a reading; the first one's time becomes 0."""
        with self._lock:
            if self.problem:
                return
            if any(face.reading.labels != self.labels for face in tracked.faces):
                self.problem = "The recording ended because the set of emotions was changed."
                return
            if self._first_s is None:
                self._first_s = tracked.time_s
            time_s = tracked.time_s - self._first_s
            if time_s > MAX_READINGS_S:
                self.problem = f"The recording ended after {MAX_READINGS_S / 60:.0f} minutes."
                return
            self._builder.add(replace(tracked, index=self._frames, time_s=time_s))
            self._last_s = time_s
            self._frames += 1

    def timeline(self) -> Timeline:
        """Return what was kept so far."""
        with self._lock:
            return self._builder.build()


class VideoRecorder:
    """Writes the pictures that are shown into an H.264 MP4 file without a name.

    Encoding has a thread of its own. When it cannot keep up, pictures are left out; those that
    stay keep their times.

    Attributes:
        problem: Why it stopped before it was told to, one sentence, or "".
        left_out: Pictures that were left out.
    """

    def __init__(self) -> None:
        """Begin to wait for pictures."""
        self.problem = ""
        self.left_out = 0
        self._pictures: queue.Queue[tuple[NDArray[np.uint8], float] | None] = queue.Queue(
            _WAITING_PICTURES
        )
        # Without a name nobody else can open it, and it is gone with the process at the latest.
        self._file: IO[bytes] | None = tempfile.TemporaryFile(prefix="fer-live-")  # noqa: SIM115
        self._first_s: float | None = None
        self._written = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live-video", daemon=True)
        self._thread.start()

    @property
    def pictures(self) -> int:
        """How many pictures are written."""
        return self._written

    def add(self, image_bgr: NDArray[np.uint8], time_s: float) -> None:
        """Hand a picture over, without waiting.

        Args:
            image_bgr: uint8 ``(H, W, 3)``; kept for a moment, and must not be changed.
            time_s: Its time in seconds; the first one's becomes 0.
        """
        if self._ended.is_set() or self.problem:
            return
        if self._first_s is None:
            self._first_s = time_s
        if time_s - self._first_s > MAX_VIDEO_S:
            self.problem = f"The video ended after {MAX_VIDEO_S / 60:.0f} minutes."
            return
        try:
            self._pictures.put_nowait((image_bgr, time_s - self._first_s))
        except queue.Full:
            self.left_out += 1

    def finish(self) -> IO[bytes] | None:
        """End the video.

        Returns:
            The file, to be read from its start, which is the caller's to close; None when there
            is nothing in it, or it was handed out before.
        """
        # The thread takes from the queue as long as it lives, so there will be room.
        while not self._ended.is_set():
            try:
                self._pictures.put(None, timeout=0.1)
                break
            except queue.Full:
                continue
        self._thread.join()
        file, self._file = self._file, None
        if file is None:
            return None
        if self._written == 0:
            file.close()
            return None
        file.seek(0)
        return file

    def _next(self) -> tuple[NDArray[np.uint8], float] | None:
        """Wait for a picture; None when the video ends, told to or for want of pictures."""
        try:
            return self._pictures.get(timeout=_PATIENCE_S)
        except queue.Empty:
            return None

    def _work(self) -> None:
        try:
            self._encode()
        except (av.error.FFmpegError, OSError) as error:
            logger.warning("The video could not be written: %s", error)
            self.problem = "The video could not be written; perhaps the disk is full."
            self._written = 0
        finally:
            self._ended.set()

    def _encode(self) -> None:
        first = self._next()
        if first is None:
            return
        # 4:2:0 has a colour for each two by two pixels.
        height, width = (max(2, side // 2 * 2) for side in first[0].shape[:2])
        assert self._file is not None
        with av.open(self._file, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            # At this setting 640x480 costs some 3 ms a picture.
            stream.options = {"preset": "superfast", "crf": "25"}
            stream.codec_context.time_base = _MILLISECONDS
            # With one thread it takes one core from the live video at most.
            stream.codec_context.thread_count = 1
            last_ms = -1
            entry: tuple[NDArray[np.uint8], float] | None = first
            while entry is not None:
                image_bgr, time_s = entry
                frame = av.VideoFrame.from_ndarray(_fitted(image_bgr, (width, height)), "bgr24")
                last_ms = max(round(1000 * time_s), last_ms + 1)
                frame.pts, frame.time_base = last_ms, _MILLISECONDS
                container.mux(stream.encode(frame))
                self._written += 1
                entry = self._next()
            container.mux(stream.encode(None))


def _fitted(image_bgr: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture of another size, with black margins where it has another shape."""
    height, width = image_bgr.shape[:2]
    if (width, height) == size_wh:
        return image_bgr
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner_wh = (max(1, round(scale * width)), max(1, round(scale * height)))
    fitted = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    left, top = (size_wh[0] - inner_wh[0]) // 2, (size_wh[1] - inner_wh[1]) // 2
    fitted[top : top + inner_wh[1], left : left + inner_wh[0]] = cv2.resize(image_bgr, inner_wh)
    return fitted
