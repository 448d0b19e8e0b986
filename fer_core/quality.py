"""Reasons why a face may be read wrongly, from the picture alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import frame_matrix
from fer_core.preprocessing import INPUT_SIZE, resize_face
from fer_core.types import DetectedFace, FaceBox, QualityFinding

# Bounds on grey levels (0-255), pixels and ratios, set by looking at the sample photos and at
# blurred, darkened and brightened copies of them.
_MIN_SHARPNESS = 60.0
_MIN_BRIGHTNESS = 50.0
_BURNT_LEVEL = 250
_MAX_BURNT = 0.2
_MAX_NOSE_OFFSET = 0.3
_MAX_CUT = 0.08
# Where the face itself is in FER-2013's frame, without hair, ears and neck.
_FACE_IN_FRAME = FaceBox(7, 10, 41, 42)
_COMPARED_SIDE = 2 * INPUT_SIZE
# Around the eyes and around the mouth, as rows and columns at the compared size.
_EYES = np.s_[29:45, 20:76]
_MOUTH = np.s_[63:79, 30:66]
# The strongest edges around the mouth in units of those around the eyes. On 665 ordinary portraits
# and copies with surgical masks drawn over them, half of either for the choice: of the other half,
# 0.3 % of the uncovered and 97 % of the covered faces that are found at all are below.
_MIN_MOUTH_EDGES = 0.48
_STRONG = 0.9  # of the edges are weaker than the ones compared


def assess_quality(
    face: DetectedFace, aligned_gray: NDArray[np.uint8], size_wh: tuple[int, int]
) -> tuple[QualityFinding, ...]:
    """List what speaks against trusting a reading.

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
        elif (edges := mouth_edges(aligned_gray)) < _MIN_MOUTH_EDGES:
            findings.append(
                QualityFinding(
                    "covered",
                    "The mouth seems to be covered: its edges have "
                    f"{edges:.0%} of the strength of those around the eyes.",
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
    """Return the variance of the Laplacian (Pech-Pacheco et al., 2000) at a standard contrast.

    At one size and one contrast, or a large or a pale face would count as blurred.

    Args:
        aligned_gray: uint8 ``(S, S)``, a face in FER-2013's frame.
    """
    face = resize_face(aligned_gray, _COMPARED_SIDE)
    contrast = 50.0 / max(8.0, float(cv2.meanStdDev(face)[1].item()))
    deviation = cv2.meanStdDev(cv2.Laplacian(face, cv2.CV_16S))[1].item()
    return float((contrast * deviation) ** 2)


def mouth_edges(aligned_gray: NDArray[np.uint8]) -> float:
    """Return how strong edges are around the mouth, 1 for as strong as around the eyes.

    A mask hides lips, nostrils and beard, and a hand or a scarf most of them; blur and poor light
    weaken the edges of the eyes too.

    Args:
        aligned_gray: uint8 ``(S, S)``, a face in FER-2013's frame.
    """
    face = resize_face(aligned_gray, _COMPARED_SIDE)
    edges = cv2.magnitude(
        cv2.Sobel(face, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(face, cv2.CV_32F, 0, 1, ksize=3)
    )
    mouth, eyes = _strong(edges[_MOUTH]), _strong(edges[_EYES])
    return mouth / eyes if eyes else 1.0


def _strong(edges: NDArray[np.number]) -> float:
    """Return the strength that only a tenth of the edges exceed; partition is quick at that."""
    place = round(_STRONG * edges.size)
    return float(np.partition(edges, place, axis=None)[place])


def _nose_offset(face: DetectedFace) -> float | None:
    """Return how far the nose is off the middle between the eyes, in distances of the eyes."""
    if face.landmarks is None or np.isnan(face.landmarks[:3]).any():
        return None
    left, right, nose = face.landmarks[:3].astype(np.float64)
    across = right - left
    distance = float(np.hypot(*across))
    if distance == 0:
        return None
    return abs(float((nose - (left + right) / 2) @ across)) / distance**2


def _share_outside(face: DetectedFace, size_wh: tuple[int, int]) -> float:
    """Return the share of the face's area that lies outside the picture, 0 to 1.

    As its landmarks place it: detectors end the box of a face that is cut at the cut.
    """
    width, height = size_wh
    picture = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    x1, y1, x2, y2 = _FACE_IN_FRAME.xyxy
    corners = np.array([[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]])
    placed = cv2.transform(corners, cv2.invertAffineTransform(frame_matrix(face)))
    placed = placed[0].astype(np.float32)
    shared = cv2.intersectConvexConvex(placed, picture)[0]
    return max(0.0, 1 - shared / cv2.contourArea(placed))
