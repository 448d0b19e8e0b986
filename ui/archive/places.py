"""Which data sets the page opens: those that who runs the app names, and no visitor."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from fer_core.batch.stores import address_of

ARCHIVE_VARIABLE = "FER_ARCHIVE"
# Between several, as in PATH; but not the colon of an address such as s3://bucket.
_BETWEEN = re.compile(re.escape(os.pathsep) + r"(?!//)")


@dataclass(frozen=True, slots=True)
class Place:
    """A data set that can be opened.

    Attributes:
        address: Its folder's.
        name: What it is called on the page, unique among all.
    """

    address: str
    name: str


def places() -> list[Place]:
    """Return the data sets that the environment names, in its order.

    Raises:
        StoreError: An address has a password in it.
    """
    said = _BETWEEN.split(os.environ.get(ARCHIVE_VARIABLE, ""))
    found: list[Place] = []
    for one in said:
        if not one.strip():
            continue
        address = address_of(os.path.expanduser(one.strip()))
        name = address.rstrip("/").rpartition("/")[2] or address
        taken = sum(place.name.partition(" (")[0] == name for place in found)
        found.append(Place(address, f"{name} ({taken + 1})" if taken else name))
    return found
