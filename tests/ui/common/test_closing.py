from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core import budget
from tests.ui.conftest import SAMPLE
from ui.common import closing
from ui.common.closing import KEEP_S, OpenPages, give_memory_back
from ui.video.shelf import get_shelf


class Browser:
    """Stands for the pages that visitors have open, and for the clock."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.closed: list[str] = []
        self.now_s = 0.0
        self.given_back = 0
        self.pages = OpenPages(
            self.open.__contains__, self.closed.append, self._give_back, now=lambda: self.now_s
        )

    def _give_back(self) -> None:
        self.given_back += 1

    def sweep_after(self, seconds: float) -> int:
        self.now_s += seconds
        return self.pages.sweep()


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_a_closed_page_goes_without_anybody_coming_by(browser: Browser) -> None:
    held = ["photos", "recording"]
    browser.open.add("anna")
    browser.pages.enter("anna")
    for name in list(held):
        browser.pages.at_close("anna", name, lambda name=name: held.remove(name))
    assert browser.sweep_after(100 * KEEP_S) == 1
    browser.open.clear()
    assert browser.sweep_after(KEEP_S) == 1
    assert held and not browser.closed
    assert browser.sweep_after(1) == 0
    assert not held and browser.closed == ["anna"]
    # What Streamlit holds goes in a thread of its own; then there is something to give back.
    assert not browser.given_back
    for _ in range(3):
        browser.sweep_after(5)
    assert browser.given_back == 1 and browser.closed == ["anna"]


def test_all_goes_within_two_minutes_even_when_the_browser_is_gone_without_a_word() -> None:
    ping_s = st.get_option("server.websocketPingInterval")
    assert 2 * ping_s + KEEP_S + 2 * closing._SWEEP_EVERY_S <= 120
    # Streamlit must not forget the session first: then it could not be closed any more.
    assert st.get_option("server.disconnectedSessionTTL") > 2 * KEEP_S


def test_a_page_that_is_opened_again_keeps_what_it_holds(browser: Browser) -> None:
    browser.pages.at_close("anna", "photos", lambda: pytest.fail("released"))
    browser.sweep_after(KEEP_S - 1)
    browser.open.add("anna")
    browser.sweep_after(2)
    browser.open.clear()
    assert browser.sweep_after(KEEP_S - 1) == 1


def test_a_run_counts_as_a_sign_of_life(browser: Browser) -> None:
    browser.pages.enter("anna")
    browser.now_s = KEEP_S
    browser.pages.enter("anna")
    assert browser.sweep_after(KEEP_S) == 1


def test_the_newest_of_a_name_is_released(browser: Browser) -> None:
    released: list[int] = []
    for number in range(3):
        browser.pages.at_close("anna", "photos", lambda number=number: released.append(number))
    browser.sweep_after(KEEP_S + 1)
    assert released == [2]


def test_one_fault_keeps_nothing_else_from_going(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    released: list[str] = []
    browser.pages.at_close("anna", "first", lambda: 1 / 0)
    browser.pages.at_close("anna", "second", lambda: released.append("second"))
    browser.pages.at_close("ben", "third", lambda: released.append("third"))
    browser.sweep_after(KEEP_S + 1)
    assert released == ["second", "third"] and browser.closed == ["anna", "ben"]
    assert "could not be released: first" in caplog.text


def test_memory_is_given_back_where_the_system_has_no_way(monkeypatch) -> None:
    give_memory_back()
    monkeypatch.setattr(budget.ctypes, "CDLL", lambda name: object())
    give_memory_back()


def test_photos_and_videos_go_with_their_page(
    app: AppTest, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    monkeypatch.setattr(closing, "_open_pages", lambda: browser.pages)
    app = app.switch_page("pages/1_Photo.py").run()
    app = app.file_uploader[0].set_value([("a.jpg", SAMPLE.read_bytes(), "image/jpeg")]).run()
    photos = app.session_state["photos"]
    assert photos.uploads and photos.readings
    app = app.switch_page("pages/2_Video.py").run()
    app = app.file_uploader[0].set_value(("clip.mp4", clip, "video/mp4")).run()
    video = get_shelf().get(app.session_state["video-token"], closing.session_id())
    assert video is not None
    browser.sweep_after(KEEP_S + 1)
    assert len(browser.closed) == 1
    assert not photos.uploads and not photos.readings
    get_shelf().leave(closing.session_id())
    assert video.file is None


class Runtime:
    """Stands for Streamlit's, with one visitor's session."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.orphans = 1
        self.state = {"photo": b"jpeg"}
        self.session_state = self.media_file_mgr = self

    def get_app_session(self, session: str) -> Runtime:
        return self

    def clear(self) -> None:
        self.state.clear()

    def remove_orphaned_files(self) -> None:
        self.orphans = 0

    def clear_user_info_for_session(self, session: str) -> None:
        self.closed.append(session)


def test_the_last_visitors_state_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    streamlit = Runtime()
    monkeypatch.setattr(closing.runtime, "exists", lambda: True)
    monkeypatch.setattr(closing.runtime, "get_instance", lambda: streamlit)
    now_s = 0.0
    pages = OpenPages(
        lambda session: False, closing._close_session, give_memory_back, now=lambda: now_s
    )
    monkeypatch.setattr(closing, "_open_pages", lambda: pages)
    closing.enter_page()
    assert pages.sweep() == 1 and streamlit.state
    now_s = KEEP_S + 1
    assert pages.sweep() == 0 and not streamlit.state and streamlit.closed == [""]
    assert streamlit.orphans
    pages.sweep()
    assert not streamlit.orphans
