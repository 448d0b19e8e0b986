"""Why does a network say so? Two views of what in a face its answer hangs on."""

from __future__ import annotations

import re
from collections.abc import Iterator

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from fer_core.classifier import EmotionClassifier, run_network
from fer_core.errors import ModelError
from fer_core.network_config import CROWD_LAYER, LABELS_LAYER, member_prefix
from fer_core.preprocessing import INPUT_SIZE, normalize_faces, resize_face
from fer_core.tta import FLIP, views_of


def grad_cam(
    classifier: EmotionClassifier, face_gray: NDArray[np.uint8], position: int
) -> NDArray[np.float32]:
    """Return where a face speaks for a class (Selvaraju et al., 2017, "Grad-CAM").

    The score is that of the classifier's reading before the softmax, the mean over members and
    views. Behind the last feature maps there is a mean over their places and one dense layer, so
    that its weights are the gradients; a pooling before the mean changes them by a factor alone.

    Args:
        classifier: The model, in LiteRT.
        face_gray: uint8 ``(H, W)`` in FER-2013's frame.
        position: The class' position in ``classifier.labels``.

    Returns:
        float32 ``(H, W)``, 0 to 1; all 0 where nothing speaks for the class.

    Raises:
        ValueError: There is no such class, or the face is no grey uint8 picture.
        ModelError: The network ends in another way.
    """
    _check_class(position, len(classifier.labels))
    score = classifier.score_weights(position)
    speaks = np.zeros((INPUT_SIZE, INPUT_SIZE), np.float32)
    for maps, kernel in _last_maps(classifier, views_of(face_gray, FLIP)):
        height, width = maps.shape[1:3]
        straight, mirrored = np.maximum(maps @ (score @ kernel), 0) / (height * width)
        speaks += _resized(straight + mirrored[:, ::-1], (INPUT_SIZE, INPUT_SIZE))
    most = max(float(speaks.max()), float(np.finfo(np.float32).tiny))
    return _resized(speaks / most, face_gray.shape[::-1])


def _last_maps(
    classifier: EmotionClassifier, views: list[NDArray[np.uint8]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield each member's last feature maps ``(N, H, W, C)`` and its heads' weights ``(K + A, C)``.

    Raises:
        ModelError: A member has other layers at its end.
    """
    # Delegates keep what lies between the layers to themselves.
    interpreter = Interpreter(
        model_content=classifier.files.tflite,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    members = run_network(interpreter, normalize_faces(views)).shape[1]
    tensors = interpreter.get_tensor_details()
    unknown = f"Grad-CAM cannot follow the last layers of the model '{classifier.name}'."

    def last(pattern: str, dimensions: int) -> NDArray[np.float32]:
        for tensor in reversed(tensors):
            if len(tensor["shape"]) == dimensions and re.fullmatch(pattern, tensor["name"]):
                values = np.asarray(interpreter.get_tensor(tensor["index"]), np.float32)
                # Weights that are rounded to int8 have a scale for each output.
                scales = tensor["quantization_parameters"]["scales"]
                return np.asarray(values * scales[:, np.newaxis]) if len(scales) else values
        raise ModelError(unknown)

    heads = [LABELS_LAYER, CROWD_LAYER] if classifier.files.answers else [LABELS_LAYER]
    for number in range(members):
        prefix = member_prefix(number)
        # Where several operations became one, its name is all of theirs, with ";" between them.
        maps = last(rf"[^;]*/{prefix}\w+_relu(_\d+)?/.*", 4)
        kernels = [last(rf"[^;]*/{prefix}{head}(_\d+)?/MatMul", 2) for head in heads]
        kernel = np.concatenate(kernels)
        if kernel.shape[1] != maps.shape[-1]:
            raise ModelError(unknown)
        yield maps, kernel


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
