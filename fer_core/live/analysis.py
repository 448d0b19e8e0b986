"""The newest frame's worker.

``LiveAnalysis.next_picture`` takes a frame of the camera and returns the picture to show, with
the last known reading drawn over it. It never waits for the analysis: frames that come while one
is being read replace each other, so that a slow detector costs readings and never time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fer_core.detection import FaceDetector
from fer_core.errors import FerError
from fer_core.live.history import History
from fer_core.live.meter import LiveMeter
from fer_core.live.picture import cover, live_picture
from fer_core.live.reader import FrameReader
from fer_core.live.run import FIRST_FRAME_S, IDLE_S, NO_SLOT, STALL_S, LiveRun
from fer_core.live.slots import Slots
from fer_core.live.state import LiveReading, LiveSettings, LiveState, LiveStatus
from fer_core.protocols import FaceReader
from fer_core.types import TrackedFrame

logger = logging.getLogger(__name__)

# How long a reading is drawn, in seconds from its end, when no other follows.
READING_LIFE_S = 1.0


class LiveAnalysis:
    """The analysis of one visitor's camera.

    Attributes:
        on_reading: Called with every new reading, in the analysis' thread; must not raise.
        on_picture: Called with every picture that is shown and its time in seconds, while the
            camera waits; must return at once.
    """

    def __init__(
        self,
        settings: LiveSettings,
        *,
        load_detector: Callable[[str], FaceDetector],
        load_classifier: Callable[[str, str], FaceReader],
        slots: Slots | None = None,
        idle_s: float = IDLE_S,
        stall_s: float = STALL_S,
    ) -> None:
        """Begin stopped.

        Args:
            settings: What to begin with.
            load_detector: Loads a detector by its name, for this analysis alone, in its thread.
            load_classifier: Loads the model of a class set, with a reading; it may be shared.
            slots: The limit that this analysis counts against; None for one of its own.
            idle_s: Seconds without frames after which it stops by itself.
            stall_s: Seconds after which a frame that is still worked on counts as stalled.
        """
        self.on_reading: Callable[[TrackedFrame], None] | None = None
        self.on_picture: Callable[[NDArray[np.uint8], float], None] | None = None
        self._load_detector, self._load_classifier = load_detector, load_classifier
        self._slots = slots or Slots(1)
        self._idle_s, self._stall_s = idle_s, stall_s
        self._epoch = time.monotonic()
        # Guards everything below; held for moments only.
        self._changed = threading.Condition()
        self._settings = settings
        self._run: LiveRun | None = None
        self._wanted = False
        self._forget_camera()

    def _forget_camera(self) -> None:
        self._waiting: tuple[NDArray[np.uint8], float, int] | None = None
        self._size_wh: tuple[int, int] | None = None
        self._last_frame: float | None = None
        self._picture: NDArray[np.uint8] | None = None
        self._tracked: tuple[TrackedFrame, float, float] | None = None
        self._problem, self._detector_name = "", ""
        self._meter = LiveMeter()
        self._history = History()

    @property
    def settings(self) -> LiveSettings:
        """What is set; may be replaced at any time, and counts from the next frame on."""
        return self._settings

    @settings.setter
    def settings(self, settings: LiveSettings) -> None:
        with self._changed:
            self._settings = settings

    @property
    def running(self) -> bool:
        """Whether a thread analyses, or waits for frames."""
        return self._run is not None

    def start(self) -> bool:
        """Start the analysis if it does not run, and return whether there was a slot."""
        with self._changed:
            self._wanted = True
            if self._run is not None:
                return True
            run = LiveRun(FrameReader(self._load_detector, self._load_classifier))
            if not self._slots.take(run):
                self._problem = NO_SLOT
                return False
            self._forget_camera()
            self._run = run
            run.thread = threading.Thread(
                target=self._work, args=(run,), name="live-analysis", daemon=True
            )
            run.thread.start()
        return True

    def stop(self, wait_s: float = 0.0) -> None:
        """Stop the analysis, give its slot back, and forget the camera's last picture.

        Args:
            wait_s: How long to wait for the thread's end; one that stands still is left behind.
        """
        with self._changed:
            self._wanted, self._problem = False, ""
            run = self._run
            if run is not None:
                self._end(run)
        if run is not None and run.thread is not None and wait_s > 0:
            run.thread.join(wait_s)

    def retry(self) -> None:
        """Have the analysis try again after it gave up."""
        with self._changed:
            if self._run is not None:
                self._run.gave_up_on, self._problem = None, ""
                self._changed.notify_all()

    def next_picture(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take the camera's next frame and return the picture to show, without waiting.

        Args:
            image_bgr: uint8 ``(H, W, 3)``; not changed, and kept while it is analysed.

        Returns:
            uint8 ``(H, W, 3)``, of the same size. When nothing can be drawn, an empty picture:
            what should be hidden is not shown by mistake.
        """
        now = time.monotonic()
        size_wh = (image_bgr.shape[1], image_bgr.shape[0])
        with self._changed:
            if self._wanted and self._run is None:
                # The camera is back after a break that was long enough to stop.
                self.start()
            view = self._settings.view
            self._last_frame, self._size_wh = now, size_wh
            self._waiting = (image_bgr, now, self._meter.frames)
            self._meter.add_frame(now)
            shown = self._current(now)
            self._changed.notify()
        try:
            picture = live_picture(image_bgr, None if shown is None else shown[0], view)
        except Exception:
            logger.exception("A picture could not be drawn")
            picture = cover(size_wh)
        with self._changed:
            # A frame that was on its way when the camera was stopped leaves no picture.
            self._picture = None if self._run is None else picture
            if shown is not None and shown[0].faces:
                self._meter.add_age(now, time.monotonic() - shown[1])
        if self.on_picture is not None:
            self.on_picture(picture, now - self._epoch)
        return picture

    def status(self) -> LiveStatus:
        """Return what is known now."""
        now = time.monotonic()
        with self._changed:
            state, problem = LiveState.OFF, self._problem
            if self._run is not None:
                read = self._tracked is not None
                state, problem = self._run.state(now, self._stall_s, read, problem)
            current = self._current(now)
            open_frames = (self._waiting is not None) + (
                self._run is not None and self._run.busy_since is not None
            )
            return LiveStatus(
                state,
                problem,
                self._detector_name,
                self._size_wh,
                self._meter.frames_per_s(now),
                self._meter.analyses_per_s(now),
                max(0, self._meter.frames - self._meter.analyses - open_frames),
                None if self._last_frame is None else now - self._last_frame,
                self._meter.latency_s(now),
                None if current is None else current[0],
            )

    def history(self) -> tuple[LiveReading, ...]:
        """Return the readings of the last ``HISTORY_S`` seconds, the newest last."""
        with self._changed:
            return self._history.readings()

    def now_s(self) -> float:
        """Return the time on the clock of the readings, in seconds."""
        return time.monotonic() - self._epoch

    def snapshot(self) -> NDArray[np.uint8] | None:
        """Return the last picture as it was shown, uint8 ``(H, W, 3)``; None without one."""
        return self._picture

    # What follows is called with the lock held.

    def _current(self, now: float) -> tuple[TrackedFrame, float] | None:
        """Return the last reading and its frame's arrival, unless it is too old."""
        if self._tracked is None:
            return None
        tracked, arrival, ended = self._tracked
        return (tracked, arrival) if now - ended < READING_LIFE_S else None

    def _end(self, run: LiveRun) -> None:
        run.stop.set()
        if self._run is run:
            self._run = None
            self._waiting, self._tracked, self._picture = None, None, None
        self._slots.give_back(run)
        self._changed.notify_all()

    # What follows is the analysis' thread.

    def _work(self, run: LiveRun) -> None:
        try:
            while (taken := self._next_frame(run)) is not None:
                started = time.monotonic()
                self._analyze(run, *taken)
                # Rest now, so that the frame that is taken next is a new one.
                run.stop.wait(max(0.0, started + 1 / self._slots.rate - time.monotonic()))
        finally:
            with self._changed:
                self._end(run)

    def _next_frame(self, run: LiveRun) -> tuple[NDArray[np.uint8], float, int] | None:
        """Wait for a frame and take it; None when it is time to end."""
        began = time.monotonic()
        with self._changed:
            run.busy_since = None
            while not run.stop.is_set():
                gave_up = run.gave_up_on == self._settings.parts
                if self._waiting is not None and not gave_up:
                    taken, self._waiting = self._waiting, None
                    run.gave_up_on, run.busy_since = None, time.monotonic()
                    return taken
                last = self._last_frame
                limit = FIRST_FRAME_S if last is None else self._idle_s
                left = (began if last is None else last) + limit - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
        return None

    def _analyze(
        self, run: LiveRun, image_bgr: NDArray[np.uint8], arrival: float, index: int
    ) -> None:
        settings = self._settings
        try:
            tracked = run.reader.read(settings, image_bgr, arrival - self._epoch, index)
        except FerError as error:
            # A part that is not there: it will not be there for the next frame either.
            run.give_up(settings)
            self._say(run, str(error))
        except Exception:
            logger.exception("A frame could not be analysed")
            self._say(run, run.note_fault(settings))
        else:
            run.faults = 0
            self._keep(run, tracked, arrival)

    def _say(self, run: LiveRun, problem: str) -> None:
        with self._changed:
            run.busy_since = None
            if self._run is run:
                self._problem = problem

    def _keep(self, run: LiveRun, tracked: TrackedFrame, arrival: float) -> None:
        now = time.monotonic()
        with self._changed:
            if self._run is not run:
                return
            run.busy_since = None
            self._tracked = (tracked, arrival, now)
            self._meter.add_analysis(now)
            self._problem, self._detector_name = "", run.reader.detector_name
            self._history.add(LiveReading.of(tracked, run.reader.labels))
            # Whoever listened to this run, should another begin before it is told.
            tell = self.on_reading
        if tell is not None:
            tell(tracked)
