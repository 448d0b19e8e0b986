"""What training makes of a picture: the very code that varies the training pictures, on sliders."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.classifier import CONFIG_FILE, MODELS_DIR, read_model_json
from fer_core.detection import FaceDetector
from fer_core.errors import ModelError
from fer_core.images import encode_png
from train.training.augment import augment_face
from train.training.config import AugmentationConfig
from ui.common.explorer_data import model_names, model_title
from ui.common.grid import atlas
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.square import square_image
from ui.dataset.faces import choose_picture, face_of
from ui.dataset.state import Collection

_ROWS, _COLUMNS = 4, 6
_A_ROW = 3
_ENLARGEMENT = 2
_GAP = 2
_KEY = "augment"
# Attribute: title, highest value, step, what it says.
_SLIDERS: dict[str, tuple[str, float, float, str]] = {
    "rotation_deg": ("Rotation, up to degrees", 45.0, 1.0, "To either side."),
    "shift": ("Shift, up to a share of the side", 0.5, 0.01, "In each direction."),
    "zoom": ("Zoom, up to a share", 0.5, 0.01, "Larger or smaller."),
    "shear_deg": ("Shear, up to degrees", 30.0, 1.0, "To either side."),
    "crop_px": ("Crop: padding, in pixels", 12, 1, "Whole pixels of shift, as a random crop."),
    "gamma": ("Gamma, up to a share", 0.9, 0.05, "Brightens or darkens the middle greys."),
    "blur_probability": ("Blur: share of pictures", 1.0, 0.05, "As out of focus."),
    "blur_px": ("Blur: largest deviation, in pixels", 3.0, 0.1, "Of a Gaussian."),
    "noise_probability": ("Noise: share of pictures", 1.0, 0.05, "As of a dark room."),
    "noise_level": ("Noise: largest deviation, in grey levels", 50.0, 1.0, "Of a Gaussian."),
    "erase_probability": ("Erasing: share of pictures", 1.0, 0.05, "Random erasing."),
    "erase_area": ("Erasing: largest area", 0.5, 0.01, "As a share of the picture."),
}
_FLIP = "flip"


def show_augmentation(found: Collection, detector: FaceDetector) -> None:
    """Draw the sliders and what comes of them.

    Args:
        found: Where the data set's pictures are.
        detector: Finds the face in a photo.
    """
    picture = choose_picture(found, key=_KEY)
    face = None if picture is None else face_of(picture, detector, key=_KEY)
    # Above the sliders, so that on a narrow screen too one sees what they do.
    result = st.container(key=f"{_KEY}-result")
    # What is drawn after the sliders has its room before, which an empty container would not have.
    result.markdown("**What training would see**")
    presets = _presets()
    seed_key = f"{_KEY}-seed"
    with st.container(horizontal=True):
        st.button(
            "Draw again",
            icon=":material/casino:",
            key=f"{_KEY}-again",
            on_click=_next_seed,
            args=(seed_key,),
        )
        for title, preset in presets.items():
            st.button(title, key=f"{_KEY}-{title}", on_click=_set, args=(preset,))
    config = _config(next(iter(presets.values())))
    if picture is None or face is None:
        return
    original, varied = result.columns([1, 4])
    with original:
        square_image(
            enlarged(face, 3 * 48),
            f"Original: {plain(picture.name)}",
            key="augment-original",
            alt="The face",
            width=3 * 48,
        )
    with varied, st.container(key="augmented"):
        st.image(
            encode_png(augmented_grid(face, config, st.session_state.get(seed_key, 0))),
            f"{_ROWS * _COLUMNS} pictures, each varied by chance",
            width="stretch",
            alt="Varied copies of the picture",
        )


def augmented_grid(
    face_gray: NDArray[np.uint8], config: AugmentationConfig, seed: int
) -> NDArray[np.uint8]:
    """Return varied copies of a face as one picture, uint8 ``(H', W')``, with white gaps.

    Args:
        face_gray: uint8 ``(48, 48)``.
        config: The ranges to draw from.
        seed: Of the variation.
    """
    rng = np.random.default_rng(seed)
    side = len(face_gray)
    copies = [augment_face(face_gray, config, rng, side) for _ in range(_ROWS * _COLUMNS)]
    large = [
        cv2.copyMakeBorder(
            cv2.resize(copy, None, fx=_ENLARGEMENT, fy=_ENLARGEMENT, interpolation=cv2.INTER_CUBIC),
            *[_GAP] * 4,
            cv2.BORDER_CONSTANT,
            value=255,
        )
        for copy in copies
    ]
    return atlas(np.stack(large), _COLUMNS)


def _presets() -> dict[str, AugmentationConfig]:
    """Return what can be set at once, by its title; first what a shipped network trained with."""
    presets = {}
    for name in model_names():
        try:
            first = read_model_json(MODELS_DIR / name, CONFIG_FILE)["members"][0]
            content = first["training"]["augmentation"]
            presets[f"As “{model_title(name)}” was trained"] = AugmentationConfig(**content)
        except (ModelError, LookupError, TypeError, ValueError):
            # A model from elsewhere need not say how it was trained.
            continue
    return {**presets, "Nothing": AugmentationConfig()}


def _config(default: AugmentationConfig) -> AugmentationConfig:
    """Draw the sliders and return what they say."""
    _fill(default)
    values: dict[str, float | bool] = {}
    # A row at a time, so that on a narrow screen the order stays.
    columns = [column for _ in range(0, len(_SLIDERS) + 1, _A_ROW) for column in st.columns(_A_ROW)]
    for column, (name, (title, highest, step, hint)) in zip(
        columns, _SLIDERS.items(), strict=False
    ):
        with column:
            values[name] = st.slider(
                title,
                type(highest)(0),
                highest,
                step=step,
                format="%g",
                key=_widget(name),
                persist_state="session",
                help=hint,
            )
    with columns[len(_SLIDERS)]:
        values[_FLIP] = st.toggle(
            "Mirror half of them", key=_widget(_FLIP), persist_state="session"
        )
    return AugmentationConfig.model_validate(values)


def _fill(default: AugmentationConfig) -> None:
    """Give widgets that have no value yet the values of a preset."""
    if _widget(_FLIP) not in st.session_state:
        _set(default)


def _set(config: AugmentationConfig) -> None:
    for name, (_, highest, _, _) in _SLIDERS.items():
        st.session_state[_widget(name)] = type(highest)(min(getattr(config, name), highest))
    st.session_state[_widget(_FLIP)] = config.flip


def _widget(name: str) -> str:
    return f"{_KEY}-{name}"


def _next_seed(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1
