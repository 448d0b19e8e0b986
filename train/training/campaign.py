"""A campaign: networks trained one after the other on one device, teachers before students."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import torch

from train.data.ferplus import EXPRESSIONS
from train.errors import CheckpointError, ConfigError
from train.training.campaign_config import CampaignConfig, MemberConfig
from train.training.campaign_data import CampaignData, CampaignPart
from train.training.device_answers import answers_of, evaluate_on, scores_of, taught_pictures
from train.training.device_fit import fit_member
from train.training.device_pictures import DevicePictures, pictures_on
from train.training.member_files import MemberRecord, read_weights, weights_file, write_member
from train.training.torch_network import TorchNetwork

logger = logging.getLogger(__name__)


def run_campaign(
    campaign: CampaignConfig,
    data: CampaignData,
    folder: Path,
    device_name: str,
    *,
    seconds: float | None = None,
    only: Collection[str] | None = None,
) -> list[str]:
    """Train the networks of a campaign, and write each as soon as it is done.

    Args:
        campaign: Which networks.
        data: What they learn from and are watched on.
        folder: Where ``<name>.npz`` and ``<name>.json`` go; made if missing. A network that is
            there already is not trained again.
        device_name: "cuda" or "cpu".
        seconds: Time for those that are not there yet, shared out among them by their ``share``.
            Once it is over no further one is begun.
        only: Names of the networks to train; None for all.

    Returns:
        The names of those whose time did not come.

    Raises:
        CheckpointError: A network in the folder is damaged or has another architecture.
        ConfigError: There is no such device, no such network, or an architecture that cannot be
            trained here; or one to train needs another that is neither there nor trained before.
        DataError: The data have too few pictures.
    """
    if device_name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("PyTorch finds no CUDA graphics card: train on --device cpu.")
    device = torch.device(device_name)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
    waiting = _members_to_train(campaign, folder, only)
    _check_framings(waiting, data)
    # All of them before the first is trained: what is wrong with the last should not cost hours.
    networks = {member.name: _network_of(member, folder, device) for member in campaign.members}
    folder.mkdir(parents=True, exist_ok=True)
    students = _Students(campaign, networks)
    deadline = None if seconds is None else time.monotonic() + seconds
    while waiting:
        member = waiting[0]
        started = time.monotonic()
        end = None
        if deadline is not None:
            if started >= deadline:
                break
            share = member.share / sum(other.share for other in waiting)
            end = started + (deadline - started) * share
        torch.manual_seed(member.seed)
        network = networks[member.name]
        if member.start:
            _start_from(networks[member.start], campaign[member.start], network, member)
        pictures = _pictures(member, data.training, device)
        checks = {name: _pictures(member, part, device) for name, part in data.checks.items()}
        if member.teachers:
            pictures = students.pictures_for(member, pictures, checks)
        network, log = fit_member(
            member,
            network,
            pictures,
            checks,
            seconds=None if end is None else end - time.monotonic(),
        )
        scores = {
            name: asdict(evaluate_on(network, check, member.precision))
            for name, check in checks.items()
        }
        record = MemberRecord(
            config=member,
            held_out=campaign.held_out,
            split_seed=campaign.split_seed,
            log=log,
            scores=scores,
        )
        write_member(folder, record, network.keras_weights())
        networks[member.name] = network
        logger.info("%s is done after %.0f s.", member.name, time.monotonic() - started)
        waiting = waiting[1:]
    return [member.name for member in waiting]


class _Students:
    """Pictures that teachers answered; the last ones are kept, for the next student of them."""

    def __init__(self, campaign: CampaignConfig, networks: dict[str, TorchNetwork]) -> None:
        self._campaign, self._networks = campaign, networks
        self._lesson: tuple[object, ...] = ()
        self._taught: DevicePictures | None = None

    def pictures_for(
        self, member: MemberConfig, pictures: DevicePictures, checks: dict[str, DevicePictures]
    ) -> DevicePictures:
        """Return pictures with what a member's teachers answer; logs how good these are."""
        lesson = (
            member.teachers,
            member.classes,
            member.teacher_weight,
            member.taught_variations,
            member.augmentation,
            member.framed_share,
            member.precision,
        )
        if self._taught is None or lesson != self._lesson:
            # Before the next are made: two of them may not fit on the card.
            self._taught = None
            teachers = [self._networks[name] for name in member.teachers]
            known = self._campaign[member.teachers[0]]
            if known.classes == member.classes:
                for name, check in checks.items():
                    answers = answers_of(teachers, check.faces[0], member.precision)
                    logger.info("The teachers on %s: %s", name, scores_of(answers, check))
            self._taught = taught_pictures(teachers, pictures, member, _columns(known, member))
            self._lesson = lesson
        return self._taught


def _members_to_train(
    campaign: CampaignConfig, folder: Path, only: Collection[str] | None
) -> tuple[MemberConfig, ...]:
    """Return the members that are chosen and not there yet.

    Raises:
        ConfigError: A chosen name is unknown, or a member needs one that will not be there.
    """
    names = [member.name for member in campaign.members]
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        raise ConfigError(
            f"The campaign has no {', '.join(unknown)}; its networks are {', '.join(names)}."
        )
    stored = {name for name in names if weights_file(folder, name).exists()}
    waiting = tuple(
        member
        for member in campaign.members
        if member.name not in stored and (only is None or member.name in only)
    )
    ready = stored | {member.name for member in waiting}
    for member in waiting:
        missing = [name for name in member.needs if name not in ready]
        if missing:
            raise ConfigError(
                f"{member.name} needs {', '.join(missing)}, which {folder} does not have."
            )
    return waiting


def _check_framings(members: Collection[MemberConfig], data: CampaignData) -> None:
    """Check that there are framings where a member shows faces in them.

    Raises:
        ConfigError: There are none.
    """
    framed = [member.name for member in members if member.framed_share]
    if framed and not data.training.has_framings:
        raise ConfigError(f"{framed[0]} shows framed faces: pack the data with --framed.")


def _network_of(member: MemberConfig, folder: Path, device: torch.device) -> TorchNetwork:
    """Return a member's network: the trained one if it is in the folder, or a random one.

    Raises:
        CheckpointError: The trained one is damaged or has another architecture.
        ConfigError: Such an architecture cannot be trained here.
    """
    torch.manual_seed(member.seed)
    network = TorchNetwork(member.network, len(member.class_set), len(EXPRESSIONS))
    network.to(device, memory_format=torch.channels_last)
    stored = weights_file(folder, member.name)
    if stored.exists():
        try:
            network.load_keras_weights(read_weights(stored))
        except CheckpointError:
            raise
        except ValueError as error:
            raise CheckpointError(
                f"{stored} is not the {member.name} of this campaign: {error}."
            ) from error
        network.eval()
    return network


def _pictures(member: MemberConfig, part: CampaignPart, device: torch.device) -> DevicePictures:
    return pictures_on(device, part.as_classes(member.class_set))


def _start_from(
    source: TorchNetwork, known: MemberConfig, network: TorchNetwork, member: MemberConfig
) -> None:
    """Give a network the weights of another one, of the labels' outputs those that it has."""
    weights = source.keras_weights()
    columns = _columns(known, member)
    weights["logits/0"] = weights["logits/0"][:, columns]
    weights["logits/1"] = weights["logits/1"][columns]
    network.load_keras_weights(weights)


def _columns(known: MemberConfig, member: MemberConfig) -> list[int]:
    """Return the positions of a member's classes among those of another member."""
    return [known.class_set.labels.index(label) for label in member.class_set.labels]
