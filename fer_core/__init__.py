"""Facial emotion recognition: faces in photos and videos, and what their expressions look like.

    import fer_core as fer

    frame = fer.analyze("photo.jpg")
    for face in frame.faces:
        print(face.emotion, face.confidence, face.probabilities["happy"], face.box)

What is listed here is the public interface; it is imported when it is first used, so that
``import fer_core`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fer_core._version import __version__

if TYPE_CHECKING:
    from fer_core.api import analyze, analyze_video, draw, list_models, load_model, report
    from fer_core.classifier import EmotionClassifier
    from fer_core.detection import FaceDetector, load_detector
    from fer_core.errors import (
        DetectorUnavailable,
        DownloadFailed,
        FerError,
        MissingExtra,
        ModelError,
        NoVideoStream,
        UnreadableImage,
        UnreadableVideo,
        UnwritableVideo,
    )
    from fer_core.images import Photo, read_image
    from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN
    from fer_core.protocols import FaceReader
    from fer_core.timeline import Timeline
    from fer_core.types import (
        DetectedFace,
        FaceBox,
        FaceReading,
        Frame,
        Probabilities,
        QualityFinding,
        TrackedFace,
        TrackedFrame,
    )
    from fer_core.video.analysis import VideoResult
    from fer_core.video.source import VideoFacts

_HOMES = {
    "api": ("analyze", "analyze_video", "draw", "list_models", "load_model", "report"),
    "classifier": ("EmotionClassifier",),
    "detection": ("FaceDetector", "load_detector"),
    "errors": (
        "DetectorUnavailable",
        "DownloadFailed",
        "FerError",
        "MissingExtra",
        "ModelError",
        "NoVideoStream",
        "UnreadableImage",
        "UnreadableVideo",
        "UnwritableVideo",
    ),
    "images": ("Photo", "read_image"),
    "labels": ("DEFAULT_THRESHOLD", "UNCERTAIN"),
    "protocols": ("FaceReader",),
    "timeline": ("Timeline",),
    "types": (
        "DetectedFace",
        "FaceBox",
        "FaceReading",
        "Frame",
        "Probabilities",
        "QualityFinding",
        "TrackedFace",
        "TrackedFrame",
    ),
    "video.analysis": ("VideoResult",),
    "video.source": ("VideoFacts",),
}
_HOME_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}

__all__ = [
    "DEFAULT_THRESHOLD",
    "UNCERTAIN",
    "DetectedFace",
    "DetectorUnavailable",
    "DownloadFailed",
    "EmotionClassifier",
    "FaceBox",
    "FaceDetector",
    "FaceReader",
    "FaceReading",
    "FerError",
    "Frame",
    "MissingExtra",
    "ModelError",
    "NoVideoStream",
    "Photo",
    "Probabilities",
    "QualityFinding",
    "Timeline",
    "TrackedFace",
    "TrackedFrame",
    "UnreadableImage",
    "UnreadableVideo",
    "UnwritableVideo",
    "VideoFacts",
    "VideoResult",
    "__version__",
    "analyze",
    "analyze_video",
    "draw",
    "list_models",
    "load_detector",
    "load_model",
    "read_image",
    "report",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for from where it lives (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
