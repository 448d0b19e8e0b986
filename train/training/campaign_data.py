"""What a campaign learns from, in one file small enough to travel: no test picture but PublicTest's."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import ClassSet
from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet, hold_out
from train.data.picture_ids import PictureIndex


@dataclass(frozen=True, slots=True)
class CampaignData:
    """Pictures by part, with votes and framings in the order of the pictures.

    Attributes:
        parts: "training", "held-out" and "PublicTest": faces, shares of the votes, framings.
    """

    parts: dict[str, tuple[FaceSet, NDArray[np.float32], NDArray[np.float32]]]

    @property
    def check_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.parts if name != "training")

    def part(self, name: str, class_set: ClassSet) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        faces, shares, framings = self.parts[name]
        chosen = faces.as_classes(class_set)
        rows = PictureIndex(faces.ids).positions_of(chosen.ids)
        return chosen.faces_gray, chosen.labels, shares[rows], framings[rows]


def write_campaign_data(
    path: Path,
    jpegs: list[bytes],
    labels: NDArray[np.int64],
    splits: NDArray[np.str_],
    names: NDArray[np.str_],
    votes: NDArray[np.int64],
    framings: NDArray[np.float32],
) -> None:
    packed = lzma.compress(b"".join(jpegs), preset=9 | lzma.PRESET_EXTREME)
    np.savez(
        path,
        jpegs=np.frombuffer(packed, np.uint8),
        sizes=np.array([len(jpeg) for jpeg in jpegs], np.int32),
        labels=labels.astype(np.uint8),
        splits=splits,
        names=names,
        votes=votes.astype(np.uint8),
        framings=framings.astype(np.float32),
    )


def read_campaign_data(path: Path, held_out: float, seed: int) -> CampaignData:
    with np.load(path) as stored:
        content = memoryview(lzma.decompress(stored["jpegs"].tobytes()))
        ends = np.cumsum(stored["sizes"])
        faces = np.stack(
            [
                cv2.imdecode(
                    np.frombuffer(content[end - size : end], np.uint8), cv2.IMREAD_GRAYSCALE
                )
                for end, size in zip(ends.tolist(), stored["sizes"].tolist(), strict=True)
            ]
        )
        whole = FaceSet(faces, stored["labels"].astype(np.int64), stored["splits"], stored["names"])
        votes = stored["votes"].astype(np.float32)
        shares = votes[:, :8] / np.maximum(votes.sum(1, keepdims=True), 1)
        framings = stored["framings"]
    kept, held = hold_out(whole.split(TRAINING), held_out, seed)
    faces_of = {"training": kept, "held-out": held, "PublicTest": whole.split(PUBLIC_TEST)}
    index = PictureIndex(whole.ids)
    parts = {}
    for name, part in faces_of.items():
        rows = index.positions_of(part.ids)
        parts[name] = (part, shares[rows], framings[rows])
    return CampaignData(parts)
