"""A store in memory that speaks S3, as far as Arrow asks: for tests of what only a store does.

It is a process of its own. In that of a test, Arrow could wait for an answer while it keeps all of
Python's threads waiting.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

KEY, BUCKET = "key", "bucket"
# Listings come in pages, of which those of S3 have a thousand names each.
_PAGE = 5


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """Serve an empty bucket until the ``with`` ends.

    Yields:
        The environment in which it is found.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield {
                "AWS_ENDPOINT_URL": process.stdout.readline().strip(),
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": "secret",
            }
        finally:
            process.kill()


class _Store(ThreadingHTTPServer):
    daemon_threads = True
    # The content of everything, and when it was changed, in seconds since 1970.
    objects: dict[str, tuple[bytes, int]]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Store

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # whoever asked is gone
            self.close_connection = True

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        parts = urlsplit(self.path)
        self.asked = parse_qs(parts.query, keep_blank_values=True)
        bucket, _, self.name = unquote(parts.path).removeprefix("/").partition("/")
        self.content = self._content()
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self._refuse(403, "InvalidAccessKeyId")
        elif bucket != BUCKET:
            self._refuse(404, "NoSuchBucket")
        else:
            return True
        return False

    def _content(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b"".join(iter(lambda: _chunk(self.rfile), b""))
        self.rfile.readline()
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return content
        inner = BytesIO(content)  # and a checksum after them
        return b"".join(iter(lambda: _chunk(inner), b""))

    def _send(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode())

    def do_HEAD(self) -> None:
        if not self.name:
            self._send(200)
        elif self.name not in self.server.objects:
            self._refuse(404, "NoSuchKey")
        else:
            self._send_object()

    def do_GET(self) -> None:
        if not self.name:
            self._send(200, self._listing().encode())
        else:
            self.do_HEAD()

    def _send_object(self) -> None:
        content, modified = self.server.objects[self.name]
        headers = {"ETag": _tag(content), "Last_Modified": formatdate(modified, usegmt=True)}
        if span := self.headers.get("Range"):
            first, last = span.removeprefix("bytes=").split("-")
            end = min(len(content), int(last or len(content)) + 1)
            headers["Content_Range"] = f"bytes {first}-{end - 1}/{len(content)}"
            self._send(206, content[int(first) : end], **headers)
        else:
            self._send(200, content, **headers)

    def do_PUT(self) -> None:
        # Whoever puts another one in its place within a second sees that it changed.
        before = self.server.objects.get(self.name, (b"", 0))[1]
        self.server.objects[self.name] = self.content, max(int(time.time()), before + 1)
        self._send(200, ETag=_tag(self.content))

    def do_DELETE(self) -> None:
        self.server.objects.pop(self.name, None)
        self._send(204)

    def do_POST(self) -> None:
        if "delete" not in self.asked:
            self._refuse(501, "NotImplemented")
            return
        for element in ElementTree.fromstring(self.content).iter():
            if element.tag.endswith("Key"):
                self.server.objects.pop(element.text or "", None)
        self._send(200, b"<DeleteResult/>")

    def _listing(self) -> str:
        prefix, delimiter, after = (
            self.asked.get(name, [""])[0] for name in ("prefix", "delimiter", "continuation-token")
        )
        found: dict[str, str] = {}
        for key, (content, modified) in sorted(self.server.objects.items()):
            if not key.startswith(prefix):
                continue
            name, mark, _ = key.removeprefix(prefix).partition(delimiter or "\0")
            if mark:
                folder = escape(prefix + name + mark)
                found[folder] = f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
            else:
                when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(modified))
                found[escape(key)] = (
                    f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size>"
                    f"<LastModified>{when}</LastModified></Contents>"
                )
        rest = [name for name in found if name > after]
        most = min(_PAGE, int(self.asked.get("max-keys", [_PAGE])[0]))
        more = len(rest) > most
        token = f"<NextContinuationToken>{rest[most - 1]}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"<KeyCount>{min(len(rest), most)}</KeyCount>"
            f"{''.join(found[name] for name in rest[:most])}</ListBucketResult>"
        )


def _chunk(file: BinaryIO) -> bytes:
    size = int(file.readline().split(b";")[0], 16)
    content = file.read(size)
    if size:
        file.readline()
    return content


def _tag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


def _main() -> None:
    with _Store(("127.0.0.1", 0), _Answer) as store:
        store.objects = {}
        print(f"http://127.0.0.1:{store.server_address[1]}", flush=True)
        store.serve_forever()


if __name__ == "__main__":
    _main()
