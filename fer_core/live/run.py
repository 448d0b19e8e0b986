"""One run of a live analysis: its signs, its limits and what it says when something fails."""

from __future__ import annotations

import threading

from fer_core.live.reader import FrameReader
from fer_core.live.state import LiveSettings, LiveState

# Without frames for this long, in seconds, the camera is gone: a closed tab, a lost network.
IDLE_S = 10.0
# The first frame may take longer, while the visitor is asked for permission.
FIRST_FRAME_S = 60.0
# A frame that is worked on for longer than this, in seconds, stands still.
STALL_S = 3.0
MAX_FAULTS = 5

NO_SLOT = "All places for live analysis are taken at the moment; please try again later."
_FAULT = "An analysis failed, and the log says why; the next frame is tried."
_GAVE_UP = (
    f"The analysis failed {MAX_FAULTS} times in a row and has stopped; the log says why. The "
    "video goes on without readings."
)
_STALLED = (
    "The analysis stands still: one frame has been worked on for {seconds:.0f} s. The video goes "
    "on without readings."
)


class LiveRun:
    """One run, from start to stop: its signs, and what its thread alone uses.

    A detector that never returns keeps its thread for good. As each run has its own of
    everything, what such a thread says much too late does not reach the next run.
    """

    def __init__(self, reader: FrameReader) -> None:
        self.reader = reader
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.busy_since: float | None = None
        self.faults = 0
        # What did not work; with other parts it is tried again.
        self.gave_up_on: tuple[str, str, str] | None = None

    def state(self, now: float, stall_s: float, read: bool, problem: str) -> tuple[LiveState, str]:
        """Return where the run stands and what there is to say of it.

        Args:
            now: The monotonic clock, in seconds.
            stall_s: Seconds after which a frame that is still worked on counts as stalled.
            read: Whether any frame was read.
            problem: What was said last.
        """
        if self.gave_up_on is not None:
            return LiveState.FAILED, problem
        if self.busy_since is not None and now - self.busy_since > stall_s:
            return LiveState.STALLED, _STALLED.format(seconds=now - self.busy_since)
        return LiveState.RUNNING if read else LiveState.WAITING, problem

    def give_up(self, settings: LiveSettings) -> None:
        """Try no more until other parts are set."""
        self.gave_up_on, self.faults = settings.parts, 0

    def note_fault(self, settings: LiveSettings) -> str:
        """Count a frame that failed, give up after too many in a row, and say which."""
        self.faults += 1
        if self.faults < MAX_FAULTS:
            return _FAULT
        self.give_up(settings)
        return _GAVE_UP
