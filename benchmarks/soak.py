"""What many videos and camera sessions leave behind: ``python -m benchmarks.soak``.

Visitors in one Chromium come one after another, each with a video or with the fake camera, and
close their pages. After a first round, which fills pools and caches, the server is looked at, and
again at the end: what each of them had left would show. Many visitors at once, for as long as you
like, are ``python -m benchmarks.visitors --visit 24 --minutes 30``.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks.fake_camera import CHROMIUM_FLAGS, FRAME_RATE, portrait_pictures, write_camera
from benchmarks.page_session import FAULTS
from benchmarks.server import (
    add_wait,
    most_of,
    report_goals,
    report_usage,
    running_server,
    wait_after_close,
)
from benchmarks.startup import CHROMIUM, ROOT
from benchmarks.timing import machine

# Containers, and the codecs of picture and sound in them: what browsers play, and what they do not.
_KINDS = (("mp4", "libx264", "aac"), ("webm", "libvpx", "libopus"), ("mkv", "libx264", None))
_CLIP_S = 3
_SOUND_RATE = 48_000
_PATIENCE_MS = 120_000
_ERRORS = "[data-testid=stException], [data-testid=stAlertContentError]"
_SEE_FRAMES = """async (video, count) => {
    const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
    const wanted = frames() + count;
    while (frames() < wanted) await new Promise(go => setTimeout(go, 50));
}"""

Visit = Callable[[Page], None]


def main() -> int:
    """Measure, print a table, and return 1 when something is left behind."""
    options = _parser().parse_args()
    print(f"{machine()}")
    faults: list[str] = []
    try:
        with tempfile.TemporaryDirectory() as name, running_server() as server:
            folder = Path(name)
            videos = [partial(_analyse, clip=clip) for clip in _clips(folder)]
            cameras = [partial(_film, seconds=options.seconds, stop=stop) for stop in (True, False)]
            with _browser(_camera(folder)) as browser:
                for visit in (*videos, *cameras):
                    _come(browser, server.address, visit, faults)
                wait_after_close(options.wait)
                before = server.usage()
                with server.watched() as seen:
                    for kinds, count in ((videos, options.videos), (cameras, options.cameras)):
                        for visit in itertools.islice(itertools.cycle(kinds), count):
                            _come(browser, server.address, visit, faults)
                wait_after_close(options.wait)
                after = server.usage()
            faults += (f"In the server's log: {line}" for line in server.traces())
    except (*FAULTS, BrowserError) as error:
        report_goals([f"It ended early: {error}"], faults)
        return 1
    print(f"\n{options.videos} videos and {options.cameras} camera sessions, one after another")
    missed = report_usage(before, most_of(seen), after, options.wait)
    return 1 if report_goals(missed, faults) else 0


def _come(browser: Browser, address: str, visit: Visit, faults: list[str]) -> None:
    """Come as a new visitor, and close the page."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    try:
        visit(page)
        faults += page.locator(_ERRORS).all_inner_texts()
    except BrowserError as error:
        faults.append(f"{page.url}: {error.message.splitlines()[0]}")
    finally:
        context.close()


def _analyse(page: Page, clip: Path) -> None:
    """Have a video analysed, and see the annotated one."""
    page.goto("/Video")
    page.get_by_text("Upload a video").wait_for()
    page.set_input_files("input[type=file]", clip)
    page.get_by_role("button", name="Start the analysis").click()
    page.get_by_role("heading", name="Take it away").wait_for()
    page.locator("video").first.wait_for()


def _film(page: Page, seconds: float, stop: bool) -> None:
    """Let the camera be read for a while, and stop it, or leave that to the page's closing."""
    page.goto("/Live")
    camera = page.frame_locator("iframe[title*=webrtc]")
    video = camera.locator("video")
    again = page.get_by_role("button", name="Try again")
    start = camera.get_by_role("button", name="Start")
    start.click()
    _until(page, lambda: video.count() or again.is_visible())
    # A place that was left without a word is free some seconds later.
    while again.is_visible():
        again.click()
        start.click()
        _until(page, lambda: video.count() or again.is_visible())
    video.evaluate(_SEE_FRAMES, round(seconds * FRAME_RATE / 2))
    page.locator(".st-key-live-charts .bar").first.wait_for()
    if stop:
        camera.get_by_role("button", name="Stop").click()
        camera.get_by_role("button", name="Start").wait_for()


def _until(page: Page, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_MS / 1000
    while not holds():
        if time.monotonic() > deadline:
            raise BrowserError("The camera does not start.")
        page.wait_for_timeout(200)


def _clips(folder: Path) -> list[Path]:
    """Write short videos of a portrait."""
    portraits = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    pictures = list(portrait_pictures(portraits[:1], frames=_CLIP_S * FRAME_RATE))
    tone = np.sin(2 * np.pi * 440 / _SOUND_RATE * np.arange(_CLIP_S * _SOUND_RATE))
    clips = []
    for suffix, video_codec, audio_codec in _KINDS:
        clip = folder / f"clip.{suffix}"
        with av.open(str(clip), "w") as container:
            video = container.add_stream(video_codec, rate=FRAME_RATE)
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt = "yuv420p"
            sound = audio_codec and container.add_stream(
                audio_codec, rate=_SOUND_RATE, layout="mono"
            )
            for picture in pictures:
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
            container.mux(video.encode())
            if sound:
                samples = (0.1 * 32767 * tone).astype(np.int16)[np.newaxis]
                frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                frame.rate, frame.pts = _SOUND_RATE, 0
                frame.time_base = Fraction(1, _SOUND_RATE)
                container.mux(sound.encode(frame))
                container.mux(sound.encode())
        clips.append(clip)
    return clips


def _camera(folder: Path) -> Path:
    """Write what the fake camera plays."""
    portraits = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    pictures = portrait_pictures(portraits[:1], frames=_CLIP_S * FRAME_RATE)
    return write_camera(pictures, folder / "camera.y4m", numbered=False)


@contextmanager
def _browser(camera: Path) -> Iterator[Browser]:
    """Run Chromium with a fake camera."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", *CHROMIUM_FLAGS]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[*flags, f"--use-file-for-fake-video-capture={camera}"],
        )
        try:
            yield browser
        finally:
            browser.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--videos", type=int, default=15, help="default %(default)s")
    parser.add_argument("--cameras", type=int, default=12, help="sessions, default %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="length of a camera session, default %(default)s"
    )
    add_wait(parser)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
