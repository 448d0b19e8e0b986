"""The work on one unit of a plan: its inputs are read, and its part of the data set is written."""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import pyarrow as pa

from fer_core.batch.dataset import Dataset
from fer_core.batch.findings import Finding, failed
from fer_core.batch.plan import AS_A_WHOLE, Input, Part, PiecedVideo, Unit, VideoPiece
from fer_core.batch.schema import ERRORS, FACES, FAILED, FILES, READ, SKIPPED
from fer_core.errors import SetAside, StoreUnreachable
from fer_core.workers import Worker

# So many files in a row that no store could be asked for; waiting for each of the others in vain
# would take days.
_MOST_UNREACHED = 3
_SPENT = "<d"  # before what is kept of a piece: the seconds that it took


@dataclass(frozen=True, slots=True)
class Job:
    """What every process of a run needs to know; can be pickled.

    Attributes:
        dataset: Where the rows go.
        reader: Makes what reads the inputs, from ``fer_core.workers.packed``.
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
        part: The part that has its rows; without rows where other pieces are still to be read.
        read: Inputs that were read.
        failed: Inputs that failed.
        skipped: Inputs that were skipped.
        size_bytes: Sizes of all its inputs together, or a piece's share of it.
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

    def without_rows(self) -> Tally:
        """Return the same work, whose rows have been told of before."""
        return Tally(replace(self.part, files=0, faces=0), 0, 0, 0, self.size_bytes, self.spent_s)


class UnitReader:
    """Reads units one after the other; a context manager."""

    def __init__(self, job: Job) -> None:
        """Prepare; nothing is loaded before the first unit."""
        self._job = job
        self._worker = Worker(job.reader, job.processes, cores=1)
        self._unreached = 0

    def __enter__(self) -> UnitReader:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.close()

    def read(self, unit: Unit) -> Tally:
        """Read a unit's inputs and write its part, in place of what an earlier attempt wrote.

        Of a video in pieces one piece is read; who finds that all are there writes the part.

        Raises:
            FerError: The detector or the network cannot be loaded.
            OSError: The part cannot be written.
            StoreUnreachable: The store of the inputs does not answer any more.
        """
        if unit.pieces > 1:
            return self._read_piece(unit)
        began = time.perf_counter()
        findings = [self._read(item, item) for item in unit.inputs]
        return self._write(unit, findings, time.perf_counter() - began)

    def _read_piece(self, unit: Unit) -> Tally:
        dataset, name = self._job.dataset, self._name(unit)
        if dataset.is_written(name, unit.kind):  # and this is done once more, after a loss
            return self._tally(unit, dataset.files_of(name, unit.kind), 0.0)
        (item,) = unit.inputs
        names = [f"{name}-{number}" for number in range(unit.pieces)]
        began = time.perf_counter()
        sizes = dataset.kept_sizes()
        reading = AS_A_WHOLE
        if all(sizes.get(name) != len(AS_A_WHOLE) + struct.calcsize(_SPENT) for name in names):
            with suppress(SetAside):
                reading, _ = self._worker.ask(VideoPiece(item, unit.piece, unit.pieces))
        spent_s = time.perf_counter() - began
        if dataset.is_open(self._job.run):
            dataset.keep(names[unit.piece], struct.pack(_SPENT, spent_s) + reading)
        kept = []
        if dataset.kept_sizes().keys() >= set(names):
            kept = [content for name in names if (content := dataset.kept(name)) is not None]
        if len(kept) < unit.pieces:
            return self._tally(unit, [], spent_s)
        readings = tuple(content[struct.calcsize(_SPENT) :] for content in kept)
        finding = self._read(item, item if AS_A_WHOLE in readings else PiecedVideo(item, readings))
        finding.file["spent_s"] += sum(struct.unpack_from(_SPENT, content)[0] for content in kept)
        tally = self._write(unit, [finding], time.perf_counter() - began)
        for name in names:
            dataset.drop_kept(name)
        return tally

    def _read(self, item: Input, question: Input | PiecedVideo) -> Finding:
        try:
            answer, tries = self._worker.ask(question)
        except SetAside as error:
            return failed(item, type(error).__name__, str(error), error.said, error.tries)
        finding: Finding = answer
        is_unreached = finding.error and finding.error["error"] == StoreUnreachable.__name__
        self._unreached = self._unreached + 1 if is_unreached else 0
        if self._unreached == _MOST_UNREACHED:
            raise StoreUnreachable(f"{item.address}: {finding.file['reason']}")
        return replace(finding, file=finding.file | {"tries": tries})

    def _write(self, unit: Unit, findings: Sequence[Finding], spent_s: float) -> Tally:
        schemas = self._job.dataset.schemas()
        files = [found.file for found in findings]
        errors = [found.error for found in findings if found.error]
        rows = list[dict[str, Any]]()
        tables = [schemas[FACES].empty_table()]
        for found in findings:
            if isinstance(found.faces, pa.Table):
                tables.append(found.faces)
            else:
                rows += found.faces
        tables.append(pa.Table.from_pylist(rows, schemas[FACES]))
        if self._job.dataset.is_open(self._job.run):
            self._job.dataset.write(
                self._name(unit),
                unit.kind,
                {
                    FACES: pa.concat_tables(tables),
                    ERRORS: pa.Table.from_pylist(errors, schemas[ERRORS]),
                    FILES: pa.Table.from_pylist(files, schemas[FILES]),
                },
            )
        return self._tally(unit, files, spent_s)

    def _name(self, unit: Unit) -> str:
        return f"{self._job.run}-{unit.number:07}"

    def _tally(self, unit: Unit, files: Sequence[dict[str, Any]], spent_s: float) -> Tally:
        """Return what to tell; ``files`` are the rows of a part, of which there is none yet."""
        counts = Counter(row["status"] for row in files)
        faces = sum(row.get("faces") or 0 for row in files)
        return Tally(
            Part(self._name(unit), unit.kind, len(files), faces),
            counts[READ],
            counts[FAILED],
            counts[SKIPPED],
            sum(item.size_bytes for item in unit.inputs) // unit.pieces,
            spent_s,
            [(row["path"], row["reason"]) for row in files if row["status"] == FAILED],
        )
