"""What the page asks of a data set, put into a small database that answers within a second.

Of every face five narrow columns are enough for all charts and filters. They go into a DuckDB file
without a name, compressed, of which DuckDB keeps in memory what its limit allows: so ten million
rows take about as much as one photo, and hundreds of millions can be opened, too. All the rest of
a face is read from its Parquet file when it is shown. Only Arrow reads the data set, from wherever
the command could write it; the database can open no file and no address at all.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fer_core.batch.dataset import Dataset
from fer_core.batch.schema import ERRORS, FACES, FAILED, FILES, KINDS, READ, VIDEO, note_of
from fer_core.budget import shared_budget, usable_cores
from fer_core.errors import FerError
from fer_core.labels import UNCERTAIN

# Of what decoders may take, for each index; with less, DuckDB reads its file again and again.
_MEMORY_SHARE = 0.2
_LEAST_MEMORY = 96 << 20
_BATCH_ROWS = 1 << 18
_COLUMNS = ["verdict", "confidence", "folder", "moment"]
_VIDEO_COLUMNS = [*_COLUMNS, "path", "person"]
_TRIES = 3
_TABLES = """
CREATE TABLE faces (n BIGINT, kind UTINYINT, verdict UTINYINT, confidence REAL, folder INTEGER,
                    day DATE, video INTEGER, person INTEGER);
CREATE TABLE folders (id INTEGER, label VARCHAR);
CREATE TABLE videos (id INTEGER, part VARCHAR, path VARCHAR, folder INTEGER, seconds DOUBLE,
                     faces BIGINT, persons INTEGER);
CREATE TABLE failures (kind UTINYINT, path VARCHAR, error VARCHAR, message VARCHAR, tries SMALLINT);
"""


class ArchiveFault(FerError):
    """A data set cannot be opened, or has changed since."""


@dataclass(frozen=True, slots=True)
class FacePart:
    """Rows of ``faces`` in one file.

    Attributes:
        name: The part's.
        kind: That of its inputs.
        first: Number of its first row among all.
        rows: How many there are.
    """

    name: str
    kind: str
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the opening is: ``done`` of ``total``, in ``what``."""

    done: int
    total: int
    what: str


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Index:
    """An opened data set.

    Attributes:
        dataset: Where it is, and how it was made.
        parts: The files that faces are in, in the order of their numbers.
        names: The parts that were there, by which a change is seen.
        root: What the paths of all folders begin with, and their names on the page do not.
        files: How many files there are, by kind and status.
        opened_at: When it was opened.
        token: Tells it from all others, also from those of the same data set.
    """

    dataset: Dataset
    parts: tuple[FacePart, ...]
    names: frozenset[tuple[str, str]]
    root: str
    files: dict[str, dict[str, int]]
    opened_at: datetime
    _database: duckdb.DuckDBPyConnection = field(repr=False)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions."""
        return self.dataset.labels

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What faces can be read as, in the order of the numbers that stand for them."""
        return (*self.labels, UNCERTAIN)

    @property
    def threshold(self) -> float:
        """Confidence below which a verdict was "uncertain", 0 to 1."""
        return float(self.dataset.note.get("threshold", 0))

    @property
    def faces(self) -> int:
        """How many rows of faces there are."""
        return sum(part.rows for part in self.parts)

    def kinds(self) -> list[str]:
        """Return the kinds of which something was read, photos first."""
        return [kind for kind in KINDS if self.files[kind].get(READ)]

    def failed(self) -> int:
        """Return how many files could not be read."""
        return sum(statuses.get(FAILED, 0) for statuses in self.files.values())

    def rows(self, query: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a query whose values are all bound."""
        with self._cursor() as cursor:
            return cursor.execute(query, parameters).fetchall()

    def columns(self, query: str, parameters: list[Any]) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays, masked where something is missing."""
        with self._cursor() as cursor:
            return cursor.execute(query, parameters).fetchnumpy()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        # A cursor for each thread; making one is not for two at once.
        with self._lock:
            return self._database.cursor()

    def has_changed(self) -> bool:
        """Return whether parts came or went since it was opened.

        Raises:
            FerError: The store cannot be used.
            OSError: The folder cannot be read.
        """
        return self.names != _names(self.dataset)


def open_index(
    folder: str,
    on_progress: Callable[[Progress], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Index:
    """Open a data set, as it is now.

    Args:
        folder: A path or an address.
        on_progress: Is called now and then.
        stopped: Whether to end early.

    Raises:
        ArchiveFault: It changes all the time, is damaged, or there is no room for its index.
        NoDataset: There is none, or one of another version.
        StoreError: The store cannot be used.
    """
    try:
        dataset = Dataset.stored(folder)
        for _ in range(_TRIES):
            place = Path(tempfile.mkdtemp(prefix="fer-archive-"))
            try:
                return _Opening(dataset, place / "index", on_progress, stopped).run()
            except _Gone:
                continue
            finally:
                # The database has its file open, and the system frees it with the last who has.
                shutil.rmtree(place, ignore_errors=True)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".")
        raise ArchiveFault(f"The data set cannot be read: {reason}.") from error
    except duckdb.Error as error:
        raise ArchiveFault(
            "There is no room for the index of the data set in the temporary folder or in memory."
        ) from error
    raise ArchiveFault("The data set changes all the time; open it when the run has ended.")


@dataclass(frozen=True, slots=True)
class Counted:
    """What some rows of ``files`` say."""

    statuses: dict[str, int]
    faces: int
    videos: pa.Table | None


class _Gone(Exception):
    """A part was replaced by another while the data set was being opened."""


class _Opening:
    """The making of an index."""

    def __init__(
        self,
        dataset: Dataset,
        file: Path,
        on_progress: Callable[[Progress], object],
        stopped: Callable[[], bool],
    ) -> None:
        self._dataset, self._file = dataset, file
        self._on_progress, self._stopped = on_progress, stopped
        self._folders: dict[str, int] = {}
        self._videos: dict[str, int] = {}
        self._verdicts = pa.array([*dataset.labels, UNCERTAIN])
        self._files: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self._rows = 0  # of faces, as the files say

    def run(self) -> Index:
        names = _names(self._dataset)
        with connect(self._file) as database:
            database.execute(_TABLES)
            database.begin()
            whole = self._add_files(database, names)
            parts = self._add_faces(database, whole)
            self._add_failures(database, whole)
            root = self._add_folders(database)
            database.commit()
            database.execute("CHECKPOINT")
        return Index(
            self._dataset,
            parts,
            names,
            root,
            self._files,
            datetime.now(),
            connect(self._file, read_only=True),
        )

    def _tell(self, done: int, total: int, what: str) -> None:
        if self._stopped():
            raise ArchiveFault("The opening was ended.")
        self._on_progress(Progress(done, total, what))

    def _add_files(
        self, database: duckdb.DuckDBPyConnection, names: frozenset[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Count the files, note the videos, and return the parts that count."""
        replaced: set[tuple[str, str]] = set()
        counted: dict[tuple[str, str], list[Counted]] = {}
        ordered = sorted(names)
        for done, (kind, name) in enumerate(ordered):
            self._tell(done, len(ordered), "parts")
            file = self._dataset.part_file(FILES, kind, name)
            if file is None:
                raise _Gone
            with file:
                replaced |= {(kind, old) for old in note_of(file.schema_arrow).get("replaces", ())}
                columns = ["status", "faces"]
                if kind == VIDEO:
                    columns += ["path", "folder", "seconds", "persons"]
                counted[kind, name] = [
                    _files_counted(batch, kind)
                    for batch in file.iter_batches(_BATCH_ROWS, columns=columns)
                ]
        whole = [key for key in ordered if key not in replaced]
        for kind, name in whole:
            for some in counted.pop((kind, name)):
                self._count(database, kind, name, some)
        return whole

    def _count(
        self, database: duckdb.DuckDBPyConnection, kind: str, name: str, counted: Counted
    ) -> None:
        own = self._files[kind]
        for status, count in counted.statuses.items():
            own[status] = own.get(status, 0) + count
        self._rows += counted.faces
        videos = counted.videos
        if videos is not None and videos.num_rows:
            paths = videos["path"].to_pylist()
            numbers = [self._videos.setdefault(path, len(self._videos)) for path in paths]
            _insert(
                database,
                "videos",
                {
                    "id": pa.array(numbers, pa.int32()),
                    "part": pa.repeat(name, videos.num_rows),
                    "path": videos["path"],
                    "folder": self._folder_numbers(videos["folder"]),
                    "seconds": videos["seconds"],
                    "faces": videos["faces"],
                    "persons": videos["persons"],
                },
            )

    def _add_faces(
        self, database: duckdb.DuckDBPyConnection, whole: list[tuple[str, str]]
    ) -> tuple[FacePart, ...]:
        parts: list[FacePart] = []
        waiting: list[pa.Table] = []
        first = 0
        for kind, name in whole:
            begin = first
            for batch in self._batches(
                FACES, kind, name, _VIDEO_COLUMNS if kind == VIDEO else _COLUMNS
            ):
                waiting.append(self._narrow(batch, kind, first))
                first += batch.num_rows
                if sum(table.num_rows for table in waiting) >= _BATCH_ROWS:
                    _insert(database, "faces", pa.concat_tables(waiting))
                    waiting.clear()
                    self._tell(first, max(first, self._rows), "faces")
            if first > begin:
                parts.append(FacePart(name, kind, begin, first - begin))
        if waiting:
            _insert(database, "faces", pa.concat_tables(waiting))
        return tuple(parts)

    def _narrow(self, batch: pa.RecordBatch, kind: str, first: int) -> pa.Table:
        """Return what the index has of some faces."""
        said = _dictionary(batch["verdict"])
        known = pc.fill_null(
            pc.index_in(said.dictionary, self._verdicts), len(self._verdicts) - 1
        ).cast(pa.uint8())
        count = batch.num_rows
        video = person = pa.nulls(count, pa.int32())
        if kind == VIDEO:
            paths = _dictionary(batch["path"])
            numbers = [self._videos.get(path, -1) for path in paths.dictionary.to_pylist()]
            video = pc.take(pa.array(numbers, pa.int32()), paths.indices)
            person = batch["person"]
        return pa.table(
            {
                "n": np.arange(first, first + count),
                "kind": pa.repeat(pa.scalar(KINDS.index(kind), pa.uint8()), count),
                "verdict": pc.fill_null(
                    pc.take(known, said.indices), pa.scalar(len(self._verdicts) - 1, pa.uint8())
                ),
                "confidence": batch["confidence"].cast(pa.float32()),
                "folder": self._folder_numbers(batch["folder"]),
                "day": batch["moment"].cast(pa.date32(), safe=False),
                "video": video,
                "person": person,
            }
        )

    def _folder_numbers(self, column: pa.Array) -> pa.Array:
        found = _dictionary(column)
        numbers = [
            self._folders.setdefault(folder or "", len(self._folders))
            for folder in found.dictionary.to_pylist()
        ]
        return pc.take(pa.array(numbers, pa.int32()), found.indices)

    def _add_failures(
        self, database: duckdb.DuckDBPyConnection, whole: list[tuple[str, str]]
    ) -> None:
        for kind, name in whole:
            for batch in self._batches(ERRORS, kind, name, ["path", "error", "message", "tries"]):
                columns = {
                    "kind": pa.repeat(pa.scalar(KINDS.index(kind), pa.uint8()), batch.num_rows),
                    **{name: batch[name] for name in batch.schema.names},
                }
                columns["error"] = columns["error"].cast(pa.string())
                _insert(database, "failures", columns)

    def _add_folders(self, database: duckdb.DuckDBPyConnection) -> str:
        """Note what folders are called on the page: their paths from the one that has them all."""
        root = root_of(self._folders)
        labels = [f"{folder}/".removeprefix(root).rstrip("/") or "." for folder in self._folders]
        numbers = pa.array(range(len(labels)), pa.int32())
        _insert(database, "folders", {"id": numbers, "label": pa.array(labels, pa.string())})
        self._folders.clear()
        return root

    def _batches(
        self, table: str, kind: str, name: str, columns: list[str]
    ) -> Iterator[pa.RecordBatch]:
        file = self._dataset.part_file(table, kind, name)
        if file is None:
            # A part that was replaced meanwhile has lost its files of all tables.
            if table == FACES and name not in self._dataset.parts(kind):
                raise _Gone
            return
        with file:
            yield from file.iter_batches(_BATCH_ROWS, columns=columns)


def _files_counted(batch: pa.RecordBatch, kind: str) -> Counted:
    counts = pc.value_counts(batch["status"].cast(pa.string())).to_pylist()
    statuses = {one["values"]: one["counts"] for one in counts}
    faces = pc.sum(batch["faces"]).as_py() or 0
    videos = None
    if kind == VIDEO:
        table = pa.Table.from_batches([batch])
        videos = table.filter(pc.equal(table["status"].cast(pa.string()), READ)).combine_chunks()
    return Counted(statuses, faces, videos)


def connect(file: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a database that reaches nothing but its own file."""
    memory = max(_LEAST_MEMORY, int(shared_budget().size_bytes * _MEMORY_SHARE))
    return duckdb.connect(
        str(file),
        read_only=read_only,
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # No variable of ours stands for a table.
            "python_enable_replacements": "false",
            "temp_directory": "",
            "memory_limit": f"{memory >> 20}MiB",
            "threads": str(usable_cores()),
            "lock_configuration": "true",
        },
    )


def root_of(folders: Collection[str]) -> str:
    """Return what the paths of folders begin with, up to the last slash before they differ."""
    if not folders:
        return ""
    # What the first and the last in the alphabet begin with, all do.
    slashed = [f"{folder}/" for folder in folders]
    pairs = zip(min(slashed).split("/")[:-1], max(slashed).split("/")[:-1], strict=False)
    shared = [name for name, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    if len(folders) == 1:
        shared.pop()
    return "".join(f"{name}/" for name in shared)


def _names(dataset: Dataset) -> frozenset[tuple[str, str]]:
    return frozenset((kind, name) for kind in KINDS for name in dataset.parts(kind))


def _dictionary(column: Any) -> pa.DictionaryArray:
    """Return texts as numbers and what they stand for, however they were stored."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _insert(
    database: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | dict[str, Any]
) -> None:
    database.register("batch", rows if isinstance(rows, pa.Table) else pa.table(rows))
    database.execute(f"INSERT INTO {table} SELECT * FROM batch")
    database.unregister("batch")
