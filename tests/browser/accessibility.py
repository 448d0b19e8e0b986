"""What a page must not do to those who see, hear or move in another way."""

from __future__ import annotations

from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# What pages stand on, as .streamlit/config.toml has it.
GROUNDS = {"dark": "rgb(18, 22, 28)", "light": "rgb(255, 255, 255)"}

# The sum of shifts within five seconds, as browsers report it (web.dev/articles/cls); shifts that
# follow a click or a key do not count.
SHIFTS = """
window.shift = 0;
let sum = 0, first = 0, last = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    if (entry.startTime - last > 1000 || entry.startTime - first > 5000) {
      sum = 0;
      first = entry.startTime;
    }
    last = entry.startTime;
    sum += entry.value;
    window.shift = Math.max(window.shift, sum);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


# While a run takes long, Streamlit fades what it has not come to yet.
_UNFADED = '[data-stale="true"] { opacity: 1 !important; transition: none !important; }'


def faults(page: Page) -> list[str]:
    """Return what axe-core finds to be serious or worse, and headings that leave out a level."""
    page.add_style_tag(content=_UNFADED)
    # Streamlit fades its own "running" in and out, and a colour on its way has no contrast.
    looked_at = {"exclude": [[".stStatusWidget"]]}
    found = Axe().run(page, context=looked_at).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical") or one["id"] == "heading-order"
    ]


def in_both_themes(page: Page) -> Iterator[str]:
    """Show a page in the dark and then in the light, and yield each time it is drawn so."""
    ground = page.get_by_test_id("stApp")
    for theme, color in GROUNDS.items():
        page.emulate_media(color_scheme=theme)
        expect(ground).to_have_css("background-color", color)
        # Colours that are halfway from one theme to the other have no contrast.
        page.evaluate(
            "document.getAnimations().forEach((one) => one.transitionProperty && one.finish())"
        )
        yield theme


def overhang(page: Page) -> int:
    """Return by how many pixels a page reaches over the window; its main part is what scrolls."""
    return page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
