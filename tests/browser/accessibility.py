"""What a page must not do to those who see, hear or move in another way."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

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


def faults(page: Page) -> list[str]:
    """Return what axe-core finds to be serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def overhang(page: Page) -> int:
    """Return by how many pixels a page reaches over the window; its main part is what scrolls."""
    return page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth")
