"""The player, and below it the time lines of all persons, on which it is steered.

They are one component, ``player.js``: a click on a line moves the video, and the video moves a
cursor along all lines, at every frame and without asking the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit import runtime

from fer_core.labels import UNCERTAIN, color_of
from fer_core.persons import person_color
from fer_core.tables import Band, emotion_band
from fer_core.timeline import Timeline
from ui.common.component import component
from ui.common.images import data_url
from ui.common.readings import readings_of
from ui.common.timeline_charts import thin_out
from ui.video.edits import title_of
from ui.video.runs import View

# Of each person; the others are on the card.
_MOMENTS = 3
# Points of a person for the verdicts beside the picture; a line has far fewer columns.
_MOST_POINTS = 1000
_HTML = """
<div class="player">
  <div class="stage">
    <div class="picture"></div>
    <div class="now" role="group" tabindex="0"><div class="inside">
      <p class="title">Now at <span class="clock"></span></p><ul></ul>
    </div></div>
  </div>
  <div class="line lead">
    <div class="head"></div>
    <div class="band" role="slider" tabindex="0" aria-label="Time in the video">
      <canvas></canvas><div class="cursor"></div><div class="tip"></div>
    </div>
    <div class="moments"></div>
  </div>
  <ul class="lines"></ul>
  <div class="line scale"><div class="axis" aria-hidden="true"></div></div>
  <ul class="legend"></ul>
  <p class="hint"></p>
</div>
"""
_player = component("fer_video_player", __file__, _HTML)


@dataclass(frozen=True, slots=True)
class Played:
    """What the player plays.

    Attributes:
        content: The file's bytes; empty where there is nothing that a browser plays.
        mime: Their type.
        begins_s: The time on the time line at which it begins, in seconds.
        size_wh: Width and height of its picture in pixels.
    """

    content: bytes
    mime: str
    begins_s: float
    size_wh: tuple[int, int]


def show_player(key: str, played: Played, data: Mapping[str, Any]) -> tuple[int, int] | None:
    """Draw the player.

    Args:
        key: Unique on the page.
        played: What it plays.
        data: From ``player_data``.

    Returns:
        Two persons, the first of whom the visitor has just dragged onto the second; or None.
    """
    picture = {
        "address": _address(played, key),
        "begins": played.begins_s,
        "width": played.size_wh[0],
        "height": played.size_wh[1],
    }
    result = _player(key=key, data={**data, "picture": picture}, on_merged_change=lambda: None)
    merged = result.get("merged")
    return None if merged is None else (int(merged["person"]), int(merged["into"]))


def player_data(
    view: View,
    persons: Sequence[Mapping[str, Any]],
    *,
    names: Mapping[int, str],
    faces: Mapping[int, bytes],
) -> dict[str, Any]:
    """Return what the component draws, as plain numbers and texts.

    Args:
        view: The readings.
        persons: The persons to show, as in ``fer_core.tables.summary_record``.
        names: Their names; others are called by their number.
        faces: A JPEG of each one's face, as far as there is one.
    """
    timeline = view.timeline
    verdicts = [*timeline.labels, UNCERTAIN]
    first_s, last_s = (float(timeline.time_s[n]) for n in (0, -1))
    shown = [int(person["person"]) for person in persons]
    everybody = emotion_band(timeline, view.smoothed, view.verdicts, None)
    return {
        "verdicts": [verdict.capitalize() for verdict in verdicts],
        "colors": [color_of(verdict) for verdict in verdicts],
        "span": [first_s, max(last_s, first_s + 0.1)],
        "cuts": timeline.time_s[timeline.cut].round(3).tolist(),
        "everybody": {"name": "Everybody", "band": _columns(everybody, verdicts)},
        "rows": [_row(view, person, verdicts, names, faces) for person in persons],
        "together": _together(timeline, shown),
    }


def _row(
    view: View,
    record: Mapping[str, Any],
    verdicts: Sequence[str],
    names: Mapping[int, str],
    faces: Mapping[int, bytes],
) -> dict[str, Any]:
    timeline, person = view.timeline, int(record["person"])
    own = timeline.person == person
    readings = readings_of(timeline, person, view.smoothed[own], view.verdicts[own])
    drawn, stretch_s = thin_out(readings, _MOST_POINTS)
    steps_s = np.diff(timeline.time_s)
    hold_s = max(float(np.median(steps_s)) if len(steps_s) else 0.1, stretch_s or 0.0)
    mostly, share = max(record["share"].items(), key=lambda item: item[1])
    moments = sorted(record["strongest_moments"][:_MOMENTS], key=lambda moment: moment["seconds"])
    return {
        "person": person,
        "name": title_of(person, names),
        "color": person_color(person),
        "face": data_url(faces[person]) if person in faces else "",
        "about": f"{record['seconds_seen']:.1f} s · {mostly} {share:.0%}",
        "band": _columns(emotion_band(timeline, view.smoothed, view.verdicts, person), verdicts),
        "times": drawn.time_s.round(3).tolist(),
        "said": _numbers(drawn.verdicts, verdicts),
        "percent": (100 * drawn.probabilities.max(axis=1)).round().astype(int).tolist(),
        # A reading is shown until the next one is due, and a little longer.
        "hold": round(1.5 * hold_s, 3),
        "moments": [
            {
                "time": moment["seconds"],
                "verdict": verdicts.index(moment["label"]),
                "percent": round(100 * moment["probability"]),
            }
            for moment in moments
        ],
    }


def _columns(band: Band, verdicts: Sequence[str]) -> dict[str, list[Any]]:
    return {
        "begin": band.begin_s.round(3).tolist(),
        "end": band.end_s.round(3).tolist(),
        # Thousandths: a pixel is more than that, and whole numbers are short.
        "shares": (1000 * band.probabilities).round().astype(int).tolist(),
        "said": _numbers(band.verdicts, verdicts),
    }


def _numbers(said: Sequence[str] | np.ndarray[Any, Any], verdicts: Sequence[str]) -> list[int]:
    place = {verdict: number for number, verdict in enumerate(verdicts)}
    return [place[str(verdict)] for verdict in said]


def _together(timeline: Timeline, persons: Sequence[int]) -> list[list[int]]:
    """Return in how many frames each two are seen: so many readings a merger would cost."""
    present = np.zeros((len(timeline.time_s), len(persons)), np.int32)
    for column, person in enumerate(persons):
        present[timeline.row[timeline.person == person], column] = 1
    together: list[list[int]] = (present.T @ present).tolist()
    return together


def _address(played: Played, key: str) -> str:
    """Return where the browser finds the video, as ``st.video`` hands one out."""
    if not played.content or not runtime.exists():
        return ""
    files = runtime.get_instance().media_file_mgr
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    path = files.add(played.content, played.mime, key)
    return f"/{base}{path}" if base else path
