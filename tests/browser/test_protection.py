"""What no page and no visitor can do to others, with the real server, protocol and browser."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.browser.running import RunningApp, running_app, until_idle
from tests.ui.conftest import until

HOSTILE = "![x](https:host.example) [click](https:host.example) $x^2$ **b** :smile: <b>b</b>.jpg"
PAGES = {
    "": "Facial emotions",
    "Photo": "Emotions in photos",
    "Video": "Emotions in videos",
    "Live": "Emotions from the camera",
    "Metrics": "How good it is, and where it fails",
    "Data_set": "The data set, looked into",
    "Archive": "Emotions in an archive",
}
# A closed page is given up almost at once.
HASTY = "import ui.common.closing as c; c.KEEP_S, c._SWEEP_EVERY_S = 0.1, 0.1"


@pytest.fixture
def outside(page: Page, server: str) -> list[str]:
    """What a tab asks of other hosts, and what the server's policy keeps it from."""
    found: list[str] = []

    def see(address: str) -> None:
        if urlsplit(address).scheme not in ("data", "blob") and not address.startswith(server):
            found.append(address)

    page.context.on("request", lambda request: see(request.url))
    page.on("websocket", lambda socket: see(socket.url.replace("ws://", "http://")))
    page.on(
        "console",
        lambda said: found.append(said.text) if "Content Security Policy" in said.text else None,
    )
    return found


def test_every_page_asks_its_own_server_alone(page: Page, outside: list[str]) -> None:
    for path, title in PAGES.items():
        page.goto(f"/{path}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        until_idle(page)
        # The browser's tab, which with a Material symbol asks Google.
        icon = page.locator("link[rel~=icon]").first
        expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))
    assert not outside


def test_a_hostile_name_is_shown_as_it_is(page: Page, outside: list[str], media: Path) -> None:
    page.goto("/Photo")
    content = (media / "one_person_small.jpg").read_bytes()
    photo = {"name": HOSTILE, "mimeType": "image/jpeg", "buffer": content}
    page.set_input_files("input[type=file]", photo)
    caption = page.get_by_test_id("stMain").locator("strong").first
    expect(caption).to_contain_text("**b**")
    assert caption.inner_text().replace("\u2060", "") == HOSTILE
    assert not caption.locator("a, img, strong, em, .katex").count()
    assert not outside


def open_session(address: str) -> ClientConnection:
    """Connect as Streamlit's frontend does."""
    stream = address.replace("http://", "ws://") + "/_stcore/stream"
    return connect(stream, subprotocols=["streamlit"], max_size=None, origin=address)


def first_run() -> BackMsg:
    """Return the message with which a page begins."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    return message


def answer_of(session: ClientConnection, message: BackMsg, kind: str) -> ForwardMsg:
    """Send a message and return the first answer of a kind."""
    session.send(message.SerializeToString())
    while True:
        answer = ForwardMsg.FromString(session.recv(timeout=60))
        if answer.WhichOneof("type") == kind:
            return answer


def test_no_visitor_empties_what_others_hold(page: Page, server: str, media: Path) -> None:
    page.goto("/Video")
    page.set_input_files("input[type=file]", media / "looking_down_4s.mp4")
    expect(page.get_by_role("button", name="Remove this video")).to_be_visible()
    with open_session(server) as intruder:
        answer_of(intruder, first_run(), "script_finished")
        intruder.send(BackMsg(clear_cache=True).SerializeToString())
        # What was sent before is done with, or left out, by then.
        answer_of(intruder, BackMsg(app_heartbeat=True), "heartbeat_ack")
    page.reload()
    expect(page.get_by_role("button", name="Start the analysis")).to_be_visible()
    expect(page.get_by_text("looking_down_4s.mp4").first).to_be_visible()


def status_of(server: str, path: str, host: str = "") -> tuple[int, str]:
    """Return the status of an answer and its policy; the request may name another host."""
    parts = urlsplit(server)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", path, headers={"Host": host or parts.netloc})
    answer = connection.getresponse()
    said = answer.status, answer.headers.get("Content-Security-Policy", "")
    connection.close()
    return said


def test_another_name_and_another_page_are_refused(server: str) -> None:
    status, policy = status_of(server, "/")
    assert status == 200 and "frame-ancestors 'self'" in policy
    assert status_of(server, "/", "rebound.example")[0] == 403
    stream = server.replace("http://", "ws://") + "/_stcore/stream"
    for origin in ("http://localhost:3000", "https://elsewhere.example"):
        with pytest.raises(InvalidStatus, match="403"), connect(stream, origin=origin):
            pass


@pytest.fixture(scope="module")
def hasty(yunet_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app for strangers that soon gives up closed pages."""
    environment = {"FER_YUNET": str(yunet_file), "FER_PUBLIC": "1"}
    with running_app(tmp_path_factory.mktemp("hasty"), environment, HASTY) as app:
        yield app


def held_bytes(app: RunningApp) -> int:
    """Return how much the app has in temporary files without a name."""
    folder, held = f"{app.log.with_suffix('')}/", 0
    for file in Path(f"/proc/{app.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held += file.stat().st_size if str(file.readlink()).startswith(folder) else 0
    return held


def test_a_closed_page_leaves_nothing_though_nobody_comes_by(
    chromium: Browser, hasty: RunningApp, media: Path
) -> None:
    context = chromium.new_context(base_url=hasty.address)
    photos, videos = context.new_page(), context.new_page()
    photos.goto("/Photo")
    photos.set_input_files("input[type=file]", media / "one_person_small.jpg")
    picture = photos.get_by_test_id("stImageContainer").locator("img").first
    expect(picture).to_have_attribute("src", re.compile("/media/"))
    with photos.expect_download() as table:
        photos.get_by_role("button", name="All faces (CSV)").click()
    videos.goto("/Video")
    videos.set_input_files("input[type=file]", media / "looking_down_4s.mp4")
    expect(videos.get_by_role("button", name="Remove this video")).to_be_visible()
    addresses = [picture.get_attribute("src") or "", table.value.url]

    def answers() -> set[int]:
        return {status_of(hasty.address, urlsplit(address).path)[0] for address in addresses}

    assert answers() == {200} and held_bytes(hasty) > 0
    context.close()
    until(lambda: answers() == {404} and not held_bytes(hasty))


def test_strangers_see_no_figures_and_no_folder_of_the_server(hasty: RunningApp) -> None:
    assert status_of(hasty.address, "/_stcore/metrics")[0] == 404
    with open_session(hasty.address) as session:
        answer = answer_of(session, first_run(), "new_session")
    assert answer.new_session.main_script_path == "app.py"
