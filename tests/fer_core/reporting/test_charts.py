from __future__ import annotations

import re

import numpy as np
import pytest

from fer_core.labels import FER7, UNCERTAIN, color_of
from fer_core.reporting.charts import areas, axis, bars, shares, strip, swatch
from fer_core.tables import Band
from tests.fer_core.reporting.checked import Page


def band(*columns: tuple[float, float, str]) -> Band:
    """Columns as (begin, end, the emotion that all of it is)."""
    begins, ends, verdicts = zip(*columns, strict=True)
    of = [FER7.labels.index(v) if v in FER7.labels else 0 for v in verdicts]
    return Band(np.array(begins, float), np.array(ends, float), np.eye(7)[of], np.array(verdicts))


def places(svg: str) -> list[tuple[str, str, str]]:
    return [(r.get("x", "0%"), r["width"], r["fill"]) for r in Page(svg).all("rect")]


def test_uncertain_is_hatched_everywhere() -> None:
    drawn = (
        swatch(UNCERTAIN),
        shares({UNCERTAIN: 1.0}, "Faces"),
        strip(band((0, 1, UNCERTAIN)), (0, 1), "Verdicts"),
    )
    for svg in drawn:
        assert all(fill == "url(#hatch)" for _, _, fill in places(svg))
    assert places(swatch("happy"))[0][2] == color_of("happy")


def test_bars_are_a_table() -> None:
    page = Page(bars({"happy": 0.923, "sad": 0.077}, 0.45, "Face 1"))
    assert page.text == "Face 1 Happy 92% Sad 8%"
    assert [rect["width"] for rect in page.all("rect")] == ["92.3%", "7.7%"]
    assert {line["x1"] for line in page.all("line")} == {"45%"}
    assert [th["scope"] for th in page.all("th")] == ["row", "row"]


def test_shares_fill_the_bar_and_are_told() -> None:
    svg = shares({"sad": 0.25, "happy": 0.75, "fear": 0.0}, "Faces")
    assert [(x, width) for x, width, fill in places(svg) if fill != "x"][:2] == [
        ("0%", "75%"), ("75%", "25%"),
    ]  # fmt: skip
    page = Page(svg)
    assert page.all("svg", "shares")[0]["aria-label"] == "Faces: happy 75%; sad 25%"
    assert page.text == "Happy 75% Sad 25%"


def test_a_line_joins_what_is_alike_and_leaves_gaps() -> None:
    drawn = band((0, 1, "sad"), (1, 2, "sad"), (4, 5, "sad"), (5, 5.00001, "happy"))
    assert places(strip(drawn, (0, 10), "Verdicts")) == [
        ("0%", "20%", color_of("sad")),
        ("40%", "10%", color_of("sad")),
        ("50%", "0.2%", color_of("happy")),  # still to be seen
    ]


def test_areas_are_stacked_and_leave_gaps() -> None:
    svg = areas(FER7.labels, band((0, 1, "sad"), (1, 2, "happy"), (4, 5, "sad")), (0, 10), "E")
    paths = {path["fill"]: path["d"] for path in Page(svg).all("path")}
    assert list(paths) == [color_of(label) for label in reversed(FER7.labels)]
    for way in paths.values():
        assert way.count("M") == way.count("Z") == 2  # one for each stretch without a gap
        numbers = [float(number) for number in re.findall(r"[\d.]+", way)]
        assert min(numbers) >= 0 and max(numbers[0::2]) <= 500 and max(numbers[1::2]) <= 100
    assert paths[color_of("happy")].startswith("M0.0 100L0.0 100.0L50.0 100.0L150.0 0.0")


def test_nobody_draws_nothing() -> None:
    nobody = Band(np.empty(0), np.empty(0), np.empty((0, 7)), np.empty(0, "U9"))
    assert not Page(strip(nobody, (0, 1), "V")).all("rect")
    assert {path["d"] for path in Page(areas(FER7.labels, nobody, (0, 1), "E")).all("path")} == {""}


@pytest.mark.parametrize(
    ("span_s", "first", "last", "count"),
    [
        ((0.0, 9.0), "0:00", "0:08", 5),
        ((0.0, 0.1), "0:00.0", "0:00.1", 2),
        ((2.3, 4.0), "0:02.5", "0:04.0", 4),
        ((0.0, 7200.0), "0:00", "2:00:00", 5),
        ((0.0, 90000.0), "0:00", "25:00:00", 7),
    ],
)
def test_an_axis_has_few_marks_at_round_times(
    span_s: tuple[float, float], first: str, last: str, count: int
) -> None:
    marks = re.findall(r'style="left:([\d.]+)%">([^<]*)<', axis(span_s))
    assert [marks[0][1], marks[-1][1], len(marks)] == [first, last, count]
    assert all(0 <= float(place) <= 100 for place, _ in marks)
