"""The style that pages have beyond Streamlit's theme, in the page before anything is drawn.

As an element of a page it would come after the first others, and move them.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

_END = b"</head>"
# What Streamlit serves that is no page.
_OTHERS = ("/static/", "/_stcore/", "/media/", "/component/")
# With these an answer would be packed, or left out because the browser has it.
_NEGOTIATED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


@cache
def style() -> bytes:
    """Return the element that is put into every page."""
    css = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    return f"<style>\n{css}</style>\n".encode()


class Look:
    """ASGI middleware that puts the style into the pages that Streamlit serves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and a page back with its style."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or any(other in scope["path"] for other in _OTHERS)
        ):
            await self._app(scope, receive, send)
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in _NEGOTIATED]
        start: MutableMapping[str, Any] = {}
        page = bytearray()

        async def send_styled(message: MutableMapping[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start and message["type"] == "http.response.body":
                page.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _send_page(start, bytes(page), send)
            else:
                await send(message)

        await self._app({**scope, "headers": headers}, receive, send_styled)


def _is_page(message: MutableMapping[str, Any]) -> bool:
    headers = Headers(raw=message["headers"])
    return message["status"] == 200 and headers.get("content-type", "").startswith("text/html")


async def _send_page(start: MutableMapping[str, Any], page: bytes, send: Send) -> None:
    body = page.replace(_END, style() + _END, 1)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-length"] = str(len(body))
    # It is of the page without its style.
    del headers["etag"]
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
