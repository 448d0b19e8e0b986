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
        known = np.isin(np.array(faces.class_set.labels)[faces.labels], np.array(class_set.labels))
        chosen = faces.as_classes(class_set)
        return chosen.faces_gray, chosen.labels, shares[known], framings[known]


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
    # Positions travel along as names, so that votes and framings can follow each part.
    numbered = FaceSet(
        whole.faces_gray, whole.labels, whole.splits, np.arange(len(whole)).astype(str)
    )
    training = numbered.split(TRAINING)
    kept, held = hold_out(training, held_out, seed)
    parts = {"training": kept, "held-out": held, "PublicTest": numbered.split(PUBLIC_TEST)}
    return CampaignData(
        {
            name: (part, shares[part.names.astype(int)], framings[part.names.astype(int)])
            for name, part in parts.items()
        }
    )
