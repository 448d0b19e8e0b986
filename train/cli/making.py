"""Commands that make a network: framing, training, its export and its calibration."""

from __future__ import annotations

import argparse
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from train.cli.options import (
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
from train.errors import CheckpointError

if TYPE_CHECKING:
    from train.cli.options import Commands

logger = logging.getLogger(__name__)


def add_making(commands: Commands) -> None:
    """Add the commands, from ``frame`` to ``augmentations``."""
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
    command.add_argument("--resume", action="store_true", help="go on after the last epoch")
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

    command = commands.add_parser("export", help="make finished runs a model of the app")
    command.add_argument(
        "members",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="folder of a run, or a campaign's .npz; several are served together",
    )
    command.add_argument("--name", type=folder_name, help="default: the name of its classes")
    add_models_dir(command)
    command.set_defaults(run=_export)

    command = commands.add_parser("calibrate", help="fit the temperatures of the probabilities")
    command.add_argument("name", metavar="NAME", help="name of the model")
    command.add_argument(
        "--public-test",
        action="store_true",
        help="fit on PublicTest, not on what the members were watched on (seven classes only)",
    )
    add_data(command)
    add_votes(command)
    add_models_dir(command)
    command.set_defaults(run=_calibrate)

    command = commands.add_parser("mixture", help="say what the people's reading is made of")
    command.add_argument("name", metavar="NAME", help="name of the model")
    command.add_argument(
        "weight",
        type=float,
        metavar="W",
        help="of the people's answers, 0 to 1; the rest is labels",
    )
    add_models_dir(command)
    command.set_defaults(run=_mixture)

    command = commands.add_parser("augmentations", help="draw varied training pictures")
    command.add_argument("config", type=Path, metavar="CONFIG", help="a file of train/configs")
    add_data(command)
    command.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    command.set_defaults(run=_augmentations)


def how_to_resume(options: argparse.Namespace) -> str:
    """Return the sentence that says how an interrupted ``fit`` goes on; "" for other commands."""
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

    config = load_config(options.config)
    # Imports Keras, which a wrong configuration need not wait for.
    from train.training.fit import CHECKPOINT_FILE, fit

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
        "The trained network is %s." if model else "Stopped.%s", model or how_to_resume(options)
    )
    return 0


def _ablate(options: argparse.Namespace) -> int:
    from train.evaluation.trials import as_table, save_trials
    from train.training.plans import load_plan

    plan = load_plan(options.plan)
    if options.seed is not None:
        plan = plan.with_seed(options.seed)
    # Imports Keras, which a wrong plan need not wait for.
    from train.training.ablation import run_plan

    run_dir = options.run_dir or Path("runs", options.plan.stem)
    trials = run_plan(plan, load(options.data), run_dir, votes(options))
    print(as_table(trials))
    if options.save:
        logger.info("Stored in %s.", save_trials(trials, options.plan.stem))
    return 0


def _export(options: argparse.Namespace) -> int:
    from train.training.export import export_model

    folder = export_model(options.members, models_dir(options), options.name)
    print(f"{folder} is ready; calibrate and evaluate it next.")
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from train.training.calibrate import calibrate

    result = calibrate(
        options.name,
        load(options.data),
        models_dir(options),
        votes(options),
        public_test=options.public_test,
    )
    for reading, temperature in result.temperatures.items():
        before, after = result.losses[reading]
        print(
            f"Temperature of the {reading} {temperature:.4f}, fitted on "
            f"{result.calibrated_on[reading]}: log loss {before:.4f} before, {after:.4f} after."
        )
    print(f"Calibration error {result.ece[0]:.4f} before, {result.ece[1]:.4f} after.")
    return 0


def _mixture(options: argparse.Namespace) -> int:
    from train.training.calibrate import set_mixture

    file = set_mixture(options.name, options.weight, models_dir(options))
    print(f"Stored in {file}; explore and evaluate the model again.")
    return 0


def _augmentations(options: argparse.Namespace) -> int:
    from train.data.fer2013 import TRAINING
    from train.training.augment import write_sheet
    from train.training.config import load_config

    config = load_config(options.config)
    training = load(options.data).split(TRAINING).as_classes(config.class_set)
    write_sheet(training, config.augmentation, config.seed, options.out)
    print(f"Wrote {options.out}: one row per class, the original first.")
    return 0
