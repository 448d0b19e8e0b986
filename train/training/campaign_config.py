"""A campaign: networks trained one after the other on a device, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.network_config import Fraction, NetworkConfig, Positive, StrictModel
from train.errors import ConfigError
from train.training.config import AugmentationConfig, NonNegative, OptimizerConfig, Share, merged


class MemberConfig(StrictModel):
    """One network of a campaign.

    Attributes:
        name: Name of its files; letters, digits, "-", "_" and ".", not with a "." first.
        share: Its part of the campaign's time, relative to the other members' parts, when the
            campaign is given a time.
        classes: "fer7" or "fer6".
        epochs: Passes over the training pictures, when the campaign is given no time.
        batch_size: Pictures per step.
        seed: Seed of the weights, the order and the variation of the pictures.
        precision: "bfloat16" computes in it and keeps the weights in float32.
        start: Name of an earlier member whose weights this one starts from.
        teachers: Names of earlier members that this one learns from.
        teacher_weight: Share of the teachers' answers in the targets.
        taught_variations: How many variations of each picture the teachers answer.
        taught_augmentation: How the student's copy of such a variation is varied further.
        crowd_weight: Weight of the crowd's votes in the loss, where the labels have 1.
        framed_share: Share of pictures shown as a detector frames them.
        mix: "mixup" (Zhang et al., 2018, "mixup: Beyond Empirical Risk Minimization"), "cutmix"
            (Yun et al., 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with
            Localizable Features"), or "none".
        mix_alpha: Both parameters of the beta distribution that the mixing share is drawn from.
        mix_probability: Share of the batches that are mixed.
        network: The architecture.
        optimizer: How the weights are updated.
        augmentation: How pictures are varied.
    """

    name: Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    classes: Literal["fer7", "fer6"] = "fer7"
    epochs: Positive = 1
    batch_size: Positive = 256
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    start: str | None = None
    teachers: tuple[str, ...] = ()
    teacher_weight: Share = 0.5
    taught_variations: Positive = 20
    taught_augmentation: AugmentationConfig = AugmentationConfig(flip=True)
    crowd_weight: NonNegative = 1.0
    framed_share: Fraction = 0.0
    mix: Literal["none", "mixup", "cutmix"] = "none"
    mix_alpha: Annotated[float, Field(gt=0)] = 0.2
    mix_probability: Share = 0.5
    network: NetworkConfig
    optimizer: OptimizerConfig = OptimizerConfig()
    augmentation: AugmentationConfig = AugmentationConfig()

    @property
    def class_set(self) -> ClassSet:
        """The emotions that the network tells apart."""
        return CLASS_SETS[self.classes]

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the members that must be trained before this one."""
        return tuple(dict.fromkeys([*self.teachers, *([self.start] if self.start else [])]))

    def rate_at(self, progress: float) -> float:
        """Return the learning rate after a share of all steps, from 0 to 1.

        It rises linearly from 0, then falls to 0 along a cosine.
        """
        optimizer = self.optimizer
        if progress < optimizer.warmup:
            return optimizer.peak_rate * progress / optimizer.warmup
        part = (progress - optimizer.warmup) / (1 - optimizer.warmup)
        return optimizer.peak_rate * 0.5 * (1 + math.cos(math.pi * part))


class CampaignConfig(StrictModel):
    """Networks to train, and the pictures that none of them learns from.

    Attributes:
        held_out: Share of Training that is held out.
        split_seed: Seed of the choice of that part.
        members: The networks in the order of their training.
    """

    held_out: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    split_seed: Annotated[int, Field(ge=0)] = 0
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> CampaignConfig:
        earlier: dict[str, MemberConfig] = {}
        for member in self.members:
            if member.name in earlier:
                raise ValueError(f"two members are named {member.name}")
            _check_needs(member, earlier)
            earlier[member.name] = member
        return self

    def __getitem__(self, name: str) -> MemberConfig:
        """Return the member of a name.

        Raises:
            KeyError: There is none.
        """
        return {member.name: member for member in self.members}[name]


def _check_needs(member: MemberConfig, earlier: Mapping[str, MemberConfig]) -> None:
    """Check that a member can learn and start from those that it names.

    Raises:
        ValueError: One of them does not come before it, or does not fit.
    """
    missing = [name for name in member.needs if name not in earlier]
    if missing:
        raise ValueError(f"{member.name} needs {', '.join(missing)} before it")
    for name in member.needs:
        if not set(member.class_set.labels) <= set(earlier[name].class_set.labels):
            raise ValueError(f"{member.name} has classes that {name} lacks")
    if len({earlier[name].classes for name in member.teachers}) > 1:
        raise ValueError(f"the teachers of {member.name} have different classes")
    if member.start and _layers(earlier[member.start]) != _layers(member):
        raise ValueError(f"{member.name} has another architecture than its start {member.start}")


def _layers(member: MemberConfig) -> NetworkConfig:
    """Return what decides the shapes of a member's weights."""
    return member.network.model_copy(update={"dropout": 0.0})


def load_campaign(path: Path) -> CampaignConfig:
    """Read a campaign.

    The table ``[common]`` holds for every member that does not say otherwise.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown keys or wrong values.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    common, members = content.pop("common", {}), content.get("members", [])
    tables = isinstance(members, list) and all(isinstance(table, dict) for table in members)
    if not tables or not isinstance(common, dict):
        raise ConfigError(f"{path} is not a valid campaign: [common] and [[members]] are tables.")
    content["members"] = [merged(common, member) for member in members]
    try:
        return CampaignConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path} is not a valid campaign: {error}") from error
