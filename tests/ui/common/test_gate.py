from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.coroutines import finished
from ui.common.gate import Gate
from ui.common.public import PUBLIC_VARIABLE

Message = dict[str, Any]
HOST = "localhost:8501"


class Server:
    """Stands for Streamlit behind the gate."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.received: list[Message] = []
        self.answers: list[Message] = []

    async def __call__(self, scope, receive, send) -> None:
        self.paths.append(scope["path"])
        if scope["type"] == "websocket":
            while (message := await receive())["type"] == "websocket.receive":
                self.received.append(message)
            for answer in self.answers:
                await send(answer)
            return
        headers = [(b"cache-control", b"public"), (b"x-content-type-options", b"odd")]
        headers += [(b"set-cookie", b"one=1; Path=/"), (b"set-cookie", b"two=2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"content"})

    def ask(
        self, path: str = "/", *, host: str = HOST, origin: str = "", scheme: str = ""
    ) -> list[Message]:
        """Send a request through the gate and return what comes back."""
        scope = {"type": "http", "method": "GET", "path": path}
        return self._ask(scope, host, origin, [], scheme)

    def connect(self, *messages: bytes, host: str = HOST, origin: str = "") -> list[Message]:
        """Open a WebSocket, send messages, close it, and return what comes back."""
        sent = [{"type": "websocket.receive", "bytes": content} for content in messages]
        scope = {
            "type": "websocket",
            "path": "/_stcore/stream",
            "extensions": {"websocket.http.response": {}},
        }
        return self._ask(scope, host, origin, [*sent, {"type": "websocket.disconnect"}])

    def _ask(
        self, scope: Message, host: str, origin: str, sent: list[Message], scheme: str = ""
    ) -> list[Message]:
        given = {"host": host, "origin": origin, "x-forwarded-proto": scheme}
        headers = [(key.encode(), value.encode()) for key, value in given.items() if value]
        waiting, back = iter(sent), []

        async def receive() -> Message:
            return next(waiting)

        async def send(message: Message) -> None:
            back.append(message)

        finished(Gate(self)({**scope, "headers": headers}, receive, send))
        return back


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(PUBLIC_VARIABLE, "0")
    return Server()


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch):
    """Set options of Streamlit for a test."""
    known = st.get_option

    def set_to(name: str, value: Any) -> None:
        before = st.get_option
        monkeypatch.setattr(st, "get_option", lambda n: value if n == name else before(n))

    yield set_to
    assert known


def headers_of(answer: list[Message]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in answer[0]["headers"]}


def message(**fields: Any) -> bytes:
    return BackMsg(**fields).SerializeToString()


def operation(**payload: Any) -> bytes:
    back = BackMsg()
    back.backend_operation_request.request_id = "1"
    for name, value in payload.items():
        getattr(back.backend_operation_request, name).MergeFrom(value)
        getattr(back.backend_operation_request, name).SetInParent()
    return back.SerializeToString()


def test_what_touches_only_its_sender_comes_in(server: Server) -> None:
    request = BackMsg()
    request.rerun_script.query_string = "video=1"
    sent = [
        request.SerializeToString(),
        message(stop_script=True),
        message(app_heartbeat=True),
        operation(deferred_file=BackMsg().backend_operation_request.deferred_file),
        operation(dataframe_chunk=BackMsg().backend_operation_request.dataframe_chunk),
        b"\xff no message",
    ]
    server.connect(*sent)
    assert [received["bytes"] for received in server.received] == sent


@pytest.mark.parametrize(
    "content",
    [
        message(clear_cache=True),
        message(load_git_info=True),
        message(set_run_on_save=True),
        message(debug_shutdown_runtime=True),
        operation(install_skills=BackMsg().backend_operation_request.install_skills),
        operation(),
        b"",
    ],
    ids=["cache", "git", "save", "shutdown", "install", "nothing", "empty"],
)
def test_what_touches_others_is_left_out(server: Server, content: bytes) -> None:
    server.connect(content, message(app_heartbeat=True), content)
    assert [received["bytes"] for received in server.received] == [message(app_heartbeat=True)]


@pytest.mark.parametrize(
    ("host", "origin", "passes"),
    [
        (HOST, "", True),
        (HOST, f"http://{HOST}", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        # A name that leads here, such as one whose address was changed after the page was loaded.
        ("rebound.example:8501", "http://rebound.example:8501", False),
        ("192.168.1.5:8501", "", False),
        # A page elsewhere, or of another program on this computer.
        (HOST, "https://elsewhere.example", False),
        (HOST, "http://localhost:3000", False),
        (HOST, "null", False),
        ("", "", False),
        ("[", "", False),
        (HOST, "http://[", False),
    ],
)
def test_a_private_app_answers_its_own_pages_alone(
    server: Server, host: str, origin: str, passes: bool
) -> None:
    for answer in (
        server.ask(host=host, origin=origin),
        server.connect(message(app_heartbeat=True), host=host, origin=origin),
    ):
        refused = bool(answer) and answer[0].get("status") == 403
        assert refused is not passes
    assert len(server.paths) == 2 * passes and len(server.received) == passes


def test_a_public_app_answers_to_the_names_it_was_given(
    server: Server, option, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    assert server.ask(host="any.example")[0]["status"] == 200
    option("server.allowedHosts", ["Emotions.example", "*.other.example"])
    for host, status in (
        ("emotions.example", 200),
        ("EMOTIONS.example.:443", 200),
        ("a.other.example", 200),
        ("other.example", 403),
        ("any.example", 403),
        ("127.0.0.1", 403),
    ):
        assert server.ask(host=host)[0]["status"] == status, host
    option("server.corsAllowedOrigins", ["https://intranet.example"])
    for origin, status in (("https://intranet.example", 200), ("https://any.example", 403)):
        assert server.ask(host="emotions.example", origin=origin)[0]["status"] == status


def test_answers_bind_the_browser(server: Server) -> None:
    page, media = server.ask("/Photo"), server.ask("/media/abc.png")
    headers = headers_of(page)
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["permissions-policy"].startswith("camera=(self)")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "public"
    assert headers_of(media) == {**headers, "cache-control": "no-store"}


def test_cookies_of_https_go_over_nothing_else(server: Server) -> None:
    def cookies(scheme: str) -> list[bytes]:
        headers = server.ask(scheme=scheme)[0]["headers"]
        return [value for name, value in headers if name == b"set-cookie"]

    assert cookies("https") == [b"one=1; Path=/; Secure", b"two=2; Secure"]
    assert cookies("http") == cookies("") == [b"one=1; Path=/", b"two=2"]


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/base/_stcore/metrics/"])
def test_strangers_get_no_figures_of_the_server(
    server: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    assert server.ask(path)[0]["status"] == 200
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    assert server.ask(path)[0]["status"] == 404 and len(server.paths) == 1


def test_strangers_are_not_told_where_the_app_lies(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, delta = ForwardMsg(), ForwardMsg()
    begin.new_session.main_script_path = "/srv/emotions/app.py"
    begin.new_session.name = "app"
    delta.delta.new_element.text.body = "/srv"
    contents = [begin.SerializeToString(), delta.SerializeToString()]
    server.answers = [{"type": "websocket.send", "bytes": content} for content in contents]
    assert [answer["bytes"] for answer in server.connect()] == contents
    monkeypatch.setenv(PUBLIC_VARIABLE, "1")
    first, second = (ForwardMsg.FromString(answer["bytes"]) for answer in server.connect())
    assert first.new_session.main_script_path == "app.py" and first.new_session.name == "app"
    assert second == delta


def test_the_rest_of_the_protocol_passes() -> None:
    seen: list[str] = []

    async def app(scope, receive, send) -> None:
        seen.append(scope["type"])

    finished(Gate(app)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
