from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ui.archive.opening import Archives, Opened


@dataclass
class Changed:
    """In place of an index whose data set has changed."""

    opened: Opened
    anew: Any = None

    def has_changed(self) -> bool:
        if self.anew is not None:
            # Another visitor's run takes over what was opened meanwhile.
            self.opened.index = self.anew
        return True


@pytest.mark.parametrize(("anew", "changed"), [(None, True), ("opened anew", False)])
def test_a_change_is_said_of_the_index_that_was_looked_at(anew: Any, changed: bool) -> None:
    archives, opened = Archives(), Opened(looked_s=-1e9)
    index: Any = Changed(opened, anew)
    opened.index = index
    archives._opened["readings"] = opened
    assert archives.look("readings").changed is changed
