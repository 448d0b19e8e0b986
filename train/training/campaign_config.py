"""A campaign: networks trained one after the other on a device, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.network_config import Fraction, NetworkConfig, Positive, StrictModel
from train.training.config import AugmentationConfig, NonNegative, OptimizerConfig, Share
from train.errors import ConfigError


class MemberConfig(StrictModel):
    """One network of a campaign.

    Attributes:
        name: Of the file that it becomes.
        share: Its part of the campaign's time, where a time is given.
        classes: "fer7" or "fer6".
        epochs: Passes over the training pictures, where no time is given.
        batch_size: Pictures a step.
        seed: Of the weights, the order, and, on a CPU, everything else that is random.
        precision: "bfloat16" computes in it and keeps the weights in float32.
        start: Name of an earlier network of the campaign whose weights this one starts from.
        teachers: Names of earlier networks of the campaign that this one learns from.
        teacher_weight: Share of the targets that are the teachers' answers.
        taught_variations: How many variations of each picture the teachers answer.
        taught_augmentation: How those are varied further for the pupil.
        crowd_weight: Weight of the crowd's votes in the loss beside the labels' 1.
        framed_share: Share of pictures shown as a detector frames them.
        mix: "mixup" (Zhang et al., 2018) or "cutmix" (Yun et al., 2019), or "none".
        mix_alpha: Of the beta distribution of the share.
        mix_probability: Share of the batches that are mixed.
        network: The architecture.
        optimizer: How it is trained.
        augmentation: How pictures are varied.
    """

    name: str
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

    def rate_at(self, progress: float) -> float:
        """Returns the learning rate after a share of all steps: a warm-up, then a cosine."""
        optimizer = self.optimizer
        if progress < optimizer.warmup:
            return optimizer.peak_rate * progress / optimizer.warmup
        part = (progress - optimizer.warmup) / (1 - optimizer.warmup)
        return optimizer.peak_rate * 0.5 * (1 + math.cos(math.pi * part))


class CampaignConfig(StrictModel):
    """A list of networks and what they have in common.

    Attributes:
        held_out: Share of Training that no network learns from.
        split_seed: Of the choice of that part.
        members: The networks, in the order of their training.
    """

    held_out: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    split_seed: Annotated[int, Field(ge=0)] = 0
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> CampaignConfig:
        known: set[str] = set()
        for member in self.members:
            missing = {*member.teachers, *([member.start] if member.start else [])} - known
            if missing:
                raise ValueError(f"{member.name} needs {', '.join(sorted(missing))} before it")
            if member.name in known:
                raise ValueError(f"there are two of the name {member.name}")
            known.add(member.name)
        return self


def load_campaign(path: Path) -> CampaignConfig:
    """Reads a campaign; what ``[common]`` says holds for each member that does not say otherwise.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown keys or wrong values.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    common = content.pop("common", {})
    content["members"] = [_merged(common, member) for member in content.get("members", [])]
    try:
        return CampaignConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path} is not a valid campaign: {error}") from error


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Returns the tables of both, the own keys before the common ones, to any depth."""
    merged = dict(common)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
