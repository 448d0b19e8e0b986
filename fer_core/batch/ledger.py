"""What is done and what is to be done, on disk, so that memory does not grow with the inputs.

The data set itself says what is done: its ``files`` are read into a table beside which the inputs
are put as they are found. What comes out is a plan, in units of work that do not change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from fer_core.batch.plan import Input, Known, Part, Planned, Unit
from fer_core.batch.schema import FAILED, READ, VIDEO

# Larger units are lost at an interruption, smaller ones make small files.
_MOST_PHOTOS = 256
# So many units for each process at least, so that all of them end at about the same time.
_UNITS_EACH = 16
# Smaller pieces of videos are not worth opening the file again.
_LEAST_PIECE_BYTES, _MOST_PIECES = 1_000_000, 1000
_INSERT = "INSERT OR IGNORE INTO"


class Ledger:
    """The ledger of one run, in a file of its own, which goes when the run is over."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one."""
        self._path = path
        self._base = sqlite3.connect(path)
        # Nothing here outlives the run, so nothing need survive a crash.
        self._base.executescript(
            """
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -4000;
            CREATE TABLE known (address TEXT PRIMARY KEY, bytes INT, modified INT, status TEXT,
                                part TEXT, named INT DEFAULT 0) WITHOUT ROWID;
            CREATE TABLE wanted (address TEXT PRIMARY KEY, kind TEXT, bytes INT, modified INT,
                                 status TEXT, reason TEXT, error TEXT) WITHOUT ROWID;
            CREATE TABLE parts (name TEXT PRIMARY KEY, kind TEXT, files INT, faces INT)
                WITHOUT ROWID;
            CREATE TABLE plan (place INTEGER PRIMARY KEY, unit INT, address TEXT, kind TEXT,
                               bytes INT, modified INT, status TEXT, reason TEXT, error TEXT,
                               pieces INT DEFAULT 1);
            """
        )

    def close(self) -> None:
        """Close the file; it stays where it is."""
        self._base.close()

    def know(self, rows: Iterable[Known]) -> None:
        """Take in what the data set has."""
        values = ((k.address, k.size_bytes, k.modified_us, k.status, k.part) for k in rows)
        self._base.executemany(
            f"{_INSERT} known (address, bytes, modified, status, part) VALUES (?, ?, ?, ?, ?)",
            values,
        )
        self._base.commit()

    def want(self, inputs: Iterable[Input], *, again: bool = False) -> int:
        """Take in the inputs that the user named; those that changed since are read again.

        Args:
            inputs: May have the same one several times.
            again: Whether those that failed are tried again.

        Returns:
            How many there were, counting each as often as it came.
        """
        count = 0
        for found in inputs:
            count += 1
            row = self._base.execute(
                "SELECT bytes, modified, status FROM known WHERE address = ?", (found.address,)
            ).fetchone()
            unchanged = row is not None and row[:2] == (found.size_bytes, found.modified_us)
            if unchanged and not (again and row[2] == FAILED):
                self._base.execute("UPDATE known SET named = 1 WHERE address = ?", (found.address,))
                continue
            self._base.execute(
                f"{_INSERT} wanted VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    found.address,
                    found.kind,
                    found.size_bytes,
                    found.modified_us,
                    found.status,
                    found.reason,
                    found.error,
                ),
            )
        self._base.commit()
        return count

    def have(self, part: Part) -> None:
        """Take in a part of the data set, or further rows of it."""
        self._base.execute(
            "INSERT INTO parts VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET files = files + excluded.files, faces = faces + excluded.faces",
            (part.name, part.kind, part.files, part.faces),
        )

    def has(self, part: Part) -> bool:
        """Return whether the data set is known to have a part."""
        row = self._base.execute("SELECT 1 FROM parts WHERE name = ?", (part.name,)).fetchone()
        return row is not None

    def drop(self, part: Part) -> None:
        """Take in that the data set does not have a part any more."""
        self._base.execute("DELETE FROM parts WHERE name = ?", (part.name,))

    def parts(self) -> Iterator[Part]:
        """Yield the parts that the data set has."""
        for row in self._base.execute("SELECT name, kind, files, faces FROM parts ORDER BY name"):
            yield Part(*row)

    def outdated(self) -> Iterator[tuple[Part, list[str]]]:
        """Yield the parts that have rows of inputs that are to be read again, and which."""
        names = self._base.execute(
            "SELECT DISTINCT part FROM known JOIN wanted USING (address) ORDER BY part"
        ).fetchall()
        for name in names:
            part = self._base.execute("SELECT * FROM parts WHERE name = ?", name).fetchone()
            addresses = self._base.execute(
                "SELECT address FROM known JOIN wanted USING (address) WHERE part = ?", name
            )
            yield Part(*part), [address for (address,) in addresses]

    def plan(self, processes: int) -> Planned:
        """Put what is to be read into units: videos first, the largest ones before all.

        A long video that came last would keep one core busy when all others have nothing to do.
        Where there are too few videos to share out, they are cut into pieces.

        Args:
            processes: How many will read.
        """
        photos, videos, video_bytes = self._base.execute(
            "SELECT count(*) FILTER (WHERE kind != ?1), count(*) FILTER (WHERE kind = ?1), "
            "coalesce(sum(bytes) FILTER (WHERE kind = ?1), 0) FROM wanted",
            (VIDEO,),
        ).fetchone()
        size = max(1, min(_MOST_PHOTOS, photos // (_UNITS_EACH * processes)))
        self._base.execute("DELETE FROM plan")
        self._base.execute(
            "INSERT INTO plan (address, kind, bytes, modified, status, reason, error) "
            "SELECT * FROM wanted ORDER BY kind != ?1, iif(kind = ?1, -bytes, 0), address",
            (VIDEO,),
        )
        self._base.execute(
            "UPDATE plan SET unit = iif(place <= ?1, place - 1, ?1 + (place - 1 - ?1) / ?2)",
            (videos, size),
        )
        if processes > 1:
            least = max(_LEAST_PIECE_BYTES, video_bytes // (_UNITS_EACH * processes))
            self._base.execute(
                "UPDATE plan SET pieces = max(1, min(?1, bytes / ?2)) "
                "WHERE kind = ?3 AND status = ?4",
                (_MOST_PIECES, least, VIDEO, READ),
            )
        done, failed = self._base.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = ?) FROM known WHERE named", (FAILED,)
        ).fetchone()
        self._base.commit()
        return Planned(photos, videos, video_bytes, done, failed)


def units_in(path: Path) -> Iterator[Unit]:
    """Yield the units of a ledger's plan, in their order; from any process of this machine."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as base:
        rows = base.execute(
            "SELECT unit, pieces, address, kind, bytes, modified, status, reason, error "
            "FROM plan ORDER BY place"
        )
        for (number, pieces), group in groupby(rows, itemgetter(0, 1)):
            inputs = tuple(Input(*row[2:]) for row in group)
            for piece in range(pieces):
                yield Unit(number, inputs[0].kind, inputs, piece, pieces)
