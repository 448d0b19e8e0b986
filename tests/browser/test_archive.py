from __future__ import annotations

import csv
import re

from playwright.sync_api import Page, expect

from tests.browser.accessibility import SHIFTS, faults, in_both_themes
from tests.browser.running import until_idle


def open_archive(page: Page, query: str = "") -> None:
    page.goto(f"/Archive{query}")
    expect(page.get_by_role("heading", name="Take it away")).to_be_visible()


def tiles(page: Page):
    return page.locator(".pictures button")


def test_the_archive_is_accessible_keeps_still_and_fits_a_phone(page: Page) -> None:
    page.add_init_script(SHIFTS)
    open_archive(page)
    expect(tiles(page)).to_have_count(24)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert page.evaluate("window.shift") < 0.1
    for _ in in_both_themes(page):
        page.set_viewport_size({"width": 1280, "height": 900})
        assert not faults(page)
        page.set_viewport_size({"width": 400, "height": 844})
        expect(page.get_by_test_id("stMain")).to_have_js_property("scrollWidth", 400)


def test_filters_are_in_the_address_and_a_face_is_opened_and_left(page: Page) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    open_archive(page)
    page.get_by_role("button", name="Sad", exact=True).click()
    expect(tiles(page)).to_have_count(4)
    page.get_by_label("Folder has in its name").fill("2019")
    page.get_by_label("Folder has in its name").press("Enter")
    expect(tiles(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("emotion=sad&folder=2019$"))
    # A reload, or a colleague who has the address, sees the same.
    page.reload()
    expect(tiles(page)).to_have_count(2)
    expect(tiles(page).first.locator("img")).to_have_js_property("naturalWidth", 120)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="These faces (CSV)").click()
    rows = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    assert [row["verdict"] for row in rows] == ["sad", "sad"]
    tiles(page).first.press("Enter")
    expect(page.get_by_role("img", name="The face, sad")).to_be_visible()
    assert not faults(page)
    page.get_by_role("button", name="Back to all faces").click()
    expect(tiles(page)).to_have_count(2)
    # Until all is drawn, what is above the button may move it from under a click.
    until_idle(page)
    page.get_by_role("button", name="Reset").click()
    expect(tiles(page)).to_have_count(24)
    page.get_by_role("radio", name="Videos").click()
    expect(page.get_by_text("Person 2", exact=True)).to_be_visible()
    expect(page.get_by_text("Without a picture: 1 file is not there any more.")).to_be_visible()
    assert not wrong
