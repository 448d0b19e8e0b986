from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from fer_core.labels import UNCERTAIN, bgr_color_of
from fer_core.readings import PEOPLE
from fer_core.reporting.card import picture_card
from fer_core.types import FaceReading

MakeFace = Callable[..., FaceReading]
UNSURE = (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1)


def drawn(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def share(card: np.ndarray, label: str) -> int:
    """Return how many pixels of the card have an emotion's colour."""
    return int((card == bgr_color_of(label)).all(axis=2).sum())


def test_a_card_shows_the_face_and_every_emotion(make_face: MakeFace) -> None:
    face_bgr = np.full((90, 70, 3), (10, 200, 30), np.uint8)
    before = face_bgr.copy()
    content = picture_card(face_bgr, make_face(), reading=PEOPLE)
    card = drawn(content)
    assert card.shape == (630, 1200, 3)
    assert (face_bgr == before).all()
    assert (card == (10, 200, 30)).all(axis=2).sum() == 450 * 450
    # Happy has 70 % and the mark before the verdict, each other one 5 %.
    assert share(card, "happy") > 10 * share(card, "sad") > 0
    # A PNG's words would be in chunks of text.
    assert not any(kind in content for kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"))


def test_an_uncertain_verdict_is_hatched(make_face: MakeFace) -> None:
    face_bgr = np.zeros((60, 60, 3), np.uint8)
    sure, unsure = (
        drawn(picture_card(face_bgr, make_face(probabilities=probabilities), threshold=0.45))
        for probabilities in ((0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05), UNSURE)
    )
    assert share(sure, UNCERTAIN) == 0
    assert 0.4 < share(unsure, UNCERTAIN) / 35**2 < 0.6


def test_what_cannot_be_drawn_is_said(make_face: MakeFace) -> None:
    with pytest.raises(ValueError, match="nothing of the face"):
        picture_card(np.zeros((0, 5, 3), np.uint8), make_face())
    with pytest.raises(ValueError, match="threshold"):
        picture_card(np.zeros((5, 5, 3), np.uint8), make_face(), threshold=40)
