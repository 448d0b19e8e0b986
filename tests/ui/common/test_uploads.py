"""Uploads have a share of memory: all of them together, and each page's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from tests.coroutines import finished
from ui.common import uploads
from ui.common.uploads import UploadLimit, hold

Answer = tuple[int, str]


class Server:
    """The part of Streamlit that takes an upload in, behind the limit."""

    def __init__(self) -> None:
        self.files = MemoryUploadedFileManager("")
        self.uploaded_file_mgr = self.files
        self.taking_in = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.reruns: list[str] = []

    def get_app_session(self, page: str) -> Any:
        return SimpleNamespace(_client_state=page, request_rerun=self.reruns.append)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        data = b""
        while True:
            message = await receive()
            data += message["body"]
            self.taking_in.set()
            await self.go_on.wait()
            if not message["more_body"]:
                break
        page, file = scope["path"].split("/")[-2:]
        self.files.add_file(page, UploadedFileRec(file, file, "", data))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def put(
        self, page: str, file: str, size: int, claimed: int | None = None, method: str = "PUT"
    ) -> int:
        """Return the status with which an upload of two pieces is answered."""
        length = size if claimed is None else claimed
        scope = {
            "type": "http",
            "method": method,
            "path": f"/app/_stcore/upload_file/{page}/{file}",
            "headers": [(b"content-length", str(length).encode())] if length >= 0 else [],
        }
        pieces = [bytes(size // 2), bytes(size - size // 2)]
        statuses: list[int] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: MutableMapping[str, Any]) -> None:
            statuses.append(message.get("status", 0))

        try:
            await UploadLimit(self)(scope, receive, send)
        except Exception as error:
            return int(error.status_code)  # type: ignore[attr-defined]
        return statuses[0]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with room for 300 bytes, 200 of them for one page."""
    found = Server()
    monkeypatch.setattr(uploads, "room_for_all", lambda: 300)
    monkeypatch.setattr(uploads.runtime, "exists", lambda: True)
    monkeypatch.setattr(uploads.runtime, "get_instance", lambda: found)
    monkeypatch.setattr(uploads, "_holders", set())
    yield found
    assert not uploads._arriving


def test_one_page_has_a_share_and_all_have_one(server: Server) -> None:
    async def upload() -> list[int]:
        return [
            await server.put("one", "a", 150),
            await server.put("one", "b", 60),
            await server.put("two", "a", 100),
            await server.put("three", "a", 60),
            await server.put("three", "b", 40),
        ]

    assert finished(upload()) == [204, 413, 204, 413, 204]


def test_what_a_page_took_in_counts_too(server: Server) -> None:
    class Shelf:
        held_bytes = 250

    shelf = Shelf()
    hold(shelf)
    assert finished(server.put("one", "a", 60)) == 413
    shelf.held_bytes = 200
    assert finished(server.put("one", "a", 60)) == 204


def test_uploads_at_once_count_as_they_arrive(server: Server) -> None:
    async def upload() -> list[int]:
        server.go_on.clear()
        first = asyncio.create_task(server.put("one", "a", 180))
        await server.taking_in.wait()
        # 90 bytes of the first are there.
        second = await server.put("one", "b", 120)
        server.go_on.set()
        return [await first, second, await server.put("one", "c", 20)]

    assert finished(upload()) == [204, 413, 204]


def test_a_file_that_is_larger_than_it_says_is_cut_off(server: Server) -> None:
    assert finished(server.put("one", "a", 250, claimed=10)) == 413
    assert finished(server.put("one", "a", 50, claimed=-1)) == 413
    assert not server.files.get_files("one", ["a"])


def test_too_many_files(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_LIMIT_FILES", "2")

    async def upload() -> list[int]:
        return [await server.put("one", str(number), 1) for number in range(3)]

    assert finished(upload()) == [204, 204, 413]


def test_a_refusal_is_said_on_its_page_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished(server.put("one", "a", 250)) == 413
    assert server.reruns == ["one"] and not uploads.take_refusal("two")
    assert "no room for this file" in uploads.take_refusal("one")
    assert not uploads.take_refusal("one")


def test_a_visitor_can_upload_so_much_an_hour(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "room_for_all", lambda: 30_000_000)
    monkeypatch.setenv("FER_LIMIT_UPLOAD_MB", "2")

    async def upload() -> list[int]:
        return [
            await server.put("hourly", "a", 1_200_000),
            await server.put("hourly", "b", 900_000),
            await server.put("another", "a", 900_000),
        ]

    assert finished(upload()) == [204, 413, 204]
    assert "One visitor can upload 2 MB within an hour" in uploads.take_refusal("hourly")


def test_other_requests_pass(server: Server) -> None:
    assert finished(server.put("one", "a", 500, method="DELETE")) == 204


def test_what_is_taken_in_is_not_held_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    files = MemoryUploadedFileManager("")
    page = SimpleNamespace(uploaded_file_mgr=files, session_id="page")
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: page)
    record = UploadedFileRec("a", "a.jpg", "", b"content")
    files.add_file("page", record)
    assert uploads.take(UploadedFile(record, FileURLs())) is record.data
    assert not files.get_files("page", ["a"])


def test_a_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "memory_limit", lambda: 1_500 << 20)
    uploads.room_for_all.cache_clear()
    assert (uploads.room_for_all(), uploads.room_for_one()) == (300 << 20, 200 << 20)
    assert (uploads.most_mb(500), uploads.most_mb(50)) == (200, 50)
    uploads.room_for_all.cache_clear()
