"""A page of the app without a browser: Streamlit's protocol, as its frontend speaks it.

Twenty tabs of a browser would take more of the machine than the server that is to be measured.
"""

from __future__ import annotations

import http.client
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

# What can go wrong on the way to the server, and what it refuses.
FAULTS = (OSError, RuntimeError, http.client.HTTPException, WebSocketException)
_PATIENCE_S = 120.0
_XSRF_COOKIE = "_streamlit_xsrf"
_BOUNDARY = uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Run:
    """What the server sent for one run of a page's script.

    Attributes:
        elements: In the order in which they came, with those that were replaced.
    """

    elements: list[Element] = field(default_factory=list)

    def all(self, kind: str) -> list[Any]:
        """Return the elements of a kind, such as "markdown"."""
        found = (element for element in self.elements if element.WhichOneof("type") == kind)
        return [getattr(element, kind) for element in found]

    @property
    def faults(self) -> list[str]:
        """What the page says went wrong: exceptions and errors."""
        exceptions = [fault.message or fault.type for fault in self.all("exception")]
        return exceptions + [
            alert.body for alert in self.all("alert") if alert.format == Alert.ERROR
        ]


class PageSession:
    """One visitor's page; see ``page_session``. Its methods raise one of ``FAULTS``."""

    def __init__(self, address: str, cookies: SimpleCookie, socket: ClientConnection) -> None:
        """Take over a connection.

        Args:
            address: The app's, such as "http://localhost:8501".
            cookies: What the server has set.
            socket: The open connection.
        """
        self._address, self._cookies, self._socket = address, cookies, socket
        self._session_id = self._page_hash = self._uploader = ""

    def open(self, page_name: str) -> Run:
        """Open a page by its name in addresses, such as "Photo"; "" is the home page."""
        self._page_hash = ""
        message = BackMsg()
        message.rerun_script.page_name = page_name
        return self._run(message)

    def upload(self, name: str, content: bytes) -> Run:
        """Give a JPEG to the page's first file uploader, and wait for the script that reads it."""
        message = BackMsg()
        message.file_urls_request.request_id = uuid.uuid4().hex
        message.file_urls_request.session_id = self._session_id
        message.file_urls_request.file_names.append(name)
        self._send(message)
        while (answer := self._receive()).WhichOneof("type") != "file_urls_response":
            pass
        (urls,) = answer.file_urls_response.file_urls
        fetch(
            self._address,
            urls.upload_url,
            method="PUT",
            body=_multipart(name, content),
            headers={
                "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                "Cookie": _sent(self._cookies),
                "Origin": self._address,
                "X-Xsrftoken": self._cookies[_XSRF_COOKIE].value,
            },
        )
        # All other widgets stand where the server has put them.
        uploader = WidgetState(id=self._uploader)
        uploader.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id, file_urls=urls
        )
        message = BackMsg()
        message.rerun_script.widget_states.widgets.append(uploader)
        return self._run(message)

    def look_at(self, path: str) -> None:
        """Fetch what a page shows, such as a picture."""
        fetch(self._address, path, headers={"Cookie": _sent(self._cookies)})

    def _run(self, message: BackMsg) -> Run:
        """Have the page's script run, and wait for its end."""
        message.rerun_script.query_string = ""
        message.rerun_script.page_script_hash = self._page_hash
        message.rerun_script.context_info.url = self._address
        self._send(message)
        run = Run()
        while True:
            answer = self._receive()
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                # A script that began anew by itself draws everything again.
                run = Run()
                self._session_id = answer.new_session.initialize.session_id
            elif kind == "navigation":
                self._page_hash = answer.navigation.page_script_hash
            elif kind == "page_not_found":
                raise RuntimeError(f"There is no page '{message.rerun_script.page_name}'.")
            elif kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                run.elements.append(answer.delta.new_element)
            elif kind == "script_finished":
                if answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    break
                if answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise RuntimeError("The page's script cannot be compiled.")
        self._uploader = next((uploader.id for uploader in run.all("file_uploader")), "")
        return run

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())

    def _receive(self) -> ForwardMsg:
        answer = self._socket.recv(timeout=_PATIENCE_S)
        return ForwardMsg.FromString(answer if isinstance(answer, bytes) else answer.encode())


@contextmanager
def page_session(address: str) -> Iterator[PageSession]:
    """Connect as a visitor with a browser of their own, who leaves when the context ends.

    Args:
        address: The app's, such as "http://localhost:8501".

    Raises:
        One of ``FAULTS``: There is no connection, or it ends.
    """
    cookies: SimpleCookie = SimpleCookie()
    for header in fetch(address, "/_stcore/health").get_all("Set-Cookie", []):
        cookies.load(header)
    with connect(
        f"{address.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=["streamlit", cookies[_XSRF_COOKIE].value],
        origin=address,
        additional_headers={"Cookie": _sent(cookies)},
        open_timeout=_PATIENCE_S,
        max_size=None,
    ) as socket:
        yield PageSession(address, cookies, socket)


def _sent(cookies: SimpleCookie) -> str:
    """Return cookies as a browser sends them."""
    return "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())


def fetch(
    address: str,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> http.client.HTTPMessage:
    """Send a request, read the answer to its end, and return its headers.

    Raises:
        One of ``FAULTS``: There is no answer, or one that refuses.
    """
    place = urlsplit(address).netloc
    with closing(http.client.HTTPConnection(place, timeout=_PATIENCE_S)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path.rpartition('/')[0]}/… answers {answer.status}.")
        return answer.headers


def _multipart(name: str, content: bytes) -> bytes:
    """Return a form with one file, as a browser sends it."""
    head = (
        f"--{_BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
