"""How fast the live page is in a real browser: ``python -m benchmarks.live --clip CLIP``.

Chromium's fake camera plays a clip with one face, at 640x480 and 30 frames a second; browser and
app share this machine's cores. Beside the live page, in the same run and in turn with it, stands
streamlit-webrtc with a callback that returns the frame as it came.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from benchmarks.fake_camera import CHROMIUM_FLAGS, clip_pictures, write_camera
from benchmarks.live_probe import latencies_ms, probe
from benchmarks.startup import CHROMIUM, ROOT, served, wait_for
from benchmarks.timing import machine

SIZE_WH = (640, 480)
CAMERA_FRAMES = 300
MIN_SHARE = 0.9
MAX_ADDED_MS = 60.0
MIN_ANALYSES_PER_S = 10.0
_EMPTY_APP = f"""
from streamlit_webrtc import webrtc_streamer
video = {{"width": {SIZE_WH[0]}, "height": {SIZE_WH[1]}, "frameRate": 30}}
webrtc_streamer(
    "camera",
    video_frame_callback=lambda frame: frame,
    media_stream_constraints={{"video": video, "audio": False}},
    rtc_configuration={{"iceServers": []}},
)
"""
_FIGURES = ".st-key-live-charts .figures"
_WARM_UP_MS = 5000
_PATIENCE_MS = 60_000


@dataclass(slots=True)
class Measured:
    """What was seen in all rounds of one page in one scene."""

    frames_per_s: list[float] = field(default_factory=list)
    analyses_per_s: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def latency_ms(self) -> float:
        """The median."""
        return statistics.median(self.latencies_ms)

    @property
    def latency_95_ms(self) -> float:
        """The 95th percentile."""
        return statistics.quantiles(self.latencies_ms, n=20)[-1]


def main() -> int:
    """Measure all scenes and print a table; return the exit status."""
    options = _parser().parse_args()
    print(f"{machine()}; {SIZE_WH[0]}x{SIZE_WH[1]} at 30 a second")
    print(f"{options.rounds} rounds of {options.seconds:g} s each, in turn")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "empty.py").write_text(_EMPTY_APP, encoding="utf-8")
        pages = {
            "empty": _address(stack, folder / "empty.py"),
            "live": f"{_address(stack, ROOT / 'app.py')}/Live",
        }
        playwright = stack.enter_context(sync_playwright())
        print(_HEADER)
        for name, faces, browsers in (
            ("one face", 1, 1),
            ("three faces", 3, 1),
            ("two browsers", 1, 2),
        ):
            pictures = clip_pictures(options.clip, frames=CAMERA_FRAMES, faces=faces)
            camera = write_camera(pictures, folder / f"{faces}.y4m")
            measured = {page: Measured() for page in pages}
            for _ in range(options.rounds):
                for page, address in pages.items():
                    _measure(playwright, address, camera, browsers, options.seconds, measured[page])
            _report(name, measured["empty"], measured["live"])
    return 0


_HEADER = (
    f"\n  {'':<14}{'page':<8}{'frames/s':>9}{'share':>7}{'analyses/s':>12}"
    f"{'latency ms':>12}{'95 %':>7}{'added ms':>10}"
)


def _address(stack: ExitStack, script: Path) -> str:
    """Serve an app until the stack is closed, and return where."""
    process, port, _ = stack.enter_context(served(script))
    address = f"http://localhost:{port}"
    wait_for(f"{address}/_stcore/health", process)
    return address


def _report(name: str, empty: Measured, live: Measured) -> None:
    base, rate = statistics.mean(empty.frames_per_s), statistics.mean(live.frames_per_s)
    print(
        f"  {name:<14}{'empty':<8}{base:9.1f}{'':>7}{'':>12}"
        f"{empty.latency_ms:12.0f}{empty.latency_95_ms:7.0f}"
    )
    print(
        f"  {'':<14}{'live':<8}{rate:9.1f}{rate / base:7.0%}"
        f"{statistics.mean(live.analyses_per_s):12.1f}{live.latency_ms:12.0f}"
        f"{live.latency_95_ms:7.0f}{live.latency_ms - empty.latency_ms:10.0f}"
    )
    if name == "one face":
        print(f"  {'':<14}{'goals':<8}{'':>9}{MIN_SHARE:7.0%}{MIN_ANALYSES_PER_S:12.0f}", end="")
        print(f"{'':>19}{MAX_ADDED_MS:10.0f}")


def _measure(
    playwright: Playwright,
    address: str,
    camera: Path,
    browsers: int,
    seconds: float,
    measured: Measured,
) -> None:
    """Open a page in so many browsers, and add what the first of them sees."""
    with ExitStack() as stack:
        pages = [
            _playing(stack.enter_context(_browser(playwright, camera)), address)
            for _ in range(browsers)
        ]
        page = pages[0]
        page.wait_for_timeout(_WARM_UP_MS)
        seen = probe(page, seconds=seconds, size_wh=SIZE_WH)
        measured.frames_per_s.append(seen["frames"] / seen["seconds"])
        measured.latencies_ms += latencies_ms(seen)
        if page.locator(_FIGURES).count():
            found = re.search(r"Read\s+([\d.]+)", page.locator(_FIGURES).inner_text())
            if found is not None:
                measured.analyses_per_s.append(float(found[1]))


@contextmanager
def _browser(playwright: Playwright, camera: Path) -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", *CHROMIUM_FLAGS]
    browser = playwright.chromium.launch(
        executable_path=str(CHROMIUM),
        args=[*flags, f"--use-file-for-fake-video-capture={camera}"],
    )
    try:
        yield browser
    finally:
        browser.close()


def _playing(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(address)
    camera = page.frame_locator("iframe[title*=webrtc]")
    camera.get_by_role("button", name="Start").click()
    camera.locator("video").wait_for()
    return page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--clip", type=Path, required=True, help="a video of one face")
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    parser.add_argument("--seconds", type=float, default=15.0, help="default %(default)s")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
