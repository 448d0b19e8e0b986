from __future__ import annotations

import re

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from fer_core.readings import PEOPLE
from fer_core.reporting import video
from fer_core.reporting.making import Making
from fer_core.reporting.video import video_report
from fer_core.timeline import Timeline
from tests.fer_core.reporting.checked import Page, checked

MAKING = Making(0.45, PEOPLE, "fer7", FER7.labels, "haar", {})
HAPPY, SAD = FER7.labels.index("happy"), FER7.labels.index("sad")


def timeline(frames: list[dict[int, int]], cut: int | None = None) -> Timeline:
    """Ten frames a second, each with the emotions that lead by person."""
    faces = [(row, *face) for row, found in enumerate(frames) for face in found.items()]
    probabilities = np.full((len(faces), 7), 0.02, np.float32)
    for n, (_, _, leader) in enumerate(faces):
        probabilities[n, leader] = 0.88
    return Timeline(
        FER7.labels,
        np.arange(len(frames)),
        np.arange(len(frames)) / 10,
        np.arange(len(frames)) == cut,
        np.array([face[0] for face in faces], np.int64),
        np.array([face[1] for face in faces], np.int64),
        np.array([[10 * p, 10, 10 * p + 8, 20] for _, p, _ in faces], np.float32).reshape(-1, 4),
        np.full(len(faces), 0.9, np.float32),
        probabilities,
    )


def report(found: Timeline, name: str = "a.mp4", **options: object) -> Page:
    shown = video_report(name, found, making=MAKING, smoothing_s=0.0, **options)
    return checked(shown)


@pytest.fixture
def two() -> Timeline:
    """Person 1 is happy for three seconds, then sad for one; 2 comes for the last second."""
    return timeline([{1: HAPPY}] * 30 + [{1: SAD, 2: SAD}] * 10)


def test_each_person_has_a_part(two: Timeline) -> None:
    asked: list[float] = []

    def picture_at(time_s: float) -> np.ndarray:
        asked.append(time_s)
        return np.full((40, 60, 3), 99, np.uint8)

    page = report(two, picture_at=picture_at, about={"Length": "0:04.0"})
    assert page.headings[:6] == [
        (1, "Facial expressions in a.mp4"),
        (2, "Everybody"),
        (2, "Person by person"),
        (3, "Person 1"),
        (4, "Strongest moments"),
        (3, "Person 2"),
    ]
    assert "2 persons in 40 analysed frames." in page.text
    assert "Person 1 4.0 s Happy 75%" in page.text and "Person 2 1.0 s Sad 100%" in page.text
    assert "Seen for 4.0 s, 0:00.0 to 0:03.9" in page.text
    assert "Happy 75% Sad 25%" in page.text and "Happy 88% at 0:00.0" in page.text
    assert "Length 0:04.0" in page.text and "Frames analysed 40" in page.text
    assert asked == sorted(set(asked))  # once for each, and forwards
    assert "Face of Person 1" in [img["alt"] for img in page.all("img")]
    assert len(page.all("svg", "areas")) == 2 and len(page.all("svg", "strip")) == 4


def test_the_line_shows_when_what_held(two: Timeline) -> None:
    page = Page(video_report("a", two, making=MAKING, smoothing_s=0.0))
    strips = re.findall(r'<svg class="strip".*?</svg>', page.html)
    places = [[(r.get("x"), r["width"]) for r in Page(strip).all("rect")] for strip in strips]
    # Everybody's line goes from the first frame's time to the last one's, 3.9 s.
    assert places[0] == [("0%", "76.92%"), ("76.92%", "23.08%")]
    assert places[1] == [("76.92%", "23.08%")]


def test_without_pictures_all_else_is_there(two: Timeline) -> None:
    page = report(two, picture_at=lambda time_s: None)
    assert not page.all("img") and "Strongest moments" in page.text


def test_one_person_needs_no_table(two: Timeline) -> None:
    page = report(timeline([{1: HAPPY}] * 5))
    assert "Everybody" not in page.text and (2, "What was read") in page.headings
    assert "1 person in 5 analysed frames." in page.text


def test_no_face_and_no_frame() -> None:
    assert "No face was found in 3 analysed frames." in report(timeline([{}] * 3)).text
    assert "No frame was analysed." in report(timeline([])).text
    assert "1 person in 1 analysed frame." in report(timeline([{1: HAPPY}])).text


def test_notes_cuts_and_names(two: Timeline) -> None:
    name = "<img src=x onerror=alert(1)>"
    page = report(
        timeline([{1: HAPPY}] * 10 + [{2: SAD}] * 10, cut=10),
        name="<script>.mp4",
        names={1: name},
        notes=["The video breaks off after 2.0 s."],
        picture_at=lambda time_s: np.zeros((40, 60, 3), np.uint8),
    )
    assert "(counted anew after each cut). The video breaks off after 2.0 s." in page.text
    assert page.headings[0] == (1, "Facial expressions in <script>.mp4")
    assert (3, name) in page.headings and (3, "Person 2") in page.headings
    assert f"Face of {name}" in [img["alt"] for img in page.all("img")]


def test_many_persons_have_rows_and_then_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_MOST_PERSONS", 2)
    monkeypatch.setattr(video, "_MOST_ROWS", 4)
    page = report(timeline([dict.fromkeys(range(1, 7), HAPPY)] * 8))
    assert "The 2 persons seen longest have a part of their own below; 2 more" in page.text
    assert "2 persons seen more shortly are left out." in page.text
    assert len(page.all("article", "person")) == 2


def test_who_was_seen_shortly_has_a_row_only() -> None:
    page = report(timeline([{1: HAPPY}] * 10 + [{2: SAD}] * 3))
    assert [text for level, text in page.headings if level == 3] == ["Person 1"]
    assert "The 1 person seen longest" in page.text


def test_a_long_video_makes_no_long_page() -> None:
    frames = [{1: n % 7, 2: (n // 3) % 7} for n in range(9000)]
    assert len(report(timeline(frames)).html) < 250_000


def test_another_model_is_refused(two: Timeline) -> None:
    six = Making(0.4, PEOPLE, "fer6", FER6.labels, "haar", {})
    with pytest.raises(ValueError, match="'fer6' reads"):
        video_report("a.mp4", two, making=six, smoothing_s=0.4)
