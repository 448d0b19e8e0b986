"""The public interface: what a user may hand over, and what is said of the rest."""

from __future__ import annotations

import ast
import hashlib
import inspect
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import fer_core as fer
from fer_core.labels import FER6, FER7
from fer_core.pipeline import analyze_image
from fer_core.preprocessing import INPUT_SIZE
from fer_core.timeline import TimelineBuilder
from fer_core.types import FaceReading
from tests.conftest import ROOT
from tests.fer_core.conftest import Lightness, small_sample
from tests.fer_core.reporting.checked import checked
from tests.fer_core.video.clips import make_clip

# A picture where it does not matter what is in it.
GRAY = np.full((48, 48, 3), 90, np.uint8)


def in_new_python(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_importing_it_imports_nothing_else() -> None:
    (loaded,) = in_new_python("import sys, fer_core; print(*sys.modules)")
    heavy = {"numpy", "cv2", "PIL", "ai_edge_litert", "pydantic", "pandas", "av", "tensorflow"}
    assert not heavy & set(loaded.split())
    assert {name for name in loaded.split() if name.startswith("fer_core.")} == {
        "fer_core._version"
    }


def test_its_names_are_the_same_wherever_they_are_listed() -> None:
    source = inspect.getsource(fer)
    (block,) = (node for node in ast.parse(source).body if isinstance(node, ast.If))
    typed = {
        (alias.name, statement.module)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(fer._HOME_OF.items())
    assert sorted(fer.__all__) == sorted([*fer._HOME_OF, "__version__"])
    assert set(fer.__all__) <= set(dir(fer))


@pytest.mark.parametrize("name", fer.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(fer, name) is not None
    assert inspect.getdoc(getattr(fer, name)) or name in ("__version__", "DEFAULT_THRESHOLD")


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="'fer_core' has no attribute 'analyse'"):
        fer.analyse  # noqa: B018


def bgr_of(path: Path) -> np.ndarray:
    return cv2.imread(str(path))


def zipped(path: Path) -> Any:
    """A file without a descriptor that cannot be read twice."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(path, "a.jpg")
    return zipfile.ZipFile(content).open("a.jpg")


@pytest.fixture(scope="module")
def read_as_bgr(portrait_file: Path, haar: fer.FaceDetector) -> FaceReading:
    """The portrait's face, given as pixels."""
    (face,) = analyze_image(bgr_of(portrait_file), detector=haar).faces
    return face


@pytest.fixture(scope="module")
def frame(portrait_file: Path) -> fer.Frame:
    """What is found in the portrait."""
    return fer.analyze(portrait_file)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        str,
        Path.read_bytes,
        lambda path: bytearray(path.read_bytes()),
        lambda path: path.open("rb"),
        lambda path: io.BytesIO(path.read_bytes()),
        zipped,
        Image.open,
        bgr_of,
        lambda path: cv2.cvtColor(bgr_of(path), cv2.COLOR_BGR2BGRA),
        lambda path: cv2.cvtColor(bgr_of(path), cv2.COLOR_BGR2GRAY),
    ],
    ids=[
        "Path", "str", "bytes", "bytearray", "file", "BytesIO", "zip", "PIL", "BGR", "BGRA", "grey",
    ],
)  # fmt: skip
def test_any_picture_will_do(
    make: Callable[[Path], Any], portrait_file: Path, read_as_bgr: FaceReading
) -> None:
    frame = fer.analyze(make(portrait_file), detector="haar")
    (face,) = frame.faces
    expected = read_as_bgr
    assert frame.size_wh == (120, 144)
    assert face.box.iou(expected.box) > 0.95
    # Pillow and OpenCV decode a JPEG, and turn it grey, within a level or two of each other.
    assert face.probabilities == pytest.approx(expected.probabilities, abs=0.02)
    assert face.emotion == "neutral"
    assert face.confidence == face.probabilities["neutral"] == max(face.probabilities.values())
    assert face.quality == ()


def test_a_pil_picture_is_turned_and_not_changed(portrait_file: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise
    content = io.BytesIO()
    Image.open(portrait_file).rotate(90, expand=True).save(content, "JPEG", exif=exif)
    with Image.open(content) as picture:
        assert len(fer.analyze(picture, detector="haar").faces) == 1
        assert (picture.size, picture.getexif()[0x0112]) == ((144, 120), 6)
    large = Image.new("L", (5000, 40))
    assert fer.analyze(large, detector="none").size_wh == (4096, 33)
    assert large.size == (5000, 40)


def test_a_file_without_its_end_is_read_as_far_as_it_goes(portrait_file: Path) -> None:
    content = portrait_file.read_bytes()
    assert [fer.analyze(part).incomplete for part in (content, content[:-2])] == [False, True]


def test_an_array_is_not_changed(small_portrait: np.ndarray) -> None:
    before = small_portrait.copy()
    fer.draw(small_portrait, fer.analyze(small_portrait))
    assert (small_portrait == before).all()


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        (None, TypeError, "cv2.imread returns for a file it cannot read"),
        (7, TypeError, "a PIL picture or an array, not int"),
        (["a.jpg"], TypeError, "a PIL picture or an array, not list"),
        (np.zeros((9, 9, 3)), ValueError, r"must be uint8 .*not float64 \(9, 9, 3\)"),
        (np.zeros((0, 9, 3), np.uint8), ValueError, r"not empty, not uint8 \(0, 9, 3\)"),
        (np.zeros((9, 9, 2), np.uint8), ValueError, r"not uint8 \(9, 9, 2\)"),
        ("missing.jpg", fer.UnreadableImage, "No such file"),
        (ROOT, fer.UnreadableImage, "cannot be read"),
        (b"", fer.UnreadableImage, "The file is empty"),
        (b"no picture", fer.UnreadableImage, "not a picture"),
        (io.StringIO("text"), TypeError, "opened in binary mode"),
        (Image.new("RGB", (8, 8)), fer.UnreadableImage, "only 8×8 pixels"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(
    source: Any, error: type[Exception], sentence: str
) -> None:
    frame = fer.Frame(0, 0.0, (9, 9))
    for call in (fer.analyze, lambda image: fer.draw(image, frame)):
        with pytest.raises(error, match=sentence):
            call(source)


def test_what_is_decoded_already_needs_no_reading(small_portrait: np.ndarray) -> None:
    with pytest.raises(TypeError, match="decoded picture already, which"):
        fer.read_image(small_portrait)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (fer.load_model, TypeError, "model is called by its name, not by ndarray"),
        (fer.EmotionClassifier.load, TypeError, "model is called by its name, not by ndarray"),
        (fer.load_detector, TypeError, "detector is called by its name, not by ndarray"),
        (
            lambda value: fer.analyze(GRAY, reading=value),
            ValueError,
            "There is no reading ndarray; there are people, labels",
        ),
        (
            lambda value: fer.draw(GRAY, fer.analyze(GRAY, detector="none"), threshold=value),
            TypeError,
            "threshold must be a number from 0 to 1, not ndarray",
        ),
        (
            lambda value: fer.analyze_video("a.mp4", annotated=value),
            TypeError,
            "must go to a path or an open binary file, not to ndarray",
        ),
        (lambda value: fer.load_model().predict(value), ValueError, "A face must be uint8"),
        (lambda _: fer.load_model().predict(None), TypeError, "must be an array or a list"),
        (lambda _: fer.load_model().predict(["a.jpg"]), TypeError, "A face must be an array"),
    ],
)
def test_what_is_no_choice_is_refused_in_a_sentence(
    call: Callable[[Any], Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        call(np.zeros((9, 9, 3)))


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"fps": 0}, ValueError, "fps must be more than 0, not 0"),
        ({"fps": "ten"}, TypeError, "fps must be a number, not str"),
        ({"start_s": -1}, ValueError, "start_s must be 0 or more, not -1"),
        ({"start_s": None}, TypeError, "start_s must be a number, not NoneType"),
        ({"end_s": float("nan")}, ValueError, "end_s must be 0 or more, not nan"),
        ({"start_s": 2, "end_s": 1}, ValueError, "must end after it begins, not 2 to 1"),
        ({"smoothing_s": -0.1}, ValueError, "smoothing_s must be 0 or more, not -0.1"),
        ({"max_gap_s": [1]}, TypeError, "max_gap_s must be a number, not list"),
    ],
)
def test_numbers_out_of_their_range_are_refused_in_a_sentence(
    options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        fer.analyze_video("a.mp4", **options)


@pytest.mark.parametrize("source", [None, "a.jpg", Path("a.jpg"), b"", 7])
def test_the_function_for_arrays_says_so(source: Any) -> None:
    with pytest.raises(TypeError, match=r"analyze|cv2\.imread"):
        analyze_image(source)


def test_a_closed_file_is_refused(portrait_file: Path) -> None:
    with portrait_file.open("rb") as file:
        pass
    with pytest.raises(fer.UnreadableImage, match="The file is closed"):
        fer.read_image(file)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"model": "fer8"}, fer.ModelError, "no model 'fer8'; there are fer6, fer7"),
        ({"model": "../models/fer7"}, fer.ModelError, "no model"),
        ({"model": 7}, TypeError, "model is called by its name, not by int"),
        (
            {"detector": "mtcnn"},
            ValueError,
            "'mtcnn'; there are auto, yunet, haar, none",
        ),
        ({"detector": 7}, TypeError, "detector is called by its name"),
        ({"detector": "yunet"}, fer.DetectorUnavailable, "fer_core download"),
    ],
)
def test_wrong_choices_are_refused_in_a_sentence(
    options: dict[str, Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    make_clip(tmp_path / "a.mp4", (0, 1))
    for call, source in ((fer.analyze, GRAY), (fer.analyze_video, tmp_path / "a.mp4")):
        with pytest.raises(error, match=sentence):
            call(source, **options)


@pytest.mark.parametrize("threshold", [40, -1, float("nan")])
def test_percentages_are_no_thresholds(
    threshold: float, frame: fer.Frame, portrait_file: Path, tmp_path: Path
) -> None:
    result = fer.analyze_video(make_clip(tmp_path / "a.mp4", (0, 1)))
    for call in (
        lambda: frame.faces[0].verdict(threshold),
        lambda: fer.draw(portrait_file, frame, threshold=threshold),
        lambda: fer.analyze_video(tmp_path / "a.mp4", threshold=threshold),
        lambda: result.to_dataframe(threshold=threshold),
    ):
        with pytest.raises(ValueError, match="must be from 0 to 1"):
            call()


def test_models(portrait_file: Path) -> None:
    assert fer.list_models() == [FER6.name, FER7.name]
    assert fer.load_model() is fer.load_model("fer7")
    assert fer.load_model("fer6").labels == FER6.labels
    six = fer.analyze(portrait_file, model="fer6").faces[0]
    assert tuple(six.probabilities) == FER6.labels


def test_whatever_reads_faces_is_a_model(portrait_file: Path) -> None:
    labels = fer.EmotionClassifier.load("fer7", reading="labels")
    named, given = (fer.analyze(portrait_file, model=model).faces[0] for model in ("fer7", labels))
    assert named.box == given.box
    assert named.probabilities != given.probabilities


def test_both_readings(portrait_clip: Path, frame: fer.Frame, portrait_file: Path) -> None:
    photos, videos = {}, {}
    for reading in ("people", "labels"):
        photos[reading] = fer.analyze(portrait_file, reading=reading).faces[0].probabilities
        assert fer.load_model("fer7", reading=reading).reading == reading
        result = fer.analyze_video(portrait_clip, reading=reading, detector="none", fps=2)
        videos[reading] = result.timeline.probabilities
    assert frame.faces[0].probabilities == photos["people"] != photos["labels"]
    assert np.abs(videos["people"] - videos["labels"]).max() > 0.01
    for call in (fer.analyze, fer.analyze_video):
        with pytest.raises(ValueError, match="There is no reading 'crowd'"):
            call(portrait_clip if call is fer.analyze_video else portrait_file, reading="crowd")


@pytest.mark.parametrize("side", [48, 96, 300])
def test_a_ready_crop_is_read_as_it_is(crops: np.ndarray, side: int) -> None:
    crop = cv2.resize(crops[3], (side, side), interpolation=cv2.INTER_AREA)
    frame = fer.analyze(crop, detector="none")
    (face,) = frame.faces
    assert face.box == fer.FaceBox(0, 0, side, side)
    assert (face.score, face.landmarks) == (1.0, None)
    assert not {"small", "cut"} & {finding.code for finding in face.quality}
    expected = fer.load_model().predict([crop])[0]
    assert face.probabilities.vector == pytest.approx(expected, abs=0.03)
    if side % INPUT_SIZE == 0:
        assert (face.aligned_gray == crop).all()


def test_crops_in_which_no_face_is_found(tiny_folder: Path) -> None:
    paths = sorted(tiny_folder.rglob("*.jpg"))[::6]
    assert len(paths) > 20
    read = partial(fer.analyze, model=Lightness())
    assert all(len(read(path, detector="none").faces) == 1 for path in paths)
    found = [len(read(path, detector="haar").faces) for path in paths]
    assert found.count(1) < len(paths) / 2


def test_drawing(frame: fer.Frame, portrait_file: Path) -> None:
    drawn = fer.draw(str(portrait_file), frame)
    assert (drawn.shape, drawn.dtype) == ((144, 120, 3), np.uint8)
    assert 0 < (drawn != fer.read_image(portrait_file).image_bgr).any(axis=-1).mean() < 0.3
    assert (drawn != fer.draw(portrait_file, frame, threshold=1.0)).any()
    gray = fer.draw(cv2.cvtColor(bgr_of(portrait_file), cv2.COLOR_BGR2GRAY), frame)
    assert gray.shape == (144, 120, 3)


def test_another_picture_is_not_drawn_on(frame: fer.Frame, small_portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match="120×144 pixels; this one has 60×72"):
        fer.draw(small_portrait[::2, ::2], frame)
    with pytest.raises(TypeError, match="can be drawn, not tuple"):
        fer.draw(small_portrait, frame.faces)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def portrait_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of a portrait, at ten per second; not to be changed."""
    path = tmp_path_factory.mktemp("portrait") / "portrait.mp4"
    pictures, rate = [small_sample()] * 6, Fraction(1, 10)
    return make_clip(path, range(6), pictures=pictures, size_wh=(120, 144), time_base=rate)


def test_a_video(portrait_clip: Path, tmp_path: Path) -> None:
    done = []
    result = fer.analyze_video(
        str(portrait_clip),
        detector="haar",
        annotated=str(tmp_path / "copy.mp4"),
        on_progress=lambda progress: done.append(progress.done),
    )
    frames = list(result)
    assert [frame.index for frame in frames] == list(range(6))
    assert done == list(range(1, 7))
    assert all(len(frame.faces) == 1 for frame in frames)
    table = result.to_dataframe()
    assert list(table["frame"]) == list(range(6))
    assert list(table["verdict"]) == [frame.faces[0].verdict for frame in frames]
    assert list(table["happy"]) == [f.faces[0].reading.probabilities["happy"] for f in frames]
    assert list(table["happy_smoothed"]) == [f.faces[0].smoothed["happy"] for f in frames]
    assert set(result.to_dataframe(threshold=1.0)["verdict"]) == {"uncertain"}
    assert set(result.to_dataframe(names={1: "Grace"})["name"]) == {"Grace"}
    again = fer.analyze_video(tmp_path / "copy.mp4", detector="none", model=Lightness())
    assert len(again.timeline.time_s) == 6
    image = np.zeros((144, 120, 3), np.uint8)
    assert fer.draw(image, frames[0], names={1: "Grace"}).any()


def test_any_video_and_any_model_will_do(portrait_clip: Path, tmp_path: Path) -> None:
    six = fer.EmotionClassifier.load("fer6", reading="labels")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(portrait_clip, "a.mp4")
    with (
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        archive.open("a.mp4") as member,
        portrait_clip.open("rb") as file,
    ):
        for source in (portrait_clip, portrait_clip.read_bytes(), file, member):
            result = fer.analyze_video(source, model=six, detector="none", fps=2)
            assert len(result.timeline.person) == len(result.timeline.time_s) == 2
            assert result.timeline.labels == FER6.labels


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        (None, TypeError, "must be a path, .*not NoneType"),
        (np.zeros((9, 9, 3), np.uint8), TypeError, "not ndarray"),
        (io.StringIO("text"), TypeError, "opened in binary mode"),
        ("missing.mp4", fer.UnreadableVideo, "No such file"),
        (b"no video", fer.UnreadableVideo, "not a video"),
    ],
)
def test_what_is_no_video_is_refused_in_a_sentence(
    source: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        fer.analyze_video(source)


def test_videos_say_what_is_not_installed() -> None:
    said = in_new_python(
        "import sys; sys.modules['av'] = None\n"
        "import fer_core as fer\n"
        "try: fer.analyze_video('a.mp4')\n"
        "except fer.FerError as error: print(type(error).__name__, error)"
    )
    assert said == ["MissingExtra Reading videos needs av: install facial-emotions[video]."]


def test_a_report_of_photos(
    portrait_file: Path, small_portrait: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    pictures = [portrait_file, small_portrait, portrait_file.read_bytes()]
    fer.report(((p, fer.analyze(p, detector="none")) for p in pictures), path, detector="none")
    page = checked(path.read_text(encoding="utf-8"))
    assert [text for level, text in page.headings if level == 3] == [
        portrait_file.name, "Photo 2", "Photo 3",
    ]  # fmt: skip
    assert "3 faces" in page.text and "Face detector none" in page.text
    # An array has no file.
    checksum = hashlib.sha256(portrait_file.read_bytes()).hexdigest()
    assert page.text.count(f"SHA-256 {checksum}") == 2
    fer.report([], path, threshold=0.8)
    assert "No photo could be read" in path.read_text(encoding="utf-8")
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("read", [None, 7, "a.jpg", ["a.jpg"], [("a.jpg", None)], "frame", "line"])
def test_what_makes_no_report_is_refused_in_a_sentence(read: Any, tmp_path: Path) -> None:
    if read == "frame":
        read = fer.analyze(GRAY, detector="none")
    elif read == "line":
        read = TimelineBuilder(FER7.labels).build()
    with pytest.raises(TypeError, match="made of pairs, each of a picture and what `analyze`"):
        fer.report(read, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_report_names_what_read_the_faces(small_portrait: np.ndarray, tmp_path: Path) -> None:
    read = [(small_portrait, fer.analyze(small_portrait, detector="none", model="fer6"))]
    with pytest.raises(ValueError, match="'fer7' reads"):
        fer.report(read, tmp_path / "report.html", detector="none")
    fer.report(read, tmp_path / "report.html", detector="none", model="fer6", reading="labels")
    page = checked((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "would be labelled" in page.text and "fer6/model.tflite" in page.text


def test_a_report_of_a_video(portrait_clip: Path, tmp_path: Path) -> None:
    result = fer.analyze_video(portrait_clip, detector="haar", fps=5)
    path = tmp_path / "report.html"
    fer.report(result, path, video=portrait_clip, names={1: "Grace"}, detector="haar")
    page = checked(path.read_text(encoding="utf-8"))
    assert page.headings[0][1] == "Facial expressions in portrait.mp4"
    assert (3, "Grace") in page.headings and "Frames read 5 a second" in page.text
    # The face itself, cut out of the video.
    assert page.all("img") and all(image.std() > 20 for image in page.pictures())
    fer.report(result, path, detector="haar", threshold=1.0)
    page = checked(path.read_text(encoding="utf-8"))
    assert not page.all("img") and "Uncertain 100%" in page.text
    with pytest.raises(fer.UnreadableVideo):
        fer.report(result, path, video=tmp_path / "missing.mp4", detector="haar")


def test_pictures_that_were_turned_are_drawn_on_and_reported(
    small_portrait: np.ndarray, tmp_path: Path
) -> None:
    turned = np.rot90(small_portrait)
    frame = replace(fer.analyze(turned, detector="none"), turned_deg=90)
    assert fer.draw(small_portrait, frame).shape == (120, 144, 3)
    fer.report([(small_portrait, frame)], tmp_path / "report.html", detector="none")
    with pytest.raises(ValueError, match="120×144 pixels; this one has 144×120"):
        fer.report([(turned, frame)], tmp_path / "report.html", detector="none")
