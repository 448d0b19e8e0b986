"""The ledger: what is done, what changed, and in which units the rest is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_units_do_not_grow_without_bound(ledger: Ledger, tmp_path: Path) -> None:
    bad = Input("bad", "photo", 0, 0, "failed", "There is no such file.")
    ledger.want([bad, *(Input(f"{n:05}.jpg", "photo") for n in range(9000))])
    ledger.plan(1)
    units = list(units_in(tmp_path / "ledger 1.sqlite"))
    assert max(len(unit.inputs) for unit in units) == 256
    assert units[-1].inputs[-1] == bad


def test_nothing_to_do(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.plan(4).total == 0
    assert list(units_in(tmp_path / "ledger 1.sqlite")) == []
