"""What all visitors share for as long as the process lives.

Streamlit's caches are no place for it: they can be emptied, by a message that any visitor can send
among other things, and all visitors' work would be gone. A module is imported once, and stays.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

Made = TypeVar("Made")


def once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Have a function make what it returns at the first call, and return the same ever after."""
    made = functools.cache(make)
    lock = threading.Lock()

    @functools.wraps(made)
    def get() -> Made:
        # Two threads must not each make one.
        with lock:
            return made()

    return get
