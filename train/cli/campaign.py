"""The commands ``campaign pack`` and ``campaign run``."""

from __future__ import annotations

import argparse
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

from train.cli.options import add_data, load
from train.errors import ConfigError

if TYPE_CHECKING:
    from train.cli.options import Commands

logger = logging.getLogger(__name__)


def add_campaign(commands: Commands) -> None:
    """Add the command ``campaign`` with its own commands."""
    campaign = commands.add_parser(
        "campaign", help="train several networks one after the other on a graphics card"
    )
    steps = campaign.add_subparsers(required=True, metavar="STEP")

    command = steps.add_parser("pack", help="write what a campaign learns from into one file")
    add_data(command)
    command.add_argument(
        "--votes", type=Path, required=True, metavar="CSV", help="FER+'s votes: ferplus.csv"
    )
    command.add_argument(
        "--framed",
        action="store_true",
        help="find the face in every training picture, with YuNet, and pack how the app frames it",
    )
    command.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    command.set_defaults(run=_pack)

    command = steps.add_parser("run", help="train the networks; needs PyTorch, and no TensorFlow")
    command.add_argument(
        "campaign", type=Path, metavar="CAMPAIGN", help="a file of train/campaigns"
    )
    command.add_argument(
        "--packed", type=Path, required=True, metavar="FILE.npz", help="what `pack` wrote"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="where the networks go; those that are there are not trained again",
    )
    command.add_argument(
        "--seconds", type=_seconds, metavar="S", help="time for all; default: the file's epochs"
    )
    command.add_argument("--only", nargs="+", metavar="NAME", help="train these networks only")
    command.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="default: cuda")
    command.set_defaults(run=_run)


def _seconds(text: str) -> float:
    """Read a time of more than 0 seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time of more than 0 seconds")
    return seconds


def _pack(options: argparse.Namespace) -> int:
    from train.data.ferplus import read_votes
    from train.training.campaign_data import pack_campaign_data

    votes = read_votes(options.votes)
    dataset = load(options.data)
    framings = None
    if options.framed:
        from fer_core.detection import load_detector
        from train.data.fer2013 import TRAINING
        from train.data.framing import framing_matrices

        framings = framing_matrices(dataset.split(TRAINING), load_detector("yunet"))
    count = pack_campaign_data(options.out, dataset, options.data, votes, framings)
    size = options.out.stat().st_size / 1e6
    print(f"{options.out} has {count:,} pictures in {size:.1f} MB.")
    return 0


def _run(options: argparse.Namespace) -> int:
    from train.training.campaign_config import load_campaign
    from train.training.campaign_data import read_campaign_data

    try:
        from train.training.campaign import run_campaign
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError("A campaign needs PyTorch, which is not installed.") from error

    campaign = load_campaign(options.campaign)
    left = run_campaign(
        campaign,
        read_campaign_data(options.packed, campaign.held_out, campaign.split_seed),
        options.out,
        options.device,
        seconds=options.seconds,
        only=options.only,
    )
    if left:
        logger.warning("The time was over before %s; run it again for these.", ", ".join(left))
    print(f"The trained networks are in {options.out}.")
    return 0
