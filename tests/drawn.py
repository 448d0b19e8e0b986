"""Drawn faces in the place of FER-2013's, so that most tests need no downloaded data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from fer_core.labels import FER7
from train.evaluation.storage import AUDIT_DIR, AUDIT_FILE

COUNTS = {"Training": 24, "PublicTest": 8, "PrivateTest": 8}

# Drawn this much larger, then shrunk: the edges come out as soft as those of a photo.
_SCALE = 4
# How far the corners of the mouth rise above its middle and how far it opens, and how far the
# brows rise and slope towards the nose; in pixels of a face of 48.
_EXPRESSIONS = {
    "angry": (-1.5, 0.6, -1.5, 2.0),
    "disgust": (-2.5, 1.5, -1.0, 1.0),
    "fear": (-1.0, 2.5, 1.5, -2.0),
    "happy": (3.0, 1.5, 0.0, 0.0),
    "sad": (-3.0, 0.4, 0.5, -2.0),
    "surprise": (0.0, 4.5, 2.5, 0.0),
    "neutral": (0.0, 0.4, 0.0, 0.0),
}


def draw_face(emotion: str, rng: np.random.Generator) -> np.ndarray:
    """Draw somebody who shows an emotion: a head with hair, eyes, brows, nose and mouth.

    Light, build, place and the skin's texture differ from picture to picture, so that no two are
    near duplicates.

    Args:
        emotion: One of ``FER7``.
        rng: Where all that differs comes from.

    Returns:
        Grey picture, uint8 ``(48, 48)``.
    """
    rise, opening, brow, slope = _EXPRESSIONS[emotion]
    vary = rng.uniform
    skin, hair = vary(150, 215), vary(15, 70)
    x, y = 24 + vary(-3, 3), 26 + vary(-3, 3)
    image = np.full((48 * _SCALE, 48 * _SCALE), vary(60, 220), np.float32)

    def ellipse(cx: float, cy: float, rx: float, ry: float, level: float) -> None:
        center = round(cx * _SCALE), round(cy * _SCALE)
        axes = max(1, round(rx * _SCALE)), max(1, round(ry * _SCALE))
        cv2.ellipse(image, center, axes, 0, 0, 360, level, cv2.FILLED, cv2.LINE_AA)

    def line(points: list[tuple[float, float]], width: float, level: float) -> None:
        corners = np.round(np.array(points) * _SCALE).astype(np.int32)
        thickness = max(1, round(width * _SCALE))
        cv2.polylines(image, [corners], False, level, thickness, cv2.LINE_AA)

    wide, high = vary(14, 18), vary(18, 22)
    ellipse(x, y - vary(3, 6), wide + vary(1, 3), high + 1, hair)
    ellipse(x, y + 1, wide, high - vary(0, 2), skin)
    ellipse(x, y - high + vary(3, 5), wide * 0.8, vary(4.5, 6), hair)

    apart, eyes = vary(6.5, 8), y - vary(3, 5)
    for side in (-1, 1):
        eye = x + side * apart
        ellipse(eye, eyes, 4.6, 3.2, skin * 0.8)
        ellipse(eye, eyes, 3, 1.5 + max(0, brow) / 3, vary(215, 250))
        ellipse(eye + vary(-0.6, 0.6), eyes, 1.6, 1.6, vary(10, 40))
        level = eyes - vary(4, 5) - brow
        ends = [(eye - side * 3.5, level + slope / 2), (eye + side * 3.5, level - slope / 2)]
        line(ends, vary(1, 2), hair)

    nose = y + vary(4, 6)
    line([(x, eyes + 2), (x + vary(-1, 1), nose)], 1.5, skin * 1.12)
    line([(x - 2.5, nose), (x, nose + 0.8), (x + 2.5, nose)], 1, skin * 0.55)
    mouth, half = y + vary(10.5, 12.5), vary(5, 7)
    steps = np.linspace(-1, 1, 9)
    curve = mouth - rise * steps**2 + rise / 2
    gap = opening * (1 - steps**2) * vary(0.8, 1.2)
    upper = list(zip(x + half * steps, curve - gap / 2, strict=True))
    lower = list(zip(x + half * steps, curve + gap / 2, strict=True))
    lips = np.round(np.array(upper + lower[::-1]) * _SCALE).astype(np.int32)
    cv2.fillPoly(image, [lips], 40, cv2.LINE_AA)
    line(upper, 1, skin * 0.5)
    line(lower, 1, skin * 0.6)

    small = cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA)
    across, down = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48))
    small *= 1 + vary(-0.25, 0.25) * across + vary(-0.15, 0.15) * down
    for sigma, strength in ((2.0, 18.0), (0.0, 3.0)):
        texture = rng.normal(0, 1, (48, 48))
        if sigma:
            texture = cv2.GaussianBlur(texture, (0, 0), sigma)
        small += strength * texture / texture.std()
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def draw_files() -> dict[str, bytes]:
    """Draw a data set in the form in which Kaggle ships FER-2013.

    The names are those of real pictures with the same label, so that what is stored of the shipped
    networks and in the audit is found for them. As in FER-2013, a test picture is also in Training.

    Returns:
        JPEG files by their path: of each class 24 of Training and 8 of either test split.
    """
    table = pq.read_table(AUDIT_DIR / AUDIT_FILE, columns=["name", "split", "label"])
    rng = np.random.default_rng(2013)
    files: dict[str, bytes] = {}
    found: Counter[tuple[str, str]] = Counter()
    for row in table.to_pylist():
        group = row["split"], row["label"]
        if found[group] < COUNTS[row["split"]]:
            found[group] += 1
            folder = "train" if row["split"] == "Training" else "test"
            face = draw_face(row["label"], rng)
            content = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
            files[f"{folder}/{row['label']}/{row['name']}.jpg"] = content.tobytes()
    surprised = [[n for n in files if f"surprise/{split}_" in n] for split in COUNTS]
    files[surprised[1][3]] = files[surprised[0][3]]
    return files


def write_votes(files: dict[str, bytes], path: Path) -> Path:
    """Write votes on drawn pictures in the form of FER+.

    Seven of ten agree with the label, and two see something else; of every ninth picture it is
    the other way round.

    Args:
        files: From ``draw_files``.
        path: Of the CSV to write.

    Returns:
        The path.
    """
    # FER+'s order and names of the emotions.
    answers = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
    emotions = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
    rows = [",".join(("image", *answers, "contempt", "unknown", "NF"))]
    for number, name in enumerate(files):
        own = emotions.index(Path(name).parent.name)
        other = (own + 1 + number % 6) % len(FER7)
        votes = [0] * 10
        votes[own], votes[other], votes[8] = (2, 7, 1) if number % 9 == 0 else (7, 2, 1)
        rows.append(",".join(map(str, (name, *votes))))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
