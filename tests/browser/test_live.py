from __future__ import annotations

import csv
import io
import json
import os
import re
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.fake_camera import (
    CHROMIUM_FLAGS,
    FRAME_RATE,
    clip_pictures,
    portrait_pictures,
    write_camera,
)
from benchmarks.live_probe import latencies_ms, probe
from benchmarks.proxy import RESOLVED
from fer_core.detection import FRAME_SIZES, YuNetDetector
from tests.browser.accessibility import faults, in_both_themes, overhang
from tests.browser.conftest import CHROMIUM
from tests.browser.live_page import LivePage, number_in
from tests.browser.reports import read_without_network
from tests.browser.running import ROOT, RunningApp, free_port, running_app, until_idle

BASE_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Where the README's picture goes when it is wanted anew, such as docs/images.
SCREENSHOTS = os.environ.get("FER_SCREENSHOTS", "")
PORTRAITS = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
# Keeps what a test has to cut, change or take away.
WATCHED = """
    const Socket = window.WebSocket, Peer = window.RTCPeerConnection;
    window.WebSocket = class extends Socket {
        constructor(...all) { super(...all); window.top.socket = this; }
    };
    window.RTCPeerConnection = class extends Peer {
        constructor(...all) { super(...all); window.top.peer = this; }
    };
"""
# Frames a second, few enough to leave the processor to others, and eight seconds of them.
RATE, FRAMES = 10, 80
# While there are files of these names, a detector that takes five frames a second, and callbacks
# that begin a second late.
SLOW_FILE, LATE_FILE = "slow", "late"
HELD_UP = f"""
import os, time
from fer_core import detection
from streamlit.runtime.state.session_state import WStates
def held_up(act, file, seconds):
    def do(*all):
        if os.path.exists(os.path.join(os.environ["TMPDIR"], file)):
            time.sleep(seconds)
        return act(*all)
    return do
detector = detection.YuNetDetector
detector.detect = held_up(detector.detect, "{SLOW_FILE}", 0.2)
WStates.call_callback = held_up(WStates.call_callback, "{LATE_FILE}", 1.0)
"""


@pytest.fixture(scope="module")
def camera_file(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("camera") / "face.y4m"
    pictures = clip_pictures(media / "one_face_15s.mp4", frames=FRAMES)
    return write_camera(pictures, target, rate=RATE)


@pytest.fixture(scope="module")
def figures_port() -> int:
    """Where the app tells its figures."""
    return free_port()


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, yunet_file: Path, figures_port: int
) -> Iterator[RunningApp]:
    """The app, also for strangers, with one place only: one that is not given back shows."""
    environment = {
        "FER_LIVE_LIMIT": "1",
        "FER_METRICS_PORT": str(figures_port),
        "FER_PUBLIC": "1",
        "FER_YUNET": str(yunet_file),
    }
    with running_app(tmp_path_factory.mktemp("live"), environment, HELD_UP) as running:
        yield running


def launch(chromium: Browser, *flags: str) -> Browser:
    return chromium.browser_type.launch(executable_path=str(CHROMIUM), args=[*BASE_FLAGS, *flags])


def launch_with_face(chromium: Browser, media: Path, folder: Path, *flags: str) -> Browser:
    """Launch a browser whose camera shows a face, for visits by the proxy's name, too."""
    file = folder / "face.y4m"
    write_camera(clip_pictures(media / "one_face_15s.mp4", frames=30), file, rate=RATE)
    shown = f"--use-file-for-fake-video-capture={file}"
    return launch(chromium, *CHROMIUM_FLAGS, shown, RESOLVED, *flags)


@pytest.fixture(scope="module")
def camera_browser(chromium: Browser, camera_file: Path) -> Iterator[Browser]:
    browser = launch(chromium, *CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera_file}")
    yield browser
    browser.close()


@pytest.fixture
def visit(
    camera_browser: Browser, app: RunningApp, figures_port: int
) -> Iterator[Callable[..., LivePage]]:
    """Open tabs of new visitors on the live page, and close them when the test is over."""
    contexts = []

    def open_tab(width: int = 1280, script: str = "") -> LivePage:
        context = camera_browser.new_context(
            base_url=app.address, viewport={"width": width, "height": 1000}
        )
        context.set_default_timeout(30_000)
        context.add_init_script(script)
        contexts.append(context)
        return LivePage(context.new_page()).open()

    yield open_tab
    for context in contexts:
        context.close()
    wait_for_free_place(figures_port)


def wait_for_free_place(figures_port: int, seconds: float = 60) -> None:
    """Wait until no camera is read: the next test needs the place."""
    deadline = time.monotonic() + seconds
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{figures_port}/metrics", timeout=10) as said:
            if re.search(rb"^fer_live_cameras 0\.0$", said.read(), re.MULTILINE):
                return
        assert time.monotonic() < deadline, "a test kept its place"
        time.sleep(0.1)


def wait_for_place(browser: Browser, app: RunningApp) -> None:
    """Wait until a new visitor gets a place; what was left behind is given back by then."""
    context = browser.new_context(base_url=app.address)
    context.set_default_timeout(30_000)
    live = LivePage(context.new_page()).open()
    until(lambda: gets_a_place(live), live)
    live.stop()
    context.close()


def gets_a_place(live: LivePage) -> bool:
    """Press Start, and return whether there was a place."""
    again = live.page.get_by_role("button", name="Try again")
    if again.is_visible():
        again.click()
    # It must be there at once: what was refused must not try again by itself.
    live.button("Start").click()
    until(lambda: again.is_visible() or live.plays(), live)
    return not again.is_visible()


def settled(app: RunningApp, live: LivePage) -> int:
    """Wait until a run's threads have ended, and return how many are left."""
    seen = [app.threads()]

    def steady() -> bool:
        seen.append(app.threads())
        # Over a second of asking five times.
        return len(set(seen[-6:])) == 1 and len(seen) > 5

    until(steady, live)
    return seen[-1]


def until(holds: Callable[[], bool], live: LivePage, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        live.page.wait_for_timeout(200)


def camera_picture(camera_file: Path, number: int, mirrored: bool) -> np.ndarray:
    """Return a frame of the fake camera as it was before it was sent."""
    header = camera_file.open("rb").readline()
    size = 640 * 480 * 3 // 2
    with camera_file.open("rb") as file:
        file.seek(len(header) + number * (len(b"FRAME\n") + size) + len(b"FRAME\n"))
        planes = np.frombuffer(file.read(size), np.uint8).reshape(720, 640)
    picture = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    return picture[:, ::-1].copy() if mirrored else picture


def ring(box_xyxy: tuple[float, ...], width: int) -> np.ndarray:
    """Return a mask of a box's outline in 640x480."""
    mask = np.zeros((480, 640), np.uint8)
    x1, y1, x2, y2 = map(round, box_xyxy)
    cv2.rectangle(mask, (x1, y1), (x2, y2), 1, width)
    return mask.astype(bool)


def test_the_face_is_boxed_where_it_is(
    visit: Callable[..., LivePage], camera_file: Path, yunet_file: Path
) -> None:
    live = visit()
    live.start()
    live.expect_reading()
    detector = YuNetDetector(yunet_file)

    def boxed() -> bool:
        shown = live.grab()
        found = number_in(shown)
        if found is None:
            return False
        number, mirrored = found
        assert mirrored and shown.shape == (480, 640, 3)
        sent = camera_picture(camera_file, number, mirrored)
        (face,) = detector.detect(sent, FRAME_SIZES)
        changed = np.abs(shown.astype(int) - sent).sum(axis=2)
        # What was drawn follows the face by some frames, so the outline may be beside it.
        near = changed[ring(face.box.xyxy, 17)]
        x1, y1, x2, y2 = map(round, face.box.xyxy)
        inside = changed[y1 + 20 : y2 - 20, x1 + 20 : x2 - 20]
        return (near > 150).mean() > 0.1 and (inside > 150).mean() < 0.03

    until(boxed, live)
    expect(live.page.get_by_text("No face in the picture")).to_have_count(0)


def areas_of(page: Page) -> list[str]:
    """Return what the charts over time show, as pictures."""
    found: list[str] = page.locator(".st-key-live-charts canvas").evaluate_all(
        "all => all.map(canvas => canvas.toDataURL())"
    )
    return found


def test_charts_and_figures_move_without_a_rerun(visit: Callable[..., LivePage]) -> None:
    live = visit()
    live.start()
    bars = live.page.locator(".st-key-live-charts .bar")
    expect(bars).to_have_count(7)
    # On a busy machine somebody may have been lost, and counted twice.
    expect(live.page.locator(".st-key-live-charts canvas")).not_to_have_count(0)
    title = live.page.get_by_role("heading", name="Emotions from the camera").element_handle()
    # All figures stand in one row.
    tops = live.page.locator(".st-key-live-charts .figures > div").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().top)"
    )
    assert len(tops) == 5 and len(set(tops)) == 1

    def widths() -> list[float]:
        return bars.evaluate_all("all => all.map(bar => bar.clientWidth)")

    bars_before, areas_before = widths(), areas_of(live.page)
    assert sum(bars_before) > 50
    until(lambda: widths() != bars_before and areas_of(live.page) != areas_before, live)
    assert title.is_visible()
    figures = live.page.locator(".st-key-live-charts .figures").inner_text()
    assert all(name in figures for name in ("Video", "Read", "Latency", "Skipped", "Network"))
    until(lambda: " ms" in live.page.locator(".st-key-live-charts .figures").inner_text(), live)


def test_settings_change_while_it_runs(visit: Callable[..., LivePage]) -> None:
    live = visit()
    live.start()
    bars = live.page.locator(".st-key-live-charts .bar")
    expect(bars).to_have_count(7)
    live.page.get_by_text("Advanced").click()
    live.page.get_by_text("6, without disgust").click()
    expect(bars).to_have_count(6)
    live.page.get_by_text("Haar cascades").click()
    live.wait_for_frames(10)
    expect(bars).to_have_count(6)

    def mirrored(wanted: bool) -> Callable[[], bool]:
        return lambda: (number_in(live.grab()) or (0, not wanted))[1] is wanted

    until(mirrored(True), live)
    live.page.get_by_text("Mirror", exact=True).click()
    until(mirrored(False), live)
    live.page.get_by_role("combobox", name="Privacy").click()
    live.page.get_by_role("option", name="Only the charts").click()

    def empty() -> bool:
        shown = live.grab()
        # At the lower edge, where the camera's picture has the brightest squares.
        return shown[450:].std(axis=(0, 1)).max() < 3 and number_in(shown) is None

    until(empty, live)
    # The browser's side was never interrupted.
    expect(live.button("Stop")).to_be_visible()
    live.stop()


def test_start_and_stop_leak_neither_threads_nor_memory(
    visit: Callable[..., LivePage], app: RunningApp
) -> None:
    live = visit()

    def memory_after(runs: int) -> float:
        """Return the median of what is resident after runs: single readings scatter by 50 MB."""
        readings = []
        for _ in range(runs):
            live.start()
            live.wait_for_frames(5)
            live.stop()
            readings.append(app.resident_mb())
        return statistics.median(readings)

    # Pools and caches fill up at first.
    memory_after(3)
    memory, threads = memory_after(5), settled(app, live)
    memory_after(5)
    # Ten runs lie between the two medians, and ten that each left one thread would be too many.
    assert memory_after(5) < memory + 60
    until(lambda: app.threads() <= threads + 2, live)


def test_a_closed_tab_gives_its_place_to_the_next(
    visit: Callable[..., LivePage], app: RunningApp
) -> None:
    first, second = visit(), visit()
    idle = app.threads()
    first.start()
    second.button("Start").click()
    expect(second.page.get_by_text("All places for live analysis are taken")).to_be_visible()
    expect(second.camera.locator("video")).to_have_count(0)
    first.wait_for_frames(5)
    first.page.context.close()

    until(lambda: gets_a_place(second), second)
    second.wait_for_frames(5)
    second.stop()
    until(lambda: app.threads() <= idle + 4, second)


def test_a_browser_that_vanishes_gives_its_place_back(
    chromium: Browser, camera_file: Path, app: RunningApp, camera_browser: Browser
) -> None:
    """As when the network is cut: nobody says goodbye."""
    browser = launch(chromium, *CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera_file}")
    live = LivePage(browser.new_context(base_url=app.address).new_page()).open()
    live.start()
    session = browser.new_browser_cdp_session()
    # The browser cannot answer any more.
    with pytest.raises(Exception, match=r"closed|crash"):
        session.send("Browser.crash")
    wait_for_place(camera_browser, app)


def look_of(button: Locator) -> list[object]:
    """Return what makes a button one of the app's: letters, frame and height."""
    found: list[object] = button.evaluate(
        """button => {
            const text = getComputedStyle(button.querySelector("p") ?? button);
            const box = getComputedStyle(button);
            const family = text.fontFamily;
            const fonts = [...button.ownerDocument.fonts].filter(
                font => family.includes(font.family.replaceAll('"', "")) && font.status === "loaded"
            );
            return [
                family, fonts.length > 0, text.fontSize, text.fontWeight,
                box.borderRadius, box.borderColor, box.height,
            ];
        }"""
    )
    return found


def test_what_a_session_leaves_to_take_away(
    visit: Callable[..., LivePage], camera_browser: Browser, tmp_path: Path
) -> None:
    live = visit()
    page = live.page
    keeping = [page.get_by_role("button", name=name) for name in ("Record video", "Snapshot (PNG)")]
    for button in keeping:
        expect(button).to_be_disabled()
    expect(page.locator(".st-key-live-charts canvas")).to_have_count(1)
    before = areas_of(page)
    # The camera has its shape before the start, and nothing below it moves then.
    until(lambda: live.camera.locator("svg").first.bounding_box()["height"] > 40, live)
    place = keeping[0].bounding_box()["y"]
    # They are right below the camera's own buttons, which look like them.
    below = place - live.page.locator("iframe[title*=webrtc]").bounding_box()["y"]
    own = live.button("Start").bounding_box()
    assert 0 <= place - own["y"] - own["height"] < 32 < below
    until(lambda: look_of(live.button("Choose camera")) == look_of(keeping[1]), live)
    # Seconds later the charts have not moved, which they do while the camera is on.
    assert areas_of(page) == before
    live.start()
    for button in keeping:
        expect(button).to_be_enabled()
    assert abs(keeping[0].bounding_box()["y"] - place) < 20
    keeping[0].click()
    expect(page.get_by_role("button", name="Stop recording")).to_be_visible()
    live.wait_for_frames(25)

    def download(label: str) -> bytes:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=label).click()
        return waiting.value.path().read_bytes()

    snapshot = download("Snapshot (PNG)")
    shown = cv2.imdecode(np.frombuffer(snapshot, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (480, 640, 3) and number_in(shown) is not None
    # Stop ends the recording, too, and says what the session came to.
    live.stop()
    expect(page.get_by_role("heading", name="The last session")).to_be_visible()
    expect(page.locator(".st-key-live-recorded-1 .js-plotly-plot")).to_be_visible()
    expect(page.get_by_text("Strongest moments").first).to_be_visible()
    # The page is complete; a button of an earlier run would lead nowhere.
    expect(page.get_by_test_id("stVideo")).to_be_visible()
    until_idle(page)
    assert not faults(page)
    stopped = areas_of(page)
    assert stopped != before

    rows = list(csv.DictReader(io.StringIO(download("Readings (CSV)").decode("utf-8-sig"))))
    table = pd.read_parquet(io.BytesIO(download("Readings (Parquet)")))
    assert len(rows) == len(table) >= 5
    assert list(table.columns) == list(rows[0])
    record = json.loads(download("Summary (JSON)"))
    assert record["persons"]
    with av.open(io.BytesIO(download("Recorded video (MP4)"))) as video:
        assert video.streams.video[0].codec.name == "h264"
        pictures = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    assert len(pictures) > 15 and pictures[0].shape == (480, 640, 3)
    assert number_in(pictures[-1]) is not None
    report = tmp_path / "report.html"
    report.write_bytes(download("Report (HTML)"))
    assert b"<img" not in report.read_bytes()
    shown = {".person": 1, "svg.areas": 1, "svg.strip": 1, "svg.shares": 1}
    read_without_network(camera_browser, report, "a live session", shown)
    # All this later it is still the last moment.
    assert areas_of(page) == stopped
    page.get_by_role("button", name="Forget all of it").click()
    expect(page.get_by_role("heading", name="The last session")).to_have_count(0)
    expect(page.get_by_role("button", name="Recorded video (MP4)")).to_have_count(0)


def test_every_way_to_go_and_come_back(visit: Callable[..., LivePage]) -> None:
    live = visit(script=WATCHED)
    page = live.page
    live.start()
    # Another page, for less than the second in which streamlit-webrtc looks, and for longer.
    for stay_ms in (0, 1500):
        page.get_by_role("link", name="Photo", exact=True).click()
        expect(page.get_by_role("heading", name="Emotions in photos")).to_be_visible()
        page.wait_for_timeout(stay_ms)
        page.get_by_role("link", name="Live").click()
        live.start()
        live.expect_reading()
    # The page's own connection is cut, and the camera's goes on meanwhile.
    page.evaluate("window.socket.close()")
    live.expect_reading()
    # Another camera, whose pictures have another size.
    change = """async () => {
        const other = await navigator.mediaDevices.getUserMedia({video: {width: 320, height: 240}});
        const sender = window.peer.getSenders().find(sender => sender.track);
        window.before = sender.track;
        await sender.replaceTrack(other.getVideoTracks()[0]);
    }"""
    page.evaluate(change)
    until(lambda: live.grab().shape[:2] == (240, 320), live)
    live.expect_reading()
    # The camera is taken away.
    page.evaluate("window.peer.getSenders().find(sender => sender.track).track.stop()")
    expect(page.get_by_text("No picture has come from the camera for")).to_be_visible()
    live.stop()
    expect(page.get_by_text("No picture has come from the camera for")).to_have_count(0)
    live.start()
    live.expect_reading()
    page.reload()
    expect(live.button("Start")).to_be_visible()
    until(lambda: gets_a_place(live), live)
    live.expect_reading()
    live.stop()


def test_a_start_that_comes_before_its_stop_is_seen(visit: Callable[..., LivePage]) -> None:
    live = visit(script=WATCHED)
    live.start()
    # On a busy server both wait; here they wait in the browser, and go out at once.
    live.page.evaluate(
        """() => {
            window.held = [];
            window.socket.send = message => window.held.push(message);
        }"""
    )
    live.button("Stop").click()
    expect(live.button("Start")).to_be_visible()
    live.button("Start").click()
    until(
        lambda: live.page.evaluate(
            """() => window.held.some(
                message => new TextDecoder().decode(message).includes("m=video")
            )"""
        ),
        live,
    )
    live.page.evaluate(
        """() => {
            delete window.socket.send;
            window.held.forEach(message => window.socket.send(message));
        }"""
    )
    live.wait_for_frames(5)
    live.expect_reading()
    live.stop()


def test_a_stop_that_the_next_run_cuts_short_is_heard(
    visit: Callable[..., LivePage], app: RunningApp
) -> None:
    live = visit()
    live.start()
    with there(app, LATE_FILE):
        live.button("Stop").click()
        expect(live.button("Start")).to_be_visible()
        live.page.get_by_text("Mirror", exact=True).click()
        live.expect_stopped()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_running_page_is_accessible_and_fits_the_window(
    visit: Callable[..., LivePage], width: int
) -> None:
    live = visit(width)
    live.start()
    live.expect_reading()
    for _ in in_both_themes(live.page):
        assert not overhang(live.page)
        assert not faults(live.page)
    live.stop()


def test_two_people_and_the_picture_of_the_readme(
    chromium: Browser, app: RunningApp, tmp_path: Path
) -> None:
    # As a camera is for the README's picture, and cheap otherwise.
    rate = FRAME_RATE if SCREENSHOTS else RATE
    pictures = portrait_pictures(PORTRAITS, frames=3 * rate)
    camera = write_camera(pictures, tmp_path / "two.y4m", numbered=False, rate=rate)
    browser = launch(chromium, *CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera}")
    context = browser.new_context(base_url=app.address, viewport={"width": 1280, "height": 800})
    live = LivePage(context.new_page()).open()
    live.start()
    expect(live.page.locator(".st-key-live-charts .bar")).to_have_count(14)
    expect(live.page.locator(".st-key-live-charts canvas")).to_have_count(2)
    if SCREENSHOTS:
        live.page.mouse.move(0, 0)
        live.page.wait_for_timeout(30_000)
        live.page.screenshot(path=f"{SCREENSHOTS}/live.png")
    live.stop()
    browser.close()


@contextmanager
def there(app: RunningApp, name: str) -> Iterator[None]:
    """Have a file of this name in the app's folder."""
    file = app.log.with_suffix("") / name
    file.touch()
    try:
        yield
    finally:
        file.unlink()


def test_latency_does_not_grow_under_a_slow_detector(
    chromium: Browser, app: RunningApp, media: Path, tmp_path: Path
) -> None:
    size_wh = (320, 240)
    # Thirty small frames a second for eight seconds, and so long a latency can be told.
    pictures = clip_pictures(media / "one_face_15s.mp4", frames=240, size_wh=size_wh)
    camera = write_camera(pictures, tmp_path / "quick.y4m")
    flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera}"]
    with there(app, SLOW_FILE), launch(chromium, *flags) as browser:
        live = LivePage(browser.new_context(base_url=app.address).new_page()).open()
        live.start()
        live.wait_for_frames(100)
        early = statistics.median(latencies_ms(probe(live.page, seconds=4, size_wh=size_wh)))
        live.wait_for_frames(360)
        late = statistics.median(latencies_ms(probe(live.page, seconds=4, size_wh=size_wh)))
        figures = live.page.locator(".st-key-live-charts .figures").inner_text()
        live.stop()
    # In front of a detector that takes five frames a second of thirty, a queue would have grown
    # to many seconds by now.
    assert late < early + 300, f"{early:.0f} ms, then {late:.0f} ms; {figures}"


def open_without_camera(browser: Browser, address: str, script: str = "") -> Page:
    context = browser.new_context(base_url=address)
    context.set_default_timeout(30_000)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.goto("/Live")
    return page


def fault(page: Page) -> object:
    return page.locator(".fer-check .problem")


def test_no_camera_is_said(chromium: Browser, app: RunningApp) -> None:
    browser = launch(chromium)
    page = open_without_camera(browser, app.address)
    expect(fault(page)).to_contain_text("No camera found")
    page.get_by_text("Check camera and connection").click()
    page.get_by_role("button", name="Run the check").click()
    expect(page.locator(".fer-check li.bad")).to_contain_text("No camera found")
    expect(page.locator(".fer-check li.open")).to_have_count(0)
    assert not faults(page)
    browser.close()


def test_a_camera_that_is_not_allowed_is_said(chromium: Browser, app: RunningApp) -> None:
    browser = launch(chromium, "--use-fake-device-for-media-stream")
    context = browser.new_context(base_url=app.address)
    # Only what is named is allowed.
    context.grant_permissions([])
    live = LivePage(context.new_page()).open()
    live.button("Start").click()
    expect(fault(live.page)).to_contain_text("not allowed")
    browser.close()


def test_a_camera_that_is_in_use_is_said(camera_browser: Browser, app: RunningApp) -> None:
    """Chromium cannot simulate it, so the page is told what a browser says then."""
    script = """navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("Could not start video source", "NotReadableError");
    };"""
    page = open_without_camera(camera_browser, app.address, script)
    live = LivePage(page)
    live.button("Start").click()
    expect(fault(page)).to_contain_text("in use by another program")
    page.context.close()


def test_a_working_camera_passes_the_check(visit: Callable[..., LivePage]) -> None:
    page = visit().page
    expect(fault(page)).to_be_hidden()
    page.get_by_text("Check camera and connection").click()
    page.get_by_role("button", name="Run the check").click()
    expect(page.locator(".fer-check li.good")).to_have_count(3)
    expect(page.locator(".fer-check li.bad")).to_have_count(0)


def test_an_insecure_page_is_said(chromium: Browser, app: RunningApp) -> None:
    # By another name than localhost, plain http is not secure.
    browser = launch(
        chromium, *CHROMIUM_FLAGS, "--host-resolver-rules=MAP camera.example 127.0.0.1"
    )
    page = open_without_camera(browser, app.address.replace("127.0.0.1", "camera.example"))
    expect(fault(page)).to_contain_text("This page is not secure", timeout=60_000)
    browser.close()
