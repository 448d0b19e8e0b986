"""Runs a campaign on a device: ``python -m train.training.campaign CAMPAIGN DATA OUT``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from fer_core.labels import FER7
from train.training.campaign_config import CampaignConfig, MemberConfig, load_campaign
from train.training.campaign_data import CampaignData, read_campaign_data
from train.training.device_fit import (
    DevicePictures,
    answers_of,
    evaluate_on,
    fit_member,
    pictures_on,
    scores_of,
    taught_pictures,
)
from train.training.torch_network import TorchNetwork

logger = logging.getLogger(__name__)
_ANSWERS = 8


def run_campaign(
    campaign: CampaignConfig,
    data: CampaignData,
    out: Path,
    device: torch.device,
    *,
    seconds: float | None = None,
    only: list[str] | None = None,
) -> None:
    """Trains the networks of a campaign and writes each as soon as it is done.

    Args:
        campaign: Which networks.
        data: What they learn from and are watched on.
        out: Where ``<name>.npz`` and ``<name>.json`` go; made if missing. A network that lies
            there already is read, not trained.
        device: Where everything is computed.
        seconds: Time for all, shared out as the campaign says.
        only: Names of the networks to train now; None for all.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline = None if seconds is None else time.monotonic() + seconds
    trained: dict[str, TorchNetwork] = {}
    taught: dict[tuple[object, ...], DevicePictures] = {}
    shares = {m.name: m.share for m in campaign.members if only is None or m.name in only}
    for config in campaign.members:
        network = TorchNetwork(config.network, len(config.class_set), _ANSWERS)
        network = network.to(device, memory_format=torch.channels_last)
        stored = out / f"{config.name}.npz"
        if stored.exists():
            with np.load(stored) as weights:
                network.load_keras_weights(weights)
            trained[config.name] = network.eval()
            continue
        if config.name not in shares:
            continue
        torch.manual_seed(config.seed)
        network = TorchNetwork(config.network, len(config.class_set), _ANSWERS)
        network = network.to(device, memory_format=torch.channels_last)
        if config.start:
            _start_from(trained[config.start], network, config)
        pictures = _pictures(config, data, "training", device)
        checks = {name: _pictures(config, data, name, device) for name in data.check_names}
        left = None if deadline is None else deadline - time.monotonic()
        budget = None if left is None else left * config.share / sum(shares.values())
        started = time.monotonic()
        if config.teachers:
            key = (config.teachers, config.classes, config.teacher_weight)
            if key not in taught:
                columns = [FER7.labels.index(label) for label in config.class_set.labels]
                teachers = [trained[name] for name in config.teachers]
                for name, check in checks.items():
                    if config.classes == "fer7":
                        answers = answers_of(teachers, check.faces[0], 7, config.precision)
                        logger.info("teachers %s %s", name, asdict(scores_of(answers, check)))
                taught = {key: taught_pictures(teachers, pictures, config, columns)}
                logger.info("Taught in %.1f s.", time.monotonic() - started)
            pictures = taught[key]
        budget = None if budget is None else budget - (time.monotonic() - started)
        network, log = fit_member(config, network, pictures, checks, seconds=budget)
        trained[config.name] = network
        del shares[config.name]
        scores = {k: asdict(evaluate_on(network, v, config.precision)) for k, v in checks.items()}
        logger.info("%s DONE in %.0f s: %s", config.name, time.monotonic() - started, scores)
        weights16 = {k: v.astype(np.float16) for k, v in network.keras_weights().items()}
        np.savez(stored, **weights16)
        record = {
            "config": config.model_dump(mode="json"),
            "held_out": campaign.held_out,
            "split_seed": campaign.split_seed,
            "log": log,
            "scores": scores,
        }
        (out / f"{config.name}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _pictures(
    config: MemberConfig, data: CampaignData, part: str, device: torch.device
) -> DevicePictures:
    faces, labels, shares, framings = data.part(part, config.class_set)
    return pictures_on(device, faces, labels, shares, len(config.class_set), framings)


def _start_from(source: TorchNetwork, network: TorchNetwork, config: MemberConfig) -> None:
    """Gives a network the weights of one of seven classes, of the outputs those that it has."""
    weights = source.keras_weights()
    if source.labels.out_features != len(config.class_set):
        columns = [FER7.labels.index(label) for label in config.class_set.labels]
        weights["logits/0"] = weights["logits/0"][:, columns]
        weights["logits/1"] = weights["logits/1"][columns]
    network.load_keras_weights(weights)


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(relativeCreated)8d %(message)s", stream=sys.stdout
    )
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    campaign = load_campaign(options.campaign)
    data = read_campaign_data(options.data, campaign.held_out, campaign.split_seed)
    run_campaign(
        campaign,
        data,
        options.out,
        torch.device(options.device),
        seconds=options.seconds,
        only=options.only,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
