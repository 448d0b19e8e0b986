"""What a network is made of, in words that need no Keras: the pages read these too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]

# Names of the last layers, of the labels and of the crowd's answers.
LABELS_LAYER, CROWD_LAYER = "logits", "crowd"


class StrictModel(BaseModel):
    """A configuration that refuses unknown keys and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageConfig(StrictModel):
    """One stage of convolutions at one resolution.

    Attributes:
        filters: Output channels of every convolution of the stage.
        depth: Number of convolutions ("vgg") or of two-convolution blocks ("residual").
        kernel_size: Side of the kernels in pixels.
        pool: Side of the max-pooling after the stage; 1 for none.
        dropout: Share of whole channels dropped after the stage while training.
    """

    filters: Positive
    depth: Positive = 1
    kernel_size: Positive = 3
    pool: Positive = 2
    dropout: Fraction = 0.0


class NetworkConfig(StrictModel):
    """A network, from its input to its logits.

    Attributes:
        kind: "vgg": plain stacks of convolutions (Simonyan and Zisserman, 2015); "residual":
            basic blocks with shortcuts (He et al., 2016).
        stages: From the input to the head.
        stem_filters: Channels of a first convolution before the stages; 0 for none.
        stem_pool: Side of the max-pooling after that convolution.
        squeeze: By how much a residual block's squeeze-and-excitation narrows its channels
            (Hu et al., 2018, "Squeeze-and-Excitation Networks"); 0 for none.
        batch_norm: Whether every convolution is batch-normalised (Ioffe and Szegedy, 2015).
        head: "average" pools each channel to its mean; "flatten" keeps the places.
        dense: Units of the fully connected layers before the output.
        dropout: Share of units dropped before each fully connected layer while training.
    """

    kind: Literal["vgg", "residual"]
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    stem_filters: Annotated[int, Field(ge=0)] = 0
    stem_pool: Positive = 1
    squeeze: Annotated[int, Field(ge=0)] = 0
    batch_norm: bool = True
    head: Literal["average", "flatten"] = "average"
    dense: tuple[Positive, ...] = ()
    dropout: Fraction = 0.0


def member_prefix(number: int) -> str:
    """Return what the names of a member's layers in an ensemble begin with, counted from 0."""
    return f"m{number + 1}_"
