from __future__ import annotations

import json
import re

import numpy as np
import pytest

from fer_core._version import __version__
from fer_core.classifier import EmotionClassifier
from fer_core.labels import FER7
from fer_core.limits import LIMITS
from fer_core.readings import LABELS, PEOPLE
from fer_core.reporting.making import Making, making_of
from fer_core.reporting.page import page
from fer_core.reporting.style import STYLE
from tests.fer_core.conftest import MODELS
from tests.fer_core.reporting.checked import Page, checked


def making(reading: str | None = PEOPLE, threshold: float = 0.45) -> Making:
    return Making(threshold, reading, "fer7", FER7.labels, "haar", {}, {"Smoothing": "0.4 s"})


def test_it_says_how_sure_it_is_and_its_limits() -> None:
    shown = checked(page("Faces", "<p>Two.</p>", "<h2>Photos</h2>", making(threshold=0.6)))
    assert shown.headings[0] == (1, "Faces")
    assert "about six of ten people would call the face so" in shown.text
    assert "when no emotion reaches 60%" in shown.text
    assert all(sentence in shown.text for sentence in LIMITS)
    assert f"facial-emotions {__version__}" in shown.text
    assert "Smoothing 0.4 s" in shown.text
    assert re.search(r"Made on \d{4}-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d", shown.text)


@pytest.mark.parametrize(
    ("reading", "said"),
    [(LABELS, "FER-2013 calls many faces angry or sad"), (None, "the probability that fer7 gives")],
)
def test_other_readings_mean_something_else(reading: str | None, said: str) -> None:
    shown = checked(page("Faces", "", "", making(reading)))
    assert said in shown.text and "of ten people" not in shown.text


def test_titles_do_nothing() -> None:
    title = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    shown = checked(page(title, "", "", making()))
    assert shown.headings[0] == (1, title)
    assert not shown.all("img")


def test_the_checks_see_what_leads_out() -> None:
    for wrong in (
        '<img src="https://h/x" alt="x">',
        "<script>1</script>",
        '<p onclick="x"></p>',
        '<p style="background:url(//h/x)"></p>',
        '<img src="data:image/svg+xml,x" alt="x">',
    ):
        with pytest.raises(AssertionError):
            checked(page("Faces", "", wrong, making()))


def test_models_and_detectors_are_named_by_their_checksums(fer7: EmotionClassifier) -> None:
    made = making_of(fer7.with_reading(LABELS), "haar", 0.5)
    assert (made.model, made.reading, made.labels) == ("fer7", LABELS, FER7.labels)
    config = json.loads((MODELS / "fer7" / "config.json").read_text(encoding="utf-8"))
    assert made.checksums["fer7/model.tflite"] == config["sha256"]["model.tflite"]
    assert len(made.checksums["haarcascade_frontalface_default.xml"]) == 64
    shown = checked(page("Faces", "", "", made))
    assert all(checksum in shown.text for checksum in made.checksums.values())
    assert set(making_of(fer7, "none", 0.5).checksums) == {"fer7/model.tflite"}
    with pytest.raises(ValueError, match="from 0 to 1, not 45"):
        making_of(fer7, "none", 45)


def test_any_reader_is_called_by_its_class() -> None:
    class Dice:
        labels = ("one", "two")

        def predict(self, faces_gray: object) -> np.ndarray:
            raise NotImplementedError

    made = making_of(Dice(), "mine", 0.5)
    assert (made.model, made.reading, made.checksums) == ("Dice", None, {})


def _luminance(color: str) -> float:
    channels = np.frombuffer(bytes.fromhex(color[1:]), np.uint8) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(one: str, other: str) -> float:
    lower, higher = sorted((_luminance(one), _luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


def test_text_is_readable_in_both_themes() -> None:
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in STYLE.split("@media")[:2]]
    assert len(themes) == 2 and themes[0]["paper"] == "#ffffff" != themes[1]["paper"]
    for theme in themes:
        for ink in ("ink", "soft", "link"):
            assert min(_contrast(theme[ink], theme[on]) for on in ("paper", "shade")) >= 4.5
        assert _contrast(theme["mark"], theme["shade"]) >= 3


def test_the_style_is_whole() -> None:
    assert STYLE.count("{") == STYLE.count("}")
    used = {
        kind
        for _, found in Page(page("F", "", "", making())).tags
        for kind in found.get("class", "").split()
    }
    assert all(f".{kind}" in STYLE for kind in used - {"facts"})
