"""Why does a network say so? Two views of what in a face its answer hangs on.

``grad_cam`` needs Keras on TensorFlow, which ``load_network`` imports; nothing else here does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import LABELS_FILE, EmotionClassifier, read_model_json
from fer_core.errors import ModelError
from fer_core.network_config import member_prefix
from fer_core.preprocessing import INPUT_SIZE, normalize_faces, resize_face

KERAS_FILE = "model.keras"


def read_keras(folder: Path) -> Any:
    """Read the Keras model of a model's folder; import Keras.

    Raises:
        ModelError: ``model.keras`` is missing or cannot be loaded.
    """
    import keras

    path = folder / KERAS_FILE
    if not path.is_file():
        raise ModelError(f"The model '{folder.name}' is incomplete: {KERAS_FILE} is missing.")
    try:
        return keras.saving.load_model(path, compile=False)
    # Keras raises whatever its zip, JSON and HDF5 readers do.
    except Exception as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {KERAS_FILE} cannot be loaded."
        ) from error


def load_network(folder: Path) -> Any:
    """Load a model for ``grad_cam``; takes seconds, the first time for TensorFlow too.

    Args:
        folder: The model's, such as ``MODELS_DIR / "fer7"``.

    Returns:
        A Keras model from faces to the last feature maps of every member, and the labels' logits
        ``(N, M, K)``; it may be shared between threads.

    Raises:
        ModelError: ``model.keras`` is missing or cannot be loaded, or Keras runs on another
            backend than TensorFlow.
    """
    import keras
    from keras import layers

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ModelError(f"Grad-CAM needs Keras on TensorFlow; here it runs on {backend}.")
    network = read_keras(folder)
    count = len(read_model_json(folder, LABELS_FILE))
    maps = []
    for number in range(network.output_shape[1]):
        # Behind the last activation, before any pooling: there the maps still say where, and all
        # that follows only weighs them.
        own = [
            layer.output
            for layer in network.layers
            if isinstance(layer, layers.ReLU)
            and layer.name.startswith(member_prefix(number))
            and len(layer.output.shape) == 4
        ]
        maps.append(own[-1])
    return keras.Model(network.input, [*maps, network.output[..., :count]])


def grad_cam(network: Any, face_gray: NDArray[np.uint8], position: int) -> NDArray[np.float32]:
    """Return where a face speaks for a label (Selvaraju et al., 2017, "Grad-CAM").

    The score is the mean of the members' logits, and the map the mean of theirs.

    Args:
        network: From ``load_network``.
        face_gray: uint8 ``(H, W)`` in FER-2013's frame.
        position: The class' position in the model's labels.

    Returns:
        float32 ``(H, W)``, 0 to 1; all 0 where nothing speaks for the class.

    Raises:
        ValueError: There is no such class, or the face is no grey uint8 picture.
    """
    import tensorflow as tf

    _check_class(position, network.outputs[-1].shape[-1])
    with tf.GradientTape() as tape:
        *maps, logits = network(normalize_faces([face_gray]), training=False)
        score = tf.reduce_mean(logits[:, :, position], axis=1)
    speaks = np.zeros((INPUT_SIZE, INPUT_SIZE), np.float32)
    for own, gradients in zip(maps, tape.gradient(score, maps), strict=True):
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        member = tf.nn.relu(tf.reduce_sum(weights * own, axis=-1))[0].numpy()
        speaks += _resized(member, (INPUT_SIZE, INPUT_SIZE))
    most = max(float(speaks.max()), float(np.finfo(np.float32).tiny))
    return _resized(speaks / most, face_gray.shape[::-1])


def occlusion_sensitivity(
    classifier: EmotionClassifier,
    face_gray: NDArray[np.uint8],
    position: int,
    *,
    window: int = 12,
    stride: int = 6,
) -> NDArray[np.float32]:
    """Return how much covering each place costs a class (Zeiler and Fergus, 2014).

    A grey square, as bright as the face on average, moves over the face.

    Args:
        classifier: The model, in LiteRT.
        face_gray: uint8 ``(H, W)`` in FER-2013's frame.
        position: The class' position in ``classifier.labels``.
        window: Side of the square, in pixels of the network's input of 48, 1 to 48.
        stride: Its step in the same pixels, at least 1.

    Returns:
        float32 ``(H, W)``: mean fall of the class' probability over the squares that cover a
        pixel, -1 to 1; negative where covering makes the class more probable.

    Raises:
        ValueError: There is no such class, the face is no grey uint8 picture, or there is no
            such square.
    """
    _check_class(position, len(classifier.labels))
    if not 1 <= window <= INPUT_SIZE or stride < 1:
        raise ValueError(f"No square of {window} pixels moves in steps of {stride} over a face.")
    face = resize_face(face_gray)
    last = INPUT_SIZE - window
    # The last square ends at the edge, whatever the step, so that every pixel is covered.
    starts = sorted({*range(0, last + 1, stride), last})
    corners = [(top, left) for top in starts for left in starts]
    covered = np.repeat(face[np.newaxis], len(corners) + 1, axis=0)
    for picture, (top, left) in zip(covered[1:], corners, strict=True):
        picture[top : top + window, left : left + window] = round(float(face.mean()))
    probabilities = classifier.predict(covered)[:, position].astype(np.float64)
    total = np.zeros((INPUT_SIZE, INPUT_SIZE))
    squares = np.zeros((INPUT_SIZE, INPUT_SIZE))
    for fall, (top, left) in zip(probabilities[0] - probabilities[1:], corners, strict=True):
        total[top : top + window, left : left + window] += fall
        squares[top : top + window, left : left + window] += 1
    # With a step wider than the square, what lies between two squares is never covered.
    falls = np.divide(total, squares, out=np.zeros_like(total), where=squares > 0)
    return _resized(falls, face_gray.shape[::-1])


def _check_class(position: int, count: int) -> None:
    if not 0 <= position < count:
        raise ValueError(f"There is no class {position} among {count}.")


def _resized(values: NDArray[np.floating], size_wh: tuple[int, ...]) -> NDArray[np.float32]:
    resized = cv2.resize(values.astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32)
