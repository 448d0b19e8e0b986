"""The data set on disk: parts that appear as a whole, whatever ends the run.

``TABLE/kind=KIND/PART.parquet`` has what one unit of work found, in three tables. The file of
``files`` is written last, so a part without it is not there. A part that replaces others names them
in its metadata: what is left of them after a crash goes at the next start.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from fer_core.batch.plan import Known, Part
from fer_core.batch.schema import (
    FACES,
    FILES,
    KINDS,
    PHOTO,
    TABLES,
    VERSION,
    note_of,
    schemas,
    with_note,
)
from fer_core.batch.stores import address_of, named_errors, opened
from fer_core.errors import NoDataset, OtherDataset

# Parts grow to this many rows when they are joined; more are no faster to read.
_JOINED_FILES, _JOINED_FACES = 100_000, 1_000_000
# What is held of a table while parts are joined; larger groups would be read little faster.
_ROW_GROUP = 1 << 14
_HEAD, _EMPTY = "dataset.json", "empty"
# Before the name of a run, for a file that is there while its parts are wanted.
_OPEN = ".run-"
# Folder of what was read in pieces of videos, until all of a video are there.
_PIECES = ".pieces"
_ENDING, _UNFINISHED = ".parquet", ".part"
_COMPRESSION = "zstd"
# Arrow's names of the stores whose files appear when their stream is closed, and have no folders.
_OBJECT_STORES = ("s3", "gcs", "abfs")
_COPIED_BYTES = 1 << 20
_EPOCH = pa.scalar(0, pa.int64())


class Dataset:
    """A data set in a folder, of this machine or of a store; can be pickled.

    Attributes:
        address: The folder's.
        note: What every file says of how it was made.
    """

    def __init__(self, folder: str, note: Mapping[str, Any], labels: Sequence[str]) -> None:
        """Describe a data set; nothing is read or written.

        Args:
            folder: A path or an address.
            note: How it is made, as JSON has it.
            labels: The K emotions in the order of the network's outputs.
        """
        self.address = address_of(folder)
        self.note = {"schema": VERSION, **note}
        self._labels = tuple(labels)

    @classmethod
    def stored(cls, folder: str) -> Dataset:
        """Open a data set to read it, whatever way it was made in.

        Args:
            folder: A path or an address.

        Raises:
            NoDataset: There is none, or one of another version.
            OSError: The folder cannot be read.
            StoreError: The store cannot be used.
        """
        with named_errors(folder, OSError):
            head = cls(folder, {}, ())._read(_HEAD)
        if head is None:
            raise NoDataset(f"{folder} has no data set of readings: there is no {_HEAD}.")
        try:
            note = json.loads(head)
            version, labels = note["schema"], list(note["labels"])
            if not all(label.isidentifier() for label in labels):
                raise ValueError("a label is no word")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise NoDataset(
                f"{folder} has no data set of readings: its {_HEAD} is damaged."
            ) from None
        if version != VERSION:
            raise NoDataset(
                f"{folder} has a data set of version {_short(version)}, and this release reads "
                f"version {VERSION}."
            )
        return cls(folder, note, labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the network's outputs."""
        return self._labels

    def schemas(self) -> dict[str, pa.Schema]:
        """Return the columns of every table, by its name."""
        return schemas(self._labels)

    def parts(self, kind: str) -> list[str]:
        """Return the names of the parts that are there, in order; some may have been replaced."""
        return sorted(self._names(FILES, kind) - {_EMPTY})

    def part_file(self, table: str, kind: str, part: str) -> pq.ParquetFile | None:
        """Open a part's file of a table, or return None where the part has no rows of it."""
        try:
            return pq.ParquetFile(self._opened(table, kind, part), pre_buffer=False)
        except FileNotFoundError:
            return None

    def begin(self) -> None:
        """Make the folder, or check that what is there was made in the same way; tidy up.

        Raises:
            OSError: It cannot be written.
            OtherDataset: It was made in another way.
            StoreError: The store cannot be used.
        """
        head = self._read(_HEAD)
        if head is not None:
            self._refuse_others(head)
        elif any(self._names(FILES, kind) for kind in KINDS):
            raise OtherDataset(f"{self.address} has a data set without its {_HEAD}.")
        else:
            with self._appearing(_HEAD) as file:
                file.write(json.dumps(self.note, indent=2).encode())
        self._close_runs()
        self._tidy()
        if _EMPTY not in self._names(FILES, PHOTO):
            # Whoever opens a table that has no rows yet finds its columns.
            self.write(_EMPTY, PHOTO, {})

    def _refuse_others(self, head: bytes) -> None:
        try:
            found = json.loads(head)
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("schema") != VERSION:
            raise OtherDataset(
                f"{self.address} has a data set of another version; name another folder."
            )
        for name, value in json.loads(json.dumps(self.note)).items():
            if name != "version" and found.get(name) != value:
                raise OtherDataset(
                    f"{self.address} has readings made in another way ({name}: "
                    f"{_short(found.get(name))}, not {_short(value)}); name another folder."
                )

    def write(self, part: str, kind: str, tables: Mapping[str, pa.Table]) -> None:
        """Write a part, in place of one of that name.

        Args:
            part: Its name.
            kind: That of its inputs.
            tables: Rows by the table's name; one without rows may be left out.
        """
        for table, schema in self._noted_schemas():
            rows = tables.get(table, schema.empty_table())
            if rows.num_rows or part == _EMPTY:
                with self._writer(_place(table, kind, part), schema) as add:
                    add(rows)
            else:
                self._remove(table, kind, part)  # an earlier attempt may have had some

    def known(self) -> Iterator[tuple[Part, list[Known]]]:
        """Yield each part with the inputs that it has rows of, a bounded number at a time."""
        columns = ["path", "status", "bytes", "modified", "faces"]
        for kind in KINDS:
            for name in sorted(self._names(FILES, kind)):
                if name == _EMPTY:
                    continue
                with self._opened(FILES, kind, name) as file:
                    for batch in pq.ParquetFile(file).iter_batches(columns=columns):
                        faces = pc.sum(batch["faces"]).as_py() or 0
                        modified = pc.fill_null(batch["modified"].cast(pa.int64()), _EPOCH)
                        rows = zip(
                            batch["path"].to_pylist(),
                            batch["bytes"].to_pylist(),
                            modified.to_pylist(),
                            batch["status"].to_pylist(),
                            strict=True,
                        )
                        yield (
                            Part(name, kind, batch.num_rows, faces),
                            [Known(*row, part=name) for row in rows],
                        )

    def rewrite(self, parts: Sequence[Part], without: Collection[str] = ()) -> Part | None:
        """Put parts of one kind into one, which takes their place.

        Args:
            parts: At least one; the names and kinds count.
            without: Inputs whose rows go.

        Returns:
            The new part, or None where nothing is left.
        """
        name, kind = f"joined-{secrets.token_hex(6)}", parts[0].kind
        counts = dict.fromkeys(TABLES, 0)
        gone = pa.array(sorted(without), pa.string())
        for table, schema in self._noted_schemas(replaces=[part.name for part in parts]):
            with self._writer(_place(table, kind, name), schema) as add:
                for part in parts:
                    for batch in self._batches(table, kind, part.name):
                        kept = batch.filter(pc.invert(pc.is_in(batch["path"], gone)))
                        counts[table] += kept.num_rows
                        add(pa.Table.from_batches([kept]))
            if not counts[table] and table != FILES:
                self._remove(table, kind, name)
        for part in parts:
            self._remove_part(kind, part.name)
        if not counts[FILES]:
            self._remove_part(kind, name)
            return None
        return Part(name, kind, counts[FILES], counts[FACES])

    def finish(self, parts: Iterable[Part]) -> None:
        """Put small parts together into larger ones, which are opened faster, and tidy up.

        Args:
            parts: All of the data set, in any order.
        """
        self._close_runs()
        for group in groups_of(parts):
            self.rewrite(group)
        self._tidy()

    def open_run(self, run: str) -> None:
        """Let a run write its parts, until it is finished or another one begins."""
        with self._appearing(_OPEN + run) as file:
            file.write(b"")

    def is_open(self, run: str) -> bool:
        """Return whether a run's parts are still wanted.

        A machine that was thought lost may go on, and would write its part beside the one in which
        the same rows are by now.
        """
        return self._is_there(_OPEN + run)

    def is_written(self, part: str, kind: str) -> bool:
        """Return whether a part is there."""
        return self._is_there(_place(FILES, kind, part))

    def files_of(self, part: str, kind: str) -> list[dict[str, Any]]:
        """Return the rows that a part has in ``files``."""
        return [row for batch in self._batches(FILES, kind, part) for row in batch.to_pylist()]

    def keep(self, name: str, content: bytes) -> None:
        """Put something aside for other processes of this run."""
        with self._appearing(f"{_PIECES}/{name}") as file:
            file.write(content)

    def kept_sizes(self) -> dict[str, int]:
        """Return the names of what was put aside, and their sizes in bytes."""
        filesystem, path = self._path(_PIECES)
        found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return {info.base_name: info.size or 0 for info in found}

    def kept(self, name: str) -> bytes | None:
        """Return what was put aside, or None."""
        return self._read(f"{_PIECES}/{name}")

    def drop_kept(self, name: str) -> None:
        """Remove what was put aside, if it is there."""
        filesystem, path = self._path(f"{_PIECES}/{name}")
        with suppress(FileNotFoundError):
            filesystem.delete_file(path)

    def _close_runs(self) -> None:
        filesystem, path = self._path(_PIECES)
        if filesystem.get_file_info(path).type == fs.FileType.Directory:
            filesystem.delete_dir(path)
        filesystem, path = opened(self.address)
        for info in filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True)):
            if info.base_name.startswith(_OPEN):
                filesystem.delete_file(f"{path}/{info.base_name}")

    def _tidy(self) -> None:
        """Remove what ended early left: parts that are not whole, and those that were replaced."""
        for kind in KINDS:
            for table in TABLES:
                self._remove_unfinished(table, kind)
            there = self._names(FILES, kind)
            for name in sorted(there):
                with self._opened(FILES, kind, name) as file:
                    note = note_of(pq.read_schema(file))
                for old in note.get("replaces", ()):
                    if old in there:
                        self._remove_part(kind, old)
            whole = self._names(FILES, kind)
            for table in TABLES:
                if table != FILES:
                    for name in self._names(table, kind) - whole:
                        self._remove(table, kind, name)

    def _remove_part(self, kind: str, name: str) -> None:
        # In this order, what is left of it after a crash is known to be of no part.
        for table in reversed(TABLES):
            self._remove(table, kind, name)

    def _batches(self, table: str, kind: str, name: str) -> Iterator[pa.RecordBatch]:
        with suppress(FileNotFoundError), self._opened(table, kind, name) as file:
            yield from pq.ParquetFile(file).iter_batches(batch_size=_ROW_GROUP)

    def _noted_schemas(self, **more: Any) -> Iterator[tuple[str, pa.Schema]]:
        """Yield the tables in the order in which a part's files are written."""
        found = self.schemas()
        for table in TABLES:
            yield table, with_note(found[table], self.note | more)

    @contextmanager
    def _writer(self, place: str, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
        """Open a file for rows; it is there when the ``with`` ends well."""
        waiting: list[pa.Table] = []

        def write() -> None:
            # Row by row, as small parts have them, they would be slow to read.
            writer.write_table(pa.concat_tables(waiting), row_group_size=_ROW_GROUP)
            waiting.clear()

        def add(rows: pa.Table) -> None:
            waiting.append(rows.cast(schema))
            if sum(table.num_rows for table in waiting) >= _ROW_GROUP:
                write()

        with (
            self._appearing(place) as file,
            pq.ParquetWriter(file, schema, compression=_COMPRESSION) as writer,
        ):
            yield add
            if waiting:
                write()

    @contextmanager
    def _appearing(self, place: str) -> Iterator[Any]:
        """Open a file that gets its name when all of it is written."""
        filesystem, path = self._path(place)
        if filesystem.type_name in _OBJECT_STORES:
            # An error closes the stream, and what is closed appears: so nothing is sent before all
            # of it is there. Nor can it be renamed.
            with TemporaryDirectory() as scratch:
                whole = Path(scratch, "whole")
                with fs.LocalFileSystem().open_output_stream(str(whole)) as file:
                    yield file
                with _gone_on_error(filesystem, path):
                    _upload(whole, filesystem, path)
            return
        folder, _, name = path.rpartition("/")
        filesystem.create_dir(folder)
        part = f"{folder}/.{secrets.token_hex(8)}{_UNFINISHED}"
        with _gone_on_error(filesystem, part):
            with filesystem.open_output_stream(part) as file:
                yield file
            filesystem.move(part, f"{folder}/{name}")

    def _read(self, place: str) -> bytes | None:
        filesystem, path = self._path(place)
        try:
            with filesystem.open_input_stream(path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def _opened(self, table: str, kind: str, name: str) -> Any:
        filesystem, path = self._path(_place(table, kind, name))
        return filesystem.open_input_file(path)

    def _names(self, table: str, kind: str) -> set[str]:
        """Return the names of the parts that have a file of this table."""
        names = self._listed(table, kind)
        return {name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)}

    def _listed(self, table: str, kind: str) -> list[str]:
        filesystem, path = self._path(f"{table}/kind={kind}")
        found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return [info.base_name for info in found]

    def _remove_unfinished(self, table: str, kind: str) -> None:
        for name in self._listed(table, kind):
            if name.startswith(".") and name.endswith(_UNFINISHED):
                filesystem, path = self._path(f"{table}/kind={kind}/{name}")
                filesystem.delete_file(path)

    def _remove(self, table: str, kind: str, name: str) -> None:
        filesystem, path = self._path(_place(table, kind, name))
        with suppress(FileNotFoundError):
            filesystem.delete_file(path)

    def _is_there(self, place: str) -> bool:
        filesystem, path = self._path(place)
        return bool(filesystem.get_file_info(path).type != fs.FileType.NotFound)

    def _path(self, place: str) -> tuple[fs.FileSystem, str]:
        return opened(f"{self.address}/{place}")


def _upload(file: Path, filesystem: fs.FileSystem, path: str) -> None:
    with file.open("rb") as source, filesystem.open_output_stream(path) as target:
        copyfileobj(source, target, _COPIED_BYTES)


@contextmanager
def _gone_on_error(filesystem: fs.FileSystem, path: str) -> Iterator[None]:
    """Remove a file where the ``with`` ends by an error."""
    try:
        yield
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            filesystem.delete_file(path)
        raise


def groups_of(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield the small parts of one kind that together make a large one, two of them at least."""
    groups: dict[str, list[Part]] = {kind: [] for kind in KINDS}
    for part in parts:
        group = groups[part.kind]
        if _is_large([part]):
            continue
        group.append(part)
        if _is_large(group):
            if len(group) > 1:
                yield group
            groups[part.kind] = []
    yield from (group for group in groups.values() if len(group) > 1)


def _is_large(parts: Sequence[Part]) -> bool:
    return (
        sum(part.files for part in parts) >= _JOINED_FILES
        or sum(part.faces for part in parts) >= _JOINED_FACES
    )


def _place(table: str, kind: str, name: str) -> str:
    return f"{table}/kind={kind}/{name}{_ENDING}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
