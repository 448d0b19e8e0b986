"""Commands that look into the data set, and into what a model makes of it."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.errors import ModelError
from train.cli.options import (
    add_audit_dir,
    add_data,
    add_models_dir,
    add_votes,
    audit_dir,
    load,
    models_dir,
    positive,
    votes,
)

if TYPE_CHECKING:
    from train.cli.options import Commands
    from train.evaluation.label_issues import LabelIssues
    from train.evaluation.records import Audit

# train.evaluation.explore knows them too, and imports LiteRT; a test compares them.
PARTS = ("predictions", "features", "robustness", "architecture", "crowd")
_SHOWN_ISSUES = 20
logger = logging.getLogger(__name__)


def add_exploring(commands: Commands) -> None:
    """Add ``explore``, ``audit``, ``check-data`` and ``download``."""
    command = commands.add_parser("explore", help="measure all that the pages show of a model")
    command.add_argument("name", metavar="NAME", help="name of the model")
    add_data(command)
    add_votes(command)
    command.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    command.add_argument(
        "--pictures",
        type=positive,
        metavar="N",
        help="pictures of PublicTest to spoil for robustness; default 1200",
    )
    command.add_argument("--threads", type=positive, default=1, metavar="N", help="default 1")
    add_models_dir(command)
    command.set_defaults(run=_explore)

    command = commands.add_parser("audit", help="find duplicates, leaks and doubtful labels")
    add_data(command)
    add_votes(command)
    command.add_argument(
        "--model", default="fer7", metavar="NAME", help="whose stored predictions doubt labels"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--csv", type=Path, metavar="FILE", help="write one row per suspicious picture"
    )
    command.add_argument("--save", action="store_true", help="store it for the pages")
    add_audit_dir(command)
    add_models_dir(command)
    command.set_defaults(run=_audit)

    command = commands.add_parser("check-data", help="count the pictures of FER-2013")
    command.add_argument("data", type=Path, metavar="PATH", help="as --data of the others")
    command.set_defaults(run=_check_data)

    command = commands.add_parser("download", help="fetch FER-2013 from Kaggle")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="where it goes; default: the user's cache"
    )
    command.set_defaults(run=_download)


def _explore(options: argparse.Namespace) -> int:
    from train.evaluation.explore import ROBUSTNESS_PICTURES, explore

    # It warns that it uses the neighbours that it is given.
    logging.getLogger("openTSNE").setLevel(logging.ERROR)
    files = explore(
        options.name,
        load(options.data),
        models_dir(options),
        votes=votes(options),
        only=options.only,
        pictures=options.pictures or ROBUSTNESS_PICTURES,
        num_threads=options.threads,
    )
    for file in files:
        print(f"{file} ({file.stat().st_size:,} bytes)")
    return 0


def _audit(options: argparse.Namespace) -> int:
    from train.evaluation.audit import as_text, audit, write_csv
    from train.evaluation.storage import write_audit

    result = audit(load(options.data), votes(options))
    issues = _label_issues(options, result)
    if options.json:
        found = {"contradicted_labels": len(issues), "likely_wrong_labels": issues.likely}
        print(json.dumps({**asdict(result.summary), **found}))
    else:
        print(as_text(result))
        print(f"\nLabels that the crowd or the model contradicts: {len(issues):,}.")
        print(f"Likely wrong, by a margin of half or more: {issues.likely:,}; the first:")
        for rank, position in enumerate(issues.positions[:_SHOWN_ISSUES]):
            print(
                f"  {result.names[position]}: {result.emotions[position]}, rather "
                f"{issues.suggested[rank]} by the {issues.sources[rank]} "
                f"({issues.margins[rank]:.2f})"
            )
    if options.csv:
        rows = write_csv(result, issues, options.csv)
        logger.info("Wrote %s: %s rows.", options.csv, f"{rows:,}")
    if options.save:
        logger.info("Stored in %s.", write_audit(result, audit_dir(options)))
    return 0


def _label_issues(options: argparse.Namespace, result: Audit) -> LabelIssues:
    from train.evaluation.label_issues import find_label_issues
    from train.evaluation.records import Predictions
    from train.evaluation.storage import read_record

    try:
        predictions = read_record(models_dir(options) / options.model, Predictions)
    except ModelError as error:
        logger.warning("No test picture's label is doubted by a model: %s", error)
        predictions = None
    return find_label_issues(result, predictions)


def _check_data(options: argparse.Namespace) -> int:
    from train.data.fer2013 import count_faults, counts_table, load_fer2013

    dataset = load_fer2013(options.data)
    faults = count_faults(dataset)
    print(counts_table(dataset))
    print("\n".join(faults) or "This is the whole FER-2013.")
    return 1 if faults else 0


def _download(options: argparse.Namespace) -> int:
    from train.data.download import download_fer2013

    print(f"The whole FER-2013 is in {download_fer2013(options.out)}.")
    return 0
