"""What deploy/ sets up, without containers: two replicas for strangers behind Caddy.

They have what the image has of the app, and no privileges, and Linux lets them write to a folder of
their own alone, as a read-only root with one volume does.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from benchmarks.proxy import COOKIE, NAME, Proxy, proxied
from tests.browser.live_page import LivePage
from tests.browser.running import ROOT, RunningApp, free_port, running_app
from tests.browser.test_live import launch_with_face, until
from tests.browser.test_photo import SAMPLES, open_photos, upload
from ui.live.session import LOST

# What the image has of the checkout, as its Dockerfile copies it.
TREE = (".streamlit/config.toml", "app.py", "assets", "fer_core", "pages", "train", "ui")
# Run in the app: Landlock, under which whatever would change a file elsewhere fails.
CONFINED = """
import ctypes, os, struct
call = ctypes.CDLL(None, use_errno=True).syscall
# To write, remove, make, move and truncate, as linux/landlock.h numbers them.
write, truncate = 1 << 1, 1 << 14
change = write | sum(1 << bit for bit in range(4, 14)) | truncate
rules = call(444, struct.pack("Q", change), 8, 0)
for place, allowed in ((os.environ["TMPDIR"], change), ("/dev/null", write | truncate)):
    opened = os.open(place, os.O_PATH)
    assert call(445, rules, 1, struct.pack("=Qi", allowed, opened), 0) == 0
    os.close(opened)
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0 and call(446, rules, 0) == 0
os.close(rules)
try:
    open("/tmp/fer-cannot-be-written", "w")
except PermissionError:
    pass
else:
    sys.exit("Landlock does not hold.")
"""
# What root may do that others may not, writing to others' files above all, is given up.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]

# A camera that does not end by itself when its server is gone, so that the page has the time to say
# so, however long it takes to find the other replica.
ENDLESS = """
    const Peer = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Peer {
        constructor(...all) {
            super(...all);
            this.addEventListener("connectionstatechange", event => {
                if (this.connectionState !== "connected") event.stopImmediatePropagation();
            });
        }
    };
"""


def has_landlock() -> bool:
    """Whether this Linux has it, with all that is asked of it."""
    return sys.platform == "linux" and ctypes.CDLL(None).syscall(444, None, 0, 1) >= 3


@dataclass(frozen=True, slots=True)
class Replica:
    """One of the apps, and where its figures are."""

    app: RunningApp
    figures: str

    def figure(self, name: str) -> int:
        with urllib.request.urlopen(self.figures, timeout=10) as answer:
            text = answer.read().decode()
        (count,) = re.findall(rf"^{re.escape(name)} (\S+)", text, re.M)
        return int(float(count))

    def photos_read(self) -> int:
        return self.figure('fer_readings_total{kind="photo"}')


@pytest.fixture(scope="module")
def folder(yunet_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of what the image has of the app, and the detector."""
    made = tmp_path_factory.mktemp("replicas")
    ignored = shutil.ignore_patterns("*.keras", "fer2013")
    for name in TREE:
        target = made / "app" / name
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    shutil.copy(yunet_file, made / "app" / "yunet.onnx")
    return made


@pytest.fixture(scope="module")
def replicas(folder: Path, caddy: str) -> Iterator[tuple[Replica, Replica]]:
    """Two apps for strangers, with a log in JSON."""
    if not has_landlock():
        pytest.skip("needs Landlock, of Linux 6.2 or later")
    wrapper = UNPRIVILEGED if os.getuid() == 0 else ["env"]
    with ExitStack() as stack:
        found = []
        for name in ("one", "two"):
            scratch = folder / name
            scratch.mkdir()
            port = free_port()
            environment = {
                "FER_LIMIT_UPLOAD_MB": "1",
                "FER_LIVE_LIMIT": "2",
                "FER_LOG": "json",
                "FER_METRICS_PORT": str(port),
                "FER_PUBLIC": "1",
                "FER_YUNET": str(folder / "app" / "yunet.onnx"),
                "HOME": str(scratch),
                "PYTHONDONTWRITEBYTECODE": "1",
                "STREAMLIT_SERVER_ALLOWED_HOSTS": NAME,
            }
            app = running_app(scratch, environment, CONFINED, root=folder / "app", wrapper=wrapper)
            figures = f"http://127.0.0.1:{port}/metrics"
            found.append(Replica(stack.enter_context(app), figures))
        yield found[0], found[1]


@pytest.fixture(scope="module")
def proxy(replicas: tuple[Replica, Replica], folder: Path) -> Iterator[Proxy]:
    addresses = [replica.app.address for replica in replicas]
    with proxied(addresses, folder / "proxy", https=True) as running:
        yield running


def cookies_of_two(proxy: Proxy) -> list[str]:
    """Come as new visitors until two were sent to different replicas; return their cookies."""
    found: set[str] = set()
    for _ in range(40):
        for header in proxy.ask().headers.get_all("Set-Cookie", []):
            cookie = SimpleCookie(header)
            found |= {cookie[COOKIE].value} if COOKIE in cookie else set()
        if len(found) == 2:
            return sorted(found)
    raise AssertionError(f"40 visitors were all sent to {found}")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What a test opens, closed however it ends: the next one counts who is there."""
    with ExitStack() as stack:
        yield stack


def come(browser: Browser, proxy: Proxy, cookie: str, opened: ExitStack) -> BrowserContext:
    # The proxy's authority is one that no browser knows.
    context = browser.new_context(base_url=proxy.address, ignore_https_errors=True)
    opened.callback(context.close)
    context.set_default_timeout(30_000)
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": proxy.address}])
    return context


def test_visitors_are_shared_out_and_stay_where_they_are(
    chromium: Browser,
    proxy: Proxy,
    replicas: tuple[Replica, Replica],
    opened: ExitStack,
    tmp_path: Path,
) -> None:
    before = [0, 0]

    def counts() -> list[int]:
        return [replica.photos_read() - n for replica, n in zip(replicas, before, strict=True)]

    before = counts()
    first, second = cookies_of_two(proxy)
    page = come(chromium, proxy, first, opened).new_page()
    name = tmp_path / "Anna at the beach.jpg"
    shutil.copy(SAMPLES[0], name)
    open_photos(page)
    upload(page, name)
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    own = counts().index(1)
    assert sum(counts()) == 1
    # Another visitor's page is in the other process.
    others = come(chromium, proxy, second, opened).new_page()
    open_photos(others)
    upload(others, SAMPLES[0])
    expect(others.get_by_role("heading", name="1 face")).to_be_visible()
    assert counts() == [1, 1]
    # A reload comes to the same process, which alone has the photo.
    page.reload()
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    # So does a page whose connection was cut, even by a proxy that knows nothing of before.
    with page.expect_event("websocket"):
        proxy.stop()
        proxy.start()
    upload(page, SAMPLES[1])
    expect(page.get_by_text("All faces as a table (2)")).to_be_visible()
    expected = [1, 1]
    expected[own] = 2
    assert counts() == expected
    # More than a visitor may upload is refused, in a sentence and not by a number alone.
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(1_100_000))
    upload(page, large)
    expect(page.get_by_text("One visitor can upload 1 MB within an hour")).to_be_visible()
    expect(page.get_by_text("All faces as a table (2)")).to_be_visible()


def test_no_file_and_no_name_is_left(replicas: tuple[Replica, Replica]) -> None:
    for replica in replicas:
        log = replica.app.log.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert lines and all(line["level"] in ("INFO", "WARNING") for line in lines)
        # Neither names nor the addresses of pages, which open what is on them.
        assert not re.search("Anna|photos=|HTTP/1|Traceback", log)
        scratch = replica.app.log.with_suffix("")
        # Files without a name may be open there; none stays.
        assert not [path for path in scratch.rglob("*") if path.is_file()]


def test_figures_of_the_server_are_for_nobody(proxy: Proxy) -> None:
    for path in ("/_stcore/metrics", "/metrics"):
        answer = proxy.ask(path)
        assert answer.status == 404 or b"fer_" not in answer.read()


def test_everything_goes_over_https(proxy: Proxy) -> None:
    answer = proxy.ask("/_stcore/health")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    kept: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_all("Set-Cookie", []):
        kept.load(header)
    assert len(kept) == 2
    for cookie in kept.values():
        # The app's own is read by Streamlit's script.
        assert bool(cookie["httponly"]) == (cookie.key == COOKIE)
        assert cookie["secure"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    moved = proxy.ask("/Live?a=b", insecurely=True)
    assert moved.status == 308 and moved.headers["Location"] == f"{proxy.address}/Live?a=b"


@pytest.fixture(scope="module")
def camera_browser(
    chromium: Browser, media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    browser = launch_with_face(chromium, media, tmp_path_factory.mktemp("camera"))
    yield browser
    browser.close()


# The last one: it ends a replica.
def test_cameras_are_shared_out_and_go_on_when_a_replica_is_gone(
    camera_browser: Browser,
    proxy: Proxy,
    replicas: tuple[Replica, Replica],
    opened: ExitStack,
) -> None:
    def cameras() -> list[int]:
        return [replica.figure("fer_live_cameras") for replica in replicas]

    visitors = []
    for cookie in cookies_of_two(proxy):
        context = come(camera_browser, proxy, cookie, opened)
        context.add_init_script(ENDLESS)
        page = context.new_page()
        page.goto("/Live", wait_until="commit")
        visitors.append(LivePage(page))
    for live in visitors:
        live.expect_opened().button("Start").click()
    for live in visitors:
        live.expect_started()
        live.expect_reading()
    assert cameras() == [1, 1]
    gone, left = replicas
    gone.app.process.kill()

    def losers() -> list[LivePage]:
        return [live for live in visitors if live.page.get_by_text(LOST).is_visible()]

    until(lambda: len(losers()) == 1, visitors[0])
    (loser,) = losers()
    loser.page.get_by_role("button", name="Try again").click()
    loser.start()
    loser.expect_reading()
    assert left.figure("fer_live_cameras") == 2
    # The other visitor has seen nothing of it.
    for live in visitors:
        live.wait_for_frames(1)
