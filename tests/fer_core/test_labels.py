"""The emotions' order and colours."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fer_core.labels import (
    CLASS_SETS,
    EMOTION_COLORS,
    FER6,
    FER7,
    UNCERTAIN,
    UNCERTAIN_COLOR,
    bgr_color_of,
    class_set,
    color_of,
)
from tests.colors import GROUNDS, contrast, linear_rgb

ALL_COLORS = {**EMOTION_COLORS, UNCERTAIN: UNCERTAIN_COLOR}
# Machado et al., 2009, severity 1; from and to linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def test_order_is_that_of_the_data_set() -> None:
    assert FER7.labels == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert FER6.labels == ("angry", "fear", "happy", "sad", "surprise", "neutral")
    assert (len(FER7), len(FER6)) == (7, 6)


@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_class_set_by_name(name: str) -> None:
    assert class_set(name) is CLASS_SETS[name]
    assert class_set(name).name == name


def test_unknown_class_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"No class set 'fer8'; there are fer7, fer6\."):
        class_set("fer8")


def test_every_emotion_has_its_own_colour() -> None:
    assert tuple(EMOTION_COLORS) == FER7.labels
    assert len(set(ALL_COLORS.values())) == 8
    assert {color_of(label) for label in ALL_COLORS} == set(ALL_COLORS.values())


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("label", ALL_COLORS)
def test_colours_are_readable_on_the_page(label: str, theme: str) -> None:
    assert contrast(color_of(label), GROUNDS[theme]) >= 3


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_for_every_kind_of_vision(vision: str) -> None:
    seen = np.array([linear_rgb(c) for c in ALL_COLORS.values()]) @ np.transpose(VISION[vision])
    lab = cv2.cvtColor(np.float32([seen.clip(0, 1)]), cv2.COLOR_LRGB2LAB)[0]
    # A distance of about 2 in CIELAB is just visible side by side.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 15


def test_bgr_is_the_colour_reversed() -> None:
    for label in ALL_COLORS:
        blue, green, red = bgr_color_of(label)
        assert f"#{red:02X}{green:02X}{blue:02X}" == color_of(label)
