from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from ui.common import download


def _page() -> None:
    import streamlit as st
    from streamlit import runtime

    from ui.common.download import download_made_at_click

    st.session_state["files"] = runtime.get_instance().media_file_mgr
    download_made_at_click("Numbers", lambda: "1, 2", "numbers.csv", "text/csv")
    download_made_at_click("Picture", lambda: b"png", "a.png", "image/png", key="picture-0")


class Timer:
    """Stands for one whose time has not come."""

    def __init__(self, _: float, act: Callable[..., None], given: tuple[Any, ...]) -> None:
        self.act = partial(act, *given)
        timers.append(self)

    def start(self) -> None:
        pass


timers: list[Timer] = []


@pytest.mark.parametrize("closed", [False, True])
def test_what_was_made_stays_for_a_while(monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    page = AppTest.from_function(_page).run()
    assert not page.exception
    files: MediaFileManager = page.session_state["files"]
    # The test's runtime is there only while the script runs.
    there = SimpleNamespace(
        media_file_mgr=files, get_app_session=lambda session: None if closed else session
    )
    monkeypatch.setattr(download.runtime, "exists", lambda: True)
    monkeypatch.setattr(download.runtime, "get_instance", lambda: there)
    monkeypatch.setattr(threading, "Timer", Timer)
    timers.clear()
    addresses = [
        files.execute_deferred(button.proto.deferred_file_id)
        for button in page.get("download_button")
    ]

    def contents() -> list[bytes | None]:
        # As where the runs of others end.
        for _ in range(3):
            files.remove_orphaned_files()
        names = [address.rpartition("/")[2].partition(".")[0] for address in addresses]
        return [file and file.content for file in map(files.read_file, names)]

    assert contents() == ([None, None] if closed else [b"1, 2", b"png"])
    for timer in timers:
        timer.act()
    assert len(timers) == 2 and contents() == [None, None]
