from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fer_core.labels import FER6, FER7, UNCERTAIN
from fer_core.readings import PEOPLE
from fer_core.reporting import photos
from fer_core.reporting.making import Making
from fer_core.reporting.photos import PhotoReport
from fer_core.types import FaceReading, Frame, QualityFinding
from tests.fer_core.reporting.checked import checked

MakeFace = Callable[..., FaceReading]
MAKING = Making(0.45, PEOPLE, "fer7", FER7.labels, "haar", {})
UNSURE = (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1)
NAMES = (
    "<script>alert(1)</script>.jpg",
    "![x](https:h).png",
    '"><img src=x onerror=alert(1)>.jpg',
    "'; DROP \u202egpj.exe",
)


def picture(width: int = 90, height: int = 80) -> np.ndarray:
    return np.full((height, width, 3), 120, np.uint8)


def frame(*faces: FaceReading, size_wh: tuple[int, int] = (90, 80), turned: int = 0) -> Frame:
    return Frame(0, 0.0, size_wh, faces, turned)


def test_each_face_has_a_card(make_face: MakeFace) -> None:
    report = PhotoReport(MAKING, count=1)
    blurred = QualityFinding("blurred", "The face is blurred: sharpness 7, below 60.")
    report.add("a.jpg", picture(), frame(make_face(), make_face(quality=(blurred,))))
    page = checked(report.html())
    assert page.headings[:5] == [
        (1, "Facial expressions in a.jpg"),
        (2, "What was read"),
        (3, "a.jpg"),
        (4, "Face 1: Happy 70%"),
        (4, "Face 2: Happy 70%"),
    ]
    assert page.text.count("Of ten people, about seven would call this happy.") == 2
    assert page.text.count("No quality problem found.") == 1
    assert blurred.reason in page.text
    assert "2 faces: 2 read as happy." in page.text
    assert [img["alt"] for img in page.all("img")] == [
        "a.jpg: 2 faces, 2 happy", "Face 1 of a.jpg", "Face 2 of a.jpg",
    ]  # fmt: skip
    assert len(page.all("table", "bars")) == len(page.all("div", "face")) == 2
    assert page.pictures()[0].shape[:2] == (80, 90)


def test_checksums_of_all_photos_are_there(
    make_face: MakeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MOST_PHOTOS", 1)
    report = PhotoReport(MAKING, count=2)
    for name in "ab":
        report.add(f"{name}.jpg", picture(), frame(make_face()), checksum=64 * name)
    text = checked(report.html()).text
    # Also of those that come without their pictures.
    assert [text.count(f"SHA-256 {64 * name}") for name in "ab"] == [1, 1]


def test_uncertain_is_told_by_more_than_a_colour(make_face: MakeFace) -> None:
    report = PhotoReport(MAKING, count=1)
    report.add("a.jpg", picture(), frame(make_face(probabilities=UNSURE), make_face()))
    page = checked(report.html())
    assert (4, "Face 1: Uncertain") in page.headings
    assert "1 uncertain and 1 read as happy" in page.text
    assert "about four would call this happy; none reaches 45%" in page.text
    first, second = page.all("div", "face")
    assert first["class"] == "face uncertain" and second["class"] == "face"
    # The box, the card, the bar of all faces, its legend, and the text on it.
    assert page.html.count('fill="url(#hatch)"') == 5


def test_no_face() -> None:
    report = PhotoReport(MAKING, count=1)
    report.add("a.jpg", picture(), frame())
    page = checked(report.html())
    assert "No face was found in it." in page.text
    assert page.all("img")[0]["alt"] == "a.jpg: no face found"
    assert not page.all("table", "bars")


def test_nothing_at_all() -> None:
    report = PhotoReport(MAKING, count=0)
    assert "No photo could be read." in checked(report.html()).text


def test_many_photos_are_summed_up(make_face: MakeFace) -> None:
    report = PhotoReport(MAKING, count=4)
    report.add("a.jpg", picture(), frame(make_face(), make_face()))
    report.add("b.jpg", picture(), frame())
    report.add("c.jpg", picture(), frame(make_face(probabilities=UNSURE)))
    report.add_failure("d.jpg", "The file is empty.")
    page = checked(report.html())
    assert page.headings[0][1] == "Facial expressions in 3 photos"
    assert "3 faces: 2 read as happy and 1 uncertain. No face was found in 1 photo." in page.text
    assert "a.jpg 2 Happy ×2" in page.text and "b.jpg 0 –" in page.text
    assert [link["href"] for link in page.all("a")] == ["#photo-1", "#photo-2", "#photo-3"]
    assert "What could not be read File Why d.jpg The file is empty." in page.text


@pytest.mark.parametrize("name", NAMES)
def test_names_do_nothing(make_face: MakeFace, name: str) -> None:
    report = PhotoReport(MAKING, count=3)
    for _ in range(2):
        report.add(name, picture(), frame(make_face()))
    report.add_failure(name, f"{name}: No such file.")
    page = checked(report.html())
    assert page.headings.count((3, name)) == 2
    assert len(page.all("img")) == 4
    assert page.text.count(name) == 6


def test_beyond_the_bounds_there_are_rows_and_then_counts(
    make_face: MakeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MOST_PHOTOS", 2)
    monkeypatch.setattr(photos, "_MOST_CARDS", 3)
    monkeypatch.setattr(photos, "_MOST_ROWS", 4)
    report = PhotoReport(MAKING, count=7)
    for number in range(7):
        report.add(f"{number}.jpg", picture(), frame(make_face(), make_face()))
        report.add_failure(f"bad-{number}", "The file is empty.")
    page = checked(report.html())
    assert "14 faces" in page.text
    assert "The first 2 photos have their pictures below; 5 more have rows" in page.text
    assert "3 photos after these have no row" in page.text
    assert len(page.all("article", "entry")) == len(page.all("a")) == 2
    assert len(page.all("section", "card")) == 3
    assert "2 faces, 1 of them only counted here" in page.text and len(page.all("div", "face")) == 3
    assert "bad-3" in page.text and "bad-4" not in page.text and "And 3 more." in page.text


def test_two_hundred_photos_stay_below_twenty_megabytes(make_face: MakeFace) -> None:
    report = PhotoReport(MAKING, count=200)
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    faces = [make_face(box=(100 * n, 100, 100 * n + 200, 300)) for n in range(5)]
    base = len(report.html())
    for number in range(2):
        report.add(f"{number}.jpg", noise, frame(*faces, size_wh=(1200, 900)))
    rows = 2000 * len(photos._row("x" * 60, photos.Counter(FER7.labels)))
    assert base + 200 * (len(report.html()) - base) / 2 + rows < 20_000_000


def test_a_picture_of_which_a_part_is_missing_is_shown_and_said(make_face: MakeFace) -> None:
    report = PhotoReport(MAKING, count=1)
    report.add("a.jpg", picture(), replace(frame(make_face()), incomplete=True))
    assert "The end of the file is missing" in checked(report.html()).text


def test_turned_photos_are_shown_upright(make_face: MakeFace) -> None:
    image = picture(80, 90)
    image[:, :20] = 0  # on the left, which comes up
    report = PhotoReport(MAKING, count=1)
    report.add("a.jpg", image, frame(make_face(), turned=90))
    page = checked(report.html())
    shown = page.pictures()[0]
    assert shown.shape[:2] == (80, 90)
    assert shown[:15].max() < 30 and shown[25:].min() > 90
    assert "turned by 90° clockwise" in page.text


@pytest.mark.parametrize("image", [picture()[..., 0], np.dstack([picture(), picture()[..., 0]])])
def test_any_picture_will_do(make_face: MakeFace, image: np.ndarray) -> None:
    report = PhotoReport(MAKING, count=1)
    report.add("a", image, frame(make_face(box=(-30, -20, 60, 70)), make_face(box=(70, 9, 99, 99))))
    assert len(checked(report.html()).all("img")) == 3


def test_a_smaller_picture_will_do(make_face: MakeFace) -> None:
    image = picture(180, 160)
    image[40:120, 60:140] = 255
    found = frame(make_face(box=(60, 40, 140, 120)), size_wh=(180, 160))
    report = PhotoReport(MAKING, count=2)
    report.add("a.jpg", image[::2, ::2], found)
    report.add("b.jpg", image[::2, ::2], found, [np.zeros((100, 100, 3), np.uint8)])
    page = checked(report.html())
    small, face, _, given = page.pictures()
    assert small.shape[:2] == (80, 90) and face.shape[:2] == (56, 56) and given.max() < 9
    assert face[28, 28].min() > 240 and face[2, 2].max() < 140
    assert len({box["style"] for box in page.all("div", "face")}) == 1
    assert "left:33.33%;top:25.00%;width:44.44%" in page.html


def test_other_emotions_are_refused(make_face: MakeFace) -> None:
    six = PhotoReport(Making(0.4, PEOPLE, "fer6", FER6.labels, "haar", {}), count=1)
    with pytest.raises(ValueError, match=r"'fer6' reads angry, fear.*read for angry, disgust"):
        six.add("a.jpg", picture(), frame(make_face()))
    assert "No photo could be read" in six.html()


def test_verdicts_are_those_of_the_threshold(make_face: MakeFace) -> None:
    report = PhotoReport(Making(0.8, PEOPLE, "fer7", FER7.labels, "haar", {}), count=1)
    report.add("a.jpg", picture(), frame(make_face()))
    assert f"1 {UNCERTAIN}" in checked(report.html()).text
