"""The data set on disk: whole parts, also after a crash, which others open as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from fsspec.implementations.local import LocalFileSystem
from pyarrow import fs

from fer_core.batch import dataset as module
from fer_core.batch.dataset import Dataset, groups_of
from fer_core.batch.plan import Known, Part
from fer_core.batch.schema import ERRORS, FACES, FILES, note_of
from fer_core.errors import OtherDataset
from fer_core.labels import FER7

NOTE = {"model": "fer7", "checksums": {"fer7/model.tflite": "ab"}}


class Objects(fs.FSSpecHandler):
    """A store of objects, on the disk: it has no folders to be made, and renames nothing."""

    def __init__(self) -> None:
        super().__init__(LocalFileSystem(auto_mkdir=True))

    def get_type_name(self) -> str:
        return "objects"

    def create_dir(self, path: str, recursive: bool) -> None:
        raise NotImplementedError

    def move(self, src: str, dest: str) -> None:
        raise NotImplementedError


@pytest.fixture(params=["folder", "store", "objects"])
def dataset(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Dataset:
    if request.param == "objects":
        store = fs.PyFileSystem(Objects())
        monkeypatch.setattr(module, "_OBJECT_STORES", (store.type_name,))
        monkeypatch.setattr(module, "opened", lambda address: (store, address))
    scheme = "local://" if request.param == "store" else ""
    made = Dataset(f"{scheme}{tmp_path}/out", NOTE, FER7.labels)
    made.begin()
    return made


def tables(dataset: Dataset, *names: str, faces: int = 2) -> dict[str, pa.Table]:
    """Files with faces each, and the failure of those called "bad"."""
    schemas = dataset.schemas()
    good = [name for name in names if not name.startswith("bad")]
    rows: dict[str, list[dict[str, Any]]] = {
        FILES: [
            {"path": n, "status": "read" if n in good else "failed", "bytes": 3, "faces": faces}
            for n in names
        ],
        FACES: [{"path": n, "face": k, "happy": 0.5} for n in good for k in range(faces)],
        ERRORS: [{"path": n, "message": "Bad."} for n in names if n not in good],
    }
    return {table: pa.Table.from_pylist(rows[table], schemas[table]) for table in rows}


def paths_in(folder: Path, table: str) -> list[str]:
    return sorted(ds.dataset(folder / table, partitioning="hive").to_table()["path"].to_pylist())


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_others_open_it_as_it_is(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # Before the first row, too.
    assert pd.read_parquet(out / "faces").empty
    dataset.write("one", "photo", tables(dataset, "a.jpg", "bad.jpg"))
    dataset.write("two", "video", tables(dataset, "b.mp4"))
    files = pd.read_parquet(out / "files").sort_values("path")
    assert files["path"].tolist() == ["a.jpg", "b.mp4", "bad.jpg"]
    assert files["kind"].tolist() == ["photo", "video", "photo"]
    assert paths_in(out, "faces") == ["a.jpg"] * 2 + ["b.mp4"] * 2
    assert paths_in(out, "errors") == ["bad.jpg"]
    schema = ds.dataset(out / "faces", partitioning="hive").schema
    assert note_of(schema) == json.loads((out / "dataset.json").read_text()) == dataset.note
    # Written again, as after a lost machine, it is the same; and nothing else lies about.
    dataset.write("one", "photo", tables(dataset, "a.jpg"))
    assert paths_in(out, "errors") == []
    names = {Path(name).name for name in files_in(out)}
    assert names == {"dataset.json", "empty.parquet", "one.parquet", "two.parquet"}


def test_what_is_known_of_it(dataset: Dataset) -> None:
    dataset.write("one", "photo", tables(dataset, "a.jpg", "bad.jpg"))
    ((part, known),) = dataset.known()
    assert part == Part("one", "photo", 2, 4)
    assert known == [Known("a.jpg", 3, 0, "read", "one"), Known("bad.jpg", 3, 0, "failed", "one")]


def test_parts_are_joined_and_rows_of_changed_files_go(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "bad.jpg"):
        dataset.write(name[:-4], "photo", tables(dataset, name))
    parts = [part for part, _ in dataset.known()]
    dataset.finish(parts)
    ((joined, known),) = dataset.known()
    assert {item.address for item in known} == {"a.jpg", "b.jpg", "bad.jpg"}
    out = tmp_path / "out"
    assert paths_in(out, "faces") == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]
    rest = dataset.rewrite([joined], ["a.jpg", "bad.jpg"])
    assert rest is not None and (rest.files, rest.faces) == (1, 2)
    assert paths_in(out, "files") == ["b.jpg"] and paths_in(out, "errors") == []
    assert dataset.rewrite([rest], ["b.jpg"]) is None
    assert paths_in(out, "files") == paths_in(out, "faces") == []


@pytest.mark.parametrize("last", range(8))
def test_a_crash_at_any_step_of_joining_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    dataset = Dataset(f"{tmp_path}/out", NOTE, FER7.labels)
    dataset.begin()
    for name in ("a.jpg", "bad.jpg"):
        dataset.write(name[:-4], "photo", tables(dataset, name))
    steps = iter(range(100))

    def dying(real: Any) -> Any:
        def step(*args: Any) -> Any:
            if next(steps) == last:
                raise KeyboardInterrupt
            return real(*args)

        return step

    with monkeypatch.context() as patch:
        for name in ("_remove", "_writer"):
            patch.setattr(Dataset, name, dying(getattr(Dataset, name)))
        with pytest.raises(KeyboardInterrupt):
            dataset.finish([part for part, _ in dataset.known()])
    dataset.begin()
    for table, paths in (
        (FILES, ["a.jpg", "bad.jpg"]),
        (FACES, ["a.jpg"] * 2),
        (ERRORS, ["bad.jpg"]),
    ):
        assert paths_in(tmp_path / "out", table) == paths


@pytest.mark.parametrize("table", [FACES, FILES])
def test_a_file_that_ends_early_leaves_nothing(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    for name in ("a.jpg", "b.jpg"):
        dataset.write(name[:-4], "photo", tables(dataset, name))
    before = files_in(tmp_path / "out")
    real = Dataset._batches

    def interrupted(self: Dataset, name: str, kind: str, part: str) -> Any:
        if (name, part) == (table, "b"):
            raise KeyboardInterrupt
        return real(self, name, kind, part)

    # Each row is written at once, so that half of the file is.
    monkeypatch.setattr(module, "_ROW_GROUP", 1)
    monkeypatch.setattr(Dataset, "_batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset.finish([part for part, _ in dataset.known()])
    left = files_in(tmp_path / "out") - before
    # What is of no part, since its file of ``files`` is not there, goes at the next start.
    assert not [name for name in left if name.startswith(table)]
    dataset.begin()
    assert files_in(tmp_path / "out") == before
    assert paths_in(tmp_path / "out", FACES) == ["a.jpg"] * 2 + ["b.jpg"] * 2


@pytest.mark.parametrize("dataset", ["objects"], indirect=True)
def test_an_upload_that_ends_early_leaves_nothing(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_in(tmp_path / "out")

    def interrupted(source: Any, target: Any, length: int) -> None:
        target.write(source.read(100))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset.write("one", "photo", tables(dataset, "a.jpg"))
    assert files_in(tmp_path / "out") == before


def test_what_a_lost_machine_writes_too_late_goes(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        dataset.write(name[:-4], "photo", tables(dataset, name))
    dataset.finish([part for part, _ in dataset.known()])
    dataset.write("a", "photo", tables(dataset, "a.jpg"))
    dataset.finish([])
    assert paths_in(tmp_path / "out", "files") == ["a.jpg", "b.jpg"]


def test_half_a_part_is_none(dataset: Dataset, tmp_path: Path) -> None:
    dataset.write("one", "photo", tables(dataset, "a.jpg"))
    (tmp_path / "out/files/kind=photo/one.parquet").rename(
        tmp_path / "out/files/kind=photo/.1234.part"
    )
    dataset.begin()
    assert not list((tmp_path / "out").rglob(".*"))
    assert paths_in(tmp_path / "out", FACES) == []


def test_readings_made_in_another_way_are_not_mixed_in(dataset: Dataset, tmp_path: Path) -> None:
    Dataset(dataset.address, NOTE | {"version": "2"}, FER7.labels).begin()
    other = Dataset(dataset.address, NOTE | {"model": "fer6"}, FER7.labels)
    with pytest.raises(OtherDataset, match=r'made in another way \(model: "fer7", not "fer6"\);'):
        other.begin()
    head = tmp_path / "out" / "dataset.json"
    head.write_text("{}")
    with pytest.raises(OtherDataset, match="of another version"):
        dataset.begin()
    head.unlink()
    dataset.write("one", "photo", tables(dataset, "a.jpg"))
    with pytest.raises(OtherDataset, match=r"without its dataset\.json"):
        dataset.begin()


def test_large_parts_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_JOINED_FILES", 10)
    monkeypatch.setattr(module, "_JOINED_FACES", 100)
    sizes = [("photo", 4, 0), ("photo", 12, 0), ("video", 1, 60), ("photo", 5, 9), ("photo", 3, 9)]
    sizes += [("video", 1, 200), ("video", 1, 50), ("photo", 2, 1)]
    parts = [Part(str(n), *size) for n, size in enumerate(sizes)]
    groups = [[part.name for part in group] for group in groups_of(parts)]
    assert groups == [["0", "3", "4"], ["2", "6"]]
