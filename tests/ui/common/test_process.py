from __future__ import annotations

import threading
import time

import pytest
import streamlit as st

from ui.common.jobs import get_queue
from ui.common.process import once
from ui.live.session import shared_slots
from ui.video.shelf import get_shelf


def test_threads_that_come_at_once_get_the_same() -> None:
    made: list[object] = []

    @once
    def slow() -> object:
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(slow())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and got == made * 8


@pytest.mark.parametrize("get", [get_queue, get_shelf, shared_slots])
def test_what_all_visitors_share_outlives_emptied_caches(get) -> None:
    before = get()
    st.cache_resource.clear()
    st.cache_data.clear()
    assert get() is before
