from __future__ import annotations

import hashlib

import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import WholePicture
from fer_core.labels import FER6, FER7, ClassSet
from fer_core.readings import DEFAULT_READING, LABELS
from tests.fer_core.reporting.checked import checked
from tests.ui.conftest import SAMPLE
from ui.common.samples import Upload
from ui.common.settings import Settings
from ui.photo.report import photo_report
from ui.photo.shelf import PhotoShelf, read_photos


@pytest.fixture(scope="module")
def photos() -> PhotoShelf:
    """Two photos that were read, one of them no picture, and one that was not yet."""
    shelf = PhotoShelf()
    shelf.add([Upload("<b>a</b>.jpg", SAMPLE.read_bytes()), Upload("b.jpg", b"no picture")])
    readers = {name: EmotionClassifier.load(name) for name in (FER7.name, FER6.name)}
    read_photos(shelf, list(shelf.uploads), WholePicture(), readers)
    shelf.add([Upload("c.jpg", b"later")])
    return shelf


@pytest.mark.parametrize("class_set", [FER7, FER6])
def test_all_that_was_read_as_chosen(photos: PhotoShelf, class_set: ClassSet) -> None:
    settings = Settings(WholePicture(), class_set.name, 0.5, DEFAULT_READING)
    page = checked(photo_report(photos.uploads, photos.readings, settings).decode())
    assert page.headings[0][1] == "Facial expressions in <b>a</b>.jpg"
    assert len(page.all("td", "bar")) == len(class_set)
    assert f"SHA-256 {hashlib.sha256(SAMPLE.read_bytes()).hexdigest()}" in page.text
    assert "b.jpg The file is not a picture" in page.text and "c.jpg" not in page.text
    assert f"Model {class_set.name}" in page.text and "“Uncertain” below 50%" in page.text


def test_nothing_was_read_as_chosen(photos: PhotoShelf) -> None:
    settings = Settings(WholePicture(), FER7.name, 0.5, LABELS)
    page = checked(photo_report(photos.uploads, photos.readings, settings).decode())
    assert "No photo could be read." in page.text
