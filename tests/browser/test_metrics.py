from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from tests.browser.accessibility import faults, in_both_themes, overhang
from tests.cells import PREDICTED, TRUE, archive_of, cell_of, labelled_faces
from ui.metrics.sections import GROUPS

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """The metrics page, opened by a new visitor."""
    context = chromium.new_context(base_url=server)
    context.set_default_timeout(30_000)
    page = context.new_page()
    open_metrics(page)
    yield page
    context.close()


def open_metrics(page: Page) -> None:
    page.goto("/Metrics")
    expect(page.get_by_text("How it was measured.")).to_be_visible()


def turn(page: Page, title: str) -> None:
    """Turn to a part by its title."""
    for group, one in GROUPS.items():
        if title in (part.title for part in one.parts.values()):
            page.locator(".st-key-metrics-group").get_by_role("radio", name=group).click()
    part = page.locator("[class*=st-key-metrics-part]").get_by_role("radio", name=title)
    part.click()
    expect(part).to_be_checked()
    # What is left of the part before is gone.
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def hold_against_labels(page: Page) -> None:
    page.locator(".st-key-reading").get_by_role("combobox").click()
    page.get_by_role("option", name="FER-2013's labels").click()
    expect(page.get_by_role("heading", name="PrivateTest, by FER-2013's labels")).to_be_visible()
    # What is left of the part before is gone.
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def click_cell(page: Page, true: str, predicted: str) -> None:
    """Click near a corner of a cell, away from the number in its middle."""
    plot = page.locator(".st-key-confusion-matrix .nsewdrag")
    # While the page is drawn anew, the plot that is about to go is there, too.
    expect(plot).to_have_count(1)
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    x = box["width"] * (EMOTIONS.index(predicted) + 0.2) / len(EMOTIONS)
    y = box["height"] * (EMOTIONS.index(true) + 0.8) / len(EMOTIONS)
    plot.click(position={"x": x, "y": y})


def open_cell(page: Page, true: str, predicted: str) -> None:
    """Click until the cell is open: a chart that was only just drawn may not listen yet."""
    title = page.get_by_text(f"of {true} taken for {predicted}")
    for _ in range(5):
        click_cell(page, true, predicted)
        try:
            title.wait_for(timeout=6_000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"the cell {true}, {predicted} never opened")


def measure_own(page: Page, archive: bytes) -> None:
    """Upload labelled face crops, and wait for what comes out by group."""
    own = {"name": "own.zip", "mimeType": "application/zip", "buffer": archive}
    page.locator("input[type=file]").set_input_files(own)
    page.get_by_text("Face crops: read them as they are").click()
    page.get_by_role("button", name="Measure the network").click()
    expect(page.get_by_text("By light, it is right most often")).to_be_visible()
    # What was chosen stays, for the next archive.
    expect(page.get_by_role("radio", name="Face crops")).to_be_checked()
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def tiles(page: Page) -> Locator:
    return page.locator("button.tile")


def test_a_click_on_a_cell_opens_its_pictures(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    turn(page, "What for what")
    hold_against_labels(page)
    open_cell(page, TRUE, PREDICTED)
    cell = cell_of()
    expect(page.get_by_text(f"{len(cell)} of {TRUE} taken for")).to_be_visible()
    expect(tiles(page)).to_have_count(60)
    # The most confident first, with its probability, in a picture that is really drawn.
    confident = f"{PREDICTED} {cell.probabilities[0].max():.0%}"
    expect(tiles(page).first).to_contain_text(confident)
    face = page.locator("button.tile .face").first
    drawn = face.evaluate("face => getComputedStyle(face).backgroundImage.slice(0, 26)")
    assert drawn == 'url("data:image/png;base64'
    # A second click on the same cell closes nothing, and another cell has other pictures.
    click_cell(page, TRUE, PREDICTED)
    open_cell(page, "disgust", "angry")
    open_cell(page, TRUE, PREDICTED)
    expect(page.get_by_text(f"{len(cell)} of {TRUE} taken for")).to_be_visible()
    for theme in in_both_themes(page):
        assert not faults(page), theme
    assert not errors


def test_a_picture_leads_to_its_own_page_and_to_why(page: Page) -> None:
    turn(page, "What for what")
    hold_against_labels(page)
    open_cell(page, TRUE, PREDICTED)
    name = str(cell_of().names[2])
    tiles(page).nth(2).click()
    expect(page.get_by_text(f"{name}, labelled {TRUE}")).to_be_visible()
    page.get_by_role("button", name="All about this picture").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name="Metrics").click()
    turn(page, "Why it says so")
    expect(page.get_by_text(f"The one clicked last, {name}")).to_be_visible()
    expect(page.get_by_text("Largest fall")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", 390), ("dark", 1280)])
def test_every_part_is_accessible_and_fits_the_window(
    chromium: Browser, server: str, theme: str, width: int
) -> None:
    context = chromium.new_context(
        base_url=server, color_scheme=theme, viewport={"width": width, "height": 800}
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    open_metrics(page)
    for title in [part.title for group in GROUPS.values() for part in group.parts.values()]:
        turn(page, title)
        expect(page.locator("[data-testid=stMain] h2").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        if title == "Emotion by emotion":
            names = page.locator(".st-key-classes-scores .ytick text")
            # Plotly draws an axis from below.
            expect(names).to_have_text([name.capitalize() for name in reversed(EMOTIONS)])
        if title == "Your own pictures":
            measure_own(page, archive_of(labelled_faces()))
        assert not overhang(page), title
        assert not faults(page), title
    # A reload, or a colleague, sees the same.
    expect(page).to_have_url(re.compile(r"\?part=training$"))
    page.reload()
    expect(page.get_by_role("heading", name="How the networks were trained")).to_be_visible()
    context.close()
