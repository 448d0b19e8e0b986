"""How far a run has come, for people and for programs."""

from __future__ import annotations

import json

import pytest

from fer_core.batch.plan import Part, Planned
from fer_core.batch.progress import Bar, JsonLines, Meter, Quiet
from fer_core.batch.units import Tally

PLANNED = Planned(photos=100, videos=2, video_bytes=3000, done=0, done_failed=0)
VIDEO = Tally(Part("a", "video", 1, 500), 1, 0, 0, 1000, 30.0)
PHOTOS = Tally(
    Part("b", "photo", 20, 30), 17, 2, 1, 900, 4.0, [("a.jpg", "Bad."), ("b.jpg", "Gone.")]
)


def meter() -> Meter:
    times = iter(range(0, 1000, 10))
    return Meter(PLANNED, 2, lambda: next(times))


def test_the_time_left_counts_videos_by_their_size() -> None:
    shown = meter()
    shown.count(VIDEO)
    assert shown.left_s is None  # nobody knows yet how long a photo takes
    shown.count(PHOTOS)
    assert shown.left_s == pytest.approx((2000 * 30 / 1000 + 80 * 4 / 20) / 2)
    assert (shown.done, shown.total, shown.faces) == (21, 102, 530)
    assert (shown.failed, shown.skipped) == (2, 1)


@pytest.mark.parametrize("make", [Bar, JsonLines, Quiet])
def test_what_is_said(make: type[Quiet], capsys: pytest.CaptureFixture[str]) -> None:
    progress = make(meter())
    progress.count(VIDEO)
    progress.count(PHOTOS)
    progress.close("out")
    said = capsys.readouterr().out.splitlines()
    if make is Quiet:
        assert said == []
    elif make is Bar:
        assert said[:2] == ["a.jpg: Bad.", "b.jpg: Gone."]
        assert said[2].startswith("out: 21 files, 530 faces, 2 failed, 1 skipped, ")
    else:
        records = [json.loads(line) for line in said]
        events = [record.pop("event") for record in records]
        assert events == ["progress", "failed", "failed", "progress", "finished"]
        assert records[1] == {"path": "a.jpg", "error": "Bad."}
        assert records[3]["left_s"] == pytest.approx(38)
        assert (records[4]["done"], records[4]["faces"], records[4]["failed"]) == (21, 530, 2)
