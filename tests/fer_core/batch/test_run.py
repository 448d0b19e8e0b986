"""Whole runs on a Ray of this machine: all is read once, whatever ends a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fer_core.batch.dataset import Dataset
from fer_core.batch.engine import cluster
from fer_core.batch.progress import Meter, Quiet
from fer_core.batch.run import run_batch
from fer_core.batch.units import Tally
from fer_core.errors import ModelError, OtherDataset
from fer_core.labels import FER7
from tests.fer_core.batch.readers import NamesReader, cannot_load

pytestmark = pytest.mark.ray
# What differs between two runs that do the same.
OF_THE_RUN = ["spent_s", "read_at"]


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with cluster("local", 2):
        yield


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    for n in range(60):
        name = {3: "bad-1", 20: "killer", 41: "bad-2"}.get(n, f"{n:02}")
        ending = "mp4" if n % 20 == 5 else "jpg"
        path = folder / f"day-{n // 25}" / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1" * (n % 4))
    return folder


class Interrupting(Quiet):
    """Ctrl-C after a few units."""

    def count(self, tally: Tally) -> None:
        super().count(tally)
        if self.meter.done > 20:
            raise KeyboardInterrupt


def read(names: Iterable[str], out: Path, **options: Any) -> Meter:
    dataset = Dataset(str(out), {"model": "none"}, FER7.labels)
    return run_batch(names, dataset, options.pop("make_reader", NamesReader), **options)[0]


def rows(out: Path, table: str) -> pd.DataFrame:
    found = pd.read_parquet(out / table).drop(columns=OF_THE_RUN, errors="ignore")
    order = [name for name in ("path", "face") if name in found]
    return found.sort_values(order).reset_index(drop=True).astype({"kind": str})


def test_a_run_that_was_interrupted_and_continued_has_the_rows_of_one_that_was_not(
    archive: Path, tmp_path: Path
) -> None:
    out, parts = tmp_path / "out", tmp_path / "parts"
    whole = read([str(archive)], out)
    assert (whole.done, whole.failed, whole.total) == (60, 3, 60)
    with pytest.raises(KeyboardInterrupt):
        read([str(archive)], parts, make_progress=Interrupting)
    rest = read([str(archive)], parts)
    assert 0 < rest.done < 40
    for table in ("files", "faces", "errors"):
        pd.testing.assert_frame_equal(rows(out, table), rows(parts, table))
    files, faces = rows(out, "files"), rows(out, "faces")
    assert files["path"].is_unique and len(files) == 60
    assert files["faces"].sum() == len(faces) == whole.faces
    assert files["kind"].value_counts().to_dict() == {"photo": 57, "video": 3}
    reasons = rows(out, "errors").set_index("path")["message"]
    assert reasons[f"{archive}/day-0/bad-1.jpg"] == "bad-1.jpg is damaged."
    assert "signal 9, SIGKILL" in reasons[f"{archive}/day-0/killer.jpg"]
    # Few large files rather than many small ones, and nothing half-written.
    names = [path.name for path in parts.rglob("*") if path.is_file()]
    assert len(names) < 12 and not [name for name in names if name.endswith(".part")], names

    # Once more: nothing is to do. Then a few files change.
    assert read([str(archive)], out).total == 0
    changed, touched = archive / "day-1/26.jpg", archive / "day-1/30.jpg"
    changed.write_bytes(b"1" * 9)
    os.utime(touched, (1, 1))
    (archive / "day-1/new.jpg").write_bytes(b"1")
    (archive / "day-0/bad-1.jpg").write_bytes(b"1" * 7)
    again = read([str(archive)], out)
    assert (again.done, again.failed, again.faces) == (4, 1, 9 + 2 + 1)
    files = rows(out, "files").set_index("path")
    assert len(files) == 61 and files.index.is_unique
    assert files.loc[[str(changed), str(touched)], "faces"].tolist() == [9, 2]
    per_file = rows(out, "faces").groupby("path").size()
    assert (per_file == files["faces"].loc[per_file.index]).all()


def test_what_all_inputs_need_ends_the_run_in_a_sentence(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^The model is damaged\.$"):
        read([str(archive)], tmp_path / "out", make_reader=cannot_load)


def test_one_run_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    def names() -> Iterator[str]:
        with pytest.raises(OtherDataset, match=r"^Another run is writing into .*out\.$"):
            read([], tmp_path / "out")
        yield from ()

    assert read(names(), tmp_path / "out").total == 0
