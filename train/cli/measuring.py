"""Commands that measure a model, and put the figures into the documents."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from train.cli.options import (
    SPLITS,
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
from train.errors import ConfigError

if TYPE_CHECKING:
    from train.cli.options import Commands
    from train.evaluation.evaluate import Evaluation, PeopleEvaluation

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(ROOT / name for name in ("README.md", "docs/MODEL_CARD.md", "docs/TRAINING.md"))
logger = logging.getLogger(__name__)


def add_measuring(commands: Commands) -> None:
    """Add ``evaluate``, ``wild``, ``parity`` and ``card``."""
    command = commands.add_parser("evaluate", help="measure a model")
    command.add_argument("name", metavar="NAME", help="name of the model")
    add_data(command)
    command.add_argument("--split", choices=SPLITS, help="default: all, with all views")
    command.add_argument(
        "--views",
        choices=("one", "flip", "crops"),
        default="one",
        help="average the mirror image too, or ten crops",
    )
    command.add_argument(
        "--reading",
        choices=("labels", "people"),
        default="labels",
        help="with --split: against the labels, or against the votes, as it is served",
    )
    add_votes(command)
    command.add_argument(
        "--stored", action="store_true", help="without --split: take what `explore` stored"
    )
    add_audit_dir(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--save", action="store_true", help="store in the model's metrics.json")
    add_models_dir(command)
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("wild", help="measure a model on ordinary photos")
    command.add_argument("name", metavar="NAME", help="name of the model")
    command.add_argument(
        "--pictures",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="labels.csv (picture,emotion,sex) and the folder pictures",
    )
    add_data(command, required=False)
    add_votes(command)
    command.add_argument("--detector", choices=("auto", "yunet", "haar"), default="auto")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--save", action="store_true", help="store in the model's wild.json")
    add_models_dir(command)
    command.set_defaults(run=_wild)

    command = commands.add_parser("parity", help="compare the pipeline with the network alone")
    add_data(command)
    command.add_argument("--model", default="fer7", metavar="NAME")
    command.add_argument("--detector", choices=("auto", "yunet", "haar"), default="auto")
    command.add_argument("--split", choices=("Training", *SPLITS), default="PublicTest")
    command.add_argument("--limit", type=positive, metavar="N", help="pictures to try")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--save", action="store_true", help="store in the model's parity.json")
    add_models_dir(command)
    command.set_defaults(run=_parity)

    command = commands.add_parser("card", help="renew the tables of figures in the documents")
    command.add_argument("documents", nargs="*", type=Path, metavar="FILE", default=DOCUMENTS)
    command.add_argument("--check", action="store_true", help="only say whether they are current")
    add_models_dir(command)
    command.set_defaults(run=_card)


def _evaluate(options: argparse.Namespace) -> int:
    from fer_core.readings import PEOPLE
    from fer_core.tta import ONE_VIEW
    from train.evaluation.evaluate import (
        as_line,
        as_text,
        evaluate,
        evaluate_all,
        evaluate_people,
        people_as_text,
        save_evaluation,
    )
    from train.evaluation.records import Predictions
    from train.evaluation.storage import read_audit, read_record

    dataset, folder = load(options.data), models_dir(options)
    audit, crowd = read_audit(audit_dir(options)), votes(options)
    if options.split is None:
        stored = read_record(folder / options.name, Predictions) if options.stored else None
        for result in evaluate_all(options.name, dataset, folder, stored, votes=crowd, audit=audit):
            print(json.dumps(asdict(result)) if options.json else as_line(result))
            if options.save:
                save_evaluation(result, folder)
        return 0
    measured: Evaluation | PeopleEvaluation
    if options.reading == PEOPLE:
        if crowd is None:
            raise ConfigError("The people's reading is measured on FER+'s votes: name --votes.")
        measured = evaluate_people(options.name, dataset, options.split, folder, crowd)
        text = people_as_text(measured)
    else:
        views = ONE_VIEW if options.views == "one" else options.views
        measured = evaluate(options.name, dataset, options.split, folder, views, audit)
        text = as_text(measured)
    print(json.dumps(asdict(measured)) if options.json else text)
    if options.save:
        logger.info("Stored in %s.", save_evaluation(measured, folder))
    return 0


def _wild(options: argparse.Namespace) -> int:
    from fer_core.detection import load_detector
    from train.evaluation.storage import write_record
    from train.evaluation.wild import as_text, measure_wild, read_wild

    crowd = votes(options)
    if (crowd is None) != (options.data is None):
        raise ConfigError("The agreement with the crowd needs both --data and --votes.")
    result = measure_wild(
        options.name,
        read_wild(options.pictures),
        models_dir(options),
        load_detector(options.detector),
        dataset=None if options.data is None else load(options.data),
        votes=crowd,
    )
    print(json.dumps(asdict(result)) if options.json else as_text(result))
    if options.save:
        logger.info("Stored in %s.", write_record(models_dir(options) / options.name, result))
    return 0


def _parity(options: argparse.Namespace) -> int:
    from fer_core.detection import load_detector
    from train.evaluation.parity import add_parity, as_text, measure_parity

    detector = load_detector(options.detector)
    result = measure_parity(
        options.model,
        load(options.data),
        options.split,
        models_dir(options),
        detector,
        options.limit,
    )
    print(json.dumps(asdict(result)) if options.json else as_text(result))
    if options.save:
        logger.info("Stored in %s.", add_parity(models_dir(options) / options.model, result))
    return 0


def _card(options: argparse.Namespace) -> int:
    from train.evaluation.model_card import tables, update_document

    made = tables(models_dir(options))
    outdated = 0
    for document in options.documents:
        current = update_document(document, made, check=options.check)
        outdated += not current
        changed = "is out of date" if options.check else "is renewed"
        print(f"{document} {'is current' if current else changed}.")
    return 1 if options.check and outdated else 0
