"""One run: what is there, what is named, what is missing, and the reading of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fer_core._version import __version__
from fer_core.batch.dataset import Dataset
from fer_core.batch.engine import cluster, cores_of_a_machine, read_units
from fer_core.batch.inputs import find_inputs
from fer_core.batch.ledger import Ledger
from fer_core.batch.plan import Planned
from fer_core.batch.progress import Meter, Quiet
from fer_core.batch.reading import Settings
from fer_core.batch.stores import is_remote, named_errors, path_of
from fer_core.batch.units import Job
from fer_core.errors import ClusterError, OtherDataset
from fer_core.protocols import FaceReader
from fer_core.reporting.making import making_of
from fer_core.workers import Reader, packed

_LOCK = ".lock"


def dataset_for(folder: str, settings: Settings, classifier: FaceReader) -> Dataset:
    """Return the data set in a folder, to be made as the settings say; nothing is written yet.

    Args:
        folder: A path or an address.
        settings: What the readings depend on; the detector by the name that a loaded one has.
        classifier: What reads the faces.

    Raises:
        StoreError: The address has a password in it.
    """
    making = making_of(classifier, settings.detector, settings.threshold)
    note = {
        "version": __version__,
        "labels": list(making.labels),
        "model": making.model,
        "reading": making.reading,
        "detector": making.detector,
        "checksums": dict(making.checksums),
        "threshold": making.threshold,
        "fps": settings.fps,
        "smoothing_s": settings.smoothing_s,
    }
    return Dataset(folder, note, making.labels)


def run_batch(
    names: Iterable[str],
    dataset: Dataset,
    make_reader: Callable[[], Reader],
    *,
    ray: str = "auto",
    processes: int | None = None,
    again: bool = False,
    make_progress: Callable[[Meter], Quiet] = Quiet,
    on_empty: Callable[[str], object] = lambda _: None,
) -> tuple[Meter, Planned]:
    """Read what is missing in a data set.

    Args:
        names: The inputs, as ``find_inputs`` takes them.
        dataset: Where the rows go.
        make_reader: Makes what reads the inputs; something that can be pickled.
        ray: The cluster, as ``fer_core.batch.engine.cluster`` takes it.
        processes: How many read at once; None for all cores of the cluster.
        again: Whether inputs that failed are tried again.
        make_progress: Makes what looks on.
        on_empty: Called for each name that stands for no input.

    Returns:
        What was done, and what there was to do.

    Raises:
        ClusterError: The cluster cannot be joined or started, or was lost.
        FerError: The detector or the network cannot be loaded.
        OSError: The results cannot be written.
        OtherDataset: What is there was made in another way, or another run writes it.
        StoreError: A store cannot be used.
    """
    with (
        _locked(dataset.address),
        named_errors(dataset.address, OSError),
        _ledger() as (path, ledger),
    ):
        dataset.begin()
        for part, known in dataset.known():
            ledger.have(part)
            ledger.know(known)
        for name in names:
            if not ledger.want(find_inputs([name]), again=again):
                on_empty(name)
        for part, addresses in ledger.outdated():
            ledger.drop(part)
            if rest := dataset.rewrite([part], addresses):
                ledger.have(rest)
        planned = ledger.plan(1)
        if not planned.total:
            progress = make_progress(Meter(planned, 1))
            progress.close(dataset.address)
            return progress.meter, planned
        with cluster(ray, processes) as cores:
            at_once = processes or cores
            planned = ledger.plan(at_once)
            progress = make_progress(Meter(planned, at_once))
            here = min(at_once, cores_of_a_machine())
            job = Job(dataset, packed(make_reader), _name_of_run(), here)
            dataset.open_run(job.run)
            for told in read_units(job, path, at_once):
                # Two may have found that all pieces of a video were there.
                tally = told.without_rows() if ledger.has(told.part) else told
                if tally.part.files:
                    ledger.have(tally.part)
                progress.count(tally)
        if lost := planned.total - progress.meter.done:
            raise ClusterError(
                f"Of {planned.total:,} files, {lost:,} were lost with the processes that read "
                "them; the same command reads them."
            )
        # Not before the cluster is left: whatever Ray still does again there would come too late.
        dataset.finish(ledger.parts())
        progress.close(dataset.address)
        return progress.meter, planned


def _name_of_run() -> str:
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


@contextmanager
def _ledger() -> Iterator[tuple[Path, Ledger]]:
    with TemporaryDirectory(prefix="fer-") as folder:
        path = Path(folder, "ledger.sqlite")
        ledger = Ledger(path)
        try:
            yield path, ledger
        finally:
            ledger.close()


@contextmanager
def _locked(address: str) -> Iterator[None]:
    """Keep other runs of this machine from writing into a folder of it."""
    if is_remote(address):
        yield
        return
    folder = Path(path_of(address))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows
            pass
        except BlockingIOError as error:
            raise OtherDataset(f"Another run is writing into {address}.") from error
        yield
