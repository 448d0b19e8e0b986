"""The style in every page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.coroutines import finished
from ui.common.look import Look, style

Message = dict[str, Any]
PAGE = b"<html><head><title>x</title></head><body></body></html>"


def ask(path: str, kind: str, method: str = "GET") -> tuple[dict[bytes, bytes], bytes, list[bytes]]:
    """Return the headers and the body of an answer, and the names of the request's headers."""
    asked: list[bytes] = []
    sent: list[Message] = []

    async def app(scope, receive, send) -> None:
        asked.extend(name for name, _ in scope["headers"])
        headers = [(b"content-type", kind.encode()), (b"content-length", b"55"), (b"etag", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:20], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[20:]})

    async def send(message) -> None:
        sent.append(message)

    request = [(b"accept-encoding", b"gzip"), (b"host", b"localhost")]
    scope = {"type": "http", "method": method, "path": path, "headers": request}
    finished(Look(app)(scope, None, send))
    body = b"".join(message.get("body", b"") for message in sent)
    return dict(sent[0]["headers"]), body, asked


@pytest.mark.parametrize("path", ["/", "/Photo"])
def test_pages_have_the_style(path: str) -> None:
    headers, body, asked = ask(path, "text/html; charset=utf-8")
    assert body == PAGE.replace(b"</head>", style() + b"</head>") and b".bars" in body
    assert headers[b"content-length"] == str(len(body)).encode() and b"etag" not in headers
    assert asked == [b"host"]


@pytest.mark.parametrize(
    ("path", "kind", "method"),
    [
        ("/static/js/index.js", "text/javascript", "GET"),
        ("/media/a.html", "text/html", "GET"),
        ("/favicon.png", "image/png", "GET"),
        ("/", "text/html", "HEAD"),
    ],
)
def test_all_else_is_as_it_was(path: str, kind: str, method: str) -> None:
    headers, body, _ = ask(path, kind, method)
    assert body == PAGE and headers[b"etag"] == b"x"
