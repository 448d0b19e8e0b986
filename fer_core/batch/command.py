"""Command line: ``facial-emotions batch``."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from fer_core.budget import share_arenas
from fer_core.commands import (
    add_jobs_option,
    add_reading_options,
    add_video_options,
    load_classifier,
)
from fer_core.detection import load_detector
from fer_core.extras import require_scale


def add_batch_command(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    batch = commands.add_parser("batch", help="read archives of photos and videos, on all cores")
    batch.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="photo, video, folder or pattern such as '2024/**/*.jpg'; or an address of a store",
    )
    batch.add_argument(
        "--list",
        dest="lists",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="read more inputs from a file, one per line; - for standard input",
    )
    batch.add_argument(
        "--out", required=True, metavar="DIR", help="folder or address of the data set"
    )
    batch.add_argument(
        "--ray",
        default="auto",
        metavar="auto|local|ADDRESS",
        help="the Ray cluster that does the work: one that runs here, else a local one; always a "
        "local one; or the one at an address (default %(default)s)",
    )
    add_jobs_option(batch, "all cores")
    batch.add_argument(
        "--retry-failed", action="store_true", help="also read what failed before, though unchanged"
    )
    add_video_options(batch, " of videos")
    telling = batch.add_mutually_exclusive_group()
    telling.add_argument("--quiet", action="store_true", help="print nothing of the inputs")
    telling.add_argument("--json", action="store_true", help="print progress as JSON lines")
    add_reading_options(batch)
    batch.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    require_scale()
    # What tables took goes back to the system; Arrow's own pool and the C library's many arenas
    # would keep it, the more the longer the run. Arrow reads this when it is imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    share_arenas()
    from fer_core.batch.inputs import names_in
    from fer_core.batch.progress import Bar, JsonLines, Quiet
    from fer_core.batch.reading import InputReader, Settings
    from fer_core.batch.run import dataset_for, run_batch

    if not options.inputs and not options.lists:
        print("Name an input, or a list of them by --list.", file=sys.stderr)
        return 2
    settings = Settings(
        detector=load_detector(options.detector).name,  # what "auto" is today
        classes=options.classes,
        reading=options.reading,
        threshold=options.threshold,
        fps=options.fps,
        smoothing_s=options.smoothing,
    )
    empty = list[str]()

    def say_empty(name: str) -> None:
        empty.append(name)
        print(f"{name}: There are no pictures or videos here.", file=sys.stderr)

    meter, planned = run_batch(
        chain(options.inputs, names_in(options.lists)),
        dataset_for(options.out, settings, load_classifier(options)),
        partial(InputReader, settings),
        ray=options.ray,
        processes=options.jobs,
        again=options.retry_failed,
        make_progress=Quiet if options.quiet else JsonLines if options.json else Bar,
        on_empty=say_empty,
    )
    return 1 if empty or meter.failed or planned.done_failed else 0
