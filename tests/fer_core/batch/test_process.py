"""The process that reads: a file on which it dies is tried twice, set aside, and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fer_core.batch.plan import Input
from fer_core.batch.process import Reader, ReadingProcess, packed
from fer_core.errors import ModelError, ReaderLost
from tests.fer_core.batch.readers import NamesReader, cannot_load, dies_at_once


def test_a_file_on_which_it_dies_is_set_aside_and_the_others_are_read() -> None:
    with ReadingProcess(packed(NamesReader), 2) as process:
        before = process.read(Input("a.jpg", "photo", 2))
        killer = process.read(Input("killer.jpg", "photo", 2))
        after = process.read(Input("b.jpg", "photo", 3))
    assert [len(finding.faces) for finding in (before, killer, after)] == [2, 0, 3]
    assert killer.error is not None and killer.error["error"] == "SetAside"
    assert killer.file["reason"] == (
        "Reading it ended the process 2 times (signal 9, SIGKILL), so it was set aside."
    )
    assert (killer.file["status"], killer.file["tries"]) == ("failed", 2)
    assert (after.file["status"], after.file["tries"]) == ("read", 1)


@pytest.mark.parametrize(
    ("make_reader", "error", "said"),
    [
        (cannot_load, ModelError, r"^The model is damaged\.$"),
        (dies_at_once, ReaderLost, r"^The process that reads files ends at once: exit status 3\.$"),
    ],
)
def test_what_all_files_need_is_no_fault_of_one(
    make_reader: Callable[[], Reader], error: type[Exception], said: str
) -> None:
    with ReadingProcess(packed(make_reader)) as process, pytest.raises(error, match=said):
        process.read(Input("a.jpg", "photo", 2))
