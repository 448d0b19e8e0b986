from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from pathlib import Path

import av
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer_core.budget import MemoryBudget
from fer_core.labels import FER6
from fer_core.video.source import VideoFrame, VideoSource
from tests.ui.conftest import ROOT, address, until
from tests.ui.photo.test_page import buttons, charts
from ui.common.jobs import Job
from ui.common.samples import Upload
from ui.video import intake
from ui.video import runs as video_runs
from ui.video.results import summary_sentence
from ui.video.runs import Waiting
from ui.video.shelf import Video, get_shelf

WAIT_S = 120


@pytest.fixture
def video_page(app: AppTest) -> AppTest:
    """The video page, reached from the home page."""
    return app.switch_page("pages/2_Video.py").run()


@pytest.fixture
def one_face(media: Path) -> bytes:
    return (media / "one_face_15s.mp4").read_bytes()


@pytest.fixture(scope="session")
def short_face(media: Path) -> bytes:
    """The first four seconds of it, where its length does not matter."""
    content = io.BytesIO()
    with (
        av.open(str(media / "one_face_15s.mp4")) as source,
        av.open(content, "w", "mp4") as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size and packet.pts * packet.time_base < 4:
                packet.stream = stream
                target.mux(packet)
    return content.getvalue()


def upload(app: AppTest, content: bytes, name: str = "clip.mp4") -> AppTest:
    return app.file_uploader[0].set_value((name, content, "video/mp4")).run()


def start(app: AppTest, *, fps: int = 1, annotate: bool = False) -> AppTest:
    app.select_slider(key="video-fps").set_value(fps)
    app.toggle(key="video-annotate").set_value(annotate)
    return press(app, "Start the analysis")


def press(app: AppTest, label: str) -> AppTest:
    (button,) = buttons(app, label)
    return button.click().run()


def video_of(app: AppTest) -> Video:
    video = get_shelf().get(app.session_state["video-token"], "test")
    assert video is not None
    return video


def until_over(app: AppTest) -> AppTest:
    """Run the page when the work is done."""
    job = video_of(app).run.job
    pause = threading.Event()
    for _ in range(WAIT_S * 20):
        if job.over:
            return app.run()
        pause.wait(0.05)
    raise AssertionError(job.state)


def texts(app: AppTest) -> str:
    """Return what the page's Markdown reads like."""
    joined = "\n".join(element.value for element in (*app.markdown, *app.caption))
    return re.sub(r"\\(.)", r"\1", joined)


def timelines(app: AppTest) -> list[dict]:
    return [chart for chart in charts(app) if "Verdict" in {t.get("name") for t in chart["data"]}]


def player_of(app: AppTest) -> dict:
    """Return what the player draws."""
    (player,) = [c for c in app.get("bidi_component") if c.proto.component_name.endswith("player")]
    return json.loads(player.proto.json)


def test_empty_page(video_page: AppTest) -> None:
    assert not video_page.exception and not video_page.error and not video_page.info
    assert len(video_page.file_uploader) == 1
    assert "two minutes after you close" in video_page.caption[0].value
    assert not buttons(video_page, "Start the analysis")


def test_the_example_is_one_click(
    video_page: AppTest, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "sample_clip", lambda: Upload("two.mp4", clip))
    monkeypatch.setattr(intake, "picture_buttons", lambda *_, **__: 0)
    app = video_page.run()
    assert not app.exception and not app.error and video_of(app).name == "two.mp4"
    # It is being read already.
    assert video_of(app).run is not None and not buttons(app, "Start the analysis")
    get_shelf().remove(app.session_state["video-token"])


@pytest.mark.parametrize("content", [b"", b"This is no video."], ids=["empty", "text"])
def test_a_bad_file_is_one_sentence_and_the_page_goes_on(
    video_page: AppTest, content: bytes, short_face: bytes
) -> None:
    app = upload(video_page, content, "fake.mp4")
    assert not app.exception
    assert ["fake\\.mp4\\: " in error.value for error in app.error] == [True]
    app = upload(app, short_face)
    assert not app.error and buttons(app, "Start the analysis")


def test_facts_and_choices(video_page: AppTest, one_face: bytes) -> None:
    app = upload(video_page, one_face)
    assert not app.exception and not app.file_uploader
    for fact in ("clip.mp4", "0:15.5", "596 × 336, 29.97 frames a second", "h264", "none"):
        assert f"**{fact}**" in texts(app)
    assert "About 155 frames" in texts(app) and "Haar cascades" in texts(app)
    app = app.select_slider(key="video-fps").set_value(0).run()
    assert "About 464 frames" in texts(app)


def test_results_of_a_real_clip(video_page: AppTest, one_face: bytes) -> None:
    app = until_over(start(upload(video_page, one_face), annotate=True))
    assert not app.exception and not app.error
    assert "One person in 16 analysed frames\n\nPerson 1, seen for" in texts(app)
    (chart,) = timelines(app)
    assert len(chart["data"][-1]["x"]["bdata"]) > 0
    assert player_of(app)["picture"]["address"].endswith(".mp4")
    assert len(app.get("download_button")) == 6
    timeline = video_of(app).run.job.result.result.timeline
    assert len(timeline.time_s) == 16 and timeline.persons() == (1,)


def test_reading_frames_to_show_them_is_told(
    video_page: AppTest, short_face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    read: list[list[str]] = []
    frame_at = VideoSource.frame_at

    @contextmanager
    def spinner(text: str) -> Iterator[None]:
        told.append(text)
        yield
        told.remove(text)

    def told_frame_at(source: VideoSource, time_s: float) -> VideoFrame:
        read.append(told.copy())
        return frame_at(source, time_s)

    app = start(upload(video_page, short_face))
    monkeypatch.setattr(st, "spinner", spinner)
    monkeypatch.setattr(VideoSource, "frame_at", told_frame_at)
    app = until_over(app)
    assert len(read) > 1 and all(spun == ["Cutting the faces out of the video …"] for spun in read)
    read.clear()
    strongest = next(one for one in app.button if "strongest-0" in (one.key or ""))
    assert not strongest.click().run().exception
    assert read == [["Reading the moment's frame …"]]


def test_smoothing_and_threshold_hold_at_once(video_page: AppTest, short_face: bytes) -> None:
    app = until_over(start(upload(video_page, short_face), annotate=True))
    before, run = charts(app), video_of(app).run
    app = app.slider(key="video-smoothing").set_value(2.0).run()
    assert charts(app) != before and video_of(app).run is run
    assert "the names, smoothing and threshold that it was drawn with" in texts(app)
    app = app.slider(key="threshold").set_value(100).run()
    assert "not read with certainty 100%" in texts(app)


def test_another_class_set_needs_another_run(video_page: AppTest, short_face: bytes) -> None:
    app = until_over(start(upload(video_page, short_face)))
    app = app.radio(key="classes").set_value("fer6").run()
    assert ["7 emotions" in info.value for info in app.info] == [True]
    app = until_over(press(app, "Analyse again"))
    assert not app.info
    assert video_of(app).run.job.result.result.timeline.labels == FER6.labels


def test_lines_and_raw_readings(video_page: AppTest, short_face: bytes) -> None:
    app = until_over(start(upload(video_page, short_face)))
    (areas,) = timelines(app)
    assert {trace.get("stackgroup") for trace in areas["data"][:7]} == {"emotions"}
    app = app.get("button_group")[0].set_value("Lines").run()
    (lines,) = timelines(app)
    assert {trace.get("stackgroup") for trace in lines["data"][:7]} == {None}
    app = app.toggle(key="video-raw").set_value(True).run()
    (raw,) = timelines(app)
    assert raw["data"][0]["y"] != lines["data"][0]["y"]


def test_names_and_hidden_persons(video_page: AppTest, short_face: bytes) -> None:
    app = until_over(start(upload(video_page, short_face)))
    app = app.text_input[0].set_value("  Zoë <b> ").run()
    assert "Zoë <b>, seen for" in texts(app) and not app.exception
    app = press(app, "Hide this person")
    assert "All persons in 4 analysed frames are hidden." in texts(app) and not timelines(app)
    assert "Hidden: Zoë <b>" in texts(app)
    app = press(app, "Show them again")
    assert len(timelines(app)) == 1


def test_cancel_keeps_what_is_there(video_page: AppTest, one_face: bytes) -> None:
    app = start(upload(video_page, one_face), fps=0)
    run = video_of(app).run
    pause = threading.Event()
    while run.job.progress is None and not run.job.over:
        pause.wait(0.01)
    assert not run.job.over
    app = until_over(press(app.run(), "Cancel"))
    assert "Cancelled" in app.warning[0].value and not app.exception
    assert 0 < len(run.job.result.result.timeline.time_s) < 464
    assert "Take it away" in [heading.value for heading in app.header]


def test_a_crash_is_one_sentence_and_another_run_works(
    video_page: AppTest,
    short_face: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("out of order")

    with monkeypatch.context() as patched:
        patched.setattr(video_runs, "analyze_video", broken)
        app = until_over(start(upload(video_page, short_face)))
    assert not app.exception and len(app.error) == 1
    assert "out of order" not in app.error[0].value and "out of order" in caplog.text
    app = until_over(press(app, "Analyse again"))
    assert not app.error and len(timelines(app)) == 1


def test_a_reload_finds_its_results_and_nobody_else_does(
    video_page: AppTest, short_face: bytes
) -> None:
    app = until_over(start(upload(video_page, short_face)))
    token = app.session_state["video-token"]
    app = app.slider(key="threshold").set_value(60).run()
    app = app.slider(key="video-smoothing").set_value(1.2).run()
    before = address(app)
    said = {name: value for name, value in before.items() if value}
    assert said == {"video": token, "threshold": "60", "smoothing": "1.2"}
    assert "video" not in app.query_params
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    again.query_params.update(before)
    again = again.run().switch_page("pages/2_Video.py").run()
    assert len(timelines(again)) == 1 and address(again) == before
    assert again.slider(key="video-smoothing").value == 1.2
    other = other.switch_page("pages/2_Video.py").run()
    assert not timelines(other) and len(other.file_uploader) == 1
    again = press(again, "Remove this video")
    assert not again.info and address(again)["video"] == ""
    assert get_shelf().get(token, "test") is None
    assert "video" not in address(again.switch_page("pages/1_Photo.py").run())


def test_an_unknown_address_says_so(video_page: AppTest) -> None:
    video_page.query_params["video"] = "guessed"
    app = video_page.run()
    assert ["no longer here" in info.value for info in app.info] == [True]
    assert len(app.file_uploader) == 1
    assert not app.run().info


def test_two_visitors_at_once(video_page: AppTest, one_face: bytes, media: Path) -> None:
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    other = other.switch_page("pages/2_Video.py").run()
    down = (media / "looking_down_4s.mp4").read_bytes()
    mine, theirs = start(upload(video_page, one_face)), start(upload(other, down, "other.mp4"))
    mine, theirs = until_over(mine), until_over(theirs)
    assert "clip.mp4" in texts(mine) and "other.mp4" not in texts(mine)
    assert "other.mp4" in texts(theirs) and "clip.mp4" not in texts(theirs)
    lengths = [len(video_of(app).run.job.result.result.timeline.time_s) for app in (mine, theirs)]
    assert lengths[0] == 16 and lengths[1] < 10


def test_a_full_queue_shows_the_place(
    video_page: AppTest, short_face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def busy(job: Job[None]) -> None:
        go.wait(WAIT_S)

    queue = get_shelf().queue
    for number in range(10):
        queue.submit(f"visitor {number}", busy)
    app = start(upload(video_page, short_face))
    assert any("th in line" in info.value for info in app.info)
    app = press(app, "Cancel")
    assert not app.info and buttons(app, "Analyse again")
    go.set()


def test_waiting_for_memory_is_shown(
    video_page: AppTest, short_face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = MemoryBudget(4 << 30)
    monkeypatch.setattr("fer_core.video.memory.shared_budget", lambda: budget)
    with budget.reserve(budget.long_bytes, long=True):
        app = start(upload(video_page, short_face))
        until(lambda: video_of(app).run.job.progress is Waiting.MEMORY)
        app = app.run()
        (bar,) = app.get("progress")
        assert "Waiting for memory" in bar.proto.text
        app = press(app, "Cancel")
    assert until_over(app) and buttons(app, "Analyse again")


def test_a_part_over_the_limit_is_refused(
    video_page: AppTest, one_face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_LIMIT_VIDEO_PART_S", "5")
    app = upload(video_page, one_face)
    part = next(slider for slider in app.slider if slider.label == "Part to analyse")
    assert [str(end) for end in part.value] == ["00:00:00", "00:00:05"]
    assert not app.error and buttons(app, "Start the analysis")
    app = part.set_value((time(), time(second=15, microsecond=500_000))).run()
    assert ["shorter part" in error.value for error in app.error] == [True]
    assert not buttons(app, "Start the analysis")


def test_more_than_a_visitor_may_have_is_refused_in_a_sentence(
    video_page: AppTest, one_face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_LIMIT_VIDEO_S", "5")
    app = start(upload(video_page, one_face))
    (error,) = app.error
    assert "video analysed within an hour" in error.value
    assert buttons(app, "Analyse again")


def person(number: int, name: str, seconds: float, **share: float) -> dict:
    return {"person": number, "name": name, "seconds_seen": seconds, "share": share}


@pytest.mark.parametrize(
    ("frames", "persons", "cuts", "sentence"),
    [
        (0, [], [], "No frame was analysed."),
        (1, [], [], "No face was found in 1 analysed frame."),
        (
            1200,
            [person(1, "1", 12.34, happy=0.6, uncertain=0.4)],
            [],
            "One person in 1,200 analysed frames: Person 1, seen for 12.3 s, "
            "read as happy 60% of that time.",
        ),
        (
            9,
            [person(1, "1", 1, sad=1.0), person(2, "Ann", 2, happy=0.2, uncertain=0.8)],
            [1.5],
            "2 persons (counted anew after each cut) in 9 analysed frames: Ann, seen for 2.0 s, "
            "not read with certainty 80% of that time; Person 1, seen for 1.0 s, "
            "read as sad 100% of that time.",
        ),
        (
            9,
            [person(number, str(number), 1, sad=1.0) for number in range(1, 6)],
            [],
            "5 persons in 9 analysed frames: "
            + "; ".join(
                f"Person {number}, seen for 1.0 s, read as sad 100% of that time"
                for number in (1, 2, 3)
            )
            + "; and 2 more.",
        ),
    ],
)
def test_summary_sentence(frames: int, persons: list, cuts: list, sentence: str) -> None:
    record = {"frames_analyzed": frames, "persons": persons, "cuts": cuts}
    assert summary_sentence(record) == sentence
