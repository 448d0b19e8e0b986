from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fer_core.labels import FER7, color_of
from fer_core.live.state import LiveReading
from fer_core.types import DetectedFace, FaceBox, FaceReading, Probabilities, TrackedFace
from ui.live.charts import (
    MOST_PERSONS,
    charts_data,
    empty_charts,
    person_history,
    recent_persons,
)

HAPPY = np.array([0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05], np.float32)


def reading(time_s: float, *persons: int) -> LiveReading:
    return LiveReading(time_s, FER7.labels, persons, np.tile(HAPPY, (len(persons), 1)))


def face(person: int) -> TrackedFace:
    probabilities = Probabilities(FER7.labels, HAPPY)
    found = DetectedFace(FaceBox(0, 0, 9, 9), 0.9)
    reading = FaceReading(found, probabilities, np.zeros((48, 48), np.uint8))
    return TrackedFace(person, reading, probabilities, "happy")


def data_of(
    faces: list[TrackedFace], readings: list[LiveReading], now_s: float = 60.0
) -> dict[str, Any]:
    return charts_data([("Video", "30 / s", "Frames.")], faces, 0.4, readings, now_s, 60.0)


def test_bars_of_every_person_in_order() -> None:
    data = data_of([face(5), face(1)], [])
    assert [drawn["heading"] for drawn in data["faces"]] == ["1 · happy 70%", "5 · happy 70%"]
    assert [drawn["values"] for drawn in data["faces"]] == [pytest.approx(list(HAPPY))] * 2
    assert data["labels"][3] == "Happy" and data["colors"][3] == color_of("happy")
    assert data["threshold"] == 0.4 and data["figures"] == [["Video", "30 / s", "Frames."]]


def test_a_crowd_gets_bars_for_the_first_few() -> None:
    data = data_of([face(n) for n in range(1, 9)], [reading(1.0, *range(1, 9))])
    assert len(data["faces"]) == len(data["rows"]) == MOST_PERSONS


def test_nothing_yet_and_nobody_there() -> None:
    assert data_of([], [])["rows"] == data_of([], [])["faces"] == []
    alone = data_of([], [reading(1.0, 1), reading(2.0)])
    assert alone["faces"] == [] and [row["person"] for row in alone["rows"]] == [1]


def test_empty_charts_have_the_places_of_full_ones() -> None:
    full = data_of([face(1)], [reading(1.0, 1)])
    empty = empty_charts(FER7.labels, 0.4, 60.0)
    assert empty.keys() == full.keys()
    assert [len(empty[name]) for name in ("labels", "faces", "rows")] == [7, 1, 1]
    assert empty["faces"][0]["values"] == [None] * 7


def test_a_persons_history_is_thinned_out_and_empty_while_away() -> None:
    there = [n / 20 for n in range(60)]
    readings = [reading(time_s, 1) for time_s in there]
    readings += [reading(3.0 + n / 20) for n in range(40)]
    readings += [reading(5.0 + n / 20, 1) for n in range(20)]
    times, values = person_history(readings, 1, 7)
    assert (np.diff(times) >= 0).all()
    # Twelve and four points, and three where the person comes and goes.
    assert 16 <= len(times) <= 22
    sums = values.sum(axis=1)
    assert set(np.round(sums, 3)) == {0.0, 1.0}
    away = (times > 3.0) & (times < 5.0)
    assert (sums[away] == 0).all()


def test_the_time_line_has_a_row_for_each_person_that_ends_now() -> None:
    readings = [reading(100 + n, 1, 2) for n in range(30)]
    data = data_of([face(1), face(2)], readings, 130.0)
    assert [row["person"] for row in data["rows"]] == [1, 2]
    for row in data["rows"]:
        assert row["seconds"][-1] == pytest.approx(-1) and row["seconds"][0] == pytest.approx(-30)
        assert row["values"][-1] == [50, 50, 50, 700, 50, 50, 50]
        assert len(row["values"]) == len(row["seconds"])
    assert data["span"] == 60


def test_those_present_come_first_and_then_the_last_seen() -> None:
    readings = [reading(0.0, 1, 2, 3), reading(1.0, 4), reading(2.0, 5, 6)]
    assert recent_persons(readings, [2]) == [2, 4, 5, 6]
    assert recent_persons(readings, []) == sorted([5, 6, 4, 1])
    assert recent_persons([], []) == []
    assert len(recent_persons(readings, [1, 2, 3, 4, 5, 6])) == MOST_PERSONS


def test_a_drawing_is_small_enough_to_be_sent_twice_a_second() -> None:
    readings = [reading(n / 20, 1) for n in range(1200)]
    assert len(json.dumps(data_of([face(1)], readings))) < 12_000
