"""Bars as HTML."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st

from fer_core.labels import EMOTION_COLORS
from ui.common.bars import (
    divided_bars,
    dotted,
    emotion_bars,
    named_bars,
    share_bar,
    strongest,
    swatch,
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what a function draws."""
    bodies: list[str] = []
    monkeypatch.setattr(st, "html", bodies.append)

    def draw(function: Callable[..., None], *arguments: object) -> str:
        function(*arguments)
        return bodies.pop()

    return draw


def test_the_strongest_are_in_bold_and_the_threshold_is_marked(drawn: Callable[..., str]) -> None:
    body = drawn(emotion_bars, {"happy": 0.6, "sad": 0.1, "fear": 0.05, "angry": 0.25}, 0.45, "all")
    rows = body.split("<tr")[1:]
    assert [row.startswith(" class=strong") for row in rows] == [True, True, False, True]
    surely = drawn(emotion_bars, {"happy": 0.997, "sad": 0.002, "fear": 0.001}, 0.45, "all")
    assert surely.count("class=strong") == 1
    assert "width:60.00%" in rows[0] and EMOTION_COLORS["happy"] in rows[0]
    assert all("left:45.0%" in row for row in rows)
    assert strongest({"happy": 0.2, "sad": 0.5, "fear": 0.3}, 2) == ["sad", "fear"]


def test_uncertain_is_hatched_and_told(drawn: Callable[..., str]) -> None:
    body = drawn(share_bar, {"happy": 0.25, "uncertain": 0.75, "sad": 0.0}, "Of all faces")
    assert 'aria-label="Of all faces: uncertain 75%, happy 25%"' in body
    assert body.count("hatched") == 2 and "Sad" not in body
    assert "hatched" in swatch("uncertain") and "hatched" not in swatch("happy")
    # In a line of text its mark is hollow.
    assert "○" in dotted("uncertain", "75%") and "●" in dotted("happy", "25%")


def test_a_divided_bar_begins_with_its_own(drawn: Callable[..., str]) -> None:
    rows = {"sad": {"happy": 0.1, "sad": 0.5, "neutral": 0.4}}
    body = drawn(divided_bars, rows, "confusions")
    places = [body.index(f"{label} {share}%") for label, share in
              (("Sad", 50), ("Neutral", 40), ("Happy", 10))]  # fmt: skip
    assert places == sorted(places) and '<td class="number">50%' in body
    assert 'role="img" aria-label="Sad 50%, Neutral 40%, Happy 10%"' in body


def test_text_is_escaped(drawn: Callable[..., str]) -> None:
    assert "<b>" not in drawn(emotion_bars, {"happy": 1.0}, 0.4, "<b>x")


def test_bars_have_foreign_names_as_they_are(drawn: Callable[..., str]) -> None:
    body = drawn(named_bars, {"<b>2019</b>": ({"sad": 0.25, "uncertain": 0.5}, "1,234")}, "Folders")
    assert "<b>" not in body and body.count("&lt;b&gt;2019&lt;/b&gt;") == 2
    assert "width:25.00%" in body and 'title="Uncertain 50%"' in body and "1,234" in body
