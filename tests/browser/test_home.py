from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import SHIFTS, faults, in_both_themes
from tests.browser.test_photo import SAMPLES
from tests.browser.test_video import cut


def test_an_example_is_one_click_away(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Grace Hopper").click()
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    expect(page.get_by_text("Of ten people,")).to_be_visible()
    # What a widget says between a click on a link and the other page undoes nothing.
    page.get_by_text("As FER-2013 is labelled").evaluate(
        """label => {
          const links = document.querySelectorAll("[data-testid=stSidebar] a");
          [...links].find((link) => link.innerText.includes("Metrics")).click();
          label.click();
        }"""
    )
    expect(page.get_by_role("heading", name="How good it is, and where it fails")).to_be_visible()


def test_a_clip_is_handed_to_the_page_for_videos(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="A clip").click()
    expect(page.get_by_role("heading", name="Emotions in videos")).to_be_visible()
    # It is being read already.
    expect(page.get_by_text("two-portraits.mp4").first).to_be_visible()
    expect(page.get_by_role("button", name="Start the analysis")).to_have_count(0)


def drop(page: Page, *files: Path) -> None:
    """Drop files where the page asks for them, as a hand does that brings them from a folder."""
    given = [(file.name, b64encode(file.read_bytes()).decode()) for file in files]
    transfer = page.evaluate_handle(
        """given => {
          const transfer = new DataTransfer();
          for (const [name, content] of given) {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          return transfer;
        }""",
        given,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.get_by_test_id("stFileUploaderDropzone").dispatch_event(
            event, {"dataTransfer": transfer}
        )


def test_photos_and_videos_are_dropped(page: Page, media: Path, tmp_path: Path) -> None:
    video = cut(media / "looking_down_4s.mp4", tmp_path / "dropped.mp4", 1)
    page.goto("/")
    expect(page.get_by_text("Drop photos or a video here")).to_be_visible()
    drop(page, SAMPLES[0], video)
    expect(page.get_by_text("A video is read by itself")).to_be_visible()
    assert not faults(page)
    drop(page, SAMPLES[0])
    expect(page.get_by_role("heading", name="1 face")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Drop photos or a video here")).to_be_visible()
    drop(page, video)
    expect(page.get_by_role("heading", name="Emotions in videos")).to_be_visible()
    expect(page.get_by_text("dropped.mp4").first).to_be_visible()


def test_pages_are_accessible_and_keep_still(chromium: Browser, server: str, media: Path) -> None:
    def be_accessible(page: Page, place: str) -> None:
        for theme in in_both_themes(page):
            assert not faults(page), (place, theme)

    for place, width, last in (
        ("/Metrics", 1280, "Residual Masking Network"),
        ("/Data_set", 400, "The pictures themselves"),
        ("/Video", 400, "Upload a video"),
        ("/Live", 1280, "and the charts follow the camera"),
        ("/", 400, "What it must not be used for"),
        ("/Photo", 1280, "Photos stay on"),
    ):
        # Every page is the first one of a visitor, whose browser has nothing of it yet.
        context = chromium.new_context(base_url=server, viewport={"width": width, "height": 900})
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(place)
        expect(page.get_by_text(last)).to_be_visible()
        if place in ("/", "/Photo"):
            expect(page.get_by_role("button", name="Grace Hopper")).to_be_visible()
        if place in ("/", "/Video"):
            expect(page.get_by_role("button", name="A clip")).to_be_visible()
        assert page.evaluate("window.shift") < 0.1, place
        if place != "/Metrics":  # Its own test looks at all of its parts.
            be_accessible(page, place)
        if place == "/Photo":
            page.set_input_files("input[type=file]", media / "two_people.jpg")
            expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
            be_accessible(page, "one photo")
            page.set_input_files("input[type=file]", SAMPLES)
            expect(page.get_by_role("heading", name="4 faces in 3 photos")).to_be_visible()
            be_accessible(page, "all photos")
        context.close()
