"""Command line: ``python -m train COMMAND``."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.errors import FerError
from train.cli.campaign import add_campaign
from train.cli.exploring import add_exploring
from train.cli.options import (
    SPLITS,
    add_data,
    add_framed,
    add_models_dir,
    add_votes,
    folder_name,
    framings,
    load,
    models_dir,
    positive,
    votes,
)
from train.errors import CheckpointError, TrainError

if TYPE_CHECKING:
    from train.cli.options import Commands

# Keras, OpenCV and LiteRT take seconds to import: every command imports what it needs.
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(ROOT / name for name in ("README.md", "docs/MODEL_CARD.md", "docs/TRAINING.md"))
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Returns:
        The exit status: 0; 1 if a check found faults; 2 for bad use, files or data; 130 if
        interrupted.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except (TrainError, FerError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nInterrupted.{_how_to_resume(options)}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_making(commands)
    _add_measuring(commands)
    add_campaign(commands)
    add_exploring(commands)
    return parser


def _add_making(commands: Commands) -> None:
    command = commands.add_parser("frame", help="frame training pictures as the app does")
    add_data(command)
    command.add_argument("--detector", choices=("yunet", "haar"), required=True)
    command.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    command.set_defaults(run=_frame)

    command = commands.add_parser("fit", help="train a network")
    command.add_argument("config", type=Path, metavar="CONFIG", help="a file of train/configs")
    add_data(command)
    add_votes(command)
    add_framed(command)
    command.add_argument(
        "--run", dest="run_dir", type=Path, metavar="DIR", help="default runs/CONFIG"
    )
    command.add_argument("--resume", action="store_true", help="go on behind the last epoch")
    command.add_argument("--stop-after-epoch", type=positive, metavar="N")
    command.set_defaults(run=_fit)

    command = commands.add_parser("ablate", help="measure what changes of the recipe are worth")
    command.add_argument("plan", type=Path, metavar="PLAN", help="a file of train/plans")
    add_data(command)
    add_votes(command)
    command.add_argument(
        "--run", dest="run_dir", type=Path, metavar="DIR", help="default runs/PLAN; goes on there"
    )
    command.add_argument("--seed", type=int, metavar="N", help="only this one of the plan's")
    command.add_argument(
        "--save", action="store_true", help="store for the documents, in assets/training"
    )
    command.set_defaults(run=_ablate)

    command = commands.add_parser("export", help="make a finished run a model of the app")
    command.add_argument("run_dir", type=Path, metavar="RUN", help="folder of the run")
    command.add_argument("--name", type=folder_name, help="default: the name of its classes")
    add_models_dir(command)
    command.set_defaults(run=_export)

    command = commands.add_parser("calibrate", help="fit the temperature of the probabilities")
    command.add_argument("name", metavar="NAME", help="name of the model")
    add_data(command)
    add_models_dir(command)
    command.set_defaults(run=_calibrate)

    command = commands.add_parser("augmentations", help="draw varied training pictures")
    command.add_argument("config", type=Path, metavar="CONFIG", help="a file of train/configs")
    add_data(command)
    command.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    command.set_defaults(run=_augmentations)


def _add_measuring(commands: Commands) -> None:
    command = commands.add_parser("evaluate", help="measure a model")
    command.add_argument("name", metavar="NAME", help="name of the model")
    add_data(command)
    command.add_argument("--split", choices=SPLITS, help="default: all, with all views")
    command.add_argument(
        "--views",
        choices=("one", "flip", "crops", "accurate"),
        default="one",
        help="average the mirror image too, or ten crops, or those of both networks",
    )
    command.add_argument(
        "--stored", action="store_true", help="without --split: take what `explore` stored"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--save", action="store_true", help="store in the model's metrics.json")
    add_models_dir(command)
    command.set_defaults(run=_evaluate)

    command = commands.add_parser("check-data", help="count the pictures of FER-2013")
    command.add_argument("data", type=Path, metavar="PATH", help="as --data of the others")
    command.set_defaults(run=_check_data)

    command = commands.add_parser("card", help="renew the tables of figures in the documents")
    command.add_argument("documents", nargs="*", type=Path, metavar="FILE", default=DOCUMENTS)
    command.add_argument("--check", action="store_true", help="only say whether they are current")
    add_models_dir(command)
    command.set_defaults(run=_card)


def _how_to_resume(options: argparse.Namespace) -> str:
    if options.run is not _fit:
        return ""
    command = ["python", "-m", "train", "fit", options.config, "--data", options.data]
    command += ["--votes", options.votes] if options.votes else []
    command += ["--framed", *options.framed] if options.framed else []
    command += ["--run", _run_dir(options), "--resume"]
    return f" Go on with: {shlex.join(map(str, command))}"


def _run_dir(options: argparse.Namespace) -> Path:
    named: Path | None = options.run_dir
    return named or Path("runs", options.config.stem)


def _frame(options: argparse.Namespace) -> int:
    from fer_core.detection import load_detector
    from train.data.fer2013 import TRAINING
    from train.data.framing import write_framings

    training = load(options.data).split(TRAINING)
    found = write_framings(training, load_detector(options.detector), options.out)
    print(f"Faces found in {found:,} of {len(training):,} pictures: {options.out}.")
    return 0


def _fit(options: argparse.Namespace) -> int:
    from train.training.config import load_config
    from train.training.fit import CHECKPOINT_FILE, fit

    config = load_config(options.config)
    run_dir = _run_dir(options)
    if (run_dir / CHECKPOINT_FILE).exists() and not options.resume:
        raise CheckpointError(
            f"{run_dir} holds a run already: go on with --resume, or name another --run."
        )
    model = fit(
        config,
        load(options.data),
        run_dir,
        votes=votes(options),
        framings=framings(options),
        resume=options.resume,
        stop_after_epoch=options.stop_after_epoch,
    )
    logger.info(
        "The trained network is %s." if model else "Stopped.%s", model or _how_to_resume(options)
    )
    return 0


def _ablate(options: argparse.Namespace) -> int:
    from train.evaluation.trials import as_table, save_trials
    from train.training.ablation import load_plan, run_plan

    plan = load_plan(options.plan)
    if options.seed is not None:
        plan = plan.with_seed(options.seed)
    run_dir = options.run_dir or Path("runs", options.plan.stem)
    trials = run_plan(plan, load(options.data), run_dir, votes(options))
    print(as_table(trials))
    if options.save:
        logger.info("Stored in %s.", save_trials(trials, options.plan.stem))
    return 0


def _export(options: argparse.Namespace) -> int:
    from train.training.export import export_model

    folder = export_model(options.run_dir, models_dir(options), options.name)
    print(f"{folder} is ready; calibrate and evaluate it next.")
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from train.training.calibrate import calibrate

    result = calibrate(options.name, load(options.data), models_dir(options))
    print(f"Temperature {result.temperature:.4f}, fitted on {result.calibrated_on}.")
    before, after = result.confidence_loss
    print(f"Log loss of the confidence {before:.4f} before, {after:.4f} after.")
    print(f"Calibration error {result.ece[0]:.4f} before, {result.ece[1]:.4f} after.")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from fer_core.tta import ONE_VIEW
    from train.evaluation.evaluate import evaluate, evaluate_all, save_evaluation
    from train.evaluation.reports import as_line, as_text
    from train.evaluation.storage import read_predictions

    dataset, folder = load(options.data), models_dir(options)
    if options.split is None:
        stored = read_predictions(folder / options.name) if options.stored else None
        results = evaluate_all(options.name, dataset, folder, stored)
        for result in results:
            print(json.dumps(asdict(result)) if options.json else as_line(result))
            if options.save:
                save_evaluation(result, folder)
        return 0
    views = ONE_VIEW if options.views == "one" else options.views
    result = evaluate(options.name, dataset, options.split, folder, views)
    print(json.dumps(asdict(result)) if options.json else as_text(result))
    if options.save:
        logger.info("Stored in %s.", save_evaluation(result, folder))
    return 0


def _augmentations(options: argparse.Namespace) -> int:
    from train.data.fer2013 import TRAINING
    from train.training.augment import write_sheet
    from train.training.config import load_config

    config = load_config(options.config)
    training = load(options.data).split(TRAINING).as_classes(config.class_set)
    write_sheet(training, config.augmentation, config.seed, options.out)
    print(f"Wrote {options.out}: a row a class, the original first.")
    return 0


def _check_data(options: argparse.Namespace) -> int:
    from train.data.fer2013 import count_faults, counts_table, load_fer2013

    dataset = load_fer2013(options.data)
    faults = count_faults(dataset)
    print(counts_table(dataset))
    print("\n".join(faults) or "This is the whole FER-2013.")
    return 1 if faults else 0


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
