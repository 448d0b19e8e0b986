"""Downloads that are made when they are clicked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx


def download_made_at_click(
    label: str, make: Callable[[], bytes | str], name: str, mime: str, **options: Any
) -> None:
    """Draw a button whose file is made when it is clicked, and which reruns nothing.

    Streamlit drops such a file the second time that any visitor's run ends, which where cameras
    are on is sooner than a slow browser asks for it. Here the page keeps it until it is drawn anew.

    Args:
        label: On the button; others on the page with the same have a ``key``, too.
        make: Makes the file's content, in a thread of its own; must not call Streamlit.
        name: The file's.
        mime: Its kind.
        options: More for ``st.download_button``.
    """
    context = get_script_run_ctx()

    def made() -> bytes | str:
        content = make()
        if runtime.exists():
            files = runtime.get_instance().media_file_mgr
            data = content.encode() if isinstance(content, str) else content
            # What a thread adds belongs to the page that the thread belongs to.
            place = options.get("key", label)
            keeper = threading.Thread(target=files.add, args=(data, mime, place, name, True))
            add_script_run_ctx(keeper, context).start()
            keeper.join()
        return content

    st.download_button(label, made, name, mime, on_click="ignore", **options)
