"""The detector's download, against a server of the test's own."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fer_core import download as module
from fer_core.download import YUNET_FILE, YUNET_SHA256, YUNET_URL, download, yunet_path
from fer_core.errors import DownloadFailed

CONTENT = bytes(range(256)) * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers by path, and counts the requests."""

    requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/garbage":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            return
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ffff\r\n" + CONTENT[:99])
            return
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:99] if self.path == "/interrupted" else CONTENT)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An earlier file that a failed download must not touch."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    return path


def assert_failed(url: str, path: Path, sentence: str, sha256: str = SHA256) -> None:
    with pytest.raises(DownloadFailed, match=sentence) as caught:
        download(url, sha256, path, timeout_s=5)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(path.name)
    assert message.endswith(".")


def test_file_is_fetched_into_a_new_folder(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a" / "new folder" / "net.onnx"
    assert download(server.url, SHA256, path) is True
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["net.onnx"]


def test_file_that_is_there_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(CONTENT)
    assert download(server.url, SHA256, path) is False
    assert server.requests == 0


def test_damaged_file_is_renewed(server: Server, old: Path) -> None:
    assert download(server.url, SHA256, old) is True
    assert old.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("place", "sha256", "sentence"),
    [
        ("/", "0" * 64, "has the wrong checksum"),
        ("/missing", SHA256, "could not be fetched: Not Found"),
        ("/interrupted", SHA256, "wrong checksum|could not be fetched"),
        ("/chunked", SHA256, "could not be fetched"),
        ("/garbage", SHA256, "could not be fetched"),
    ],
)
def test_failure_leaves_everything_as_it_was(
    server: Server, old: Path, place: str, sha256: str, sentence: str
) -> None:
    assert_failed(server.url + place, old, sentence, sha256)
    assert server.requests == 1
    assert old.read_bytes() == b"old"
    assert list(old.parent.iterdir()) == [old]


def test_endless_answer_is_cut_off(
    server: Server, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 1000)
    assert_failed(server.url, old, "wrong checksum")
    assert old.read_bytes() == b"old"


def test_no_network(old: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert_failed(f"http://127.0.0.1:{closed_port}/net", old, "could not be fetched: .*refused")
    assert list(old.parent.iterdir()) == [old]


def test_server_that_never_answers(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DownloadFailed, match="timed out"):
            download(url, SHA256, old, timeout_s=0.2)


@pytest.mark.parametrize(
    "place", [lambda old: old / "net.onnx", lambda old: _folder(old.parent / "folder.onnx")]
)
def test_place_that_cannot_be_written(
    server: Server, old: Path, place: Callable[[Path], Path]
) -> None:
    path = place(old)
    assert_failed(server.url, path, "could not be fetched")
    assert old.read_bytes() == b"old"
    assert not list(old.parent.rglob("*.part"))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_full_disk_leaves_no_half_file(
    server: Server, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", fail)
    assert_failed(server.url, old, "No space left on device")
    assert list(old.parent.iterdir()) == [old]
    assert old.read_bytes() == b"old"


def test_path_is_named_or_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_YUNET", "/somewhere/else.onnx")
    assert yunet_path() == Path("/somewhere/else.onnx")
    monkeypatch.delenv("FER_YUNET")
    assert yunet_path().is_absolute()
    assert yunet_path().name == YUNET_FILE


def test_checksum_is_that_of_the_file(yunet_file: Path) -> None:
    assert YUNET_URL.startswith("https://")
    readme = (yunet_file.parent / "README.md").read_text(encoding="utf-8")
    assert YUNET_SHA256 in readme
