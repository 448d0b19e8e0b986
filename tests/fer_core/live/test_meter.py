from __future__ import annotations

import pytest

from fer_core.live.meter import LiveMeter


def test_rates_of_the_last_seconds() -> None:
    meter = LiveMeter()
    for n in range(301):
        meter.add_frame(n / 30)
        if n % 3 == 0:
            meter.add_analysis(n / 30)
    assert meter.frames_per_s(10.0) == pytest.approx(30)
    assert meter.analyses_per_s(10.0) == pytest.approx(10)
    assert (meter.frames, meter.analyses) == (301, 101)


def test_a_stream_that_breaks_off_slows_down_and_stands() -> None:
    meter = LiveMeter()
    for n in range(91):
        meter.add_frame(n / 30)
    assert meter.frames_per_s(4.0) < 25
    assert meter.frames_per_s(7.0) == 0


def test_nothing_yet() -> None:
    meter = LiveMeter()
    assert meter.frames_per_s(0.0) == meter.analyses_per_s(0.0) == 0
    assert meter.latency_s(0.0) is None


def test_latency_is_the_median_of_the_last_seconds() -> None:
    meter = LiveMeter()
    meter.add_age(0.0, 9.0)
    for age in (0.1, 0.2, 0.9):
        meter.add_age(5.0, age)
    assert meter.latency_s(5.0) == pytest.approx(0.2)
    assert meter.latency_s(20.0) is None
