"""What docs/BATCH.md estimates, against the measured figures of docs/BENCHMARKS.md."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

CORES = 2


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def measured(pattern: str) -> float:
    """The one figure of the benchmarks that a pattern finds."""
    (found,) = re.findall(pattern, text_of("BENCHMARKS.md"))
    return float(found)


# The measured figure, how often the estimate counts it, in seconds of both cores, and its unit.
@pytest.mark.parametrize(
    ("pattern", "seconds", "times", "unit"),
    [
        (r"two processes, ([\d.]+) photos a second", lambda rate: 1 / rate, 1e8, "ms"),
        (r"1 minute, 1 frame per second \| 62 \| ([\d.]+) \|", float, 60e6, "s a minute"),
        (r"\| two processes, (\d+) s, against one", lambda film: film / 60, 60e6, "s a minute"),
        (r"1 minute, every frame \| 1,856 \| ([\d.]+) \|", float, 60e6, "s a minute"),
    ],
    ids=["photos", "a frame a second", "ten frames a second", "every frame"],
)
def test_what_large_archives_cost_follows_from_what_was_measured(
    pattern: str, seconds: type[float], times: float, unit: str
) -> None:
    figure = measured(pattern)
    each_s = CORES * seconds(figure)
    each = f"{1000 * each_s:.0f} ms" if unit == "ms" else f"{each_s:.1f} {unit}"
    hours = float(f"{each_s * times / 3600:.2g}")
    rows = [line for line in text_of("BATCH.md").splitlines() if f" {figure:g} " in line]
    assert [row.split("|")[-3:-1] for row in rows] == [[f" {each} ", f" {hours:,.0f} "]]
