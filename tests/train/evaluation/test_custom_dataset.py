"""Measuring on an archive from anybody: what is used, what is skipped, what is refused."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import HaarDetector
from fer_core.labels import FER7
from train.data import archives
from train.data.archives import PictureArchive
from train.data.fer2013 import FaceSet
from train.data.framing import canvas_of
from train.errors import ArchiveError
from train.evaluation import metrics
from train.evaluation.custom_dataset import measure_custom_dataset

PNG = bytes(cv2.imencode(".png", np.full((48, 48), 90, np.uint8))[1])
LABELS = FER7.labels


def zip_of(files: dict[str, bytes], **options: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def png(face_gray: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", face_gray)[1])


@pytest.fixture
def classifier(models_dir: Path) -> EmotionClassifier:
    return EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)


@pytest.fixture(scope="module")
def crops(tiny_set: FaceSet) -> dict[str, bytes]:
    """Forty real faces in folders by emotion."""
    chosen = range(0, len(tiny_set), 7)
    return {
        f"{LABELS[tiny_set.labels[i]]}/{tiny_set.names[i]}.png": png(tiny_set.faces_gray[i])
        for i in chosen
    }


# ---------------------------------------------------------------- what is used


def test_folders_give_the_figures_of_the_same_faces(
    crops: dict[str, bytes], classifier: EmotionClassifier, tiny_set: FaceSet
) -> None:
    calls: list[tuple[int, int]] = []
    result = measure_custom_dataset(
        zip_of(crops), classifier, on_progress=lambda done, total: calls.append((done, total))
    )
    chosen = tiny_set.where(np.arange(0, len(tiny_set), 7))
    expected = classifier.predict(chosen.faces_gray)
    assert len(result) == len(chosen) == 40
    assert result.skipped == () and result.empty_classes == ()
    assert calls == [(16, 40), (32, 40), (40, 40)]
    order = [Path(name).stem for name in result.names]
    place = [chosen.names.tolist().index(name) for name in order]
    np.testing.assert_allclose(result.probabilities, expected[place], atol=1e-6)
    assert np.array_equal(result.labels, chosen.labels[place])
    assert np.array_equal(result.faces_gray, chosen.faces_gray[place])
    own = metrics.confusion_matrix(result.labels, result.probabilities.argmax(axis=1), 7)
    theirs = metrics.confusion_matrix(chosen.labels, expected.argmax(axis=1), 7)
    assert np.array_equal(own, theirs)


def test_a_file_on_disk_is_read_too(
    crops: dict[str, bytes], classifier: EmotionClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "own.zip"
    path.write_bytes(zip_of(crops))
    assert len(measure_custom_dataset(path, classifier)) == 40
    assert {file.name for file in tmp_path.iterdir()} == {"own.zip", "models"}


def test_photos_go_through_the_pipeline(classifier: EmotionClassifier, tiny_set: FaceSet) -> None:
    canvases = {
        f"{LABELS[tiny_set.labels[i]]}/{i}.png": png(canvas_of(tiny_set.faces_gray[i]))
        for i in range(0, len(tiny_set), 20)
    }
    canvases["sad/empty.png"] = png(np.full((200, 200), 120, np.uint8))
    result = measure_custom_dataset(zip_of(canvases), classifier, detector=HaarDetector())
    reasons = {skipped.name: skipped.reason for skipped in result.skipped}
    assert reasons["sad/empty.png"] == "No face was found in the picture."
    assert len(result) >= 7
    assert len(result) + len(reasons) == len(canvases)
    assert result.faces_gray.shape[1:] == (48, 48)


def test_nested_folders_synonyms_and_capitals(classifier: EmotionClassifier) -> None:
    files = {
        "Data Set/Happiness/2024/a.PNG": PNG,
        "Data Set/ANGER/b.png": PNG,
        "happy/sad/c.png": PNG,
        "__MACOSX/happy/._a.png": b"helper",
        "happy/.DS_Store": b"helper",
        "happy/Thumbs.db": b"helper",
        "empty/": b"",
    }
    result = measure_custom_dataset(zip_of(files), classifier)
    found = dict(zip(result.names.tolist(), result.labels.tolist(), strict=True))
    assert found == {
        "Data Set/Happiness/2024/a.PNG": LABELS.index("happy"),
        "Data Set/ANGER/b.png": LABELS.index("angry"),
        "happy/sad/c.png": LABELS.index("sad"),
    }
    assert result.skipped == ()
    assert result.empty_classes == ("disgust", "fear", "surprise", "neutral")


@pytest.mark.parametrize("names", [("glück/", "ü.png"), ("日本/", "顔.png"), ("", "😀.png")])
def test_names_in_any_script(classifier: EmotionClassifier, names: tuple[str, str]) -> None:
    folder, file = names
    name = f"{folder}happy/{file}"
    assert measure_custom_dataset(zip_of({name: PNG}), classifier).names.tolist() == [name]


def test_utf8_that_nobody_declared(classifier: EmotionClassifier) -> None:
    """As older programs on macOS write it, and decomposed."""
    name = unicodedata.normalize("NFD", "happy/äöü.png")
    content = zip_of({"happy/" + "x" * (len(name.encode()) - 10) + ".png": PNG})
    written = content.replace(b"happy/" + b"x" * (len(name.encode()) - 10) + b".png", name.encode())
    result = measure_custom_dataset(written, classifier)
    assert result.names.tolist() == ["happy/äöü.png"]


def test_a_table_of_names_and_labels(classifier: EmotionClassifier) -> None:
    table = (
        "\ufeffName,Label,note\n"
        "a.png,happy,\n"
        "sub/\u0065\u0308.png, Sadness ,decomposed\n"
        "missing.png,happy,\n"
        "../outside.png,happy,\n"
        "b.png,bored,\n"
        "a.png,sad,again\n"
        "\n"
        "b.png\n"
    )
    files = {"set/a.png": PNG, "set/sub/ë.png": PNG, "set/b.png": PNG, "set/table.csv": b""}
    files["set/table.csv"] = table.encode()
    result = measure_custom_dataset(zip_of(files), classifier)
    found = dict(zip(result.names.tolist(), result.labels.tolist(), strict=True))
    assert found == {
        "set/a.png": LABELS.index("happy"),
        "set/sub/ë.png": LABELS.index("sad"),
    }
    assert [skipped.name for skipped in result.skipped] == [
        "missing.png",
        "../outside.png",
        "set/b.png",
        "set/a.png",
        "set/b.png",
    ]
    assert "'bored'" in result.skipped[2].reason
    assert "more than once" in result.skipped[3].reason


def test_six_classes_do_not_know_disgust() -> None:
    from fer_core.labels import FER6

    with PictureArchive(zip_of({"disgust/a.png": PNG, "sad/b.png": PNG}), FER6.labels) as archive:
        assert [(file.name, FER6.labels[file.label]) for file in archive.files] == [
            ("sad/b.png", "sad")
        ]
        assert [skipped.name for skipped in archive.skipped] == ["disgust/a.png"]


# ---------------------------------------------------------------- what is skipped


def test_one_bad_picture_among_many(crops: dict[str, bytes], classifier: EmotionClassifier) -> None:
    whole = png(np.tile(np.arange(48, dtype=np.uint8), (48, 1)) * 5)
    bad = {
        "happy/cut.png": whole[: len(whole) // 2],
        "happy/empty.jpg": b"",
        "happy/text.jpg": b"not a picture",
        "happy/zip.jpg": zip_of({"happy/a.png": PNG}),
        "happy/notes.txt": b"notes",
        "bored/a.png": PNG,
        "loose.png": PNG,
    }
    result = measure_custom_dataset(zip_of({**crops, **bad}), classifier)
    assert len(result) == 40
    assert {skipped.name for skipped in result.skipped} == set(bad)
    assert all(skipped.reason.endswith(".") for skipped in result.skipped)


def test_a_damaged_member_is_skipped(classifier: EmotionClassifier) -> None:
    content = bytearray(zip_of({"happy/a.png": PNG, "sad/b.png": PNG}))
    at = content.find(PNG) + len(PNG) // 2
    content[at] ^= 0xFF
    result = measure_custom_dataset(bytes(content), classifier)
    assert result.names.tolist() == ["sad/b.png"]
    assert result.skipped[0].reason == "The file is damaged in the archive."


def test_only_bad_pictures_leave_an_empty_measurement(classifier: EmotionClassifier) -> None:
    result = measure_custom_dataset(zip_of({"happy/a.png": b"x"}), classifier)
    assert len(result) == 0
    assert result.probabilities.shape == (0, 7)
    assert result.faces_gray.shape == (0, 48, 48)
    assert result.empty_classes == LABELS


def test_what_the_callback_raises_ends_it(classifier: EmotionClassifier) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_custom_dataset(zip_of({"happy/a.png": PNG}), classifier, on_progress=stop)


# ---------------------------------------------------------------- what is refused


def refused(content: bytes, word: str, labels: Sequence[str] = LABELS) -> None:
    with pytest.raises(ArchiveError, match=word) as caught:
        PictureArchive(content, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../happy/a.png",
        "happy/../../a.png",
        "/happy/a.png",
        "happy\\..\\..\\a.png",
        "\\happy\\a.png",
        "C:/happy/a.png",
        "C:\\happy\\a.png",
        "..",
    ],
)
def test_paths_that_leave_the_folder(name: str) -> None:
    info = zipfile.ZipInfo("happy/x.png")
    info.filename = name  # past ZipInfo's own repair
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, PNG)
    refused(buffer.getvalue(), "leaves its folder")


def test_a_name_with_a_zero_byte() -> None:
    content = zip_of({"happy/aXb.png": PNG}).replace(b"aXb", b"a\0b")
    refused(content, "leaves its folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(kind: int) -> None:
    info = zipfile.ZipInfo("happy/a.png")
    info.external_attr = (kind | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(buffer.getvalue(), "link or a device")


@pytest.mark.parametrize("name", ["inner.zip", "happy/INNER.ZIP", "a.tar.gz", "b.7z", "c.rar"])
def test_nested_archives(name: str) -> None:
    refused(zip_of({"happy/a.png": PNG, name: b"PK"}), "another archive")


def test_a_bomb_by_its_ratio() -> None:
    bomb = zip_of({"happy/a.png": bytes(20 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 16
    refused(bomb, "100-fold")


def test_a_bomb_of_one_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1 << 20)
    noise = np.random.default_rng(0).bytes((1 << 20) + 1)
    refused(zip_of({"happy/a.png": noise}), "more than 1 MB unpacked")


def test_a_bomb_of_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 5 << 20)
    noise = np.random.default_rng(0).bytes(1 << 20)
    refused(zip_of({f"happy/{index}.png": noise for index in range(6)}), "more than 5 MB")
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    refused(zip_of({f"happy/{index}.png": b"" for index in range(6)}), "more than 5 files")


def test_a_bomb_that_lies_about_its_size(
    monkeypatch: pytest.MonkeyPatch, classifier: EmotionClassifier
) -> None:
    """The directory says 100 bytes; not more than these are ever decompressed."""
    size = 20 << 20
    content = zip_of({"happy/a.png": bytes(size)}, compression=zipfile.ZIP_DEFLATED)
    lie = content.replace(struct.pack("<I", size), struct.pack("<I", 100))
    assert lie != content
    result = measure_custom_dataset(lie, classifier)
    assert len(result) == 0
    assert len(result.skipped) == 1
    with PictureArchive(lie, LABELS) as archive, pytest.raises(ArchiveError, match="damaged"):
        archive.read("happy/a.png")


def test_too_large_an_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 1 << 10)
    content = zip_of({"happy/a.png": bytes(2 << 10)})
    refused(content, "larger than")
    path = tmp_path / "large.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="larger than"):
        PictureArchive(path, LABELS)


def test_an_encrypted_archive() -> None:
    content = bytearray(zip_of({"happy/a.png": PNG}))
    content[content.find(b"PK\x01\x02") + 8] |= 1
    refused(bytes(content), "encrypted")


def test_the_same_name_twice() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("happy/a.png", PNG)
        archive.writestr("happy/a.png", b"other")
    refused(buffer.getvalue(), "two files called")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off", PNG])
def test_what_is_no_zip(content: bytes) -> None:
    refused(content, r"no whole \.zip")


def test_a_cut_off_archive(crops: dict[str, bytes]) -> None:
    content = zip_of(crops)
    refused(content[: len(content) // 2], r"no whole \.zip")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read"):
        PictureArchive(tmp_path / "missing.zip", LABELS)


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({}, "no labelled picture"),
        ({"bored/a.png": PNG}, "bored/a.png"),
        ({"happy/": b""}, "no labelled picture"),
        ({"a.csv": b"name,label\n", "happy/a.png": PNG}, "no labelled picture"),
        ({"a.csv": b"name,label\n", "b.csv": b"name,label\n"}, "2 tables"),
        ({"a.csv": b"file,emotion\nx,happy\n"}, "columns name and label"),
        ({"a.csv": b""}, "columns name and label"),
        ({"a.csv": b"name,label\n\xff\xfe,happy\n"}, "UTF-8"),
    ],
)
def test_archives_without_a_labelled_picture(files: dict[str, bytes], word: str) -> None:
    refused(zip_of(files), word)


def test_a_table_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    table = b"name,label\n" + b"a.png,happy\n" * 50
    monkeypatch.setattr(archives, "MAX_FILES", 20)
    refused(zip_of({"a.csv": table, "a.png": PNG}), "more than 20 rows")
    monkeypatch.setattr(archives, "MAX_TABLE_BYTES", 100)
    refused(zip_of({"a.csv": table, "a.png": PNG}), "more than")


def test_every_length_of_a_cut_archive_has_a_named_end(crops: dict[str, bytes]) -> None:
    content = zip_of(dict(list(crops.items())[:2]))
    for length in range(0, len(content), 97):
        with pytest.raises(ArchiveError):
            PictureArchive(content[:length], LABELS)
