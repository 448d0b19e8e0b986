"""What a training run is made of, read from a TOML file; unknown keys are refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.network_config import Fraction, NetworkConfig, Positive, StrictModel
from fer_core.preprocessing import INPUT_SIZE
from train.errors import ConfigError

NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class AugmentationConfig(StrictModel):
    """How training pictures are varied; every range is symmetric around "unchanged".

    Attributes:
        rotation_deg: Largest rotation in degrees.
        shift: Largest shift, as a share of the picture's side.
        zoom: Largest change of size, as a share.
        shear_deg: Largest horizontal shear in degrees.
        flip: Whether half of the pictures are mirrored.
        crop_px: Pixels by which a picture is padded before a random crop of its old size.
        gamma: Largest change of gamma, as a share; plain brightness and contrast need no
            variation, since ``normalize_faces`` takes them out.
        erase_probability: Share of pictures with a rectangle erased (Zhong et al., 2020).
        erase_area: Largest area of that rectangle, as a share of the picture.
        blur_probability: Share of pictures that are blurred, as out of focus.
        blur_px: Largest standard deviation of that Gaussian, in pixels of the result.
        noise_probability: Share of pictures with Gaussian noise, as of a dark room.
        noise_level: Largest standard deviation of that noise, in grey levels.
    """

    rotation_deg: NonNegative = 0.0
    shift: Fraction = 0.0
    zoom: Fraction = 0.0
    shear_deg: NonNegative = 0.0
    flip: bool = False
    crop_px: Annotated[int, Field(ge=0)] = 0
    gamma: Fraction = 0.0
    erase_probability: Share = 0.0
    erase_area: Fraction = 0.15
    blur_probability: Share = 0.0
    blur_px: NonNegative = 1.0
    noise_probability: Share = 0.0
    noise_level: NonNegative = 20.0


class OptimizerConfig(StrictModel):
    """SGD with Nesterov momentum, linear warm-up and a cosine to zero.

    Attributes:
        peak_rate: Learning rate at the end of the warm-up.
        warmup: Share of all steps spent warming up.
        momentum: Nesterov momentum.
        weight_decay: Decoupled weight decay, multiplied with the learning rate.
        ema_decay: Decay a step of the moving average of the weights, which is what ships.
        label_smoothing: Share of the target spread over all classes (Szegedy et al., 2016).
    """

    peak_rate: Annotated[float, Field(gt=0)] = 0.1
    warmup: Fraction = 0.05
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 5e-4
    ema_decay: Fraction = 0.999
    label_smoothing: Fraction = 0.1


class SizePhase(StrictModel):
    """Epochs that end at this share of the run or later have pictures of this side in pixels."""

    start: Fraction
    size: Positive


class TrainConfig(StrictModel):
    """One training run.

    Attributes:
        classes: "fer7" or "fer6".
        validation: What is watched and calibrated on: "PublicTest", or "held-out", a
            stratified part of Training that keeps pixel-identical pictures together.
        held_out: Share of Training that is held out, when it is.
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        start: Name of a finished run beside this one whose weights this one starts from;
            warm restarts (Loshchilov and Hutter, 2017) split a long training.
        start_share: Share of the start's weights in those that are saved; after warm restarts
            the mean can be better than either (Izmailov et al., 2018, "Averaging Weights Leads
            to Wider Optima and Better Generalization").
        crowd_weight: Weight of the crowd's votes in the loss beside the labels' 1; 0 to learn
            from the labels alone.
        teacher: Name of a finished run beside this one whose network this one learns from.
        teacher_weight: Share of the targets that are the teacher's answers, not the labels.
        framed_share: Share of pictures shown as a detector frames them; where none found a face,
            as they are.
        seed: Of the weights, the order, the augmentation and the dropout.
        precision: "mixed_bfloat16" computes in bfloat16 and keeps the weights in float32.
        class_weighting: "balanced" weighs a class by the inverse of its frequency, "sqrt" by
            the inverse of the frequency's square root.
        sizes: Progressive resizing (Howard, 2018): small pictures first, because they are
            cheap; the last phase has the network's own input size.
        network: The architecture.
        optimizer: How it is trained.
        augmentation: How pictures are varied.
    """

    classes: Literal["fer7", "fer6"]
    validation: Literal["PublicTest", "held-out"]
    held_out: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    epochs: Positive
    batch_size: Positive = 96
    start: str | None = None
    start_share: Share = 0.0
    crowd_weight: NonNegative = 0.0
    teacher: str | None = None
    teacher_weight: Share = 0.5
    framed_share: Share = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    class_weighting: Literal["none", "balanced", "sqrt"] = "none"
    sizes: Annotated[tuple[SizePhase, ...], Field(min_length=1)] = (
        SizePhase(start=0.0, size=INPUT_SIZE),
    )
    network: NetworkConfig
    optimizer: OptimizerConfig = OptimizerConfig()
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        starts = [phase.start for phase in self.sizes]
        if starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("sizes must start at 0 and their starts must rise")
        if self.sizes[-1].size != INPUT_SIZE:
            raise ValueError(f"the last of sizes must be the network's {INPUT_SIZE} pixels")
        if self.start_share and self.start is None:
            raise ValueError("start_share needs a start")
        if self.network.head == "flatten" and len(self.sizes) > 1:
            raise ValueError("a network with a flatten head has one input size only")
        return self

    @property
    def class_set(self) -> ClassSet:
        """The emotions that the network tells apart."""
        return CLASS_SETS[self.classes]

    def size_at(self, epoch: int) -> int:
        """Return the side in pixels of the training pictures in ``epoch``, counted from 0."""
        progress = (epoch + 1) / self.epochs
        return next(phase.size for phase in reversed(self.sizes) if phase.start <= progress)

    def phase_end(self, epoch: int) -> int:
        """Return the first epoch after ``epoch`` whose pictures have another side."""
        size = self.size_at(epoch)
        later = range(epoch + 1, self.epochs)
        return next((other for other in later if self.size_at(other) != size), self.epochs)


def load_config(path: Path) -> TrainConfig:
    """Read a configuration file, or the ``config.json`` of a run.

    Raises:
        ConfigError: The file is missing, is not TOML or JSON, or has unknown keys or wrong
            values.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ConfigError(f"{path} is not a valid configuration: {faults}") from error


def merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of both; where both have a value that is no table, ``own`` has its way."""
    both = dict(common)
    for key, value in own.items():
        tables = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if tables else value
    return both
