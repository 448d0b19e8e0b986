"""What the server lets in and sends out, beyond what Streamlit itself looks at.

Streamlit answers under any name, so that a page elsewhere could have a browser talk to an app that
is private; it lets every visitor empty the caches of all; and it tells everybody its figures, its
repository and where its files are. Its answers carry no headers that keep a browser from asking
other hosts, or from keeping photos.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import MutableMapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from google.protobuf.message import DecodeError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ui.common.public import PUBLIC_VARIABLE, is_loopback, is_public
from ui.common.turning import PageTurn

_REFUSAL = (
    "This app does not answer under this name. For others than this computer, see docs/DEPLOY.md: "
    f"{PUBLIC_VARIABLE}, and Streamlit's server.allowedHosts.\n"
)
_HEALTH, _METRICS = "/_stcore/health", "/_stcore/metrics"
_MEDIA = "/media/"
# What pages need. Streamlit's frontend can also ask to empty the caches of all visitors, for the
# state of the repository, to follow changes of the code, and to install files.
_MESSAGES = frozenset(
    {
        "app_heartbeat",
        "backend_operation_request",
        "file_urls_request",
        "rerun_script",
        "stop_script",
    }
)
_OPERATIONS = frozenset({"dataframe_chunk", "deferred_file"})


def _inline_scripts() -> str:
    """Return the checksums by which a policy allows the scripts inside of Streamlit's page."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (
        hashlib.sha256(script.encode()).digest()
        for script in re.findall("<script>(.*?)</script>", page, re.DOTALL)
    )
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


# A browser asks no other host, whatever a page holds. Streamlit styles its elements one by one,
# loads the scripts of components from memory, and draws graphs with WebAssembly.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' blob: 'wasm-unsafe-eval' {_inline_scripts()}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# Larger messages cannot be the one that begins a run, and are passed on unread.
_MOST_NEW_SESSION_BYTES = 100_000


class Gate:
    """ASGI middleware around Streamlit's server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif not scope["path"].endswith(_HEALTH) and not _is_from_here(Headers(scope=scope)):
            await PlainTextResponse(_REFUSAL, 403)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, _sifted(receive), _without_path(send))
        elif scope["path"].rstrip("/").endswith(_METRICS) and is_public():
            await PlainTextResponse("Not found\n", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, scope))


def _is_from_here(headers: Headers) -> bool:
    """Whether a request names this app as its host, and comes from none but its own pages."""
    allowed = st.get_option("server.allowedHosts")
    place, host = _host_of(f"//{headers.get('host', '')}")
    if allowed:
        known = any(_matches(host, pattern) for pattern in allowed)
    else:
        known = is_public() or is_loopback(host)
    origin = headers.get("origin")
    if not known or origin is None:
        return known
    # Streamlit would take any page of this computer, and ask an outside service for its address.
    origins = {_host_of(allowed)[1] for allowed in st.get_option("server.corsAllowedOrigins")}
    origin_place, origin_host = _host_of(origin)
    return origin_place == place or origin_host in origins


def _host_of(address: str) -> tuple[str, str]:
    """Return an address's host with its port, and without; "" where there is none."""
    try:
        parts = urlsplit(address)
        return parts.netloc.lower(), (parts.hostname or "").rstrip(".")
    except ValueError:
        return "", ""


def _matches(host: str, pattern: str) -> bool:
    """Whether a name is the one allowed, or under it where that begins with "*."."""
    pattern = pattern.strip().lower().rstrip(".")
    return pattern == "*" or host == pattern or (pattern[:2] == "*." and host.endswith(pattern[1:]))


def _sifted(receive: Receive) -> Receive:
    """Return what receives only messages that touch nobody but their sender, and are not late."""
    turn = PageTurn()

    async def receive_sifted() -> MutableMapping[str, Any]:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            back = BackMsg()
            try:
                back.ParseFromString(message.get("bytes") or b"")
            except DecodeError:
                # Streamlit ends a connection that sends what is no message.
                return message
            if _is_harmless(back) and not _is_late(back, turn):
                return message

    return receive_sifted


def _is_late(message: BackMsg, turn: PageTurn) -> bool:
    return message.WhichOneof("type") == "rerun_script" and turn.is_late(message.rerun_script)


def _is_harmless(message: BackMsg) -> bool:
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return message.backend_operation_request.WhichOneof("payload") in _OPERATIONS
    return kind in _MESSAGES


def _without_path(send: Send) -> Send:
    """Return what sends messages without the place of the app's files, where strangers visit."""
    if not is_public():
        return send

    async def send_without_path(message: MutableMapping[str, Any]) -> None:
        content = message.get("bytes") or b""
        if message["type"] == "websocket.send" and len(content) < _MOST_NEW_SESSION_BYTES:
            forward = ForwardMsg.FromString(content)
            if forward.WhichOneof("type") == "new_session":
                session = forward.new_session
                session.main_script_path = PurePath(session.main_script_path).name
                message = {**message, "bytes": forward.SerializeToString()}
        await send(message)

    return send_without_path


def _with_headers(send: Send, scope: Scope) -> Send:
    """Return what sends answers to a request with headers that bind the browser."""
    kept = _MEDIA not in scope["path"]
    # HTTPS ends at the proxy. A visitor who only says so harms nobody else.
    secure = Headers(scope=scope).get("x-forwarded-proto") == "https"

    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            if not kept:
                headers["Cache-Control"] = "no-store"
            if secure:
                message["headers"] = [
                    (name, value + b"; Secure" if name.lower() == b"set-cookie" else value)
                    for name, value in headers.raw
                ]
        await send(message)

    return send_with_headers
