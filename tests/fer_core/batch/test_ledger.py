"""The ledger: what is done, what changed, and in which units the rest is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_core.batch import ledger as module
from fer_core.batch.ledger import Ledger, units_in
from fer_core.batch.plan import Input, Known, Part


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger 1.sqlite")
    yield opened
    opened.close()


def test_only_what_is_missing_or_changed_is_read_and_everything_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.have(Part("one", "photo", 3, 5))
    ledger.have(Part("one", "photo", 1, 2))
    rows = [("same", 1, 1, "read"), ("larger", 1, 1, "read"), ("later", 1, 1, "read")]
    rows += [("bad", 1, 1, "failed"), ("not named", 1, 1, "read")]
    ledger.know(Known(*row, part="one") for row in rows)
    named = [("same", 1, 1), ("larger", 2, 1), ("later", 1, 2), ("bad", 1, 1), ("new", 0, 0)]
    inputs = [Input(name, "photo", *stat) for name, *stat in (*named, *named)]
    assert ledger.want(inputs) == 10
    planned = ledger.plan(1)
    assert (planned.total, planned.done, planned.done_failed) == (3, 2, 1)
    (unit, *more) = units_in(tmp_path / "ledger 1.sqlite")
    addresses = [item.address for one in (unit, *more) for item in one.inputs]
    assert addresses == ["larger", "later", "new"]
    assert list(ledger.outdated()) == [(Part("one", "photo", 4, 7), ["larger", "later"])]
    ledger.want(inputs, again=True)
    assert ledger.plan(1).total == 4


def test_long_videos_come_first_and_photos_in_equal_shares(ledger: Ledger, tmp_path: Path) -> None:
    videos = [Input(f"{n}.mp4", "video", n) for n in (3, 9, 6)]
    ledger.want([Input(f"{n:04}.jpg", "photo") for n in range(100)] + videos)
    planned = ledger.plan(2)
    assert (planned.photos, planned.videos, planned.video_bytes) == (100, 3, 18)
    units = list(units_in(tmp_path / "ledger 1.sqlite"))
    assert [unit.number for unit in units] == list(range(len(units)))
    assert [unit.inputs[0].address for unit in units[:3]] == ["9.mp4", "6.mp4", "3.mp4"]
    assert {unit.kind for unit in units[3:]} == {"photo"}
    sizes = [len(unit.inputs) for unit in units[3:]]
    assert set(sizes[:-1]) == {3} and sum(sizes) == 100
    assert units == list(units_in(tmp_path / "ledger 1.sqlite"))


def test_few_long_videos_are_cut_and_many_are_not(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEAST_PIECE_BYTES", 10)
    sizes = {"/long.mp4": 640, "file:///long.mp4": 50, "s3://long.mp4": 60, "/short.mp4": 9}
    photos = [Input(f"{n}.jpg", "photo", 1000) for n in range(40)]
    ledger.want([*(Input(name, "video", size) for name, size in sizes.items()), *photos])

    def pieces(processes: int) -> dict[str, list[tuple[int, int]]]:
        ledger.plan(processes)
        found: dict[str, list[tuple[int, int]]] = {}
        for unit in units_in(tmp_path / "ledger 1.sqlite"):
            found.setdefault(unit.inputs[0].address, []).append((unit.piece, unit.pieces))
        return found

    alone = pieces(1)
    assert set(map(tuple, alone.values())) == {((0, 1),)}
    found = pieces(2)
    assert found["/long.mp4"] == [(n, 27) for n in range(27)]  # 759 // 32 bytes each
    assert [len(found[name]) for name in list(sizes)[1:]] == [2, 2, 1]
    assert len(pieces(16)["/long.mp4"]) == 64
    ledger.want(Input(f"/{n}.mp4", "video", 100) for n in range(400))
    assert len(pieces(2)["/1.mp4"]) == 1


def test_units_do_not_grow_without_bound(ledger: Ledger, tmp_path: Path) -> None:
    bad = Input("bad", "photo", 0, 0, "failed", "There is no such file.", "NotFound")
    ledger.want([bad, *(Input(f"{n:05}.jpg", "photo") for n in range(9000))])
    ledger.plan(1)
    units = list(units_in(tmp_path / "ledger 1.sqlite"))
    assert max(len(unit.inputs) for unit in units) == 256
    assert units[-1].inputs[-1] == bad


def test_nothing_to_do(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.plan(4).total == 0
    assert list(units_in(tmp_path / "ledger 1.sqlite")) == []
