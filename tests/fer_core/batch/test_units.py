"""The work on a unit: its inputs become a part, as long as that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from fer_core.batch import units as module
from fer_core.batch.dataset import Dataset
from fer_core.batch.findings import Finding, failed
from fer_core.batch.plan import AS_A_WHOLE, Input, Part, PiecedVideo, Unit, VideoPiece
from fer_core.batch.units import Job, Tally, UnitReader
from fer_core.errors import SetAside, StoreUnreachable
from fer_core.labels import FER7
from tests.fer_core.batch.readers import NamesReader

INPUTS = tuple(Input(name, "photo", 2) for name in ("a.jpg", "bad.jpg", "b.jpg"))
SKIPPED = Input("c.txt", "photo", 2, 0, "skipped", "Why.")


asked: list[Input | VideoPiece | PiecedVideo] = []


class Here(NamesReader):
    """Reads in this process."""

    def __init__(self, reader: bytes, processes: int, cores: int) -> None: ...

    def ask(self, question: Input | VideoPiece | PiecedVideo) -> tuple[Finding | bytes, int]:
        asked.append(question)
        item = question if isinstance(question, Input) else question.input
        if item.address.startswith("killer"):
            raise SetAside("It was set aside.", 2, "Last words.")
        if item.address == "uncut.mp4" and isinstance(question, VideoPiece):
            return AS_A_WHOLE, 1
        if item.address.startswith("far"):
            return failed(item, "StoreUnreachable", "Nobody answers."), 1
        return self.read(question), 1

    def close(self) -> None: ...


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Dataset:
    monkeypatch.setattr(module, "Worker", Here)
    asked.clear()
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


def test_what_no_process_survives_is_said_with_its_last_words(
    dataset: Dataset, reader: UnitReader, tmp_path: Path
) -> None:
    dataset.open_run("run")
    tally = reader.read(Unit(0, "photo", (Input("killer.jpg", "photo", 2),)))
    assert tally.failures == [("killer.jpg", "It was set aside.")]
    (error,) = pd.read_parquet(tmp_path / "out" / "errors").to_dict("records")
    assert (error["error"], error["trace"], error["tries"]) == ("SetAside", "Last words.", 2)


def test_a_store_that_is_gone_ends_the_run_before_all_its_files_have_failed(
    reader: UnitReader,
) -> None:
    names = "far-1.jpg", "far-2.jpg", "a.jpg", "far-3.jpg", "far-4.jpg"
    units = [Unit(n, "photo", (Input(name, "photo", 2),)) for n, name in enumerate(names)]
    assert [reader.read(unit).failed for unit in units] == [1, 1, 0, 1, 1]
    rest = tuple(Input(f"far-{n}.jpg", "photo", 2) for n in range(5, 50))
    with pytest.raises(StoreUnreachable, match=r"^far-5\.jpg: Nobody answers\.$"):
        reader.read(Unit(5, "photo", rest))
    assert len(asked) == 6


def pieces_of(name: str, size: int) -> list[Unit]:
    return [Unit(3, "video", (Input(name, "video", size),), n, 4) for n in range(4)]


def test_whoever_reads_the_last_piece_writes_the_part(
    dataset: Dataset, reader: UnitReader, tmp_path: Path
) -> None:
    dataset.open_run("run")
    units = pieces_of("a.mp4", 9)
    tallies = [reader.read(units[n]) for n in (2, 0, 3)]
    nothing = Part("run-0000003", "video", 0, 0)
    assert [(tally.part, tally.read, tally.size_bytes) for tally in tallies] == [
        (nothing, 0, 2)
    ] * 3
    assert list(dataset.known()) == []
    last = reader.read(units[1])
    assert (last.part, last.read) == (Part("run-0000003", "video", 1, 9), 1)
    assert isinstance(asked[-1], PiecedVideo)
    assert dataset.kept_sizes() == {}
    # After a loss, one is done once more.
    again = reader.read(units[2])
    assert (again.part, again.read) == (last.part, 1) and len(asked) == 5
    assert again.without_rows().part == nothing
    (row,) = pd.read_parquet(tmp_path / "out" / "files").to_dict("records")
    assert (row["path"], row["faces"]) == ("a.mp4", 9) and row["spent_s"] > 0
    dataset.finish([])
    assert not (tmp_path / "out" / ".pieces").exists()


@pytest.mark.parametrize(
    ("name", "failures"), [("uncut.mp4", []), ("killer.mp4", [("killer.mp4", "It was set aside.")])]
)
def test_what_cannot_be_read_in_pieces_is_read_as_a_whole(
    dataset: Dataset, reader: UnitReader, name: str, failures: list[tuple[str, str]]
) -> None:
    dataset.open_run("run")
    *others, last = [reader.read(unit) for unit in pieces_of(name, 9)]
    assert [tally.part.files for tally in others] == [0, 0, 0]
    assert (last.part.files, last.failures) == (1, failures)
    # The first one tells the others.
    assert [type(question) for question in asked] == [VideoPiece, Input]


def test_what_comes_after_the_end_is_not_written(dataset: Dataset, reader: UnitReader) -> None:
    dataset.open_run("run")
    dataset.finish([])
    reader.read(Unit(7, "photo", INPUTS))
    dataset.open_run("run")
    dataset.begin()  # another run
    reader.read(Unit(8, "photo", INPUTS))
    assert list(dataset.known()) == []
