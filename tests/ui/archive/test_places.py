from __future__ import annotations

import pytest

from ui.archive.places import ARCHIVE_VARIABLE, places


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("x/a;y/a;z/a", ["a", "a (2)", "a (3)"]),
        ("x/a (2);y/a;z/a", ["a (2)", "a", "a (3)"]),
        ("x/a;y/a (2);z/a", ["a", "a (2)", "a (3)"]),
    ],
)
def test_no_two_have_the_same_name(
    monkeypatch: pytest.MonkeyPatch, said: str, names: list[str]
) -> None:
    monkeypatch.setenv(ARCHIVE_VARIABLE, said)
    assert [place.name for place in places()] == names
