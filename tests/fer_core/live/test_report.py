from __future__ import annotations

from fer_core.classifier import EmotionClassifier
from fer_core.live.report import report_of_session
from fer_core.timeline import Timeline
from tests.fer_core.reporting.checked import checked
from tests.fer_core.test_timeline import timeline_of


def report(timeline: Timeline, reader: EmotionClassifier) -> str:
    options = {"detector": "haar", "smoothing_s": 0.4, "threshold": 0.5}
    return report_of_session(timeline, reader=reader, **options)


def test_a_session_is_told_without_pictures(fer7: EmotionClassifier) -> None:
    timeline = timeline_of((0.0, {1: 0.9}), (0.5, {1: 0.9}), (1.0, {1: 0.9, 2: 0.8}))
    page = checked(report(timeline, fer7))
    assert page.headings[0] == (1, "Facial expressions in a live session")
    assert (2, "The session") in page.headings and not page.all("img")
    assert "2 persons in 3 analysed frames." in page.text and "Smoothing 0.4 s" in page.text
    assert "Length 0:01.0" in page.text and "No picture of the session was kept." in page.text


def test_a_session_without_a_reading(fer7: EmotionClassifier) -> None:
    assert "No frame was analysed." in checked(report(timeline_of(), fer7)).text
