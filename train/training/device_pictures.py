"""Pictures and what they teach, on the device that trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from train.training.campaign_data import CampaignPart


@dataclass(frozen=True, slots=True)
class DevicePictures:
    """N pictures in R variations.

    Attributes:
        faces: uint8 ``(R, N, 48, 48)``; R is 1 for the pictures as they are.
        targets: float32 ``(R, N, K + A)``: what the labels, then the crowd's answers should be.
        framings: float32 ``(N, 2, 3)``, as ``device_augment.augment_batch`` takes them.
        num_classes: K.
    """

    faces: Tensor
    targets: Tensor
    framings: Tensor
    num_classes: int

    def __len__(self) -> int:
        return len(self.framings)

    @property
    def variations(self) -> int:
        """R, the number of variations."""
        return len(self.faces)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.faces.device


def pictures_on(device: torch.device, part: CampaignPart) -> DevicePictures:
    """Copy pictures to a device, with one-hot labels and the crowd's shares as targets."""
    num_classes = len(part.faces.class_set)
    labels = functional.one_hot(torch.from_numpy(part.faces.labels), num_classes).float()
    targets = torch.cat([labels, torch.from_numpy(part.shares)], 1)
    found = np.isfinite(part.framings).all(axis=(1, 2), keepdims=True)
    framings = np.where(found, part.framings, np.eye(2, 3, dtype=np.float32))
    return DevicePictures(
        torch.from_numpy(part.faces.faces_gray)[None].to(device),
        targets[None].to(device),
        torch.from_numpy(framings).to(device),
        num_classes,
    )
