from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.errors import ModelError
from fer_core.preprocessing import normalize_faces
from train.data.fer2013 import FaceSet
from train.evaluation import explain
from train.evaluation.explain import grad_cam, occlusion_sensitivity


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return EmotionClassifier.load("fer7", reading="labels")


@pytest.fixture(scope="module")
def happy(whole_set: FaceSet) -> np.ndarray:
    """Real test pictures of happy faces."""
    tests = whole_set.split("PrivateTest")
    return tests.faces_gray[tests.labels == tests.class_set.labels.index("happy")][:20]


@pytest.fixture(scope="module")
def drawn(tiny_set: FaceSet) -> np.ndarray:
    """Drawn happy faces, for what holds for any picture."""
    return tiny_set.faces_gray[tiny_set.labels == tiny_set.class_set.labels.index("happy")]


HAPPY = 3


@pytest.fixture(scope="module")
def maps(classifier: EmotionClassifier, happy: np.ndarray) -> list[np.ndarray]:
    """Where a real happy face speaks for each class."""
    return [grad_cam(classifier, happy[0], position) for position in range(7)]


def test_grad_cam_of_real_faces(
    classifier: EmotionClassifier, happy: np.ndarray, maps: list[np.ndarray]
) -> None:
    smiles = [maps[HAPPY], *(grad_cam(classifier, face, HAPPY) for face in happy[1:3])]
    for heat in maps + smiles:
        assert heat.shape == (48, 48)
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() <= 1
    assert any(heat.max() > 0.9 for heat in smiles)


@pytest.mark.training
@pytest.mark.parametrize("reading", ["labels", "people"])
@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_grad_cam_is_that_of_the_paper(name: str, reading: str, drawn: np.ndarray) -> None:
    """Keras computes the gradients that the weights of the last layers stand for."""
    import keras
    import tensorflow as tf

    from train.evaluation.architecture import read_keras

    served = EmotionClassifier.load(name, reading=reading)
    network = read_keras(MODELS_DIR / name)
    lasts = [network.get_layer(f"m{number}_stage3_block2_relu").output for number in (1, 2)]
    shown = keras.Model(network.input, [*lasts, network.output])
    score = served.score_weights(2)
    with tf.GradientTape() as tape:
        *found, logits = shown(normalize_faces([drawn[0], drawn[0][:, ::-1]]), training=False)
        total = tf.reduce_sum(tf.reduce_mean(logits, axis=1) @ score[:, np.newaxis])
    expected = np.zeros((48, 48), np.float32)
    for own, gradients in zip(found, tape.gradient(total, found), strict=True):
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        straight, mirrored = tf.nn.relu(tf.reduce_sum(weights * own, axis=-1)).numpy()
        both = straight + mirrored[:, ::-1]
        expected += cv2.resize(both, (48, 48), interpolation=cv2.INTER_LINEAR)
    assert expected.any()
    # The served weights are rounded to int8, and so differ a little.
    np.testing.assert_allclose(grad_cam(served, drawn[0], 2), expected / expected.max(), atol=0.1)


def test_classes_look_at_different_places(maps: list[np.ndarray]) -> None:
    assert max(np.abs(maps[HAPPY] - other).max() for other in maps) > 0.3


def test_a_smile_is_in_the_lower_half(classifier: EmotionClassifier, happy: np.ndarray) -> None:
    costs = np.mean(
        [
            occlusion_sensitivity(classifier, face, HAPPY, window=12, stride=12)
            for face in happy[:8]
        ],
        axis=0,
    )
    assert costs[28:44, 12:36].mean() > 2 * abs(costs[:16].mean()) > 0


def test_occlusion_is_the_fall_of_the_probability(
    classifier: EmotionClassifier, drawn: np.ndarray
) -> None:
    face = drawn[0]
    whole = occlusion_sensitivity(classifier, face, HAPPY, window=48)
    grey = np.full_like(face, round(float(face.mean())))
    expected = classifier.predict([face, grey])[:, HAPPY]
    np.testing.assert_allclose(whole, expected[0] - expected[1], atol=1e-6)

    quarters = occlusion_sensitivity(classifier, face, HAPPY, window=24, stride=24)
    corner = face.copy()
    corner[24:, :24] = round(float(face.mean()))
    covered = classifier.predict([corner])[0, HAPPY]
    np.testing.assert_allclose(quarters[24:, :24], expected[0] - covered, atol=1e-6)


def test_every_pixel_is_covered(classifier: EmotionClassifier, drawn: np.ndarray) -> None:
    heat = occlusion_sensitivity(classifier, drawn[1], HAPPY, window=20, stride=19)
    assert np.isfinite(heat).all()
    assert (heat[-1] != 0).any() and (heat[:, -1] != 0).any()


def test_larger_faces_have_larger_maps(classifier: EmotionClassifier, drawn: np.ndarray) -> None:
    before = drawn[0].copy()
    heat = occlusion_sensitivity(classifier, enlarged(drawn[0]), HAPPY, window=24, stride=24)
    assert heat.shape == (96, 96)
    assert np.array_equal(drawn[0], before)


def test_larger_faces_have_larger_grad_cam(
    classifier: EmotionClassifier, drawn: np.ndarray
) -> None:
    before = drawn[0].copy()
    assert grad_cam(classifier, enlarged(drawn[0]), HAPPY).shape == (96, 96)
    assert np.array_equal(drawn[0], before)


def enlarged(face: np.ndarray) -> np.ndarray:
    return face.repeat(2, axis=0).repeat(2, axis=1)


BLANK = np.full((48, 48), 100, np.uint8)


def test_a_blank_face_is_covered_without_a_fault(classifier: EmotionClassifier) -> None:
    assert (occlusion_sensitivity(classifier, BLANK, 0, window=24, stride=24) == 0).all()


def test_a_blank_face_has_a_grad_cam(classifier: EmotionClassifier) -> None:
    assert np.isfinite(grad_cam(classifier, BLANK, 0)).all()


@pytest.mark.parametrize("position", [-1, 7])
def test_a_class_that_is_not_there(
    classifier: EmotionClassifier, drawn: np.ndarray, position: int
) -> None:
    with pytest.raises(ValueError, match="no class"):
        occlusion_sensitivity(classifier, drawn[0], position)


@pytest.mark.parametrize("position", [-1, 7])
def test_grad_cam_of_a_class_that_is_not_there(
    classifier: EmotionClassifier, drawn: np.ndarray, position: int
) -> None:
    with pytest.raises(ValueError, match="no class"):
        grad_cam(classifier, drawn[0], position)


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (49, 1), (10, 0)])
def test_a_square_that_does_not_move(
    classifier: EmotionClassifier, drawn: np.ndarray, window: int, stride: int
) -> None:
    with pytest.raises(ValueError, match="square"):
        occlusion_sensitivity(classifier, drawn[0], 0, window=window, stride=stride)


def test_a_network_of_any_size_can_be_explained(
    models_dir: Path, ensembles_dir: Path, drawn: np.ndarray
) -> None:
    for folder, reading in ((models_dir, "labels"), (ensembles_dir, "people")):
        served = EmotionClassifier.load("fer7", models_dir=folder, reading=reading)
        heat = grad_cam(served, drawn[0], 2)
        assert heat.shape == (48, 48) and np.isfinite(heat).all()


def test_a_network_that_ends_in_another_way_is_not_explained(
    classifier: EmotionClassifier, drawn: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "LABELS_LAYER", "other")
    with pytest.raises(ModelError, match="cannot follow the last layers"):
        grad_cam(classifier, drawn[0], 2)
