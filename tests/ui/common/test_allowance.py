from __future__ import annotations

import re
from dataclasses import fields

import pytest

from tests.conftest import ROOT
from ui.common import allowance as allowances
from ui.common.allowance import (
    CAMERAS_VARIABLE,
    PREFIX,
    Allowance,
    HourlyUse,
    LimitReached,
    allowance,
    most_cameras,
    refuse_jobs,
)
from ui.common.monitor import FIGURES


def test_each_number_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, field in enumerate(fields(Allowance), 1):
        monkeypatch.setenv(PREFIX + field.name.upper(), str(number))
    numbers = range(1, len(fields(Allowance)) + 1)
    assert allowance() == Allowance(*numbers)
    told = {FIGURES.get_sample_value("fer_limit", {"limit": f.name}) for f in fields(Allowance)}
    assert told == set(numbers)


def test_the_hour_counts_for_strangers_only_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FER_PUBLIC", "0")
    assert allowance() == Allowance()
    monkeypatch.setenv("FER_PUBLIC", "1")
    here = allowance()
    assert min(here.upload_mb, here.video_s, here.camera_s) > 0
    monkeypatch.setenv("FER_LIMIT_CAMERA_S", "0")
    assert allowance().camera_s == 0


def test_a_setting_that_is_no_number_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FER_LIMIT_PHOTOS", "plenty")
    assert allowance().photos == allowance().photos == Allowance().photos
    assert caplog.text.count("plenty") == 1
    monkeypatch.setenv("FER_LIMIT_PHOTOS", "-3")
    monkeypatch.setenv(CAMERAS_VARIABLE, "0")
    assert (allowance().photos, most_cameras()) == (1, 1)


def test_what_is_used_comes_back_within_an_hour() -> None:
    now_s = 0.0
    use = HourlyUse(now=lambda: now_s)
    use.spend("anna", "video_s", 600, 1000)
    now_s = 600.0
    use.spend("anna", "video_s", 400, 1000)
    use.spend("bert", "video_s", 1000, 1000)
    use.spend("anna", "camera_s", 1000, 1000)
    with pytest.raises(LimitReached, match=r"17 minutes of video .* in 50 minutes\.$"):
        use.spend("anna", "video_s", 300, 1000)
    with pytest.raises(LimitReached, match=r"in 60 minutes\.$"):
        use.spend("anna", "video_s", 700, 1000)
    with pytest.raises(LimitReached, match=r"choose a shorter part\.$"):
        use.spend("anna", "video_s", 1001, 1000)
    now_s = 3600.0
    use.spend("anna", "video_s", 600, 1000)
    now_s = 8000.0
    use.spend("clara", "upload_mb", 1, 1000)
    assert len(use._used) == 1


def test_where_there_is_no_limit_nothing_is_noted() -> None:
    use = HourlyUse()
    use.spend("anna", "camera_s", 1e9, 0)
    assert not use._used


@pytest.mark.parametrize("what", allowances._HOURLY)
def test_refusals_are_one_sentence_and_count(what: str) -> None:
    def count() -> float:
        return FIGURES.get_sample_value("fer_refusals_total", {"limit": what}) or 0.0

    before, use = count(), HourlyUse()
    use.spend("anna", what, 60, 60)
    with pytest.raises(LimitReached) as refused:
        use.spend("anna", what, 1, 60)
    assert re.fullmatch(r"One visitor can [^.]* here; please [^.]* minutes\.", str(refused.value))
    assert count() == before + 1


def test_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_jobs(allowance().jobs - 1)
    with pytest.raises(LimitReached, match=r"can have 4 analyses running"):
        refuse_jobs(4)
    monkeypatch.setenv("FER_LIMIT_JOBS", "1")
    with pytest.raises(LimitReached, match=r"can have 1 analysis running"):
        refuse_jobs(1)


def test_the_documentation_lists_them_as_they_are() -> None:
    text = (ROOT / "docs" / "DEPLOY.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \| ([\d,]+) \|", text, re.MULTILINE)
    listed = {name.lower(): int(value.replace(",", "")) for name, value in rows}
    here = {field.name: field.default for field in fields(Allowance)} | allowances._HOURLY
    assert listed == here
