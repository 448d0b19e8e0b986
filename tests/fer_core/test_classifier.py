"""The served networks, and everything that can be wrong with their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fer_core import classifier as module
from fer_core.classifier import EmotionClassifier
from fer_core.errors import ModelError
from fer_core.labels import FER6, FER7
from fer_core.readings import READINGS, softmax
from fer_core.tta import ONE_VIEW
from tests.fer_core.conftest import MODELS


@pytest.fixture(autouse=True)
def _faces_are_found_and_read_once() -> None:
    """Not here, where the networks themselves are tested."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the seven-class model, to damage; bytes stand for its network, which is large."""
    copy = tmp_path / "fer7"
    copy.mkdir()
    for name in ("labels.json", "config.json"):
        (copy / name).write_bytes((MODELS / "fer7" / name).read_bytes())
    put_network(copy, bytes(6000))
    return copy


@pytest.fixture
def whole_folder(folder: Path) -> Path:
    """A copy of it with its network."""
    put_network(folder, (MODELS / "fer7" / "model.tflite").read_bytes())
    return folder


@pytest.fixture(scope="module")
def one_by_one(fer7: EmotionClassifier, crops: np.ndarray) -> np.ndarray:
    """What is read in each of the first crops alone."""
    return np.vstack([fer7.predict(crops[i : i + 1]) for i in range(17)])


@pytest.fixture(scope="module")
def few(crops: np.ndarray) -> np.ndarray:
    """Enough faces where it does not matter how many."""
    return crops[::20]


def change_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def put_network(folder: Path, content: bytes) -> None:
    """Write another network with the checksum that belongs to it."""
    (folder / "model.tflite").write_bytes(content)
    change_config(folder, sha256={"model.tflite": hashlib.sha256(content).hexdigest()})


def assert_refused(folder: Path, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence) as caught:
        EmotionClassifier.load(folder.name, models_dir=folder.parent)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert f"'{folder.name}'" in message


@pytest.mark.parametrize("class_set", [FER7, FER6], ids=lambda s: s.name)
def test_shipped_models(class_set, few: np.ndarray) -> None:
    model = EmotionClassifier.load(class_set.name)
    assert (model.name, model.labels) == (class_set.name, class_set.labels)
    assert (model.members, model.reading) == (2, "people")
    assert 0 < model.temperature < 10
    probabilities = model.predict(few)
    assert (probabilities.shape, probabilities.dtype) == ((2, len(class_set)), np.float32)
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    # A network that answers the same whatever it sees is none.
    noise = np.random.default_rng(0).integers(0, 256, (1, 48, 48), np.uint8)
    assert np.abs(model.predict(noise) - probabilities[:1]).max() > 0.01


def test_files_of_a_model_are_small() -> None:
    for folder in (MODELS / "fer7", MODELS / "fer6"):
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 20_000_000


@pytest.mark.parametrize("none", [[], np.zeros((0, 48, 48), np.uint8)])
def test_no_faces(fer7: EmotionClassifier, none: Any) -> None:
    assert fer7.predict(none).shape == (0, 7)
    assert fer7.predict(none).dtype == np.float32


# Each face has two views. The largest batch that there is, and more; and several that are full.
@pytest.mark.parametrize(
    ("count", "most"), [(1, module.MAX_BATCH), (17, module.MAX_BATCH), (2, 4), (6, 4)]
)
def test_batches_agree_with_single_faces(
    fer7: EmotionClassifier,
    crops: np.ndarray,
    one_by_one: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    most: int,
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", most)
    assert fer7.predict(crops[:count]) == pytest.approx(one_by_one[:count], abs=1e-4)


def test_mixed_sizes(fer7: EmotionClassifier, crops: np.ndarray) -> None:
    mixed = [crops[0], crops[1][::2, ::2], crops[2][:, :60], np.full((3, 9), 5, np.uint8)]
    before = [face.copy() for face in mixed]
    single = np.vstack([fer7.predict([face]) for face in mixed])
    assert fer7.predict(mixed) == pytest.approx(single, abs=1e-4)
    assert all((a == b).all() for a, b in zip(mixed, before, strict=True))


def test_results_are_repeatable_and_independent(fer7: EmotionClassifier, crops: np.ndarray) -> None:
    first = fer7.predict(crops[:2])
    kept = first.copy()
    fer7.predict(crops[2:5])
    # Neither the memory nor the batch size of a later call shows in an earlier result.
    assert (first == kept).all()
    assert (fer7.predict(crops[:2]) == kept).all()


def test_temperature_divides_the_logits(whole_folder: Path, few: np.ndarray) -> None:
    change_config(whole_folder, temperature={"labels": 2.5, "people": 1.0})
    model = EmotionClassifier.load("fer7", reading="labels", models_dir=whole_folder.parent)
    expected = np.exp(model.logits(few)[:, :7] / 2.5)
    expected /= expected.sum(axis=1, keepdims=True)
    assert model.predict(few) == pytest.approx(expected, abs=1e-6)


def test_the_people_are_asked_only_for_emotions_of_the_model(
    whole_folder: Path, few: np.ndarray
) -> None:
    change_config(whole_folder, temperature={"labels": 1.0, "people": 2.0}, mixture=1.0)
    model = EmotionClassifier.load("fer7", models_dir=whole_folder.parent)
    both = model.predict_both(few)
    assert model.reading == "people" and model.temperature == 2.0
    assert both.votes == pytest.approx(softmax(model.logits(few)[:, 7:] / 2), abs=1e-6)
    columns = [model.answers.index(label) for label in FER7.labels]
    # Contempt is left out, and its share goes to the others in proportion.
    kept = both.votes[:, columns]
    assert (kept.sum(axis=1) < 1).all()
    assert both.people == pytest.approx(kept / kept.sum(axis=1, keepdims=True), abs=1e-5)
    assert model.predict(few) == pytest.approx(both.people, abs=1e-6)
    assert model.with_reading("labels").predict(few) == pytest.approx(both.labels, abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.75])
def test_a_mixture_is_the_geometric_mean(
    whole_folder: Path, few: np.ndarray, weight: float
) -> None:
    change_config(whole_folder, mixture=1.0)
    pure = EmotionClassifier.load("fer7", models_dir=whole_folder.parent).predict_both(few)
    change_config(whole_folder, mixture=weight)
    mixed = EmotionClassifier.load("fer7", models_dir=whole_folder.parent).predict(few)
    expected = pure.people**weight * pure.labels ** (1 - weight)
    expected /= expected.sum(axis=1, keepdims=True)
    assert mixed == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("reading", READINGS)
def test_a_face_and_its_mirror_image_get_the_same_verdict(
    fer7: EmotionClassifier, crops: np.ndarray, reading: str
) -> None:
    sides = (48, 50, 131)
    faces = [cv2.resize(crops[13 * n], (side, side)) for n, side in enumerate(sides)]
    model = fer7.with_reading(reading)
    mirrored = [face[:, ::-1] for face in faces]
    assert model.predict(faces) == pytest.approx(model.predict(mirrored), abs=1e-3)
    # It is the second view that does it.
    one_view = model.predict(faces, ONE_VIEW) - model.predict(mirrored, ONE_VIEW)
    assert (np.abs(one_view).max(axis=1) > 0.01).all()


def test_each_network_answers_alone(fer7: EmotionClassifier, few: np.ndarray) -> None:
    by_member = fer7.member_logits(few)
    assert by_member.shape == (len(few), fer7.members, 15) and by_member.dtype == np.float32
    assert np.abs(by_member[:, 0] - by_member[:, 1]).max() > 0.1
    np.testing.assert_allclose(by_member.mean(axis=1), fer7.logits(few), atol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_is_the_softmax_of_its_scores(
    whole_folder: Path, few: np.ndarray, reading: str, weight: float
) -> None:
    change_config(whole_folder, mixture=weight)
    model = EmotionClassifier.load("fer7", models_dir=whole_folder.parent, reading=reading)
    weights = np.array([model.score_weights(position) for position in range(len(model.labels))])
    assert weights.shape == (7, 15) and weights.dtype == np.float32
    scores = np.exp(model.logits(few) @ weights.T)
    expected = scores / scores.sum(axis=1, keepdims=True)
    assert model.predict(few) == pytest.approx(expected, abs=1e-5)


def test_another_reading_needs_no_other_network(
    fer7: EmotionClassifier, few: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Interpreter", None)  # a call would fail
    labels = fer7.with_reading("labels")
    assert (labels.reading, fer7.reading) == ("labels", "people")
    assert np.abs(labels.predict(few) - fer7.predict(few)).max() > 0.05


@pytest.mark.parametrize("reading", ["", "crowd", None])
def test_a_reading_that_is_not_there(fer7: EmotionClassifier, reading: Any) -> None:
    with pytest.raises(ValueError, match="there are people, labels"):
        EmotionClassifier.load("fer7", reading=reading)
    with pytest.raises(ValueError, match="There is no reading"):
        fer7.with_reading(reading)


def test_a_processor_without_the_fast_instructions_still_serves(
    fer7: EmotionClassifier, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without XNNPACK the runtime's plain kernels compute, which need no vector instructions."""
    plain = partial(Interpreter, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    monkeypatch.setattr(module, "Interpreter", plain)
    served = EmotionClassifier.load("fer7").predict(crops[:1])
    assert served == pytest.approx(fer7.predict(crops[:1]), abs=0.02)


def test_threads_share_a_classifier(
    fer7: EmotionClassifier, crops: np.ndarray, one_by_one: np.ndarray
) -> None:
    parts = [slice(i, i + 1 + i % 2) for i in range(10)]
    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda part: fer7.predict(crops[part]), parts))
    for part, found in zip(parts, at_once, strict=True):
        assert found == pytest.approx(one_by_one[part], abs=1e-4)


def test_one_visitor_needs_one_interpreter(
    monkeypatch: pytest.MonkeyPatch, crops: np.ndarray
) -> None:
    made = []
    real = module.Interpreter
    monkeypatch.setattr("fer_core.budget.core_limit", lambda: 4)
    monkeypatch.setattr(module, "Interpreter", lambda **kw: made.append(1) or real(**kw))
    model = EmotionClassifier.load("fer7")
    for _ in range(6):
        model.predict(crops[:1])
    assert len(made) == 1


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((2, 48, 48), np.float32),
        np.zeros((2, 48, 48, 1), np.uint8),
        np.zeros((48, 48), np.uint8),
        [np.zeros((0, 48), np.uint8)],
    ],
)
def test_what_is_no_grey_face_is_refused(fer7: EmotionClassifier, faces: Any) -> None:
    with pytest.raises(ValueError, match="A face must be"):
        fer7.predict(faces)
    assert fer7.predict([]).shape == (0, 7)


def test_unknown_model(tmp_path: Path) -> None:
    assert_refused(tmp_path / "fer9", "There is no model 'fer9' in")


@pytest.mark.parametrize("name", ["labels.json", "config.json", "model.tflite"])
def test_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert_refused(folder, f"is incomplete: {name} is missing")


def test_unreadable_file(folder: Path) -> None:
    (folder / "labels.json").unlink()
    (folder / "labels.json").mkdir()
    assert_refused(folder, r"cannot be read: labels\.json: Is a directory")


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: b"", lambda c: c[:5000] + b"\1" + c[5001:]]
)
def test_corrupt_network_has_another_checksum(
    folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = folder / "model.tflite"
    file.write_bytes(damage(file.read_bytes()))
    assert_refused(folder, r"is damaged: the checksum of model\.tflite is wrong")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", bytes(5000)])
def test_network_that_is_none(folder: Path, content: bytes) -> None:
    put_network(folder, content)
    assert_refused(folder, "cannot be loaded")


@pytest.mark.parametrize("name", ["labels.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2", b"\xff\xfe\xfa", b"angry, happy"])
def test_damaged_json(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert_refused(folder, f"is damaged: {name} is not valid JSON")


@pytest.mark.parametrize("content", ["[]", "null", "5", "{}", '{"temperature": 1.0}'])
def test_config_without_its_keys(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    assert_refused(folder, r"config\.json has no valid temperature or checksum")


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_impossible_temperature(folder: Path, temperature: float) -> None:
    for reading in ("labels", "people"):
        change_config(folder, temperature={"labels": 1.0, "people": 1.0} | {reading: temperature})
        assert_refused(folder, "its temperature is")


@pytest.mark.parametrize(
    "temperature", ["x", None, [1.0], 1.0, {"labels": 1.0}, {"labels": 1.0, "people": "x"}]
)
def test_temperature_that_is_no_number(folder: Path, temperature: Any) -> None:
    change_config(folder, temperature=temperature)
    assert_refused(folder, "no valid temperature")


@pytest.mark.parametrize("mixture", [-0.1, 1.1, float("nan")])
def test_impossible_mixture(folder: Path, mixture: float) -> None:
    change_config(folder, mixture=mixture)
    assert_refused(folder, "its mixture is")


def test_another_format(folder: Path) -> None:
    change_config(folder, format=1)
    assert_refused(folder, "has the format 1, not 2; export it again")


def test_answers_that_lack_an_emotion(folder: Path) -> None:
    change_config(folder, answers=["neutral", "happy"])
    assert_refused(folder, "answers of the model 'fer7' lack some of its labels")


@pytest.mark.parametrize("checksum", [None, "x", ["model.tflite"], {"model.keras": "0"}])
def test_missing_checksum(folder: Path, checksum: Any) -> None:
    change_config(folder, sha256=checksum)
    assert_refused(folder, "no valid temperature or checksum")


@pytest.mark.parametrize(
    "labels",
    [
        list(reversed(FER7.labels)),
        list(FER7.labels[:5]),
        [*FER7.labels, "contempt"],
        list(FER6.labels),  # a class set, but not the one that the folder's name promises
        [],
        {"labels": list(FER7.labels)},
        "angry",
        None,
    ],
)
def test_labels_that_do_not_match(folder: Path, labels: Any) -> None:
    (folder / "labels.json").write_text(json.dumps(labels))
    assert_refused(folder, "labels of the model 'fer7' do not match")


def test_network_with_another_number_of_outputs(folder: Path) -> None:
    put_network(folder, (MODELS / "fer6" / "model.tflite").read_bytes())
    assert_refused(folder, "its network has 14 outputs for 7 labels and 8 answers")


def test_other_names_hold_any_class_set(whole_folder: Path) -> None:
    other = whole_folder.rename(whole_folder.with_name("my-model"))
    assert EmotionClassifier.load("my-model", models_dir=other.parent).labels == FER7.labels
    (other / "labels.json").write_text('["happy", "sad"]')
    assert_refused(other, "is not the order of any class set")


@pytest.mark.parametrize("offset", [0, 1000, -1000])
def test_softmax(offset: float) -> None:
    logits = np.array([[0.0, np.log(2), np.log(5)], [3, 3, 3]]) + offset
    assert softmax(logits) == pytest.approx(np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 3] * 3]))
    assert softmax(logits).dtype == np.float32
