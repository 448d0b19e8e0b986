"""The work on a unit: its inputs become a part, as long as that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from fer_core.batch import units as module
from fer_core.batch.dataset import Dataset
from fer_core.batch.plan import Input, Part, Unit
from fer_core.batch.units import Job, Tally, UnitReader
from fer_core.labels import FER7
from tests.fer_core.batch.readers import NamesReader

INPUTS = tuple(Input(name, "photo", 2) for name in ("a.jpg", "bad.jpg", "b.jpg"))
SKIPPED = Input("c.txt", "photo", 2, 0, "skipped", "Why.")


class Here(NamesReader):
    """Reads in this process."""

    def __init__(self, reader: bytes, processes: int) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dataset:
    monkeypatch.setattr(module, "ReadingProcess", Here)
    made = Dataset(f"{tmp_path}/out", {}, FER7.labels)
    made.begin()
    return made


@pytest.fixture
def reader(dataset: Dataset) -> Iterator[UnitReader]:
    with UnitReader(Job(dataset, b"", "run")) as made:
        yield made


def test_what_is_told_is_what_is_written(
    dataset: Dataset, reader: UnitReader, tmp_path: Path
) -> None:
    dataset.open_run("run")
    tally = reader.read(Unit(7, "photo", (*INPUTS, SKIPPED)))
    part = Part("run-0000007", "photo", 4, 4)
    assert tally == Tally(part, 2, 1, 1, 8, tally.spent_s, [("bad.jpg", "bad.jpg is damaged.")])
    ((known, rows),) = dataset.known()
    assert known == part and [row.status for row in rows] == ["read", "failed", "read", "skipped"]
    assert len(pd.read_parquet(tmp_path / "out" / "faces")) == 4


def test_what_comes_after_the_end_is_not_written(dataset: Dataset, reader: UnitReader) -> None:
    dataset.open_run("run")
    dataset.finish([])
    reader.read(Unit(7, "photo", INPUTS))
    dataset.open_run("run")
    dataset.begin()  # another run
    reader.read(Unit(8, "photo", INPUTS))
    assert list(dataset.known()) == []
