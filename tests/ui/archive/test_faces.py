from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from tests.archives import Archive
from ui.archive import faces
from ui.archive.faces import open_face, opened_face
from ui.archive.index import Index, open_index


def test_a_face_is_open_in_one_index_and_holds_none(
    index: Index, own: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(faces.st, "session_state", state)
    other = open_index(str(own.readings))
    assert opened_face(other) is None
    open_face(other, 3)
    assert opened_face(other) == 3 and opened_face(index) is None
    left = weakref.ref(other)
    del other
    gc.collect()
    assert left() is None
