from __future__ import annotations

import gc
import json
import shutil
import tempfile
import weakref
from pathlib import Path

import duckdb
import pytest

from fer_core.batch.schema import FACES, FILES, PHOTO, VIDEO
from fer_core.errors import NoDataset
from tests.archives import FRAMES, PHOTOS, YEARS, Archive
from ui.archive import index as module
from ui.archive.index import ArchiveFault, Index, Progress, open_index, root_of
from ui.archive.pictures import cut_out
from ui.archive.queries import Selection, days_of
from ui.archive.rows import face_rows


def test_all_that_is_there_is_counted(index: Index) -> None:
    assert index.files == {
        PHOTO: {"read": PHOTOS * len(YEARS), "failed": len(YEARS)},
        VIDEO: {"read": 1},
    }
    assert index.kinds() == [PHOTO, VIDEO] and index.failed() == len(YEARS)
    assert index.faces == PHOTOS * len(YEARS) + 2 * FRAMES
    assert index.threshold == 0.45
    assert not index.has_changed()


def test_the_database_reaches_nothing_and_leaves_nothing(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    index = open_index(str(archive.readings))
    for query in (
        f"SELECT * FROM read_csv('{tmp_path}/a.csv')",
        f"COPY faces TO '{tmp_path}/b.csv'",
        f"ATTACH '{tmp_path}/c.db'",
        "INSTALL httpfs",
        "SET threads = 1",
        "DELETE FROM faces",
        "SELECT * FROM index",
    ):
        with pytest.raises(duckdb.Error):
            index.rows(query, [])
    assert not list(temporary.iterdir())


def test_an_index_goes_with_all_that_was_kept_for_it(archive: Archive) -> None:
    opened = open_index(str(archive.readings))
    days_of(opened, Selection())
    list(cut_out(opened, face_rows(opened, [0])))
    held = weakref.ref(opened)
    del opened
    gc.collect()
    assert held() is None


def test_progress_is_told_and_the_opening_can_be_ended(archive: Archive) -> None:
    told: list[Progress] = []
    open_index(str(archive.readings), told.append)
    assert [one.what for one in told] == ["parts"] * 4 and told[-1].total == 4
    with pytest.raises(ArchiveFault, match="ended"):
        open_index(str(archive.readings), stopped=lambda: True)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (None, "there is no dataset.json"),
        ("no", "is damaged"),
        ("[]", "is damaged"),
        ('{"schema": 1, "labels": ["![x](https:host.example)"]}', "is damaged"),
        ('{"schema": 1, "labels": [1]}', "is damaged"),
        ('{"schema": 2, "labels": []}', "version 2, and this release reads version 1"),
    ],
)
def test_another_folder_is_refused_in_a_sentence(
    tmp_path: Path, head: str | None, sentence: str
) -> None:
    if head is not None:
        (tmp_path / "dataset.json").write_text(head)
    with pytest.raises(NoDataset, match=sentence):
        open_index(str(tmp_path))


def test_a_data_set_of_photos_alone_and_one_without_rows(own: Archive) -> None:
    for table in (FACES, FILES):
        shutil.rmtree(own.readings / table / "kind=video")
    assert open_index(str(own.readings)).kinds() == [PHOTO]
    for table in (FACES, FILES):
        for file in (own.readings / table / "kind=photo").glob("year-*"):
            file.unlink()
    empty = open_index(str(own.readings))
    assert empty.faces == 0 and empty.kinds() == []


def test_only_parts_that_are_whole_count_and_none_that_was_replaced(own: Archive) -> None:
    from fer_core.batch.dataset import Dataset
    from fer_core.batch.plan import Part

    dataset = Dataset.stored(str(own.readings))
    opened = open_index(str(own.readings))
    kept = {p: p.read_bytes() for p in own.readings.glob("*/kind=photo/year-2019.parquet")}
    dataset.rewrite([Part(f"year-{year}", PHOTO, 0, 0) for year in YEARS])
    assert opened.has_changed()
    # As after a crash: one of those replaced is there still, and one is only half there.
    for path, content in kept.items():
        path.write_bytes(content)
    half = own.readings / FACES / "kind=photo" / "half.parquet"
    half.write_bytes(next(iter(kept.values())))
    assert open_index(str(own.readings)).faces == opened.faces


def test_a_damaged_file_is_a_sentence(own: Archive) -> None:
    (own.readings / FACES / "kind=photo" / "year-2020.parquet").write_bytes(b"no")
    with pytest.raises(ArchiveFault, match="cannot be read"):
        open_index(str(own.readings))


def test_a_part_that_goes_while_it_is_opened_begins_anew(
    own: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = module._names
    asked: list[int] = []

    def more_than_there_are(dataset: object) -> frozenset[tuple[str, str]]:
        asked.append(1)
        gone = [("photo", "gone")] if len(asked) == 1 else []
        return names(dataset) | frozenset(gone)

    monkeypatch.setattr(module, "_names", more_than_there_are)
    assert open_index(str(own.readings)).kinds() == [PHOTO, VIDEO] and len(asked) == 2


def test_other_emotions_and_no_date(own: Archive) -> None:
    head = own.readings / "dataset.json"
    said = json.loads(head.read_text())
    head.write_text(json.dumps(said | {"labels": said["labels"][:3]}))
    # What the data set does not know of is uncertain.
    index = open_index(str(own.readings))
    assert index.verdicts == ("angry", "disgust", "fear", "uncertain")


@pytest.mark.parametrize(
    ("folders", "root"),
    [
        ([], ""),
        (["/a/b"], "/a/"),
        (["/a/b", "/a/c/d"], "/a/"),
        (["/a/b", "/a/b/c"], "/a/b/"),
        (["/a/bc", "/a/bd"], "/a/"),
        (["/a/b", "/a/b-x", "/a/b/c"], "/a/"),
        (["s3://x/2019", "s3://x/2020"], "s3://x/"),
        (["/"], "/"),
        (["s3://x/a", "/b"], ""),
    ],
)
def test_what_folders_begin_with(folders: list[str], root: str) -> None:
    assert root_of(folders) == root
