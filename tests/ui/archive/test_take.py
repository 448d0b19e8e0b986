from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from tests.archives import Archive
from ui.archive.index import Index, open_index
from ui.archive.queries import Selection
from ui.archive.take import content_of


def test_the_selection_as_parquet_is_the_data_sets_rows(index: Index, archive: Archive) -> None:
    content = content_of(index, Selection(folder="2020"), "parquet")
    taken = pd.read_parquet(io.BytesIO(content))
    whole = pd.read_parquet(archive.readings / "faces" / "kind=photo" / "year-2020.parquet")
    assert taken["kind"].eq("photo").all() and len(taken) == len(whole)
    for name in whole:
        assert taken[name].astype(str).tolist() == whole[name].astype(str).tolist()


def test_csv_is_bounded_and_has_no_formulas(own: Archive) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = own.readings / "faces" / "kind=photo" / "year-2019.parquet"
    table = pq.read_table(file)
    evil = pa.array(["=1+1"] * table.num_rows)
    pq.write_table(table.set_column(0, "path", evil), file)
    content = content_of(open_index(str(own.readings)), Selection(), "csv", most=30)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == 30 and rows[0]["path"] == "'=1+1" and rows[25]["path"].startswith("/")
    assert "landmarks" not in rows[0] and float(rows[0]["confidence"]) == 0.5


def test_strangers_take_no_folder_of_the_machine(
    index: Index, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_PUBLIC", "1")
    for ending in ("csv", "parquet"):
        assert str(archive.files).encode() not in content_of(index, Selection(), ending)


def test_a_data_set_that_has_changed_is_a_sentence(own: Archive) -> None:
    index = open_index(str(own.readings))
    (own.readings / "faces" / "kind=photo" / "year-2020.parquet").unlink()
    assert content_of(index, Selection(), "csv").startswith(b"The data set has changed")
