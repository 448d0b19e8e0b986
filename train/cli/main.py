"""Command line: ``python -m train COMMAND``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from fer_core.errors import FerError
from train.cli.campaign import add_campaign
from train.cli.exploring import add_exploring
from train.cli.making import add_making, how_to_resume
from train.cli.measuring import add_measuring
from train.errors import TrainError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

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
        print(f"\nInterrupted.{how_to_resume(options)}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_making(commands)
    add_measuring(commands)
    add_campaign(commands)
    add_exploring(commands)
    return parser
