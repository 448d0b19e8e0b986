from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.accessibility import SHIFTS, faults, in_both_themes
from tests.browser.test_photo import SAMPLES


def test_an_example_is_one_click_away(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Grace Hopper").click()
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    expect(page.get_by_text("Of ten people,")).to_be_visible()


def test_a_clip_is_handed_to_the_page_for_videos(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="A clip").click()
    expect(page.get_by_role("heading", name="Emotions in videos")).to_be_visible()
    # It is being read already.
    expect(page.get_by_text("two-portraits.mp4").first).to_be_visible()
    expect(page.get_by_role("button", name="Start the analysis")).to_have_count(0)


def test_a_photo_can_be_dropped(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("Drop photos or a video here")).to_be_visible()
    page.set_input_files("input[type=file]", SAMPLES[0])
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()


def test_pages_are_accessible_and_keep_still(page: Page, media: Path) -> None:
    page.add_init_script(SHIFTS)

    def be_accessible(place: str) -> None:
        for theme in in_both_themes(page):
            assert not faults(page), (place, theme)

    for place, last in (
        ("/Metrics", "Residual Masking Network"),
        ("/Data_set", "The pictures themselves"),
        ("/Video", "Upload a video"),
        ("/Live", "and the charts follow the camera"),
        ("/", "What it must not be used for"),
        ("/Photo", "Photos stay on"),
    ):
        page.goto(place)
        expect(page.get_by_text(last)).to_be_visible()
        if place in ("/", "/Photo"):
            expect(page.get_by_role("button", name="Grace Hopper")).to_be_visible()
        assert page.evaluate("window.shift") < 0.1, place
        be_accessible(place)
    page.set_input_files("input[type=file]", media / "two_people.jpg")
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    be_accessible("one photo")
    page.set_input_files("input[type=file]", SAMPLES)
    expect(page.get_by_role("heading", name="4 faces in 3 photos")).to_be_visible()
    be_accessible("all photos")
