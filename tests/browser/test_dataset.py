from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import faults, in_both_themes


@pytest.fixture
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """The data set's page, opened by a new visitor."""
    context = chromium.new_context(base_url=server)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto("/Data_set")
    expect(page.get_by_role("heading", name="The data set, looked into")).to_be_visible()
    yield page
    context.close()


def turn(page: Page, section: str) -> None:
    page.locator(".st-key-dataset-section").get_by_role("radio", name=section).click()


def tiles(page: Page):
    return page.locator("button.tile")


def test_an_augmentation_slider_changes_the_grid(page: Page) -> None:
    turn(page, "Augmentation")
    picture = page.locator(".st-key-augmented img")
    expect(picture).to_be_visible()
    before = picture.get_attribute("src")
    slider = page.locator(".st-key-augment-rotation_deg").get_by_role("slider")
    value = slider.get_attribute("aria-valuenow")
    slider.press("End")
    expect(slider).not_to_have_attribute("aria-valuenow", str(value))
    expect(picture).not_to_have_attribute("src", str(before))
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0


def test_a_picture_is_opened_from_the_grid_and_left_again(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    turn(page, "Browse")
    expect(tiles(page)).to_have_count(60)
    page.locator(".st-key-filter-emotions").get_by_role("button", name="Disgust").click()
    expect(tiles(page)).to_have_count(40)
    name, _, emotion = str(tiles(page).nth(3).get_attribute("title")).partition(" · ")
    assert emotion == "disgust"
    faces = page.locator("button.tile .face")
    drawn = faces.nth(3).evaluate("face => getComputedStyle(face).backgroundImage.slice(0, 26)")
    assert drawn == 'url("data:image/png;base64'
    tiles(page).nth(3).press("Enter")
    expect(page.get_by_role("heading", name=f"{name}, labelled disgust")).to_be_visible()
    expect(page.get_by_text("4 of 40 in the list")).to_be_visible()
    page.get_by_role("button", name="Next picture").click()
    expect(page.get_by_text("5 of 40 in the list")).to_be_visible()
    for theme in in_both_themes(page):
        assert not faults(page), theme
    page.get_by_role("button", name="Back to the list").click()
    expect(tiles(page)).to_have_count(40)
    assert not errors


def test_a_phone_shows_all_and_everybody_can_read_it(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    # This browser has no WebGL, and Plotly says so in its own colours.
    page.evaluate(
        """const sheet = new CSSStyleSheet();
        sheet.replaceSync(".no-webgl { display: none }");
        document.adoptedStyleSheets.push(sheet);"""
    )
    for section, sign in (
        ("Audit", "button.tile"),
        ("Map", "[data-testid=stPlotlyChart]"),
        ("Browse", "button.tile"),
        ("Augmentation", ".st-key-augmented img"),
        ("Mean faces", "[data-testid=stImage] img"),
        ("Pipeline", "text=4 · Classify"),
    ):
        turn(page, section)
        expect(page.locator(sign).first).to_be_visible()
        wide = page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth")
        assert wide <= 390, section
        for theme in in_both_themes(page):
            assert not faults(page), (section, theme)
