"""Whole runs on a Ray of this machine: all is read once, whatever ends a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from fer_core.batch import ledger
from fer_core.batch.dataset import Dataset
from fer_core.batch.engine import cluster
from fer_core.batch.progress import Meter, Quiet
from fer_core.batch.run import run_batch
from fer_core.batch.stores import _store, opened
from fer_core.batch.units import Tally
from fer_core.errors import ModelError, OtherDataset
from fer_core.labels import FER7
from tests.fer_core.batch.readers import ContentReader, NamesReader, cannot_load
from tests.fer_core.batch.s3 import serving

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    # As a rule Ray's workers let all other programs go first, here the other tests.
    with serving() as environment, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        for name, value in environment.items():
            patch.setenv(name, value)
        _store.cache_clear()  # another test's may be elsewhere
        with cluster("local", 2):
            yield
        _store.cache_clear()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ledger, "_LEAST_PIECE_BYTES", 1)
    folder = tmp_path / "archive"
    for n in range(60):
        name = {3: "bad-1", 20: "killer", 41: "bad-2"}.get(n, f"{n:02}")
        ending = "mp4" if n % 20 == 5 else "jpg"
        path = folder / f"day-{n // 25}" / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Videos are read in pieces.
        path.write_bytes(b"1" * (n % 4 + 4 * (ending == "mp4")))
    return folder


class Interrupting(Quiet):
    """Ctrl-C after a few units."""

    def count(self, tally: Tally) -> None:
        super().count(tally)
        if self.meter.done > 20:
            raise KeyboardInterrupt


class Telling:
    """Tells Ray's driver of one error."""

    over = Event()

    def subscribe(self) -> None: ...

    def poll(self) -> tuple[None, dict[str, Any]]:
        self.over.set()
        return None, {"job_id": None, "error_message": "A task has failed."}


class Stopping(Quiet):
    """Ctrl-C before the first unit; tells how many inputs there were to read."""

    def __init__(self, meter: Meter) -> None:
        raise KeyboardInterrupt(meter.total)


def read(names: Iterable[str], out: Path | str, **options: Any) -> Meter:
    dataset = Dataset(str(out), {"model": "none"}, FER7.labels)
    return run_batch(names, dataset, options.pop("make_reader", NamesReader), **options)[0]


def assert_whole(out: Path, archive: Path) -> None:
    """Compare a data set with what is in the archive: every file has one row, and its faces."""
    paths = sorted(path for path in archive.rglob("*") if path.is_file())
    files = pd.read_parquet(out / "files").sort_values("path").set_index("path")
    assert files.index.tolist() == list(map(str, paths))
    bad = [path.name.startswith(("bad", "killer")) for path in paths]
    assert files["status"].tolist() == ["failed" if one else "read" for one in bad]
    assert files["kind"].tolist() == [
        "video" if path.suffix == ".mp4" else "photo" for path in paths
    ]
    wanted = [
        (str(path), n + 1)
        for path, failed in zip(paths, bad, strict=True)
        if not failed
        for n in range(path.stat().st_size)
    ]
    faces = pd.read_parquet(out / "faces").sort_values(["path", "face"])
    assert list(zip(faces["path"], faces["face"], strict=True)) == wanted
    errors = pd.read_parquet(out / "errors").sort_values("path")
    assert errors["path"].tolist() == [str(p) for p, one in zip(paths, bad, strict=True) if one]
    assert errors["message"].tolist() == files["reason"][errors["path"]].tolist()
    # Few large files rather than many small ones, and nothing half-written.
    names = [path.name for path in out.rglob("*") if path.is_file()]
    assert not (out / ".pieces").exists()
    assert len(names) < 12 and not [name for name in names if name.endswith(".part")], names


def test_interrupted_continued_and_renewed_a_data_set_has_what_the_archive_has(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        read([str(archive)], out, make_progress=Interrupting)
    rest = read([str(archive)], out)
    assert (0 < rest.done < 40) and rest.done == rest.total
    assert_whole(out, archive)
    errors = pd.read_parquet(out / "errors").set_index("path")["message"]
    assert errors[f"{archive}/day-0/bad-1.jpg"] == "bad-1.jpg is damaged."
    assert "signal 9, SIGKILL" in errors[f"{archive}/day-0/killer.jpg"]
    assert read([str(archive)], out).total == 0

    (archive / "day-1/26.jpg").write_bytes(b"1" * 9)
    os.utime(archive / "day-1/30.jpg", (1, 1))
    (archive / "day-1/new.jpg").write_bytes(b"1")
    (archive / "day-0/bad-1.jpg").write_bytes(b"1" * 7)
    again = read([str(archive)], out, processes=1)
    assert (again.done, again.failed, again.faces) == (4, 1, 9 + 2 + 1)
    assert_whole(out, archive)


def test_a_store_that_speaks_s3_gives_the_files_and_takes_what_is_read() -> None:
    store, root = opened("s3://bucket/photos")

    def put(name: str, content: bytes) -> None:
        with store.open_output_stream(f"{root}/{name}") as file:
            file.write(content)

    names = "a b.jpg", "100%.jpg", "p+q#1.jpg", "q?[x].jpg", "ü/é.mp4", "ü/<&>.jpg", "%20.jpg"
    wanted = {f"s3://bucket/photos/{name}": n % 4 for n, name in enumerate(names)}
    for n, name in enumerate(names):
        put(name, b"1" * (n % 4))
    store.create_dir(f"{root}/empty")  # an object that ends with a slash
    out = "s3://bucket/readings"
    inputs = ["s3://bucket/photos/**/*.jpg", "s3://bucket/photos/ü"]
    done = read(inputs, out, make_reader=ContentReader, processes=1)
    assert (done.done, done.failed, done.faces) == (len(names), 0, sum(wanted.values()))
    assert read(inputs, out).total == 0

    def assert_there() -> None:
        files = pd.read_parquet(f"{out}/files")
        assert dict(zip(files["path"], files["faces"], strict=True)) == wanted
        faces = pd.read_parquet(f"{out}/faces")
        assert faces["path"].value_counts().to_dict() == {k: v for k, v in wanted.items() if v}

    assert_there()
    put("p+q#1.jpg", b"12345678")
    put("new.jpg", b"1")
    with pytest.raises(KeyboardInterrupt) as stopped:
        read(inputs, out, make_progress=Stopping)
    assert stopped.value.args == (2,)
    del wanted["s3://bucket/photos/p+q#1.jpg"]
    assert_there()


def test_what_all_inputs_need_ends_the_run_in_a_sentence(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^The model is damaged\.$"):
        read([str(archive)], tmp_path / "out", make_reader=cannot_load, processes=1)


def test_what_ray_says_is_not_among_the_results(capfd: pytest.CaptureFixture[str]) -> None:
    from ray._private import worker

    worker.listen_error_messages(
        SimpleNamespace(
            gcs_error_subscriber=Telling(),
            current_job_id=SimpleNamespace(binary=bytes),
        ),
        Telling.over,
    )
    assert "".join(capfd.readouterr()) == ""


def test_one_run_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    def names() -> Iterator[str]:
        with pytest.raises(OtherDataset, match=r"^Another run is writing into .*out\.$"):
            read([], tmp_path / "out")
        yield from ()

    assert read(names(), tmp_path / "out").total == 0
