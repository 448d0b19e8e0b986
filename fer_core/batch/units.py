"""The work on one unit of a plan: its inputs are read, and its part of the data set is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pyarrow as pa

from fer_core.batch.dataset import Dataset
from fer_core.batch.plan import Part, Unit
from fer_core.batch.process import ReadingProcess
from fer_core.batch.schema import ERRORS, FACES, FAILED, FILES, READ, SKIPPED


@dataclass(frozen=True, slots=True)
class Job:
    """What every process of a run needs to know; can be pickled.

    Attributes:
        dataset: Where the rows go.
        reader: Makes what reads the inputs, from ``fer_core.batch.process.packed``.
        run: Name of the run, with which those of its parts begin.
        processes: How many processes share a machine.
    """

    dataset: Dataset
    reader: bytes
    run: str
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a unit.

    Attributes:
        part: The part that has its rows.
        read: Inputs that were read.
        failed: Inputs that failed.
        skipped: Inputs that were skipped.
        size_bytes: Sizes of all its inputs together.
        spent_s: Seconds that reading them took.
        failures: Path and sentence of each that failed.
    """

    part: Part
    read: int
    failed: int
    skipped: int
    size_bytes: int
    spent_s: float
    failures: list[tuple[str, str]] = field(default_factory=list)


class UnitReader:
    """Reads units one after the other; a context manager."""

    def __init__(self, job: Job) -> None:
        """Prepare; nothing is loaded before the first unit."""
        self._job = job
        self._process = ReadingProcess(job.reader, job.processes)

    def __enter__(self) -> UnitReader:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.close()

    def read(self, unit: Unit) -> Tally:
        """Read a unit's inputs and write its part, in place of what an earlier attempt wrote.

        Raises:
            FerError: The detector or the network cannot be loaded.
            OSError: The part cannot be written.
        """
        schemas = self._job.dataset.schemas()
        files, errors, rows = list[dict[str, Any]](), list[dict[str, Any]](), list[Any]()
        tables = [schemas[FACES].empty_table()]
        for item in unit.inputs:
            found = self._process.read(item)
            files.append(found.file)
            if found.error:
                errors.append(found.error)
            if isinstance(found.faces, pa.Table):
                tables.append(found.faces)
            else:
                rows += found.faces
        tables.append(pa.Table.from_pylist(rows, schemas[FACES]))
        faces = pa.concat_tables(tables)
        name = f"{self._job.run}-{unit.number:07}"
        if self._job.dataset.is_open(self._job.run):
            self._job.dataset.write(
                name,
                unit.kind,
                {
                    FACES: faces,
                    ERRORS: pa.Table.from_pylist(errors, schemas[ERRORS]),
                    FILES: pa.Table.from_pylist(files, schemas[FILES]),
                },
            )
        counts = Counter(row["status"] for row in files)
        return Tally(
            Part(name, unit.kind, len(files), faces.num_rows),
            counts[READ],
            counts[FAILED],
            counts[SKIPPED],
            sum(item.size_bytes for item in unit.inputs),
            sum(row.get("spent_s", 0.0) for row in files),
            [(row["path"], row["message"]) for row in errors],
        )
