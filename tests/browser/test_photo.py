from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import faults, in_both_themes, overhang
from tests.browser.reports import read_without_network
from tests.browser.running import until_idle, until_true

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.jpg"))


def open_photos(page: Page, query: str = "") -> None:
    page.goto(f"/Photo{query}")
    expect(page.get_by_role("heading", name="Emotions in photos")).to_be_visible()
    expect(page.get_by_text("Upload photos")).to_be_visible()


def upload(page: Page, *files: Path) -> None:
    page.set_input_files("input[type=file]", files)


def bars(page: Page):
    return page.locator("table.bars")


def download(page: Page, label: str) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).first.click()
    return waiting.value.path()


def test_two_people(page: Page, media: Path) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    open_photos(page)
    upload(page, media / "two_people.jpg")
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    expect(bars(page)).to_have_count(2)
    cards = [page.locator(f".st-key-face-{position}") for position in (0, 1)]
    for card in cards:
        expect(card.locator("table.bars tr")).to_have_count(7)
    # The first card is in view below the photo.
    window = page.viewport_size
    assert window is not None and cards[0].bounding_box()["y"] < window["height"] - 150
    # A box and its card point at each other, and a click leads to the card.
    box = page.get_by_role("button", name="Face 2:")
    box.hover()
    expect(cards[1]).to_have_attribute("data-lit", "")
    cards[0].hover()
    expect(page.get_by_role("button", name="Face 1:")).to_have_class("lit")
    expect(cards[1]).not_to_have_attribute("data-lit", "")
    box.click()
    expect(cards[1]).to_be_in_viewport()
    cards[1].get_by_text("Why?").click()
    expect(cards[1].get_by_text("A grey square moves over the face")).to_be_visible()
    expect(cards[1].get_by_text("Grad-CAM: warm where")).to_be_visible()
    pictures = "[...document.querySelectorAll('.st-key-face-1 img')]"
    until_true(page, f"{pictures}.filter((one) => one.naturalWidth > 0).length === 5")
    page.get_by_text("Show both networks side by side").click()
    expect(bars(page)).to_have_count(4)
    until_idle(page)
    assert not faults(page)
    assert not wrong


def test_downloads(page: Page, chromium: Browser, media: Path, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)> two.jpg"
    shutil.copy(media / "two_people.jpg", tmp_path / name)
    open_photos(page)
    upload(page, tmp_path / name)
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    rows = list(csv.DictReader(download(page, "All faces (CSV)").read_text().splitlines()))
    assert [row["face"] for row in rows] == ["1", "2"]
    (record,) = json.loads(download(page, "All faces (JSON)").read_text())
    assert record["path"] == name and len(record["faces"]) == 2
    drawn = cv2.imread(str(download(page, "Annotated picture (PNG)")))
    original = cv2.imread(str(media / "two_people.jpg"))
    assert drawn.shape == original.shape and (drawn != original).any()
    card = cv2.imread(str(download(page, "Picture card")))
    assert card.shape == (630, 1200, 3)
    report = tmp_path / "report.html"
    shutil.copy(download(page, "Report (HTML)"), report)
    shown = {
        "td.bar svg": 14,
        "svg.shares": 1,
        ".card > img": 2,
        ".picture img": 1,
        ".face": 2,
    }
    read_without_network(chromium, report, name, shown)


def test_settings_and_photos_outlive_other_pages(page: Page, media: Path) -> None:
    open_photos(page)
    upload(page, media / "two_people.jpg")
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    page.get_by_text("Advanced").click()
    page.get_by_text("6, without disgust").first.click()
    expect(page.locator(".st-key-face-0 table.bars tr")).to_have_count(6)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("must not be used for")).to_be_visible()
    page.get_by_role("link", name="Photo", exact=True).click()
    expect(page.locator(".st-key-face-0 table.bars tr")).to_have_count(6)
    # A reload, or a colleague, sees the same.
    page.get_by_text("As FER-2013 is labelled").click()
    expect(page).to_have_url(re.compile("(?=.*emotions=fer6).*reading=labels"))
    page.reload()
    expect(page.get_by_role("radio", name="As FER-2013 is labelled")).to_be_checked()
    expect(page.get_by_text("would be labelled").first).to_be_visible()
    expect(page.locator(".st-key-face-0 table.bars tr")).to_have_count(6)


def test_visitors_do_not_see_each_other(page: Page, chromium: Browser, server: str) -> None:
    open_photos(page)
    upload(page, SAMPLES[0])
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    other = chromium.new_context(base_url=server).new_page()
    open_photos(other)
    expect(other.get_by_role("heading", name="1 face")).to_have_count(0)
    other.context.close()


def test_photos_outlive_a_reload_and_are_a_sheet(page: Page, media: Path) -> None:
    open_photos(page)
    upload(page, SAMPLES[0])
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    until_true(page, "location.search.includes('photos=')")
    page.reload()
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    upload(page, media / "two_people.jpg", media / "no-faces.jpg")
    expect(page.get_by_role("heading", name="3 faces in 3 photos")).to_be_visible()
    sheet = page.get_by_role("button", name=re.compile(r"\.jpg"))
    expect(sheet).to_have_count(3)
    page.get_by_role("button", name="No face", exact=True).click()
    expect(sheet).to_have_count(1)
    sheet.click()
    expect(page.get_by_role("heading", name="No face found")).to_be_visible()
    page.get_by_role("radio", name="Compare two").click()
    expect(bars(page)).to_have_count(3)
    assert not overhang(page)
    assert not faults(page)


def test_a_wrong_file_is_a_sentence_that_goes_when_a_right_one_comes(
    page: Page, tmp_path: Path
) -> None:
    fake = tmp_path / "fake.jpg"
    fake.write_text("This is no picture.")
    small = tmp_path / "small.jpg"
    cv2.imwrite(str(small), cv2.resize(cv2.imread(str(SAMPLES[0])), (128, 128)))
    open_photos(page, "?threshold=100")
    upload(page, fake)
    expect(page.get_by_text("fake.jpg: The file is not a picture")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert not faults(page)
    upload(page, small)
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    expect(page.get_by_text("The file is not a picture")).to_have_count(0)
    # What is to know of a face stands beside its verdict, however long that is.
    until_idle(page)
    card = page.locator(".st-key-face-0")
    verdict = card.locator("p", has_text="Uncertain").bounding_box()
    warning = card.locator("p", has_text="pixels wide").bounding_box()
    assert verdict["y"] - 5 < warning["y"] < verdict["y"] + verdict["height"] - 5
    assert verdict["x"] + verdict["width"] <= warning["x"]
    page.get_by_role("radio", name="All photos").click()
    expect(page.get_by_text("Not readable: 1")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [("notes.txt", 10, "not allowed"), ("huge.jpg", 51 * 2**20, "50.0MB or smaller")],
)
def test_refused_by_the_uploader(
    page: Page, tmp_path: Path, name: str, size: int, sentence: str
) -> None:
    file = tmp_path / name
    file.write_bytes(bytes(size))
    open_photos(page)
    upload(page, file)
    said = page.get_by_text(sentence)
    expect(said).to_be_visible()
    # In sight, not for screen readers alone.
    assert said.bounding_box()["width"] > 100
    if name == "notes.txt":  # A huge one looks the same.
        assert not faults(page)
    upload(page, SAMPLES[0])
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    expect(said).to_have_count(0)


def test_cancel_and_continue(page: Page, tmp_path: Path) -> None:
    photo = cv2.imread(str(SAMPLES[0]))
    files = []
    for number in range(20):
        # Different files of one large photo, so that each takes a moment.
        large = cv2.resize(photo, (1600 + number, 1600))
        files.append(tmp_path / f"{number:02d}.jpg")
        files[-1].write_bytes(np.asarray(cv2.imencode(".jpg", large)[1]).tobytes())
    open_photos(page)
    upload(page, *files)
    expect(page.get_by_text("photos to go")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(r"in 20 photos"))).to_be_visible()
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.get_by_text("Cancelled:")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("All faces as a table (20)")).to_be_visible(timeout=240_000)
    expect(page.get_by_role("button", name="Cancel the rest")).to_have_count(0)


def test_camera(page: Page) -> None:
    open_photos(page)
    page.get_by_text("Use the camera").click()
    # A photo that is taken before the camera delivers is lost in the browser.
    until_true(page, "document.querySelector('video')?.videoWidth > 0")
    view = page.locator("video").bounding_box()
    column = page.get_by_test_id("stMainBlockContainer").locator("h1").bounding_box()
    assert view["width"] > 0.95 * column["width"]
    page.get_by_role("button", name="Take Photo").click()
    # Chromium's fake camera shows a test picture without a face.
    expect(page.get_by_role("heading", name="No face found")).to_be_visible()
    (record,) = json.loads(download(page, "All faces (JSON)").read_text())
    assert record["size"] == [1280, 720]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_reaches_over_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_photos(page)
    page.get_by_role("button", name="Eileen Collins").click()
    expect(bars(page)).to_have_count(1)
    for _ in in_both_themes(page):
        assert not overhang(page)


def test_no_temporary_file_is_left(page: Page, temporary_folder: Path) -> None:
    open_photos(page)
    upload(page, *SAMPLES)
    expect(page.get_by_role("heading", name="2 faces in 2 photos")).to_be_visible()
    assert [path for path in temporary_folder.rglob("*") if path.is_file()] == []
