"""What the player draws; that it plays, seeks and is steered is tested in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fer_core.labels import FER7
from fer_core.tables import summary_record
from fer_core.timeline import Timeline
from tests.fer_core.test_timeline import timeline_of
from ui.video.player import player_data
from ui.video.runs import View

# Persons 1 and 2 share two frames; 3 comes when both are gone.
FRAMES = ((0.0, {1: 0.9, 2: 0.8}), (0.1, {2: 0.9, 1: 0.8}), (0.2, {1: 0.9}), (1.0, {3: 0.9}))


def data_of(timeline: Timeline) -> dict[str, Any]:
    smoothed, verdicts = timeline.smoothed(0.0, 0.3)
    persons = summary_record(timeline, smoothed, verdicts, threshold=0.3)["persons"]
    view = View(timeline, smoothed, verdicts)
    data = player_data(view, persons, names={1: "<b>Ann"}, faces={1: b"jpeg"})
    return json.loads(json.dumps(data))


def test_a_row_for_each_person_and_a_line_for_all() -> None:
    data = data_of(timeline_of(*FRAMES))
    assert [row["name"] for row in data["rows"]] == ["<b>Ann", "Person 2", "Person 3"]
    assert [bool(row["face"]) for row in data["rows"]] == [True, False, False]
    first = data["rows"][0]
    assert first["times"] == [0.0, 0.1, 0.2] and len(first["said"]) == len(first["percent"]) == 3
    assert first["band"]["begin"] == first["times"] and first["about"].startswith("1.0 s · ")
    assert all(sum(shares) == pytest.approx(1000, abs=4) for shares in first["band"]["shares"])
    assert data["everybody"]["band"]["begin"] == [0.0, 0.1, 0.2, 1.0]
    assert data["span"] == [0.0, 1.0] and data["verdicts"][-1] == "Uncertain"
    assert len(data["verdicts"]) == len(data["colors"]) == len(FER7) + 1


def test_what_a_merger_costs_is_known_beforehand() -> None:
    assert data_of(timeline_of(*FRAMES))["together"] == [[3, 2, 0], [2, 2, 0], [0, 0, 1]]


def test_a_single_frame_has_a_line_too() -> None:
    data = data_of(timeline_of((2.0, {1: 0.9})))
    assert data["span"] == [2.0, 2.1] and data["rows"][0]["times"] == [2.0]
