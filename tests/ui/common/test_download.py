from __future__ import annotations

from types import SimpleNamespace

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


def test_what_was_made_stays_until_the_page_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    page = AppTest.from_function(_page).run()
    assert not page.exception
    files: MediaFileManager = page.session_state["files"]
    # The test's runtime is there only while the script runs.
    there = SimpleNamespace(media_file_mgr=files)
    monkeypatch.setattr(download.runtime, "exists", lambda: True)
    monkeypatch.setattr(download.runtime, "get_instance", lambda: there)
    addresses = [
        files.execute_deferred(button.proto.deferred_file_id)
        for button in page.get("download_button")
    ]

    def contents() -> list[bytes | None]:
        names = [address.rpartition("/")[2].partition(".")[0] for address in addresses]
        return [file and file.content for file in map(files.read_file, names)]

    # As where the runs of others end.
    for _ in range(3):
        files.remove_orphaned_files()
    assert contents() == [b"1, 2", b"png"]
    files.clear_session_refs("test session id")
    for _ in range(2):
        files.remove_orphaned_files()
    assert contents() == [None, None]
