"""Which data sets the page opens: those that who runs the app names, and no visitor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count

from fer_core.batch.stores import address_of
from ui.common.public import is_public, without_paths

ARCHIVE_VARIABLE = "FER_ARCHIVE"
# Addresses have colons in them, so several are not put together as in PATH.
_BETWEEN = ";"


@dataclass(frozen=True, slots=True)
class Place:
    """A data set that can be opened.

    Attributes:
        address: Its folder's.
        name: What it is called on the page, unique among all.
    """

    address: str
    name: str


def shown_place(address: str) -> str:
    """Return how a file or folder is shown: strangers see its name alone."""
    if not is_public() or not (address.startswith("/") or "://" in address):
        return without_paths(address)
    return address.rstrip("/").rpartition("/")[2]


def is_named() -> bool:
    """Return whether the environment names any data set."""
    return bool(os.environ.get(ARCHIVE_VARIABLE, "").strip(f" {_BETWEEN}"))


def places() -> list[Place]:
    """Return the data sets that the environment names, in its order.

    Raises:
        StoreError: An address has a password in it.
    """
    said = os.environ.get(ARCHIVE_VARIABLE, "").split(_BETWEEN)
    found: list[Place] = []
    for one in said:
        if not one.strip():
            continue
        address = address_of(os.path.expanduser(one.strip()))
        name = address.rstrip("/").rpartition("/")[2] or address
        taken = {place.name for place in found}
        names = (f"{name} ({number})" if number > 1 else name for number in count(1))
        found.append(Place(address, next(one for one in names if one not in taken)))
    return found
