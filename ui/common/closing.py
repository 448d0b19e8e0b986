"""What goes when a page has been closed for a while, whether or not anybody else comes by.

Streamlit keeps a closed page's session, for the case that the connection was merely cut: its
uploads, its photos, the addresses of its pictures. It forgets it when it happens to clear up,
which is when another page is closed. So one thread of ours looks after all of them.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core import budget
from ui.common.monitor import PAGES
from ui.common.process import once

logger = logging.getLogger(__name__)

# Two minutes, less what it takes the server to miss a browser that is gone without a word: twice
# server.websocketPingInterval.
KEEP_S = 80
_SWEEP_EVERY_S = 5


@dataclass(slots=True)
class _Page:
    """When a session's page was last known to be open, and what to call when it has been closed."""

    seen_s: float
    releases: dict[str, Callable[[], None]] = field(default_factory=dict)


class OpenPages:
    """All sessions and what they hold; safe to use from any thread."""

    def __init__(
        self,
        is_open: Callable[[str], bool],
        close_session: Callable[[str], None],
        give_memory_back: Callable[[], None] = lambda: None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with no session.

        Args:
            is_open: Whether a session's page is open in a browser.
            close_session: Has Streamlit forget a session, soon.
            give_memory_back: Called some time after sessions were closed.
            now: The time in seconds.
        """
        self._is_open, self._close_session, self._now = is_open, close_session, now
        self._give_memory_back = give_memory_back
        self._pages: dict[str, _Page] = {}
        self._just_closed = False
        self._lock = threading.Lock()

    def enter(self, session: str) -> None:
        """Note that a session's page is being drawn."""
        with self._lock:
            self._page(session)

    def at_close(self, session: str, name: str, release: Callable[[], None]) -> None:
        """Have something called once, when a session's page has been closed for a while.

        Args:
            session: The session.
            name: Of what is released; a new function takes the place of an earlier one.
            release: Must not call Streamlit.
        """
        with self._lock:
            self._page(session).releases[name] = release

    def count_open(self) -> int:
        """Return how many of them are open in a browser at the moment."""
        with self._lock:
            sessions = list(self._pages)
        return sum(map(self._is_open, sessions))

    def sweep(self) -> int:
        """Close the sessions whose pages have been closed for a while; return how many stay."""
        with self._lock:
            now = self._now()
            for session, page in self._pages.items():
                if self._is_open(session):
                    page.seen_s = now
            closed = {
                session: page for session, page in self._pages.items() if now - page.seen_s > KEEP_S
            }
            for session in closed:
                del self._pages[session]
            left = len(self._pages)
        for session, page in closed.items():
            for name, release in page.releases.items():
                try:
                    release()
                except Exception:
                    # What one page held must not keep the others' from going.
                    logger.exception("What a closed page held could not be released: %s", name)
            self._close_session(session)
        # Streamlit forgets in a thread of its own, so what it held goes with the next sweep.
        if self._just_closed:
            self._give_memory_back()
        self._just_closed = bool(closed)
        return left

    def _page(self, session: str) -> _Page:
        """Return a session's entry with the time of now; the lock is held."""
        page = self._pages.setdefault(session, _Page(0.0))
        page.seen_s = self._now()
        return page


def enter_page() -> None:
    """Note that this visitor's page is open; every page does so first."""
    session = session_id()
    _open_pages().enter(session)
    visit = runtime.get_instance().get_app_session(session) if runtime.exists() else None
    if visit is not None:
        # Of the last visitor, Streamlit holds on to the state until the next one comes.
        _open_pages().at_close(session, "state", visit.session_state.clear)


def at_close(name: str, release: Callable[[], None]) -> None:
    """Have something called once, when this visitor's page has been closed for a while.

    Args:
        name: Of what is released; a new function takes the place of an earlier one.
        release: Must not call Streamlit.
    """
    _open_pages().at_close(session_id(), name, release)


def session_id() -> str:
    """Return what Streamlit calls this visitor's page; "" outside of a page."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


@once
def _open_pages() -> OpenPages:
    """Return all visitors' sessions, looked after from now on."""
    pages = OpenPages(_is_open, _close_session, give_memory_back)
    PAGES.set_function(pages.count_open)
    threading.Thread(target=_sweep_forever, args=(pages,), name="closing", daemon=True).start()
    return pages


def _sweep_forever(pages: OpenPages) -> None:
    while True:
        time.sleep(_SWEEP_EVERY_S)
        pages.sweep()


def _is_open(session: str) -> bool:
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def _close_session(session: str) -> None:
    if runtime.exists():
        # Streamlit's way, from any thread, to close a session that nobody is connected to.
        runtime.get_instance().clear_user_info_for_session(session)


def give_memory_back() -> None:
    """Free what nobody refers to any more, and hand it back to the system."""
    if runtime.exists():
        # Closing a session only marks what was to be downloaded; the second time it goes.
        runtime.get_instance().media_file_mgr.remove_orphaned_files()
    # Sessions are full of circles, which the collector alone takes apart.
    gc.collect()
    budget.give_memory_back()
