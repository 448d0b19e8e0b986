from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.video import loop_video
from tests.browser import accessibility
from tests.browser.reports import read_without_network
from tests.browser.running import until_idle, until_true


def open_videos(page: Page) -> None:
    page.goto("/Video")
    expect(page.get_by_role("heading", name="Emotions in videos")).to_be_visible()
    expect(page.get_by_text("Upload a video")).to_be_visible()


def upload(page: Page, file: Path) -> None:
    page.set_input_files("input[type=file]", file)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the analysis").click()


def until_done(page: Page) -> None:
    expect(page.get_by_role("heading", name="Take it away")).to_be_visible(timeout=240_000)
    # What was there before goes only at the end of a run.
    expect(page.get_by_role("button", name="Remove this video")).to_have_count(1)


def timeline_of(page: Page, person: int) -> Locator:
    """Return the chart that has a strip of verdicts to click."""
    charts = page.locator(f".st-key-person-{person} .js-plotly-plot")
    return charts.filter(has=page.locator(".points path")).last


def click_in_the_middle(page: Page, chart: Locator) -> None:
    """Click the areas above a point of the strip, as somebody with a mouse does."""
    chart.scroll_into_view_if_needed()
    points = chart.locator(".scatterlayer .points path")
    point = points.nth(points.count() // 2).bounding_box()
    frame = chart.bounding_box()
    place = (point["x"] + point["width"] / 2, frame["y"] + 60)
    page.mouse.move(*place)
    expect(chart.locator(".hoverlayer .hovertext")).to_be_visible()
    page.mouse.click(*place)


def download(page: Page, label: str) -> Path:
    # What a page offered before it is drawn again may be gone by then.
    until_idle(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    return waiting.value.path()


def expect_playing(page: Page) -> None:
    video = page.locator("video").first
    until_true(video, "it.currentTime >= 0.2", first="it.muted = true; it.play()")


def cut(video: Path, target: Path, seconds: float) -> Path:
    """Copy a video's beginning, without coding it again."""
    with av.open(str(video)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None and packet.pts * stream.time_base < seconds:
                packet.stream = copy
                out.mux(packet)
    return target


@pytest.fixture(scope="module")
def clip(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of two seconds."""
    target = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return cut(media / "looking_down_4s.mp4", target, 2)


def analyse(page: Page, video: Path) -> None:
    open_videos(page)
    upload(page, video)
    start(page)
    until_done(page)


@pytest.fixture
def analysed(page: Page, clip: Path) -> Page:
    """A page with results of its own."""
    analyse(page, clip)
    return page


@pytest.fixture(scope="module")
def results(chromium: Browser, server: str, clip: Path) -> Iterator[str]:
    """The address of results that several tests look at, and none changes."""
    context = chromium.new_context(base_url=server)
    owner = context.new_page()
    analyse(owner, clip)
    expect(owner).to_have_url(re.compile("video="))
    yield owner.url
    context.close()


@pytest.fixture
def visited(page: Page, results: str) -> Page:
    """A page that shows them."""
    page.goto(results)
    until_done(page)
    return page


def test_from_upload_to_the_playing_video(page: Page, media: Path, tmp_path: Path) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    video = cut(media / "one_face_15s.mp4", tmp_path / "one_face.mp4", 5)
    open_videos(page)
    upload(page, video)
    expect(page.get_by_text("29.97 frames a second")).to_be_visible()
    until_idle(page)
    assert not accessibility.faults(page)
    start(page)
    until_done(page)
    expect(page.get_by_role("heading", name="One person in 50 analysed frames")).to_be_visible()
    areas = timeline_of(page, 1).locator(".scatterlayer .fills path")
    expect(areas).to_have_count(7)
    expect_playing(page)
    click_in_the_middle(page, timeline_of(page, 1))
    expect(page.get_by_text("This frame alone:")).to_be_visible()
    expect(page.get_by_text(re.compile(r"At 0:0\d\.\d"))).to_be_visible()
    assert not faults


def test_results_outlive_a_reload_and_other_pages(analysed: Page) -> None:
    addresses: list[str] = []
    analysed.on("framenavigated", lambda frame: addresses.append(frame.url))
    threshold = analysed.locator(".st-key-threshold")
    threshold.get_by_role("slider").press("ArrowRight")
    expect(threshold.get_by_text("50 %")).to_be_visible()
    expect(analysed).to_have_url(re.compile(r"/Video\?.*video=[\w-]{32}&threshold=50$"))
    address = analysed.url
    analysed.reload()
    until_done(analysed)
    expect(timeline_of(analysed, 1)).to_be_visible()
    expect(threshold.get_by_text("50 %")).to_be_visible()
    analysed.get_by_role("link", name="Photo", exact=True).click()
    expect(analysed.get_by_role("heading", name="Emotions in photos")).to_be_visible()
    expect(analysed).to_have_url(re.compile(r"/Photo\?threshold=50$"))
    analysed.get_by_role("link", name="Video", exact=True).click()
    until_done(analysed)
    expect(analysed).to_have_url(re.compile(r"/Video\?.*video=[\w-]{32}"))
    # Nothing was added to the history but the pages, and only this one's address has the token.
    analysed.go_back()
    expect(analysed.get_by_role("heading", name="Emotions in photos")).to_be_visible()
    analysed.go_back()
    until_done(analysed)
    assert analysed.url == address
    token = address.partition("video=")[2].partition("&")[0]
    assert {url.partition("?")[0].rpartition("/")[2] for url in addresses if token in url} == {
        "Video"
    }


def seconds_of(page: Page) -> float:
    return page.locator("video").evaluate("video => video.currentTime")


def cursor_of(page: Page) -> float:
    """Return where all cursors stand, in per cent of the lines."""
    return float(page.locator(".player").evaluate("all => all.style.getPropertyValue('--at')"))


def overhanging(box: Locator) -> list[str]:
    """Return what inside a box sticks out of it, or out of its own place, to a side."""
    found: list[str] = box.evaluate(
        """box => [...box.querySelectorAll("*")].filter(one => {
            const [own, place, all] = [one, one.parentElement, box].map(
                any => any.getBoundingClientRect()
            );
            return own.width && (
                own.right > Math.min(place.right, all.right) + 1.5
                || own.left < Math.max(place.left, all.left) - 1.5
            );
        }).map(one => one.outerHTML.slice(0, 100))"""
    )
    return found


def test_the_player_and_all_lines_are_one(page: Page, media: Path) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    open_videos(page)
    upload(page, media / "scene_cuts_9s_audio.mp4")
    # Without an annotated video the upload itself is played.
    page.locator(".st-key-video-annotate label").first.click()
    start(page)
    until_done(page)
    lines = page.locator(".player .lines .line")
    persons = lines.count()
    assert persons > 5 and page.locator(".player .moments button").count() >= persons
    # The cards are folded.
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollHeight") < 2800
    # As wide as a line can be, with three moments, nothing sticks out.
    lines.first.locator(".moments").evaluate(
        "all => { while (all.children.length < 3) all.append(all.firstChild.cloneNode(true)) }"
    )
    page.set_viewport_size({"width": 1281, "height": 900})
    player = page.locator(".player")
    until_true(page, "innerWidth === 1281")
    expect(player).to_have_attribute("style", re.compile(r"--right: (1[5-9]|2\d)\d"))
    assert overhanging(player) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    # A click on anybody's line seeks, and so does the keyboard.
    video = page.locator("video")
    slider = page.get_by_role("slider", name="Time in the video")
    last_s = float(slider.get_attribute("aria-valuemax"))
    band = lines.nth(2).locator(".band")
    band.click(position={"x": band.bounding_box()["width"] / 2, "y": 10})
    assert abs(cursor_of(page) - 50) < 1 and abs(seconds_of(page) - last_s / 2) < 0.1
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0:04\.\d; "))
    slider.press("Home")
    assert seconds_of(page) < 0.05 and cursor_of(page) < 0.5
    lines.first.locator(".moments button").first.click()
    moment_s, now = seconds_of(page), page.locator(".player .now")
    assert moment_s > 0
    expect(now).to_contain_text(re.compile(r"Person \d+\D+\d+ %"))
    # Playing moves the cursor.
    before = cursor_of(page)
    expect_playing(page)
    assert cursor_of(page) > before
    video.evaluate("video => video.pause()")
    # Who comes back after a cut is suggested, with what the merger will do.
    expect(page.locator(".st-key-same-person")).to_contain_text("none is lost")
    assert not accessibility.faults(page)
    page.get_by_role("button", name="Merge them", exact=True).click()
    expect(page.get_by_text(re.compile(r"Merged: Person \d+ into Person \d+"))).to_be_visible()
    expect(lines).to_have_count(persons - 1)
    # Dragged onto another one, a person becomes the same; what that costs is said before, beside
    # the mouse.
    name = lines.nth(1).locator(".name").inner_text()
    lines.nth(1).locator(".head").hover()
    page.mouse.down()
    # A browser takes the second move for one over the line.
    for _ in range(2):
        lines.first.locator(".head").hover()
    said = page.locator(".player .line.target .drop")
    expect(said).to_contain_text(f"Let go to make {name} and")
    expect(said).to_be_in_viewport(ratio=1)
    page.mouse.up()
    expect(said).to_have_count(0)
    expect(
        page.get_by_text(re.compile(f"{name} into|and .* are seen at the same time"))
    ).to_be_visible()
    assert not faults


def long_video(media: Path, folder: Path, seconds: float) -> Path:
    """Make a video whose analysis leaves any machine the time for a click."""
    path = folder / "long.mp4"
    loop_video(media / "one_face_15s.mp4", path, seconds)
    return path


def test_a_reload_while_it_runs_finds_the_work_again(
    page: Page, media: Path, tmp_path: Path
) -> None:
    open_videos(page)
    upload(page, long_video(media, tmp_path, 30))
    start(page)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert not accessibility.faults(page)
    until_done(page)


def test_cancel_keeps_what_is_there(page: Page, media: Path, tmp_path: Path) -> None:
    open_videos(page)
    upload(page, long_video(media, tmp_path, 60))
    start(page)
    expect(page.get_by_text(re.compile(r"\d+ of 6\d\d frames · .* left"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled: these are partial results")).to_be_visible()
    expect(timeline_of(page, 1)).to_be_visible()
    expect_playing(page)


def test_downloads_agree(visited: Page, chromium: Browser, tmp_path: Path) -> None:
    with download(visited, "Table (CSV)").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    record = json.loads(download(visited, "Summary (JSON)").read_text(encoding="utf-8"))
    assert len({row["frame"] for row in rows}) == record["frames_analyzed"]
    assert download(visited, "Table (Parquet)").read_bytes()[:4] == b"PAR1"
    assert download(visited, "Captions (WebVTT)").read_text().startswith("WEBVTT")
    report = tmp_path / "report.html"
    shutil.copy(download(visited, "Report (HTML)"), report)
    shown = {".person": 1, "svg.areas": 1, "svg.strip": 1, "svg.shares": 1, ".person img": 2}
    read_without_network(chromium, report, "clip.mp4", shown)
    with av.open(io.BytesIO(download(visited, "Annotated video (MP4)").read_bytes())) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")


def test_a_name_is_drawn_into_the_video_again(analysed: Page) -> None:
    before = download(analysed, "Annotated video (MP4)").read_bytes()
    player = analysed.locator("video").first
    shown = player.get_attribute("src")
    assert shown
    analysed.locator(".st-key-person-1").get_by_role("button", name="Edit").click()
    analysed.get_by_label("Name", exact=True).fill("Zoë")
    analysed.get_by_label("Name", exact=True).press("Enter")
    expect(analysed.get_by_text("Zoë, seen for").first).to_be_visible()
    analysed.keyboard.press("Escape")
    analysed.get_by_role("button", name="Draw the video again").click()
    # The new video has another address; the buttons below come at the end of the same run.
    expect(player).not_to_have_attribute("src", shown, timeout=120_000)
    until_idle(analysed)
    expect(analysed.get_by_text("The video still shows the names")).to_have_count(0)
    assert download(analysed, "Annotated video (MP4)").read_bytes() != before
    expect_playing(analysed)


def test_visitors_work_at_once_and_do_not_see_each_other(
    analysed: Page, chromium: Browser, server: str, media: Path, tmp_path: Path
) -> None:
    other = chromium.new_context(base_url=server).new_page()
    open_videos(other)
    upload(other, cut(media / "one_face_15s.mp4", tmp_path / "one_face.mp4", 8))
    start(other)
    analysed.get_by_text("Analyse it again").click()
    analysed.get_by_role("button", name="Analyse again").click()
    until_done(other)
    until_done(analysed)
    expect(other.get_by_text("clip.mp4")).to_have_count(0)
    expect(analysed.get_by_text("one_face.mp4")).to_have_count(0)
    other.context.close()


def test_text_named_mp4(page: Page, tmp_path: Path, media: Path) -> None:
    fake = tmp_path / "fake.mp4"
    fake.write_text("This is no video.")
    open_videos(page)
    upload(page, fake)
    expect(page.get_by_text("fake.mp4: ")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    upload(page, media / "looking_down_4s.mp4")
    expect(page.get_by_role("button", name="Start the analysis")).to_be_visible()


def test_results_are_accessible_and_fit_the_window(visited: Page) -> None:
    for _ in accessibility.in_both_themes(visited):
        for width in (390, 1280):
            visited.set_viewport_size({"width": width, "height": 800})
            expect(timeline_of(visited, 1)).to_be_visible()
            main = "document.querySelector('[data-testid=stMain]')"
            until_true(visited, f"{main}.scrollWidth <= {main}.clientWidth")
        assert not accessibility.faults(visited)


def test_no_temporary_file_is_left(analysed: Page, temporary_folder: Path) -> None:
    assert [path for path in temporary_folder.rglob("*") if path.is_file()] == []
    analysed.get_by_role("button", name="Remove this video").click()
    expect(analysed.get_by_text("Upload a video")).to_be_visible()
    expect(analysed).not_to_have_url(re.compile("video="))
