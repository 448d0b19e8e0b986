"""Reasons why a face may be read wrongly, from the picture alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import INPUT_SIZE, resize_face
from fer_core.types import DetectedFace, QualityFinding

# Bounds on grey levels (0-255), pixels and ratios, set by looking at the sample photos and at
# blurred, darkened and brightened copies of them.
_MIN_SHARPNESS = 60.0
_MIN_BRIGHTNESS = 50.0
_BURNT_LEVEL = 250
_MAX_BURNT = 0.2
_MAX_NOSE_OFFSET = 0.3
_MAX_CUT = 0.08
_COMPARED_SIDE = 2 * INPUT_SIZE


def assess_quality(
    face: DetectedFace, aligned_gray: NDArray[np.uint8], size_wh: tuple[int, int]
) -> tuple[QualityFinding, ...]:
    """Lists what speaks against trusting a reading.

    Args:
        face: The detected face.
        aligned_gray: uint8 ``(S, S)``, the same face as ``align_face`` cut it out.
        size_wh: Width and height of the picture in pixels.

    Returns:
        Findings, the most basic first; empty when there are none.
    """
    findings = []
    side = min(face.box.width, face.box.height)
    if side < INPUT_SIZE:
        findings.append(
            QualityFinding("small", f"The face is only {side:.0f} pixels wide; 48 are needed.")
        )
    else:
        measured = sharpness(aligned_gray)
        if measured < _MIN_SHARPNESS:
            findings.append(
                QualityFinding(
                    "blurred",
                    f"The face is blurred: sharpness {measured:.0f}, below {_MIN_SHARPNESS:.0f}.",
                )
            )
    brightness = float(aligned_gray.mean())
    if brightness < _MIN_BRIGHTNESS:
        findings.append(
            QualityFinding("dark", f"The face is dark: brightness {brightness:.0f} of 255.")
        )
    burnt = float((aligned_gray >= _BURNT_LEVEL).mean())
    if burnt > _MAX_BURNT:
        findings.append(
            QualityFinding("over-exposed", f"{burnt:.0%} of the face is burnt out to white.")
        )
    offset = _nose_offset(face)
    if offset is not None and offset > _MAX_NOSE_OFFSET:
        findings.append(
            QualityFinding(
                "turned",
                f"The face is turned aside: the nose is {offset:.0%} of the eyes' distance "
                "off their middle.",
            )
        )
    cut = _share_outside(face, size_wh)
    if cut > _MAX_CUT:
        findings.append(
            QualityFinding("cut", f"{cut:.0%} of the face is beyond the picture's edge.")
        )
    return tuple(findings)


def sharpness(aligned_gray: NDArray[np.uint8]) -> float:
    """Returns the variance of the Laplacian (Pech-Pacheco et al., 2000) at a standard contrast.

    At one size and one contrast, or a large or a pale face would count as blurred.

    Args:
        aligned_gray: uint8 ``(S, S)``, a face in FER-2013's frame.
    """
    face = resize_face(aligned_gray, _COMPARED_SIDE).astype(np.float64)
    face *= 50.0 / max(8.0, float(face.std()))
    return float(cv2.Laplacian(face, cv2.CV_64F).var())


def _nose_offset(face: DetectedFace) -> float | None:
    """Returns how far the nose is off the middle between the eyes, in distances of the eyes."""
    if face.landmarks is None or np.isnan(face.landmarks[:3]).any():
        return None
    left, right, nose = face.landmarks[:3].astype(np.float64)
    across = right - left
    distance = float(np.hypot(*across))
    if distance == 0:
        return None
    return abs(float((nose - (left + right) / 2) @ across)) / distance**2


def _share_outside(face: DetectedFace, size_wh: tuple[int, int]) -> float:
    """Returns the share of the box's area that lies outside the picture, 0 to 1."""
    width, height = size_wh
    inside_w = min(face.box.x2, width) - max(face.box.x1, 0)
    inside_h = min(face.box.y2, height) - max(face.box.y1, 0)
    return 1 - max(0.0, inside_w) * max(0.0, inside_h) / face.box.area
