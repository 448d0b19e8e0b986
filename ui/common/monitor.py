"""What an operator sees: figures for Prometheus, at a port of their own.

They are numbers of this process alone, and never say who a visitor is or what a file is called.
Whatever a figure is about counts it; the figures themselves are all here, so that each of them is
there from the beginning.
"""

from __future__ import annotations

import logging
import os

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, start_http_server

from fer_core.budget import shared_budget

logger = logging.getLogger(__name__)

PORT_VARIABLE, ADDRESS_VARIABLE = "FER_METRICS_PORT", "FER_METRICS_ADDRESS"
_HERE = "127.0.0.1"

# With the process' own: memory, time of the processor, file descriptors.
FIGURES = CollectorRegistry()
ProcessCollector(registry=FIGURES)

PAGES = Gauge("fer_open_pages", "Pages that are open in a browser.", registry=FIGURES)
JOBS = Gauge(
    "fer_jobs", "Pieces of work on videos, by where they stand.", ["state"], registry=FIGURES
)
CAMERAS = Gauge("fer_live_cameras", "Cameras that are read at the moment.", registry=FIGURES)
RESERVED = Gauge(
    "fer_reserved_memory_bytes",
    "Memory that is reserved to decode photos and videos.",
    registry=FIGURES,
)
HELD = Gauge("fer_held_photos_bytes", "Memory that visitors' photos take.", registry=FIGURES)
READ = Counter("fer_readings", "Pictures that were read, by kind.", ["kind"], registry=FIGURES)
ERRORS = Counter(
    "fer_errors",
    "What could not be read, and faults of the app, by the error's name.",
    ["kind"],
    registry=FIGURES,
)
REFUSED = Counter(
    "fer_refusals", "How often a visitor came to a limit, by limit.", ["limit"], registry=FIGURES
)
LIMITS = Gauge(
    "fer_limit",
    "What there may be at most; 0 where there is no limit.",
    ["limit"],
    registry=FIGURES,
)

PHOTOS, VIDEO_FRAMES, LIVE_FRAMES = (READ.labels(kind) for kind in ("photo", "video", "live"))
RESERVED.set_function(lambda: shared_budget().reserved_bytes)
LIMITS.labels("reserved_memory_bytes").set_function(lambda: shared_budget().size_bytes)
RUNNING, WAITING = (JOBS.labels(state) for state in ("running", "waiting"))


def count_error(error: BaseException) -> None:
    """Count an error that a visitor is told of."""
    ERRORS.labels(type(error).__name__).inc()


class ErrorCounter(logging.Handler):
    """Counts what is logged as an error: faults of the app, with the name of the exception."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        error = record.exc_info[1] if record.exc_info else None
        ERRORS.labels("unnamed" if error is None else type(error).__name__).inc()


def serve_figures() -> bool:
    """Answer Prometheus where the environment says so; return whether that is done.

    ``FER_METRICS_PORT`` turns it on. Only this computer is answered, unless
    ``FER_METRICS_ADDRESS`` names another of its addresses.
    """
    port = os.environ.get(PORT_VARIABLE, "").strip()
    if not port:
        return False
    try:
        start_http_server(
            int(port), os.environ.get(ADDRESS_VARIABLE, "").strip() or _HERE, registry=FIGURES
        )
    except (OSError, OverflowError, ValueError):
        logger.exception(
            "The figures for Prometheus cannot be served; see %s and %s.",
            PORT_VARIABLE,
            ADDRESS_VARIABLE,
            extra={"setting": PORT_VARIABLE},
        )
        return False
    return True
