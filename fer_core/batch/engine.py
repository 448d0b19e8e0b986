"""The engine: Ray Data, on the cores of this machine or of a cluster.

A reading task streams the plan, unit by unit and no faster than it is worked off; actors of one
core each work on the units, write their parts themselves, and hand on what became of each unit in
a few words. So neither the driver nor Ray's object store holds more than a few units at a time.
Units that are lost with a node are done again, and write the same parts.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fer_core.batch.ledger import units_in
from fer_core.batch.units import Job, Tally, UnitReader
from fer_core.budget import core_limit
from fer_core.errors import ClusterError, FerError

if TYPE_CHECKING:
    from ray.data import Datasource

logger = logging.getLogger(__name__)

# All that goes through it are names of files; Ray wants this much at least.
_STORE_BYTES = 100 << 20
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to its makers
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Of its C++ part, which writes on standard error what need not worry anybody.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
_PATIENCE_S = 5
# A socket's path in there may have 107 characters, and most of them are Ray's.
_MAX_FOLDER_CHARS = 40


@contextmanager
def cluster(address: str, processes: int | None = None) -> Iterator[int]:
    """Join a Ray cluster, or start one on this machine, and leave it in the end.

    Args:
        address: "local" for one that is started here; "auto" for the one that runs on this machine
            or that ``RAY_ADDRESS`` names, else a local one; or a cluster's address.
        processes: Cores of a local one; None for all that this process may use.

    Yields:
        How many cores it has.

    Raises:
        ClusterError: There is no cluster at the address, or none can be started.
    """
    os.environ.update(_QUIET)
    import ray

    options: dict[str, Any] = {
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "configure_logging": True,
    }
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    folder = None
    if ray.is_initialized():  # by whoever calls, who will also leave it
        yield _cores(ray)
        return
    worker: Any = import_module("ray._private.worker")
    worker.print_to_stdstream = _note
    try:
        if running := _running(address):
            _join(ray, running, options)
        else:
            folder = _folder()
            _start(ray, folder, processes, options)
        # Ray sets handlers of its own, after which the program would not end as it should.
        with suppress(ValueError):  # in another thread than the main one
            for name, handler in handlers.items():
                signal.signal(name, handler)
        yield _cores(ray)
    finally:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _note(said: dict[str, Any], ignore_prefix: bool = False) -> None:
    """Take what Ray's processes tell the driver: Ray has it on standard output, among results."""
    for line in said["lines"]:
        logger.debug("%s: %s", said["pid"], line)


def _running(address: str) -> str | None:
    """Return the address of a cluster to join, or None where a local one is to be started."""
    if address != "auto":
        return None if address == "local" else address
    if named := os.environ.get("RAY_ADDRESS"):
        return named
    from ray._private.services import find_bootstrap_address

    # Ray's own "auto" would take any Ray on this machine, such as the private one of another run.
    latest = find_bootstrap_address(None)
    return latest if latest and _answers(latest) else None


def _answers(address: str) -> bool:
    """Return whether somebody listens at an address; for Ray it takes minutes to find out."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _join(ray: Any, address: str, options: dict[str, Any]) -> None:
    if not _answers(address):
        raise ClusterError(f"There is no Ray cluster at {address}: nobody answers there.")
    try:
        with _standard_error_muted():
            ray.init(address, **options)
    except Exception as error:  # Ray's are of many classes
        raise ClusterError(f"There is no Ray cluster at {address}: {_reason(error)}.") from error


def _start(ray: Any, folder: str, processes: int | None, options: dict[str, Any]) -> None:
    """Start a cluster of this machine alone."""
    try:
        with _standard_error_muted():
            ray.init(
                "local",
                num_cpus=processes or core_limit(),
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                _temp_dir=folder,
                **options,
            )
    except Exception as error:  # Ray's are of many classes
        raise ClusterError(f"Ray cannot be started: {_reason(error)}.") from error


@contextmanager
def _standard_error_muted() -> Iterator[None]:
    """Keep native code from writing on standard error; what goes wrong is raised as well."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _reason(error: Exception) -> str:
    """Return the first sentence of what Ray says, which can be pages."""
    text = " ".join((str(error).strip() or type(error).__name__).split("\n", 1)[0].split())
    return text.split(". ", 1)[0].rstrip(".")


def _folder() -> str:
    """Return a new folder for what Ray writes, which would else stay when it ends."""
    parent = tempfile.gettempdir()
    if len(parent) > _MAX_FOLDER_CHARS:
        parent = "/tmp"
    return tempfile.mkdtemp(prefix="fer-", dir=parent)


def _cores(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def cores_of_a_machine() -> int:
    """Return the number of cores of the largest machine of the cluster that was joined."""
    import ray

    cpus = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    return max(1, *map(int, cpus))


def read_units(job: Job, ledger: Path, processes: int) -> Iterator[Tally]:
    """Read all units of a plan, on the cluster that was joined.

    Args:
        job: What to do with them.
        ledger: The file with the plan, on this machine.
        processes: How many actors read at once.

    Yields:
        What became of each unit, in the order in which they are done.

    Raises:
        ClusterError: The cluster is lost, or cannot do it.
        FerError: The detector or the network cannot be loaded.
        OSError: The results cannot be written.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A block each, so that every unit is a task of its own.
    context.target_max_block_size = 1
    # As soon as all are busy, another one is welcome: a machine may have come.
    context.autoscaling_config.actor_pool_util_upscaling_threshold = 1.0
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    results = ray.data.read_datasource(
        _plan_source(ledger), num_cpus=0, override_num_blocks=1
    ).map_batches(
        _Actor,
        fn_constructor_args=(pickle.dumps(job),),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
        compute=ActorPoolStrategy(
            min_size=1,
            max_size=processes,
            initial_size=min(processes, _cores(ray)),
            max_tasks_in_flight_per_actor=1,
        ),
    )
    try:
        for batch in results.iter_batches(
            batch_size=None, batch_format="pyarrow", prefetch_batches=0
        ):
            for content in batch["tally"].to_pylist():
                answer = pickle.loads(content)
                if isinstance(answer, Exception):
                    raise answer
                yield answer
    except ray.exceptions.RayError as error:
        raise ClusterError(f"Ray could not do its work: {_reason(error)}.") from error


def _plan_source(ledger: Path) -> Datasource:
    """Return what streams a plan into Ray Data."""
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    class Plan(Datasource):
        # The ledger is a file of the driver's machine.
        supports_distributed_reads = False

        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[ReadTask]:
            def read() -> Iterator[pa.Table]:
                for unit in units_in(ledger):
                    yield pa.table({"unit": pa.array([pickle.dumps(unit)], pa.binary())})

            nothing = BlockMetadata(
                num_rows=None, size_bytes=None, input_files=None, exec_stats=None
            )
            return [ReadTask(read, nothing)]

    return Plan()


class _Actor:
    """Reads units, on one core."""

    def __init__(self, job: bytes) -> None:
        self._reader = UnitReader(pickle.loads(job))

    def __call__(self, batch: pa.Table) -> pa.Table:
        answers: list[Any] = []
        for content in batch["unit"].to_pylist():
            try:
                answers.append(self._reader.read(pickle.loads(content)))
            except (FerError, OSError) as error:
                # As it is: Ray would wrap it in a trace.
                answers.append(error)
        return pa.table({"tally": pa.array([pickle.dumps(a) for a in answers], pa.binary())})
