"""How long the classifier and the stages of the pipeline take, on one thread."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import print_timings, time_tasks
from fer_core.alignment import align_face
from fer_core.classifier import EmotionClassifier
from fer_core.detection import FRAME_SIZES, YuNetDetector, load_detector
from fer_core.download import yunet_path
from fer_core.errors import DetectorUnavailable
from fer_core.images import read_image, to_gray
from fer_core.pipeline import analyze_image
from fer_core.quality import assess_quality
from fer_core.tta import FLIP, VIEW_COUNTS
from fer_core.yunet import OnnxYuNet, OpenCvYuNet

FRAME_WH = (640, 480)
_SEARCHED = f"{' and '.join(map(str, FRAME_SIZES))} pixels"
CLASSIFIER_GOAL_MS, DETECTION_GOAL_MS, PIPELINE_GOAL_MS = 5.0, 3.5, 6.0


def frame_of(photo: Path) -> NDArray[np.uint8]:
    """Return a photo fitted into a black 640x480 frame, uint8 ``(480, 640, 3)``.

    Raises:
        UnreadableImage: The file is no picture.
    """
    image = read_image(photo).image_bgr
    scale = min(FRAME_WH[0] / image.shape[1], FRAME_WH[1] / image.shape[0])
    image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    below, beside = FRAME_WH[1] - image.shape[0], FRAME_WH[0] - image.shape[1]
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_CONSTANT), np.uint8)


def report_classifier(classifier: EmotionClassifier, rounds: int) -> None:
    """Print the milliseconds per face, alone and in a batch of eight."""
    faces = np.random.default_rng(0).integers(0, 256, (8, 48, 48), np.uint8)
    tasks = {
        "1 face": partial(classifier.predict, faces[:1]),
        "8 faces in one batch": partial(classifier.predict, faces),
    }
    print(
        f"\nClassifier {classifier.name} as served: {classifier.members} networks, "
        f"{VIEW_COUNTS[FLIP]} views (the face and its mirror image), reading {classifier.reading}; "
        f"ms per face, goal at most {CLASSIFIER_GOAL_MS:g}"
    )
    print_timings(time_tasks(tasks, rounds), faces={"8 faces in one batch": 8})


def report_runtimes(frame_bgr: NDArray[np.uint8], rounds: int) -> None:
    """Print the milliseconds of YuNet on a frame, reduced first, in each of its runtimes."""
    print(f"\nYuNet: ms per 640x480 frame, goal at most {DETECTION_GOAL_MS:g}", end="")
    runtimes = {"ONNX Runtime": OnnxYuNet, "OpenCV": OpenCvYuNet}
    try:
        networks = {name: runtime(yunet_path()) for name, runtime in runtimes.items()}
    except (OSError, DetectorUnavailable) as error:
        print(f": not measured. {error}")
        return
    print(f"; searched at {_SEARCHED}")
    tasks = {}
    for name, network in networks.items():
        detector = YuNetDetector(yunet_path(), network)
        tasks[name] = partial(detector.detect, frame_bgr, FRAME_SIZES)
    timings = time_tasks(tasks, rounds)
    print_timings(timings)
    share = timings["ONNX Runtime"].cpu_ms / timings["OpenCV"].cpu_ms
    print(f"  ONNX Runtime needs {share:.0%} of OpenCV's time")


def report_pipeline(
    detector_name: str, classifier: EmotionClassifier, frame_bgr: NDArray[np.uint8], rounds: int
) -> None:
    """Print the milliseconds of each stage on a frame, for its largest face and as a whole."""
    print(f"\nPipeline with {detector_name} and {classifier.name}: ms per 640x480 frame", end="")
    try:
        detector = load_detector(detector_name)
    except DetectorUnavailable as error:
        print(f": not measured. {error}")
        return
    faces = detector.detect(frame_bgr, FRAME_SIZES)
    goal = f", goal at most {PIPELINE_GOAL_MS:g}" if detector_name == "yunet" else ""
    print(f"{goal}; searched at {_SEARCHED}, faces found: {len(faces)}")
    if not faces:
        return
    face = max(faces, key=lambda face: face.box.area)
    gray = to_gray(frame_bgr)
    aligned = align_face(gray, face)
    stages = {
        "detect": partial(detector.detect, frame_bgr, FRAME_SIZES),
        "align": partial(align_face, gray, face),
        "assess quality": partial(assess_quality, face, aligned, FRAME_WH),
        "normalise and classify": partial(classifier.predict, [aligned]),
        "analyze_image, all faces": partial(
            analyze_image,
            frame_bgr,
            detector=detector,
            classifier=classifier,
            sizes=FRAME_SIZES,
        ),
    }
    print_timings(time_tasks(stages, rounds))
