"""How much of visitors' files is in memory: what they upload, and the photos on their shelves.

Streamlit holds every upload in memory, from whomever and however many, until the page is closed. A
widget's limit is for one file, and only the browser looks after it. Here all uploads together have
a share of the machine's memory, and so has each page.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import MutableMapping
from functools import cache
from typing import Any, Protocol
from weakref import WeakSet

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer_core.budget import memory_limit
from fer_core.files import VIDEO_SUFFIXES
from fer_core.images import IMAGE_SUFFIXES
from ui.common.allowance import LimitReached, allowance, spend
from ui.common.monitor import HELD
from ui.common.visitors import browser_of

# What uploaders take, by the files' endings.
PHOTO_TYPES = tuple(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES)
VIDEO_TYPES = tuple(suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES)

# Decoding has a share of its own, and the rest is the process itself.
_SHARE = 0.2
# Of that, for one page.
_PAGE_SHARE = 2 / 3
_PATH = "/_stcore/upload_file/"
_NO_ROOM = "The server has no room for this file just now; please try again later."


class Holder(Protocol):
    """What holds a visitor's files."""

    @property
    def held_bytes(self) -> int:
        """What they take in memory."""


_holders: WeakSet[Holder] = WeakSet()
_arriving: Counter[str] = Counter()
_refusals: dict[str, str] = {}
_lock = threading.Lock()


@cache
def room_for_all() -> int:
    """Return how many bytes all visitors' files may take in memory."""
    return int(memory_limit() * _SHARE)


def room_for_one() -> int:
    """Return how many bytes the files of one page may take in memory."""
    return int(room_for_all() * _PAGE_SHARE)


def most_mb(wanted_mb: int) -> int:
    """Return how many megabytes a file may have for which there can be room, up to some."""
    return max(1, min(wanted_mb, room_for_one() >> 20))


def hold(holder: Holder) -> None:
    """Count what something holds, for as long as it is there."""
    with _lock:
        _holders.add(holder)


def held_bytes() -> int:
    """Return what all that was named to ``hold`` takes in memory."""
    with _lock:
        holders = list(_holders)
    return sum(holder.held_bytes for holder in holders)


def take(file: UploadedFile) -> bytes:
    """Return an upload's content, and have Streamlit let go of it.

    The widget is empty from then on; the page should draw a fresh one.
    """
    content = file.getvalue()
    let_go(file)
    return content


def let_go(file: UploadedFile) -> None:
    """Have Streamlit forget an upload, which it would hold until the page is closed."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


HELD.set_function(held_bytes)


class UploadLimit:
    """ASGI middleware that refuses uploads for which there is no room."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "PUT" or _PATH not in scope["path"]:
            await self._app(scope, receive, send)
            return
        page = scope["path"].partition(_PATH)[2].partition("/")[0]
        length = dict(scope["headers"]).get(b"content-length", b"")
        # Browsers say how long a file is.
        refusal = "" if length.isdigit() and _fits(page, int(length)) else _NO_ROOM
        visitor = browser_of(HTTPConnection(scope).cookies) or page
        try:
            spend(visitor, upload_mb=0 if refusal else int(length) / 1e6)
        except LimitReached as error:
            refusal = str(error)
        if refusal:
            _tell(page, refusal)
            await PlainTextResponse(refusal, 413)(scope, receive, send)
            return
        arrived = 0

        async def receive_counted() -> MutableMapping[str, Any]:
            nonlocal arrived
            message = await receive()
            size = len(message.get("body") or b"")
            if not _fits(page, size):
                raise HTTPException(413, _NO_ROOM)
            arrived += size
            _arriving[page] += size
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            _arriving[page] -= arrived
            if not _arriving[page]:
                del _arriving[page]


def take_refusal(page: str) -> str:
    """Return why a page's upload was refused since it was last asked; "" where none was.

    Args:
        page: Its session.
    """
    return _refusals.pop(page, "")


def _tell(page: str, refusal: str) -> None:
    """Have a page say why its upload was refused: the uploader itself shows a number."""
    visit = runtime.get_instance().get_app_session(page) if runtime.exists() else None
    if visit is not None:
        _refusals[page] = refusal
        # As Streamlit does when the code has changed: the page as its visitor last saw it.
        visit.request_rerun(visit._client_state)


def _fits(page: str, more_bytes: int) -> bool:
    """Whether a page may upload more."""
    waiting = _waiting_files()
    own = waiting.get(page, [])
    everybody = sum(map(sum, waiting.values())) + _arriving.total() + held_bytes()
    return (
        len(own) < allowance().files
        and sum(own) + _arriving[page] + more_bytes <= room_for_one()
        and everybody + more_bytes <= room_for_all()
    )


def _waiting_files() -> dict[str, list[int]]:
    """Return the sizes of the files that Streamlit holds, by page."""
    if not runtime.exists():
        return {}
    files = runtime.get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        return {}
    # Copies, since uploads come and go in other threads.
    return {
        page: [len(file.data) for file in list(own.values())]
        for page, own in list(files.file_storage.items())
    }
