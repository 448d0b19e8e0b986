"""The whole way from a file to its time line, with real faces."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.budget import MemoryBudget
from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector, YuNetDetector
from fer_core.errors import UnreadableVideo
from fer_core.images import turn_picture
from fer_core.timeline import TimelineBuilder
from fer_core.types import DetectedFace
from fer_core.video.analysis import VideoOptions, VideoResult, analyze_video
from fer_core.video.progress import Progress
from fer_core.video.source import VideoSource
from tests.fer_core.conftest import SAMPLES, Lightness
from tests.fer_core.video.clips import make_clip, noise, top_boxes

SIZE_WH = (384, 288)
FACE = 160


@pytest.fixture
def analyze(fer7: EmotionClassifier, yunet_file: Path) -> Callable[..., VideoResult]:
    """With the shipped network."""
    return partial(analyze_video, classifier=fer7, make_detector=lambda: YuNetDetector(yunet_file))


@pytest.fixture
def follow(analyze: Callable[..., VideoResult]) -> Callable[..., VideoResult]:
    """With a quick reader instead, for tests of all that is around it."""
    return partial(analyze, classifier=Lightness())


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    """Two BGR faces, FACE pixels high: a portrait, and a darker one that looks the other way."""
    x, y, side = 90, 40, 330
    head = cv2.imread(str(SAMPLES / "grace-hopper.jpg"))[y : y + side, x : x + side]
    face = cv2.resize(head, (FACE, FACE), interpolation=cv2.INTER_AREA)
    return [face, cv2.convertScaleAbs(face[:, ::-1], alpha=0.8)]


def scene(faces: Sequence[np.ndarray], places: Sequence[tuple[int, int] | None]) -> np.ndarray:
    """Put faces on a grey background; a place of None leaves one out."""
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 120, np.uint8)
    for face, place in zip(faces, places, strict=True):
        if place is not None:
            x, y = place
            image[y : y + FACE, x : x + FACE] = face
    return image


def clip_of(path: Path, pictures: Sequence[np.ndarray], **options: object) -> Path:
    height, width = pictures[0].shape[:2]
    times = tuple(range(len(pictures)))
    return make_clip(path, times, pictures=pictures, size_wh=(width, height), **options)


@pytest.fixture(scope="module")
def pair(faces: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people who sway for 2 s; the one on the left is away from 0.8 to 1.3 s."""
    pictures = []
    for number in range(60):
        sway = round(12 * np.sin(number / 6))
        left = None if 24 <= number < 39 else (20 + sway, 60)
        pictures.append(scene(faces, [left, (205, 60 + sway)]))
    return clip_of(tmp_path_factory.mktemp("pair") / "pair.mp4", pictures)


def test_a_real_video_frame_by_frame(
    follow: Callable[..., VideoResult], media: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.mp4"
    seen: list[Progress] = []
    result = follow(media / "one_face_15s.mp4", annotated=copy, on_progress=seen.append)
    timeline = result.timeline
    assert (result.cancelled, result.damage, result.unwritten) == (False, None, None)
    assert len(timeline.frame_index) == 464
    assert timeline.frame_index.tolist() == list(range(464))
    assert timeline.persons() == (1,)
    assert not timeline.cut.any()
    assert len(timeline.row) > 455
    with VideoSource(media / "one_face_15s.mp4") as source:
        times = [frame.time_s for frame in source.frames()]
    assert timeline.time_s.tolist() == times
    with VideoSource(copy) as written:
        assert written.facts.codec == "h264"
        again = [frame.time_s for frame in written.frames()]
    assert np.allclose(times, again, atol=0.0005)
    assert [item.done for item in seen] == list(range(1, 465))
    assert seen[-1].total == 464 and seen[-1].left_s == 0
    assert all(item.frames_per_s > 0 for item in seen)


@pytest.mark.parametrize("fps", [1, 5, 10.0])
def test_fewer_frames_a_second(
    analyze: Callable[..., VideoResult], media: Path, fps: float
) -> None:
    options = VideoOptions(fps=fps, start_s=4, end_s=8)
    plain = analyze(media / "one_face_15s.mp4", options=options).timeline
    assert len(plain.time_s) == 4 * fps
    late = plain.time_s - 4 - np.arange(len(plain.time_s)) / fps
    assert (late > -0.001).all() and (late < 1 / 29).all()
    assert plain.persons() == (1,)
    copy = io.BytesIO()
    with_copy = analyze(media / "one_face_15s.mp4", options=options, annotated=copy).timeline
    assert with_copy.frame_index.tolist() == plain.frame_index.tolist()
    assert np.array_equal(with_copy.probabilities, plain.probabilities)
    copy.seek(0)
    with VideoSource(copy) as written:
        assert len(list(written.frames())) in (119, 120)


def test_a_turned_clip_gives_the_same_boxes(
    analyze: Callable[..., VideoResult], faces: list[np.ndarray], tmp_path: Path
) -> None:
    upright = [scene(faces, [(20, 60), (205 - n, 60)]) for n in range(8)]
    lossless = {"options": {"qp": "0"}, "pix_fmt": "yuv444p"}
    straight = clip_of(tmp_path / "straight.mp4", upright, **lossless)
    lying = [np.rot90(image) for image in upright]
    turned = clip_of(tmp_path / "turned.mp4", lying, turn={"degrees": -90}, **lossless)
    expected, got = analyze(straight), analyze(turned)
    assert got.facts.rotation_deg == 90
    assert got.facts.size_wh == expected.facts.size_wh == SIZE_WH
    assert len(expected.timeline.row) == 16
    assert np.allclose(expected.timeline.boxes_xyxy, got.timeline.boxes_xyxy, atol=0.5)
    assert np.allclose(expected.timeline.probabilities, got.timeline.probabilities, atol=0.02)


def test_two_people_keep_their_identities_through_a_gap(
    follow: Callable[..., VideoResult], pair: Path
) -> None:
    timeline = follow(pair).timeline
    assert timeline.persons() == (1, 2)
    middles = timeline.boxes_xyxy[:, [0, 2]].mean(axis=1)
    assert (middles[timeline.person == 1] < SIZE_WH[0] / 2).all()
    assert (middles[timeline.person == 2] > SIZE_WH[0] / 2).all()
    together = np.bincount(timeline.row, minlength=60)
    assert together.tolist() == [2] * 24 + [1] * 15 + [2] * 21


def test_a_gap_that_is_too_long_makes_somebody_new(
    follow: Callable[..., VideoResult], pair: Path
) -> None:
    timeline = follow(pair, options=VideoOptions(max_gap_s=0.2)).timeline
    assert timeline.persons() == (1, 2, 3)


def test_a_cut_ends_tracks(
    follow: Callable[..., VideoResult], faces: list[np.ndarray], tmp_path: Path
) -> None:
    before = [scene(faces[:1], [(100, 60)])] * 12
    inverted = scene(faces[:1], [(100, 60)])
    background = (inverted == 120).all(axis=2)
    inverted[background] = (30, 30, 200)
    timeline = follow(clip_of(tmp_path / "cut.mp4", before + [inverted] * 12)).timeline
    assert np.flatnonzero(timeline.cut).tolist() == [12]
    assert timeline.person.tolist() == [1] * 12 + [2] * 12


def test_without_a_face_every_frame_stays_in_the_data(
    analyze: Callable[..., VideoResult], tmp_path: Path
) -> None:
    times = (0, 40, 41, 333, 1000)
    clip = make_clip(tmp_path / "bars.mkv", times, time_base=Fraction(1, 1000))
    result = analyze(clip, annotated=tmp_path / "copy.mp4")
    assert len(result.timeline.row) == 0
    assert np.allclose(result.timeline.time_s * 1000, times)
    with VideoSource(tmp_path / "copy.mp4") as written:
        assert np.allclose([1000 * f.time_s for f in written.frames()], times, atol=0.5)


@pytest.mark.parametrize("size_wh", [(64, 48), (2, 2), (97, 61), (1500, 16)])
def test_one_frame_of_any_size(
    analyze: Callable[..., VideoResult], tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    clip = make_clip(tmp_path / "one.mkv", (0,), size_wh=size_wh, codec="ffv1", pix_fmt="bgr0")
    result = analyze(clip, annotated=tmp_path / "copy.mp4")
    assert result.timeline.time_s.tolist() == [0.0]
    assert result.unwritten is None
    with VideoSource(tmp_path / "copy.mp4") as written:
        assert len(list(written.frames())) == 1


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(
    analyze: Callable[..., VideoResult], tmp_path: Path
) -> None:
    clip = clip_of(
        tmp_path / "whole.mp4",
        [noise(SIZE_WH, n) for n in range(60)],
        muxing={"movflags": "faststart"},
    )
    content = clip.read_bytes()
    data = top_boxes(content)[b"mdat"]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content[: data + (len(content) - data) // 2])
    result = analyze(broken)
    assert result.damage
    assert 5 < len(result.timeline.frame_index) < 60


def test_a_phone_that_is_turned_while_it_records(
    follow: Callable[..., VideoResult], cases: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.mp4"
    path = cases / "turned_while_recording.webm"
    result = follow(path, options=VideoOptions(fps=4), annotated=copy)
    assert [len(frame.faces) for frame in result] == [1] * 8
    # The picture keeps its middle, and the face its size.
    boxes = result.timeline.boxes_xyxy
    assert boxes[4:].mean(axis=0) == pytest.approx(boxes[:4].mean(axis=0), abs=12)
    assert result.damage is None
    with VideoSource(copy) as written:
        assert written.facts.size_wh == (638, 360)
        before, after = written.frame_at(0.5).bgr(), written.frame_at(1.5).bgr()
    assert before[:, :200].mean() > 40 > 5 > after[:, :200].mean()


def test_what_the_copy_lacks_is_said(
    analyze: Callable[..., VideoResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.video.sound._takes", lambda add: False)
    clip = make_clip(tmp_path / "clip.mp4", sound="aac")
    assert analyze(clip).damage is None
    result = analyze(clip, annotated=io.BytesIO())
    assert result.damage == (
        "The annotated video has no sound: that of the video cannot be converted."
    )
    assert result.unwritten is None


def test_what_nobody_foresaw_in_the_copy_costs_the_copy_alone(
    analyze: Callable[..., VideoResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr("fer_core.video.annotate.draw_tracked", broken)
    copy = tmp_path / "copy.mp4"
    result = analyze(make_clip(tmp_path / "clip.mp4"), annotated=copy)
    assert len(result.timeline.time_s) == 30
    assert result.unwritten == "The annotated video could not be written; the log says why."
    assert not copy.exists()


def test_memory_is_waited_for_until_a_cancel(
    analyze: Callable[..., VideoResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = MemoryBudget(4 << 30)
    monkeypatch.setattr("fer_core.video.memory.shared_budget", lambda: budget)
    clip = make_clip(tmp_path / "clip.mp4")
    stop = threading.Event()
    with budget.reserve(budget.long_bytes, long=True):
        result = analyze(clip, on_waiting=stop.set, cancelled=stop)
    assert result.cancelled and not len(result.timeline.time_s)
    assert not analyze(clip, on_waiting=stop.set).cancelled


def test_a_file_that_is_no_video(analyze: Callable[..., VideoResult], tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("This is no video.")
    copy = tmp_path / "copy.mp4"
    with pytest.raises(UnreadableVideo):
        analyze(text, annotated=copy)
    assert os.listdir(tmp_path) == ["text.mp4"]


def test_cancel_keeps_what_is_there(
    follow: Callable[..., VideoResult], media: Path, tmp_path: Path
) -> None:
    stop = threading.Event()

    def stop_soon(progress: Progress) -> None:
        if progress.done == 40:
            stop.set()

    copy = tmp_path / "copy.mp4"
    result = follow(
        media / "one_face_15s.mp4", annotated=copy, on_progress=stop_soon, cancelled=stop
    )
    assert result.cancelled
    frames = len(result.timeline.frame_index)
    assert 40 <= frames < 60
    with VideoSource(copy) as written:
        assert len(list(written.frames())) == frames
    assert os.listdir(tmp_path) == ["copy.mp4"]
    assert not _workers()


def test_the_time_line_can_be_looked_at_while_it_grows(
    follow: Callable[..., VideoResult], fer7: EmotionClassifier, pair: Path
) -> None:
    builder = TimelineBuilder(fer7.labels)
    lengths: list[int] = []
    follow(pair, builder=builder, on_progress=lambda _: lengths.append(len(builder.build().time_s)))
    assert lengths == list(range(1, 61))


def test_two_at_once_do_not_disturb_each_other(
    analyze: Callable[..., VideoResult], pair: Path, media: Path
) -> None:
    short = VideoOptions(end_s=1)
    videos = [pair, media / "one_face_15s.mp4"]
    alone = [analyze(video, options=short).timeline for video in videos]
    together: dict[Path, VideoResult] = {}
    threads = [
        threading.Thread(
            target=lambda video=video: together.update({video: analyze(video, options=short)})
        )
        for video in videos
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for video, expected in zip(videos, alone, strict=True):
        got = together[video].timeline
        assert np.array_equal(got.person, expected.person)
        assert np.array_equal(got.boxes_xyxy, expected.boxes_xyxy)
        assert np.allclose(got.probabilities, expected.probabilities, atol=1e-6)


class FullDisk(io.BytesIO):
    """A file on a disk that is full after some bytes."""

    def write(self, data: object) -> int:
        if self.tell() > 20_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)  # type: ignore[arg-type]


def test_a_full_disk_costs_the_copy_alone(follow: Callable[..., VideoResult], media: Path) -> None:
    result = follow(media / "one_face_15s.mp4", options=VideoOptions(end_s=5), annotated=FullDisk())
    assert result.unwritten and "full" in result.unwritten
    assert len(result.timeline.time_s) == 150
    assert not _workers()


class Crashing:
    """A detector that fails in the middle."""

    name = "crashing"

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, image_bgr: np.ndarray, sizes: Sequence[int] = ()) -> tuple[DetectedFace, ...]:
        self.calls += 1
        if self.calls > 5:
            raise RuntimeError("the detector broke")
        return ()


def test_a_crash_reaches_the_caller_and_leaves_nothing(
    fer7: EmotionClassifier, pair: Path, tmp_path: Path
) -> None:
    detector: FaceDetector = Crashing()
    with pytest.raises(RuntimeError, match="the detector broke"):
        analyze_video(
            pair, classifier=fer7, make_detector=lambda: detector, annotated=tmp_path / "copy.mp4"
        )
    assert not os.listdir(tmp_path)
    assert not _workers()


def test_an_open_file_of_the_callers_stays_open(
    follow: Callable[..., VideoResult], pair: Path
) -> None:
    with tempfile.TemporaryFile() as upload, tempfile.TemporaryFile() as copy:
        upload.write(pair.read_bytes())
        result = follow(upload, annotated=copy)
        assert len(result.timeline.time_s) == 60
        with VideoSource(copy) as written:
            assert len(list(written.frames())) == 60
        assert not upload.closed and not copy.closed


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"fps": -1.0}, {"start_s": 2.0, "end_s": 2.0}, {"end_s": 0.0}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        VideoOptions(**wrong)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not _workers()


def _workers() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("find-faces", "annotate"))]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_video_on_its_side_is_turned(
    follow: Callable[..., VideoResult], faces: list[np.ndarray], tmp_path: Path, degrees: int
) -> None:
    # Nobody is there at first, which tells nothing.
    upright = [scene(faces[:1], [None])] * 4 + [scene(faces[:1], [(120, 60)])] * 8
    given = [turn_picture(picture, (360 - degrees) % 360) for picture in upright]
    clip = clip_of(tmp_path / "clip.mp4", given, time_base=Fraction(1, 4))
    copy = tmp_path / "copy.mp4"
    result = follow(clip, options=VideoOptions(fps=None), annotated=copy)
    assert (result.facts.turned_deg, result.facts.rotation_deg) == (degrees, degrees)
    assert result.facts.size_wh == SIZE_WH
    counts = [len(frame.faces) for frame in result]
    assert counts == [0] * 4 + [1] * 8
    expected = follow(clip_of(tmp_path / "upright.mp4", upright, time_base=Fraction(1, 4)))
    box, same = result.timeline.boxes_xyxy[-1], expected.timeline.boxes_xyxy[-1]
    assert box == pytest.approx(same, abs=3)
    with VideoSource(copy) as source:
        assert source.facts.size_wh == SIZE_WH
        assert source.facts.rotation_deg == 0
