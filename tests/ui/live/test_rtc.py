from __future__ import annotations

from collections import UserDict
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit_webrtc import WebRtcStreamerContext
from streamlit_webrtc.component import WebRtcStreamerState

from ui.live import rtc
from ui.live.session import LOST

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


@pytest.mark.parametrize("last", range(1, 6))
def test_an_offer_is_heard_wherever_a_run_ends(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    worker: Any = Worker()
    offer = {"type": "offer", "sdp": "v=0"}
    off = WebRtcStreamerState(playing=False, signalling=False)
    state = Interrupted(
        {
            KEY: WebRtcStreamerContext(worker=worker, state=off),
            rtc.generate_frontend_component_key(KEY): {"playing": False, "sdpOffer": offer},
        }
    )
    heard: list[bool] = []
    session: Any = SimpleNamespace(offer=None, note_playing=heard.append)
    monkeypatch.setattr(rtc.st, "session_state", state)
    state.last = last
    with suppress(RunEnds):
        rtc._hear(session, KEY)
    state.last = -1
    # What the next run looks at is there, and it makes up for what was cut short.
    rtc._hear(session, KEY)
    assert worker.stopped and rtc._worker(state[KEY]) is None
    assert state[KEY].state == WebRtcStreamerState(playing=False, signalling=True)
    assert session.offer == offer and heard[:1] == [False] and heard[-1] is True
    assert heard.count(False) == 1


def test_a_camera_that_another_process_answered_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    off = WebRtcStreamerState(playing=False, signalling=False)
    state = {
        KEY: WebRtcStreamerContext(worker=None, state=off),
        rtc.generate_frontend_component_key(KEY): {"playing": True, "sdpOffer": ""},
    }
    said: list[str] = []
    session: Any = SimpleNamespace(offer=None, refuse=said.append)
    monkeypatch.setattr(rtc.st, "session_state", state)
    rtc._hear(session, KEY)
    assert said == [LOST] and state[KEY].state == off
