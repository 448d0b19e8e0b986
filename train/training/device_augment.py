"""The variation of ``train.training.augment``, of a whole batch on the device that trains."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from fer_core.preprocessing import MIN_CONTRAST
from train.training.config import AugmentationConfig

# In standard deviations: what lies beyond weighs less than 0.3 %.
_BLUR_REACH = 3.0


def augment_batch(
    faces: Tensor, framings: Tensor, config: AugmentationConfig, framed_share: float
) -> Tensor:
    """Vary faces, each in its own way.

    Nothing here waits for the device or depends on what was drawn, so a CUDA graph can capture it.

    Args:
        faces: float32 ``(N, 1, H, H)``, grey levels from 0 to 255.
        framings: float32 ``(N, 2, 3)``, from each picture to the frame in which the app would
            show its face; the identity where no face was found.
        config: The ranges to draw from.
        framed_share: Share of pictures shown in that frame.

    Returns:
        float32 ``(N, 1, H, H)``, grey levels from 0 to 255.
    """
    count, device = len(faces), faces.device
    linear, offset = _random_affine(count, faces.shape[-1], config, device)
    framed = torch.rand(count, 1, 1, device=device) < framed_share
    identity = torch.eye(2, 3, device=device).expand(count, 2, 3)
    framing = torch.where(framed, framings, identity)
    offset = offset + (linear @ framing[:, :, 2:]).squeeze(2)
    varied = warp_batch(faces, linear @ framing[:, :, :2], offset)
    if config.gamma:
        exponent = torch.exp(_spread(count, device) * math.log1p(config.gamma))
        varied = 255 * (varied.clamp(0, 255) / 255) ** exponent[:, None, None, None]
    if config.blur_probability:
        sigma = torch.rand(count, device=device) * config.blur_px
        chosen = torch.rand(count, device=device) < config.blur_probability
        varied = _blur(varied, sigma * chosen, config.blur_px)
    if config.noise_probability:
        level = torch.rand(count, 1, 1, 1, device=device) * config.noise_level
        level = level * (torch.rand_like(level) < config.noise_probability)
        varied = (varied + level * torch.randn_like(varied)).clamp(0, 255)
    return _erase(varied, config)


def warp_batch(faces: Tensor, linear: Tensor, offset: Tensor) -> Tensor:
    """Move faces by affine maps in pixels, (0, 0) at the outer corner of the first one.

    Args:
        faces: float32 ``(N, 1, H, H)``.
        linear: float32 ``(N, 2, 2)``, from the source to the result.
        offset: float32 ``(N, 2)``, x and y.

    Returns:
        float32 ``(N, 1, H, H)``, bilinear; beyond a picture its border is repeated.
    """
    side = faces.shape[-1]
    # From the result back to the source, by Cramer's rule: torch.linalg waits for the device.
    a, b, c, d = linear[:, 0, 0], linear[:, 0, 1], linear[:, 1, 0], linear[:, 1, 1]
    inverse = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1)
    inverse = inverse / (a * d - b * c)[:, None, None]
    back = -(inverse @ offset[:, :, None])
    # To the coordinates of affine_grid, -1 to 1 from edge to edge.
    middle = torch.full((2, 1), side / 2, device=faces.device)
    shift = (inverse @ middle + back - middle) * (2 / side)
    grid = functional.affine_grid(
        torch.cat([inverse, shift], 2), list(faces.shape), align_corners=False
    )
    return functional.grid_sample(
        faces, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def normalize_batch(faces: Tensor) -> Tensor:
    """Normalise faces as ``fer_core.preprocessing.normalize_faces`` does.

    Args:
        faces: float32 ``(N, 1, H, W)``, grey levels from 0 to 255.

    Returns:
        float32 ``(N, 1, H, W)`` of mean 0 and standard deviation 1.
    """
    mean = faces.mean((2, 3), keepdim=True)
    spread = faces.std((2, 3), correction=0, keepdim=True).clamp(min=MIN_CONTRAST)
    return (faces - mean) / spread


def _spread(count: int, device: torch.device) -> Tensor:
    """Draw numbers between -1 and 1, float32 ``(N,)``."""
    return torch.rand(count, device=device) * 2 - 1


def _random_affine(
    count: int, side: int, config: AugmentationConfig, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Draw linear parts ``(N, 2, 2)`` and offsets ``(N, 2)`` of maps around the middle."""
    angle = _spread(count, device) * math.radians(config.rotation_deg)
    shear = torch.tan(_spread(count, device) * math.radians(config.shear_deg))
    zoom = 1 + _spread(count, device) * config.zoom
    mirror = torch.ones(count, device=device)
    if config.flip:
        mirror = torch.where(torch.rand(count, device=device) < 0.5, -mirror, mirror)
    shift = (torch.rand(count, 2, device=device) * 2 - 1) * config.shift * side
    if config.crop_px:
        shift = shift + torch.randint(
            -config.crop_px, config.crop_px + 1, (count, 2), device=device
        )
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    turned = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    first, second = torch.stack([mirror, shear], 1), torch.eye(2, device=device)[1]
    sheared = torch.stack([first, second.expand_as(first)], 1)
    linear = turned @ sheared
    center = torch.full((2, 1), side / 2, device=device)
    return linear, (center - linear @ center).squeeze(2) + shift


def _blur(faces: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each face by its own Gaussian; a deviation of 0 leaves it as it is.

    Args:
        faces: float32 ``(N, 1, H, H)``.
        sigma: float32 ``(N,)``, in pixels.
        largest: The largest deviation that ``sigma`` can have.
    """
    side = faces.shape[-1]
    radius = min(math.ceil(_BLUR_REACH * largest), side - 1)
    steps = torch.arange(-radius, radius + 1, device=faces.device)
    kernel = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, :, None, None, None]
    for axis, pad in ((2, (0, 0, radius, radius)), (3, (radius, radius, 0, 0))):
        padded = functional.pad(faces, pad, mode="reflect")
        faces = torch.zeros_like(faces)
        for index in range(2 * radius + 1):
            faces = faces + padded.narrow(axis, index, side) * kernel[:, index]
    return faces


def _erase(faces: Tensor, config: AugmentationConfig) -> Tensor:
    """Fill a random rectangle of a share of the faces with the face's mean."""
    if not config.erase_probability:
        return faces
    count, device, side = len(faces), faces.device, faces.shape[-1]
    area = 0.02 + torch.rand(count, device=device) * max(0.0, config.erase_area - 0.02)
    aspect = torch.exp(_spread(count, device) * math.log(3))
    height = (side * torch.sqrt(area * aspect)).round().clamp(1, side)
    width = (side * torch.sqrt(area / aspect)).round().clamp(1, side)
    top = (torch.rand(count, device=device) * (side - height + 1)).floor()
    left = (torch.rand(count, device=device) * (side - width + 1)).floor()
    places = torch.arange(side, device=device)
    rows = (places >= top[:, None]) & (places < (top + height)[:, None])
    columns = (places >= left[:, None]) & (places < (left + width)[:, None])
    chosen = torch.rand(count, device=device) < config.erase_probability
    hole = rows[:, None, :, None] & columns[:, None, None, :] & chosen[:, None, None, None]
    return torch.where(hole, faces.mean((2, 3), keepdim=True), faces)
