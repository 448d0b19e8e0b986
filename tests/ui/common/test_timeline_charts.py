from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.elements.plotly_chart import PlotlyState

from fer_core.labels import FER7, color_of
from tests.colors import GROUNDS, contrast
from ui.common.timeline_charts import (
    Readings,
    clicked_s,
    emotion_timeline,
    share_of_time,
    thin_out,
)

LABELS = FER7.labels
K = len(LABELS)


def readings(times: list[float], *, after_gap: tuple[int, ...] = ()) -> Readings:
    generator = np.random.default_rng(7)
    count = len(times)
    probabilities = generator.dirichlet(np.ones(K), count).astype(np.float32)
    verdicts = np.array([LABELS[row.argmax()] for row in probabilities], str)
    continues = np.array([n > 0 and n not in after_gap for n in range(count)], bool)
    return Readings(np.array(times, float), probabilities.reshape(-1, K), verdicts, continues)


def areas(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name in map(str.capitalize, LABELS)]


def seconds(places: np.ndarray) -> np.ndarray:
    """Return places on the axis as seconds; it begins where no number can pass for a year."""
    return np.round(np.asarray(places, float) / 1000 - 86_400, 6)


def strip(figure: go.Figure) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == "Verdict")


def test_areas_have_the_emotions_colours_and_fill_up() -> None:
    figure = emotion_timeline(LABELS, readings([0.0, 0.1, 0.2]), span_s=(0, 0.3))
    assert [trace.fillcolor for trace in areas(figure)] == [color_of(label) for label in LABELS]
    heights = np.sum([trace.y[:3] for trace in areas(figure)], axis=0)
    assert heights == pytest.approx(np.ones(3), abs=1e-5)


def test_a_gap_stays_empty() -> None:
    figure = emotion_timeline(
        LABELS, readings([0.0, 0.1, 0.2, 1.0, 1.1], after_gap=(3,)), span_s=(0, 1.2)
    )
    trace = areas(figure)[0]
    times = seconds(trace.x)
    heights = np.sum([np.asarray(area.y) for area in areas(figure)], axis=0)
    assert (np.diff(times) > 0).all()
    # The last reading holds for one frame, and the next begins where it was read.
    for time, height in ((0.2, 1), (0.299, 1), (0.35, 0), (0.9, 0), (1.0, 1), (1.15, 1)):
        assert np.interp(time, times, heights) == pytest.approx(height, abs=0.01), time


def test_lines_break_at_a_gap() -> None:
    figure = emotion_timeline(
        LABELS, readings([0.0, 0.1, 1.0], after_gap=(2,)), span_s=(0, 1), stacked=False
    )
    trace = areas(figure)[0]
    inside = (seconds(trace.x) > 0.2001) & (seconds(trace.x) < 1)
    assert inside.any() and np.isnan(np.asarray(trace.y, float)[inside]).all()
    assert trace.stackgroup is None


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("times", [[], [3.0]], ids=["nobody", "one frame"])
def test_nobody_and_one_frame(times: list[float], stacked: bool) -> None:
    figure = emotion_timeline(LABELS, readings(times), span_s=(0, 5), stacked=stacked)
    assert len(strip(figure).x) == len(times)
    assert seconds(figure.layout.xaxis.range).tolist() == [0, 5]


def test_a_click_leads_to_the_time() -> None:
    given = readings([1.0, 1.5, 2.0])
    trace = strip(emotion_timeline(LABELS, given, span_s=(1, 2)))
    assert np.asarray(trace.customdata)[:, 0].tolist() == [1.0, 1.5, 2.0]
    assert np.asarray(trace.customdata)[:, 1:] == pytest.approx(given.probabilities)
    assert list(trace.marker.color) == [color_of(verdict) for verdict in given.verdicts]
    assert "smoothed" not in trace.hovertemplate


def test_uncertain_is_told_by_more_than_a_colour() -> None:
    verdicts = np.array(["happy", "uncertain", "sad"])
    given = replace(readings([1.0, 1.5, 2.0]), verdicts=verdicts)
    trace = strip(emotion_timeline(LABELS, given, span_s=(1, 2)))
    assert list(trace.marker.symbol) == ["square", "square-open", "square"]


def test_verdicts_beside_raw_readings_are_called_smoothed() -> None:
    trace = strip(emotion_timeline(LABELS, readings([1.0]), span_s=(1, 2), raw=True))
    assert "<b>%{text}</b> (smoothed)<br>" in trace.hovertemplate


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([{"customdata": {"0": 1.5, "1": 0.2}}], 1.5),
        ([{"customdata": [1.5, 0.2]}], 1.5),
    ],
)
def test_what_a_click_selects(points: list[dict], expected: float | None) -> None:
    assert clicked_s(PlotlyState({"selection": {"points": points}})) == expected


def test_nothing_else_takes_the_click() -> None:
    figure = emotion_timeline(LABELS, readings([0, 1]), span_s=(0, 1), cuts_s=[0.5])
    others = [trace for trace in figure.data if trace.name != "Verdict"]
    assert len(others) == K + 2 and {trace.hoverinfo for trace in others} == {"skip"}


def test_cuts_within_the_part_are_one_trace() -> None:
    figure = emotion_timeline(LABELS, readings([0, 1]), span_s=(0, 2), cuts_s=[-1, 0.5, 1.5, 9])
    below, above = (trace for trace in figure.data if trace.name == "Cut")
    assert seconds(above.x).tolist() == [0.5, 0.5, 0.5, 1.5, 1.5, 1.5]
    assert (below.x == above.x).all() and [below.showlegend, above.showlegend] == [False, True]


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("stacked", [True, False])
def test_the_whole_legend_is_seen(theme: str, stacked: bool) -> None:
    figure = emotion_timeline(
        LABELS, readings([0, 1]), span_s=(0, 2), stacked=stacked, cuts_s=[0.5]
    )
    shown = {
        trace.name: contrast(trace.line.color, GROUNDS[theme])
        for trace in figure.data
        if trace.showlegend is not False
    }
    assert set(shown) == {*map(str.capitalize, LABELS), "Cut"}
    assert min(shown.values()) >= 3, shown


def test_few_readings_are_not_thinned_out() -> None:
    given = readings([0.0, 0.1, 0.2])
    assert thin_out(given, 3) == (given, None)


def test_thinning_out_keeps_readings_span_and_gaps() -> None:
    count = 18_000
    times = [n / 30 + (100 if n >= 9_000 else 0) for n in range(count)]
    given = readings(times, after_gap=(9_000,))
    thinned, stretch_s = thin_out(given, 500)
    assert 100 < len(thinned.time_s) <= 500
    assert stretch_s == pytest.approx((times[-1] - times[0]) / 500)
    assert (np.diff(thinned.time_s) > 0).all()
    assert thinned.probabilities.sum(axis=1) == pytest.approx(np.ones(len(thinned.time_s)))
    assert set(thinned.time_s) <= set(given.time_s)
    (gap,) = np.flatnonzero(~thinned.continues[1:]) + 1
    assert thinned.time_s[gap] - thinned.time_s[gap - 1] > 99
    assert thinned.time_s[[0, -1]] == pytest.approx(given.time_s[[0, -1]], abs=stretch_s)
    kept = np.isin(given.time_s, thinned.time_s)
    assert (thinned.probabilities == given.probabilities[kept]).all()
    assert (thinned.verdicts == given.verdicts[kept]).all()


def test_thinning_out_a_standstill() -> None:
    given = readings([1.0] * 10)
    thinned, _ = thin_out(replace(given, continues=np.ones(10, bool)), 5)
    assert thinned.time_s.tolist() == [1.0]


def test_shares_are_parts_of_one_bar() -> None:
    figure = share_of_time({"happy": 0.62, "sad": 0.0, "uncertain": 0.33, "neutral": 0.05})
    assert [(trace.name, trace.x[0], trace.text) for trace in figure.data] == [
        ("Happy", 0.62, "62%"),
        ("Uncertain", 0.33, "33%"),
        ("Neutral", 0.05, ""),
    ]
    assert [trace.marker.pattern.shape for trace in figure.data] == ["", "/", ""]
