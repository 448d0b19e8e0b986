from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from fer_core.batch.schema import VIDEO
from fer_core.labels import FER7
from tests.archives import FRAMES, PHOTOS, YEARS, Archive
from ui.archive.index import Index
from ui.archive.queries import (
    ORDERS,
    Selection,
    all_numbers,
    days_of,
    failures_of,
    folders_of,
    numbers_of,
    shown_of,
    sql_of,
    videos_of,
)
from ui.archive.rows import face_rows


@pytest.fixture(scope="module")
def table(archive: Archive) -> pd.DataFrame:
    """All faces, read as others read them."""
    return pd.read_parquet(archive.readings / "faces")


SELECTIONS = [
    Selection(),
    Selection(VIDEO),
    Selection(verdicts=("happy", "uncertain")),
    Selection(verdicts=("of no data set",)),
    Selection(least=60),
    Selection(least=50, most=65),
    Selection(folder="202"),
    Selection(folder="TALK"),
    Selection(folder="' OR true --"),
    Selection(folder="%"),
    Selection(first=date(2020, 1, 1)),
    Selection(first=date(2019, 3, 3), last=date(2020, 2, 2)),
    Selection(last=date(1, 1, 1)),
    Selection("video", ("sad",), 70, 70, "a", date(2022, 5, 4), date(2022, 5, 4)),
]


def expected(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """Select in another way."""
    day = table["moment"].dt.date
    kept = (table["kind"] == selection.kind) & table["confidence"].between(
        np.float32(selection.least / 100), np.float32(selection.most / 100)
    )
    known = [one for one in selection.verdicts if one in (*FER7.labels, "uncertain")]
    if known:
        kept &= table["verdict"].isin(known)
    # What the folders share is no part of what they are called.
    called = table["folder"].astype(str).str.rpartition("/")[2]
    kept &= called.str.lower().str.contains(selection.folder.lower(), regex=False)
    kept &= (day >= (selection.first or date.min)) & (day <= (selection.last or date.max))
    return table[kept]


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_a_selection_is_what_it_says(
    index: Index, table: pd.DataFrame, selection: Selection
) -> None:
    rows = expected(table, selection)
    numbers = all_numbers(index, selection, 1000).tolist()
    shown = numbers_of(index, selection, "stored", 0, 1000)
    persons = rows.drop_duplicates(["path", "person"] if selection.kind == VIDEO else ["path"])
    assert len(shown) == shown_of(index, selection) == len(persons)
    assert set(shown) <= set(numbers)
    found = face_rows(index, numbers, in_full=True)
    assert sorted((row.path, row.seconds or 0, row.face) for row in found) == sorted(
        zip(rows["path"], rows["seconds"].fillna(0), rows["face"], strict=True)
    )
    # Shares over time and by folder are of all emotions.
    whole = expected(table, replace(selection, verdicts=()))
    days = days_of(index, selection)
    counts = whole["verdict"].astype(str).value_counts()
    assert days.by_verdict(index.verdicts) == counts[counts > 0].to_dict()
    folders = folders_of(index, selection, 100)
    assert folders.faces == len(whole) and folders.folders == whole["folder"].nunique()
    assert sum(sum(own.values()) for own in folders.counts.values()) == len(whole)


def test_days_are_as_they_are_noted(index: Index) -> None:
    days = days_of(index, Selection())
    assert days.dated.all() and days.count.sum() == PHOTOS * len(YEARS)
    assert days.span() == (date(2019, 1, 1), date(2021, 12, 12))
    assert days_of(index, Selection(last=date(1, 1, 1))).span() is None


@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_an_order_have_every_face_once(index: Index, order: str) -> None:
    pages = [numbers_of(index, Selection(), order, start, 24) for start in (0, 24, 48, 72)]
    numbers = [number for page in pages for number in page]
    assert sorted(numbers) == list(range(PHOTOS * len(YEARS)))
    rows = face_rows(index, numbers)
    by = {
        "stored": lambda row: row.number,
        "sure": lambda row: -row.confidence,
        "unsure": lambda row: row.confidence,
        "new": lambda row: -row.moment.toordinal(),
        "old": lambda row: row.moment.toordinal(),
    }[order]
    assert [row.number for row in rows] == [row.number for row in sorted(rows, key=by)]


def test_the_largest_folders_and_the_rest(index: Index) -> None:
    found = folders_of(index, Selection(), 2)
    assert list(found.counts) == ["2019", "2020"]
    assert (found.folders, found.faces) == (3, 60)


def test_videos_and_failures(index: Index, archive: Archive) -> None:
    (video,) = videos_of(index, Selection(folder="tal"), 10)
    assert (video.persons, video.faces, video.folder) == (2, 2 * FRAMES, "talk")
    assert not videos_of(index, Selection(folder="2019"), 10)
    kinds, some = failures_of(index, 2)
    assert kinds == [("UnreadableImage", len(YEARS))]
    assert some[0] == (str(archive.files / "2019" / "=bad.jpg"), "It is no picture.")


def test_the_same_selection_in_duckdb_itself(index: Index, archive: Archive) -> None:
    import duckdb

    for selection in SELECTIONS:
        if selection.verdicts == ("of no data set",):
            continue
        query = sql_of(index, selection, str(archive.readings))
        asked = query.removeprefix("COPY (").partition(")\nTO ")[0]
        count = len(duckdb.connect().execute(asked).fetchall())
        assert count == len(all_numbers(index, selection, 1000)), selection
