"""Downloads that are made when they are clicked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import (
    ScriptRunContext,
    add_script_run_ctx,
    get_script_run_ctx,
)

# For so many seconds a file waits for the browser to ask for it.
_WAITS_S = 60.0


def download_made_at_click(
    label: str, make: Callable[[], bytes | str], name: str, mime: str, **options: Any
) -> None:
    """Draw a button whose file is made when it is clicked, and which reruns nothing.

    Streamlit drops such a file the second time that any visitor's run ends, which where cameras
    are on is sooner than a slow browser asks for it. Here it stays for a minute, or until the page
    is drawn anew.

    Args:
        label: On the button; others on the page with the same have a ``key``, too.
        make: Makes the file's content, in another thread; must draw nothing.
        name: The file's.
        mime: Its kind.
        options: More for ``st.download_button``.
    """
    page = get_script_run_ctx()

    def made() -> bytes:
        content = make()
        data = content.encode() if isinstance(content, str) else content
        if page is not None and runtime.exists():
            place = options.get("key", label)
            _keep(page, data, mime, place, name)
            # An empty one in its place: Streamlit has no other way to take one away.
            ending = threading.Timer(_WAITS_S, _keep, (page, b"", mime, place, name))
            ending.daemon = True
            ending.start()
        return data

    st.download_button(label, made, name, mime, on_click="ignore", **options)


def _keep(page: ScriptRunContext, data: bytes, mime: str, place: str, name: str) -> None:
    """Have a page refer to a file, and no longer to the one before in its place."""
    files = runtime.get_instance().media_file_mgr
    # What a thread adds is its page's.
    keeper = threading.Thread(target=files.add, args=(data, mime, place, name, True))
    add_script_run_ctx(keeper, page).start()
    keeper.join()
    if runtime.get_instance().get_app_session(page.session_id) is None:
        # The page was closed meanwhile, and nothing else would take the file away.
        files.clear_session_refs(page.session_id)
