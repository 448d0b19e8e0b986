"""The public functions, which take what a user has at hand; ``fer_core`` lists them.

The functions below them take a BGR array, a loaded detector and a loaded network, which the app
and the command lines share between calls. These here take names and load each part once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import MODELS_DIR, TFLITE_FILE, EmotionClassifier, checked_name
from fer_core.detection import FaceDetector, load_detector
from fer_core.drawing import draw_frame, draw_tracked
from fer_core.errors import ModelError
from fer_core.extras import require_video
from fer_core.files import write_at_once
from fer_core.images import ImageSource, read_image, to_bgr
from fer_core.labels import DEFAULT_THRESHOLD, FER7
from fer_core.pipeline import analyze_image, shared_classifier, shared_detector
from fer_core.protocols import FaceReader
from fer_core.readings import DEFAULT_READING, check_reading
from fer_core.reporting.making import Making, checksum_of, making_of
from fer_core.reporting.photos import PhotoReport
from fer_core.smoothing import DEFAULT_SMOOTHING_S
from fer_core.tracking import DEFAULT_MAX_GAP_S
from fer_core.types import Frame, TrackedFrame

if TYPE_CHECKING:  # videos need packages that photos do not
    from fer_core.video.analysis import VideoResult
    from fer_core.video.progress import Progress

# A picture that is decoded already, as OpenCV has it, or one that can be.
Picture = NDArray[np.uint8] | ImageSource


def analyze(
    source: Picture,
    *,
    model: str | FaceReader = FER7.name,
    reading: str = DEFAULT_READING,
    detector: str | FaceDetector = "auto",
) -> Frame:
    """Find the faces in a picture and read each of them.

    Args:
        source: A path, the content of a file, a binary file, a PIL picture, or an array as OpenCV
            has it: uint8 BGR ``(H, W, 3)``, BGRA ``(H, W, 4)`` or grey ``(H, W)``. Nothing of it
            is changed.
        model: Name of a model in ``list_models()``, or whatever reads faces.
        reading: What a named model's probabilities are: "people" for the share of people who
            would choose each emotion, "labels" for how probable it is as FER-2013's label. What
            reads faces has a reading of its own.
        detector: "auto" for YuNet where its file is and Haar elsewhere, "yunet", "haar", or "none"
            where the picture is one ready face crop, such as the 48x48 pictures of FER-2013; or a
            loaded detector.

    Returns:
        The frame with its faces as people read, row by row; without faces when none was found.
        Pictures of more than 4096 pixels on a side are reduced to that, and boxes are in its
        pixels. A JPEG whose end is missing is read as far as it goes, and the frame is marked as
        incomplete.

    Raises:
        TypeError: ``source``, ``model`` or ``detector`` is nothing of these, such as the None that
            cv2.imread returns for a file that it cannot read.
        ValueError: An array has another shape or type, or no pixels; or there is no such detector
            or reading.
        UnreadableImage: A file is missing, damaged, no picture, or takes too much memory or time
            to decode.
        ModelError: There is no such model, or its files are damaged.
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
    """
    if isinstance(detector, str):
        detector = shared_detector(detector)
    elif not hasattr(detector, "detect"):
        raise TypeError(f"A detector is called by its name, not by {type(detector).__name__}.")
    image_bgr, incomplete = _decoded(source)
    frame = analyze_image(image_bgr, detector=detector, classifier=_reader(model, reading))
    return replace(frame, incomplete=incomplete)


def analyze_video(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    model: str | FaceReader = FER7.name,
    reading: str = DEFAULT_READING,
    detector: str | Callable[[], FaceDetector] = "auto",
    fps: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    smoothing_s: float = DEFAULT_SMOOTHING_S,
    max_gap_s: float = DEFAULT_MAX_GAP_S,
    threshold: float = DEFAULT_THRESHOLD,
    annotated: str | os.PathLike[str] | BinaryIO | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> VideoResult:
    """Find, follow and read the faces of a video.

    Args:
        source: A path, the content of a file, or a binary file.
        model: Name of a model in ``list_models()``, or whatever reads faces.
        reading: What a named model's probabilities are: "people" for the share of people who
            would choose each emotion, "labels" for how probable it is as FER-2013's label. What
            reads faces has a reading of its own.
        detector: A name as for ``analyze``; or a function that makes a detector, called once for
            each worker.
        fps: Analysed frames per second, or None for every frame.
        start_s: Where the analysed part begins, in seconds.
        end_s: Where it ends, or None for the end of the video.
        smoothing_s: Time constant of the smoothing in seconds; 0 for none.
        max_gap_s: Longest time in seconds that a person may be unseen and stay the same one.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1; the result can be asked
            again with another one.
        annotated: Where an annotated copy of the video goes, as MP4; None for no copy.
        on_progress: Called after every analysed frame.

    Returns:
        The readings: iterate over it for the frames, call ``to_dataframe()`` for a table with one
        row per face and frame, or take its ``timeline``.

    Raises:
        TypeError: ``source``, ``model``, ``detector``, ``annotated`` or a number is nothing of
            these.
        ValueError: A number is out of its range, or there is no such detector or reading.
        MissingExtra: What videos need is not installed.
        UnreadableVideo: The file is no video, or not a single frame can be read.
        ModelError: There is no such model, or its files are damaged.
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
    """
    require_video()
    from fer_core.video import analysis

    if isinstance(detector, str):
        detector = partial(load_detector, detector)
    elif not callable(detector):
        raise TypeError(
            f"A detector is called by its name, not by {type(detector).__name__}; or made by a "
            "function, since each worker needs one of its own."
        )
    if isinstance(annotated, str | os.PathLike):
        annotated = Path(annotated)
    elif annotated is not None and not hasattr(annotated, "write"):
        raise TypeError(
            "The annotated copy must go to a path or an open binary file, not to "
            f"{type(annotated).__name__}."
        )
    return analysis.analyze_video(
        source,
        classifier=_reader(model, reading),
        make_detector=detector,
        options=analysis.VideoOptions(
            fps=fps,
            start_s=start_s,
            end_s=end_s,
            threshold=threshold,
            smoothing_s=smoothing_s,
            max_gap_s=max_gap_s,
        ),
        annotated=annotated,
        on_progress=on_progress,
    )


def draw(
    image: Picture,
    frame: Frame | TrackedFrame,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    names: Mapping[int, str] | None = None,
) -> NDArray[np.uint8]:
    """Draw every face's box and verdict over a copy of a picture.

    Args:
        image: The picture that was analysed; anything that ``analyze`` takes.
        frame: What was read in it, by ``analyze`` or in a frame of a video.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1; verdicts in a video
            are settled already.
        names: Names of persons in a video; others are called by their number.

    Returns:
        uint8 BGR ``(H, W, 3)``, as ``cv2.imwrite`` takes it.

    Raises:
        TypeError: ``image`` or ``frame`` is nothing of these.
        ValueError: The picture has another shape or type, or is not the one that was analysed; or
            ``threshold`` is not within 0 to 1.
        UnreadableImage: A file is missing, damaged, no picture, or too large to open.
    """
    image_bgr = to_bgr(_decoded(image)[0])
    if isinstance(frame, TrackedFrame):
        return draw_tracked(image_bgr, frame, names=names)
    if not isinstance(frame, Frame):
        raise TypeError(f"Only what `analyze` returns can be drawn, not {type(frame).__name__}.")
    _refuse_another(image_bgr, frame)
    return draw_frame(image_bgr, frame, threshold=threshold)


def _refuse_another(image_bgr: NDArray[np.uint8], frame: Frame) -> None:
    """Raise ValueError where a picture is not of the size in which the faces were found."""
    height, width = image_bgr.shape[:2]
    found_wh = frame.size_wh if frame.turned_deg % 180 == 0 else frame.size_wh[::-1]
    if (width, height) != found_wh:
        raise ValueError(
            f"The faces were found in a picture of {found_wh[0]}×{found_wh[1]} pixels; "
            f"this one has {width}×{height}."
        )


def report(
    read: Iterable[tuple[Picture, Frame]] | VideoResult,
    path: str | os.PathLike[str],
    *,
    video: str | os.PathLike[str] | bytes | BinaryIO | None = None,
    threshold: float | None = None,
    names: Mapping[int, str] | None = None,
    model: str | FaceReader = FER7.name,
    reading: str = DEFAULT_READING,
    detector: str | FaceDetector = "auto",
) -> None:
    """Write what was read into one HTML file, to keep, to print or to show to others.

    It holds the pictures, reduced, and the faces with all that was read in them, how sure that is,
    and how it was made; a browser that opens it asks no network for anything. Of many photos the
    first 200 come with their pictures.

    Args:
        read: Pairs of a picture, as it was given to ``analyze``, and what that returned; or what
            ``analyze_video`` returned.
        path: Where the report goes; a file of that name is replaced.
        video: The analysed video, which the faces in its report are cut out of.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1; None for that of the
            video's analysis, or ``DEFAULT_THRESHOLD``.
        names: Names of persons in a video; others are called by their number.
        model: As it was given to the analysis; the report names it.
        reading: As it was given to the analysis; the report says what it means.
        detector: As it was given to the analysis, by its name or loaded.

    Raises:
        TypeError: ``read``, ``model`` or ``detector`` is nothing of these.
        ValueError: A picture is not the one that was analysed, the faces were read by another
            model, or ``threshold`` is not within 0 to 1.
        UnreadableImage: A picture is missing, damaged, no picture, or too large to open.
        UnreadableVideo: The same of the video.
        ModelError: There is no such model, or its files are damaged.
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
        OSError: The report cannot be written.
    """
    reader = _reader(model, reading)
    found_by = (shared_detector(detector) if isinstance(detector, str) else detector).name
    if hasattr(read, "timeline"):
        from fer_core.video.report import report_of_video

        html = report_of_video(
            _name_of(video, "a video"),
            cast("VideoResult", read),
            video,
            reader=reader,
            detector=found_by,
            threshold=threshold,
            names=names,
        )
    else:
        if threshold is None:
            threshold = DEFAULT_THRESHOLD
        html = _report_of_photos(read, making_of(reader, found_by, threshold))
    write_at_once(Path(path), html.encode())


def _report_of_photos(read: Iterable[tuple[Picture, Frame]], making: Making) -> str:
    pairs = list(read) if isinstance(read, Iterable) else [read]
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Frame)):
            raise TypeError(
                "A report is made of pairs, each of a picture and what `analyze` returned for it, "
                f"or of what `analyze_video` returned, not of {type(pair).__name__}."
            )
    photos = PhotoReport(making, count=len(pairs))
    for number, (picture, frame) in enumerate(pairs, start=1):
        image_bgr = to_bgr(_decoded(picture)[0])
        _refuse_another(image_bgr, frame)
        name = _name_of(picture, f"Photo {number}")
        photos.add(name, image_bgr, frame, checksum=checksum_of(picture))
    return photos.html()


def _name_of(source: object, otherwise: str) -> str:
    """Return what a file is called, without the folders that it lies in."""
    return Path(source).name if isinstance(source, str | os.PathLike) else otherwise


def list_models() -> list[str]:
    """Return the names of the models that are here, in alphabetical order."""
    return sorted(folder.parent.name for folder in MODELS_DIR.glob(f"*/{TFLITE_FILE}"))


def load_model(name: str = FER7.name, reading: str = DEFAULT_READING) -> EmotionClassifier:
    """Return a model, loaded once and safe to share between threads.

    Args:
        name: One of ``list_models()``.
        reading: "people" or "labels", as for ``analyze``.

    Raises:
        TypeError: The name is no text.
        ModelError: There is no such model, or its files are damaged.
        ValueError: There is no such reading.
    """
    if checked_name(name) not in list_models():
        raise ModelError(f"There is no model {name!r}; there are {', '.join(list_models())}.")
    return shared_classifier(name, check_reading(reading))


def _reader(model: str | FaceReader, reading: str) -> FaceReader:
    """Return whatever reads faces: what was given, or the model of that name."""
    if isinstance(model, str):
        return load_model(model, reading)
    if not hasattr(model, "predict"):
        raise TypeError(f"A model is called by its name, not by {type(model).__name__}.")
    return model


def _decoded(source: Any) -> tuple[NDArray[np.uint8], bool]:
    """Return a picture as an array, and whether its file lacks its end."""
    if isinstance(source, np.ndarray):
        return source, False
    photo = read_image(source)
    return photo.image_bgr, photo.incomplete
