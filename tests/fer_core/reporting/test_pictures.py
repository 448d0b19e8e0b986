from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from fer_core.alignment import crop_face
from fer_core.reporting.pictures import embedded, embedded_face
from fer_core.types import FaceBox


def content_of(address: str) -> bytes:
    head, _, content = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(content)


@pytest.mark.parametrize("most_bytes", [6000, 60_000])
@pytest.mark.parametrize("size", [(600, 900), (16, 1500), (700, 40)])
def test_pictures_are_reduced_until_they_are_small(size: tuple[int, int], most_bytes: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    before = noise.copy()
    content = content_of(embedded(noise, most_bytes))
    assert len(content) <= most_bytes
    height, width = cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape[:2]
    assert height <= size[0] and width <= size[1]
    assert abs(width * size[0] / size[1] - height) <= max(1, size[0] / size[1])
    assert (noise == before).all()


def test_small_pictures_keep_their_size_and_colours() -> None:
    image = np.full((60, 90, 3), (200, 40, 10), np.uint8)
    shown = cv2.imdecode(np.frombuffer(content_of(embedded(image, 9000)), np.uint8), 1)
    assert shown.shape == image.shape
    assert abs(shown.astype(int) - image).max() <= 3


def test_faces_are_cut_out_as_far_as_the_picture_reaches() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:60, 120:160] = 255
    shown = cv2.imdecode(
        np.frombuffer(
            content_of(embedded_face(crop_face(image, FaceBox(120, 20, 160, 60)))), np.uint8
        ),
        1,
    )
    assert shown.shape == (56, 56, 3)
    assert shown[28, 28].min() > 240 and shown[2, 2].max() < 15
    assert embedded_face(crop_face(image, FaceBox(180, -20, 260, 60)))
    assert embedded_face(crop_face(image, FaceBox(400, 400, 420, 420))) == ""
