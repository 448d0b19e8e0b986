"""``facial-emotions batch``: its options and its exit status; runs are in ``test_run.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fer_core.__main__ import main
from fer_core.batch import run as module
from fer_core.batch.plan import Part
from fer_core.batch.units import Tally


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """In place of the cluster: what each unit comes to, for the test to set, and the jobs."""
    jobs: list[Any] = []

    def read_units(job: Any, ledger: Path, processes: int) -> list[Tally]:
        jobs.append((job, processes))
        return [Tally(Part("p", "photo", 2, 3), 1, 1, 0, 9, 1.0, [("bad.jpg", "It is bad.")])]

    class Cluster:
        def __init__(self, address: str, processes: int | None) -> None:
            jobs.append((address, processes))

        def __enter__(self) -> int:
            return 4

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(module, "cluster", Cluster)
    monkeypatch.setattr(module, "cores_of_a_machine", lambda: 2)
    monkeypatch.setattr(module, "read_units", read_units)
    for name in ("a.jpg", "bad.jpg"):
        (tmp_path / name).write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    return jobs


def test_failures_are_said_and_counted_in_the_status(
    work: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", "*.jpg", "--out", "out", "--ray", "local"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "bad.jpg: It is bad."
    assert said[1].startswith(str(Path("out").resolve()) + ": 2 files, 3 faces, 1 failed, ")
    (address, processes), (job, at_once) = work
    assert (address, processes, at_once, job.processes) == ("local", None, 4, 2)
    head = json.loads(Path("out/dataset.json").read_bytes())
    assert (head["model"], head["detector"], head["schema"]) == ("fer7", "haar", 1)
    assert len(head["checksums"]["fer7/model.tflite"]) == 64


def test_options(work: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("list.txt").write_text("a.jpg\n")
    options = ["--list", "list.txt", "--out", "out", "--jobs", "3", "--quiet"]
    with pytest.raises(Exception, match="Of 3 files, 1 were lost"):
        module.run_batch(["a.jpg", "bad.jpg", "absent.jpg"], _dataset(), object)  # type: ignore[arg-type]
    assert main(["batch", "bad.jpg", *options]) == 1
    assert capsys.readouterr().out == ""
    assert [work[-2][1], work[-1][1]] == [3, 3]
    # Of the other settings, the same folder is refused.
    assert main(["batch", "a.jpg", "--out", "out", "--classes", "6"]) == 2
    assert "has readings made in another way" in capsys.readouterr().err


def _dataset() -> Any:
    from fer_core.batch.dataset import Dataset

    return Dataset("other", {}, ("happy",))


def test_a_folder_with_nothing_in_it(work: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert main(["batch", "empty", "--out", "out", "--json"]) == 1
    said = capsys.readouterr()
    assert said.err == "empty: There are no pictures or videos here.\n"
    assert json.loads(said.out)["event"] == "finished"
    assert work == []


def test_wrong_use(work: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "--out", "out"]) == 2
    assert capsys.readouterr().err == "Name an input, or a list of them by --list.\n"
    assert main(["batch", "s3://a:b@c/d", "--out", "out"]) == 2
    with pytest.raises(SystemExit):
        main(["batch", "a.jpg", "--out", "out", "--jobs", "0.5"])
    assert "0.5 is not a whole number from 1" in capsys.readouterr().err
