from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ui.archive.charts import binned, time_chart
from ui.archive.queries import Days

VERDICTS = ("happy", "sad", "uncertain")


def days_from(first: str, last: str, each: int) -> Days:
    """As many faces on every day, all happy but those of the last day, and one without a day."""
    day = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1).astype(np.int64)
    verdict = np.zeros(len(day) + 1, np.int64)
    verdict[len(day) - 1] = 1
    dated = np.append(np.ones(len(day), bool), False)
    return Days(np.append(day, 0), dated, verdict, np.full(len(day) + 1, each))


@pytest.mark.parametrize(
    ("first", "last", "each", "unit", "bins"),
    [
        ("2020-02-28", "2020-03-01", 30, "D", 3),
        ("2020-01-01", "2020-06-28", 30, "D", 180),
        ("2020-01-01", "2020-06-29", 30, "M", 6),
        # Too few a day, and then too few a month, for a share to say much.
        ("2020-01-01", "2020-01-20", 2, "M", 1),
        ("2000-01-01", "2009-12-31", 1, "M", 120),
        ("2000-01-01", "2019-12-31", 30, "Y", 20),
        ("1000-01-01", "1999-12-31", 30, "Y", 1000),
    ],
)
def test_time_has_a_unit_that_fits(first: str, last: str, each: int, unit: str, bins: int) -> None:
    days = days_from(first, last, each)
    found = binned(days, len(VERDICTS))
    assert found is not None and (found.unit, len(found.starts)) == (unit, bins)
    assert found.starts[0] == date.fromisoformat(first)
    assert found.counts.sum() == each * days.dated.sum() and found.counts[-1, 1] == each


def test_without_a_date_there_is_no_chart() -> None:
    nothing = np.zeros(1, np.int64)
    assert binned(Days(nothing, np.zeros(1, bool), nothing, nothing + 5), 3) is None


def test_shares_are_of_all_verdicts_though_some_are_drawn() -> None:
    bins = binned(days_from("2020-02-28", "2020-03-01", 30), len(VERDICTS))
    assert bins is not None and bins.called(1) == "29 February 2020"
    everything = time_chart(bins, VERDICTS, ())
    assert [trace.name for trace in everything.data] == ["Happy", "Sad", None]
    assert everything.data[2].y.tolist() == [30, 30, 30]
    (sad, _) = time_chart(bins, VERDICTS, ("sad", "uncertain")).data
    assert sad.y.tolist() == [0, 0, 1]
