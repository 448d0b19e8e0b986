from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from fer_core.classifier import EmotionClassifier
from fer_core.detection import load_detector
from fer_core.labels import FER6, FER7
from tests.ui.conftest import SAMPLE
from ui.common.samples import Upload
from ui.photo import shelf as photos
from ui.photo.shelf import PhotoReading, PhotoShelf, read_photo, read_photos


def _shelf(*names: str) -> PhotoShelf:
    shelf = PhotoShelf()
    shelf.add(Upload(name, name.encode()) for name in names)
    return shelf


def test_adding_turns_to_the_first_new_photo_and_keeps_order() -> None:
    shelf = _shelf("a", "b")
    shelf.add([Upload("c", b"c"), Upload("again", b"a")])
    assert [upload.name for upload in shelf.uploads.values()] == ["a", "b", "c"]
    assert shelf.uploads[shelf.current].name == "c"


def test_a_full_shelf_refuses_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "room_for_one", lambda: 5)
    shelf = PhotoShelf()
    shelf.add([Upload("small", b"123"), Upload("large", b"456789"), Upload("tiny", b"7")])
    assert shelf.refused == ["large"]
    assert [upload.name for upload in shelf.uploads.values()] == ["small", "tiny"]


def test_there_is_a_limit_on_photos_and_on_what_all_visitors_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FER_LIMIT_PHOTOS", "2")
    assert _shelf("a", "b", "c").refused == ["c"]
    other = _shelf("x" * 50)
    room = photos.held_by_all() + 20
    monkeypatch.setattr(photos, "room_for_all", lambda: room)
    shelf = _shelf("y" * 30, "z" * 10)
    assert shelf.refused == ["y" * 30]
    other.remove(other.current)
    shelf.add([Upload("y", b"y" * 30)])
    assert not shelf.refused


def test_what_a_page_shows_is_kept_once_for_all_readings_and_counted() -> None:
    shelf = PhotoShelf()
    shelf.add([Upload("a", SAMPLE.read_bytes())])
    before = shelf.held_bytes
    for reading in ("people", "labels"):
        read_photos(shelf, [shelf.current], load_detector("haar"), {}, reading=reading)
    one, two = shelf.readings.values()
    assert one.shown is two.shown
    assert before == SAMPLE.stat().st_size
    added = len(one.shown) + 2 * len(one.thumbnail) + 2 * len(one.crops[0])
    assert shelf.held_bytes == before + added
    with Image.open(io.BytesIO(one.shown)) as shown:
        assert max(shown.size) <= 1400


@pytest.mark.parametrize(
    ("removed", "expected"), [("a", "b"), ("b", "c"), ("c", "b")], ids=["first", "middle", "last"]
)
def test_removing_turns_to_the_neighbour(removed: str, expected: str) -> None:
    shelf = _shelf("a", "b", "c")
    key = next(key for key, upload in shelf.uploads.items() if upload.name == removed)
    shelf.remove(key)
    assert shelf.uploads[shelf.current].name == expected


def test_removing_the_only_photo_empties_the_shelf() -> None:
    shelf = _shelf("a")
    shelf.remove(next(iter(shelf.uploads)))
    assert shelf.current is None and not shelf.uploads and not shelf.pending("haar")


def test_progress_is_reported_and_what_is_read_stays_after_a_stop() -> None:
    shelf = _shelf("a", "b", "c")
    seen = []

    class Stopped(BaseException):
        """As Streamlit raises when a visitor presses a button meanwhile."""

    def progress(done: int, left_s: float) -> None:
        seen.append((done, left_s))
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        read_photos(shelf, shelf.pending("haar"), load_detector("haar"), {}, on_progress=progress)
    assert [done for done, _ in seen] == [0, 1, 2]
    assert all(left_s >= 0 for _, left_s in seen)
    assert len(shelf.pending("haar")) == 1


def test_every_network_reads_the_same_faces() -> None:
    classifiers = {name: EmotionClassifier.load(name) for name in (FER7.name, FER6.name)}
    reading = read_photo(SAMPLE.read_bytes(), load_detector("haar"), classifiers)
    seven, six = reading.frames[FER7.name], reading.frames[FER6.name]
    assert [face.detection for face in seven.faces] == [face.detection for face in six.faces]
    assert [face.labels for face in six.faces] == [FER6.labels]


def test_a_fault_of_ours_is_a_sentence_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        name = "broken"

        def detect(self, image_bgr: object, sizes: object = ()) -> tuple[()]:
            raise RuntimeError("out of order")

    reading = read_photo(SAMPLE.read_bytes(), Broken(), {})
    assert reading.error and "out of order" not in reading.error
    assert "out of order" in caplog.text


def test_a_photo_is_decoded_when_it_is_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    @contextmanager
    def step(name: str) -> Iterator[None]:
        order.append(name)
        yield
        order.append(f"end of {name}")

    assert photos._turns() is photos._turns()
    monkeypatch.setattr(photos, "_turns", lambda: step("turn"))
    monkeypatch.setattr(photos, "decoded", lambda *_, **__: step("photo"))
    monkeypatch.setattr(photos, "_read", lambda *_: PhotoReading())
    assert read_photo(b"", load_detector("haar"), {}) == PhotoReading()
    assert order == ["turn", "photo", "end of photo", "end of turn"]
