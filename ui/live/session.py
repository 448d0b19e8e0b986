"""One visitor's live session: the analysis, what is recorded, and what went wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import Any

import av
import streamlit as st

from fer_core.detection import load_detector
from fer_core.live.analysis import LiveAnalysis
from fer_core.live.recording import ReadingsRecorder, VideoRecorder
from fer_core.live.run import NO_SLOT
from fer_core.live.slots import Slots
from fer_core.live.state import LiveSettings
from fer_core.types import TrackedFrame
from ui.common.allowance import LimitReached, most_cameras, spend
from ui.common.closing import at_close
from ui.common.monitor import CAMERAS, LIVE_FRAMES
from ui.common.process import once
from ui.common.resources import get_classifier
from ui.common.visitors import visitor
from ui.live.ice import IceConfiguration, IceSettings, make_configuration

LOST = "The server that read this camera is gone, and what was read went with it."
_SESSION_KEY = "live-session"
# An attempt that ends sooner than this, in seconds, was ended by the visitor.
_ATTEMPT_S = 4.0
# No more than this, in seconds, is counted between two frames.
_LONGEST_S = 2.0


@once
def shared_slots() -> Slots:
    """Return the places that all visitors share."""
    slots = Slots(most_cameras())
    CAMERAS.set_function(lambda: slots.limit - slots.free)
    return slots


@dataclass(slots=True)
class LiveSession:
    """One visitor's session on the live page.

    Attributes:
        analysis: Reads the camera.
        attempt: Number of the current connection, from 1.
        attempt_since: When it began, on the monotonic clock; None when there is none.
        offer: What the browser offered last to connect with, or None before the first time.
        refusal: Why the camera is not read although it was started, a sentence, or "".
        refusals: How often that was so.
        owner: Whose it is.
        unconnected: Whether the last attempt ended without a single frame.
        readings: What was read since the last start, or None before the first.
        parts: What read it last, as ``LiveSettings.parts`` names it.
        charts: What the charts showed last, as the browser draws it; None before the first.
        pictured: Whether the page was drawn with a picture of the camera there.
        video: The recording of the video that runs.
        video_file: The video that was made last, or b"".
        video_problem: Why it is shorter than asked for, one sentence, or "".
    """

    analysis: LiveAnalysis
    attempt: int = 0
    attempt_since: float | None = None
    offer: dict[str, str] | None = None
    refusal: str = ""
    refusals: int = 0
    owner: str = ""
    unconnected: bool = False
    readings: ReadingsRecorder | None = None
    parts: tuple[str, str, str] = ("", "", "")
    charts: dict[str, Any] | None = None
    pictured: bool = False
    video: VideoRecorder | None = None
    video_file: bytes = b""
    video_problem: str = ""
    _counted: float = 0.0
    # A run that the next one has overtaken may still be at it.
    _changing: RLock = field(default_factory=RLock)
    _ice: tuple[IceSettings, IceConfiguration] | None = field(default=None)

    def ice(self, settings: IceSettings) -> IceConfiguration:
        """Return what to connect with: made for this session, and anew when it grows old."""
        if self._ice is None or self._ice[0] != settings or time.time() > self._ice[1].renew_at:
            self._ice = (settings, make_configuration(settings))
        return self._ice[1]

    def note_playing(self, active: bool) -> None:
        """Note whether the camera is on, or about to be; what is no news changes nothing."""
        with self._changing:
            if active and self.attempt_since is None:
                self._begin()
            elif not active and self.attempt_since is not None:
                lasted = time.monotonic() - self.attempt_since
                seen = self.analysis.status().size_wh is not None
                self.unconnected = not seen and lasted > _ATTEMPT_S
                self.end()

    def _begin(self) -> None:
        self.attempt += 1
        self.unconnected = False
        self.refusal = ""
        self._counted = time.monotonic()
        refusal = self._spend(1.0) or ("" if self.analysis.start() else NO_SLOT)
        if refusal:
            self.refuse(refusal)
        else:
            self.attempt_since = time.monotonic()
            self.forget()
            self.analysis.on_reading = partial(self._keep, self.attempt)

    def refuse(self, why: str) -> None:
        """Have the camera taken off the page, for a reason in a sentence; it waits for nothing."""
        self.refusal = why
        self.refusals += 1
        self.analysis.stop()

    def ask_again(self) -> None:
        """Let the visitor try again after a refusal."""
        self.refusal = ""

    def end(self) -> None:
        """Stop everything; what was read and recorded stays to be taken away."""
        with self._changing:
            self.attempt_since = None
            self.analysis.stop()
            self.analysis.on_reading = None
            self.stop_video()

    def camera_ended(self, attempt: int) -> None:
        """Stop the analysis when its camera is gone; called in the server's own thread."""
        if attempt == self.attempt:
            self.analysis.stop()

    def callback(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame to show; called for every frame, in a thread of streamlit-webrtc."""
        self._count_time()
        picture = self.analysis.next_picture(frame.to_ndarray(format="bgr24"))
        return av.VideoFrame.from_ndarray(picture, format="bgr24")

    def _count_time(self) -> None:
        """Count the seconds of the camera, and end its reading when no more are left."""
        passed_s = time.monotonic() - self._counted
        if passed_s < 1.0 or self.attempt_since is None or self.refusal:
            return
        self._counted += passed_s
        # A camera that sent nothing was of no use.
        refusal = self._spend(min(passed_s, _LONGEST_S))
        if refusal:
            self.refuse(refusal)

    def _spend(self, camera_s: float) -> str:
        """Note that the camera is used; return why it may not be, a sentence, or ""."""
        try:
            spend(self.owner, camera_s=camera_s)
        except LimitReached as error:
            return str(error)
        return ""

    def start_video(self) -> None:
        """Begin to record the video as it is shown; an earlier one is forgotten."""
        self.video_file, self.video_problem = b"", ""
        self.video = VideoRecorder()
        self.analysis.on_picture = self.video.add

    def stop_video(self) -> None:
        """End the recording of the video and keep its file."""
        recorder, self.video = self.video, None
        self.analysis.on_picture = None
        if recorder is None:
            return
        file = recorder.finish()
        self.video_problem = recorder.problem
        if file is not None:
            with file:
                self.video_file = file.read()

    def close(self) -> None:
        """Stop everything and forget all of it: the page is closed."""
        self.end()
        self.forget()

    def forget(self) -> None:
        """Forget what was read and recorded."""
        self.stop_video()
        self.readings, self.charts = None, None
        self.video_file, self.video_problem = b"", ""

    def _keep(self, attempt: int, tracked: TrackedFrame) -> None:
        """Keep a reading, in the analysis' thread; other emotions begin anew."""
        LIVE_FRAMES.inc()
        if attempt != self.attempt:
            # It was under way when the camera was stopped and started again.
            return
        settings = self.analysis.settings
        if self.readings is None or settings.parts[1:] != self.parts[1:]:
            self.readings = ReadingsRecorder(get_classifier(settings.class_set).labels)
        self.parts = settings.parts
        if all(face.reading.labels == self.readings.labels for face in tracked.faces):
            self.readings.add(tracked)


def live_session(settings: LiveSettings) -> LiveSession:
    """Return this visitor's session, with these settings from now on."""
    if _SESSION_KEY not in st.session_state:
        analysis = LiveAnalysis(
            settings,
            load_detector=load_detector,
            load_classifier=get_classifier,
            slots=shared_slots(),
        )
        st.session_state[_SESSION_KEY] = LiveSession(analysis, owner=visitor())
        at_close(_SESSION_KEY, st.session_state[_SESSION_KEY].close)
    session: LiveSession = st.session_state[_SESSION_KEY]
    session.analysis.settings = settings
    if session.refusal and session.attempt_since is not None:
        session.end()
    return session
