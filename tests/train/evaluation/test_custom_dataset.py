"""Measuring on an archive from anybody: what is used, and what is skipped."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import HaarDetector
from fer_core.labels import FER7
from tests.train.zips import PNG, lying_bomb, png, zip_of
from train.data.fer2013 import FaceSet
from train.data.framing import canvas_of
from train.evaluation import metrics
from train.evaluation.custom_dataset import measure_custom_dataset

LABELS = FER7.labels


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
    assert calls == [(done, 40) for done in range(41)]
    order = [Path(name).stem for name in result.verdicts.names]
    place = [chosen.names.tolist().index(name) for name in order]
    np.testing.assert_allclose(result.verdicts.probabilities, expected[place], atol=1e-6)
    assert np.array_equal(result.verdicts.labels, chosen.labels[place])
    assert np.array_equal(result.faces_gray, chosen.faces_gray[place])
    own = metrics.confusion_matrix(
        result.verdicts.labels, result.verdicts.probabilities.argmax(axis=1), 7
    )
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
    found = dict(zip(result.verdicts.names.tolist(), result.verdicts.labels.tolist(), strict=True))
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
    assert measure_custom_dataset(zip_of({name: PNG}), classifier).verdicts.names.tolist() == [name]


def test_utf8_that_nobody_declared(classifier: EmotionClassifier) -> None:
    """As older programs on macOS write it, and decomposed."""
    name = unicodedata.normalize("NFD", "happy/äöü.png")
    content = zip_of({"happy/" + "x" * (len(name.encode()) - 10) + ".png": PNG})
    written = content.replace(b"happy/" + b"x" * (len(name.encode()) - 10) + b".png", name.encode())
    result = measure_custom_dataset(written, classifier)
    assert result.verdicts.names.tolist() == ["happy/äöü.png"]


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
    found = dict(zip(result.verdicts.names.tolist(), result.verdicts.labels.tolist(), strict=True))
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
    assert {column: said.tolist() for column, said in result.said.items()} == {
        "note": ["", "decomposed"]
    }
    assert "'bored'" in result.skipped[2].reason
    assert "more than once" in result.skipped[3].reason


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
    assert result.verdicts.names.tolist() == ["sad/b.png"]
    assert result.skipped[0].reason == "The file is damaged in the archive."


def test_only_bad_pictures_leave_an_empty_measurement(classifier: EmotionClassifier) -> None:
    result = measure_custom_dataset(zip_of({"happy/a.png": b"x"}), classifier)
    assert len(result) == 0
    assert result.verdicts.probabilities.shape == (0, 7)
    assert result.faces_gray.shape == (0, 48, 48)
    assert result.empty_classes == LABELS


def test_what_the_callback_raises_ends_it(classifier: EmotionClassifier) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_custom_dataset(zip_of({"happy/a.png": PNG}), classifier, on_progress=stop)


def test_a_bomb_that_lies_about_its_size_is_skipped(classifier: EmotionClassifier) -> None:
    result = measure_custom_dataset(lying_bomb(), classifier)
    assert len(result) == 0
    assert len(result.skipped) == 1
