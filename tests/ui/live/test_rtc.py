from __future__ import annotations

from collections import UserDict
from contextlib import suppress
from typing import Any

import pytest
from streamlit_webrtc import WebRtcStreamerContext
from streamlit_webrtc.component import WebRtcStreamerState

from ui.live import rtc

KEY = "camera"


class RunEnds(Exception):
    """As Streamlit ends a run when the next one is due."""


class Interrupted(UserDict[str, Any]):
    """A session's state at whose use number ``last`` the run ends."""

    last = -1

    def _use(self) -> None:
        self.last -= 1
        if self.last == 0:
            raise RunEnds

    def __getitem__(self, key: str) -> Any:
        self._use()
        return super().__getitem__(key)

    def __setitem__(self, key: str, item: Any) -> None:
        self._use()
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        self._use()
        super().__delitem__(key)


class Worker:
    """Keeps the server's end of a connection."""

    stopped = False

    def stop(self) -> None:
        self.stopped = True


@pytest.mark.parametrize("last", range(1, 5))
def test_a_camera_is_there_wherever_a_run_ends(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    worker: Any = Worker()
    playing = WebRtcStreamerState(playing=True, signalling=True)
    state = Interrupted({KEY: WebRtcStreamerContext(worker=worker, state=playing)})
    monkeypatch.setattr(rtc.st, "session_state", state)
    state.last = last
    with suppress(RunEnds):
        rtc._answer_anew(KEY)
    state.last = -1
    # The next run looks for it before anything else.
    assert state[KEY].state == playing
    rtc._answer_anew(KEY)
    assert worker.stopped
    assert state[KEY].state == playing and rtc._worker(state[KEY]) is None
