"""What a campaign learns from, in one file that travels to the machine with the graphics card.

It holds Training and PublicTest, never PrivateTest: no network of a campaign can have seen what
the final figures are measured on.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import ClassSet
from train.data.fer2013 import (
    PRIVATE_TEST,
    PUBLIC_TEST,
    SIDE,
    TRAINING,
    FaceSet,
    hold_out,
    in_split,
    read_picture_files,
)
from train.data.ferplus import Votes, expression_shares
from train.data.picture_ids import PictureIndex
from train.errors import DataError


@dataclass(frozen=True, slots=True)
class CampaignPart:
    """Pictures with what voters and a detector say of them.

    Attributes:
        faces: N pictures.
        shares: float32 ``(N, 8)``, the share of voters for each of ``ferplus.EXPRESSIONS``.
        framings: float32 ``(N, 2, 3)``, as ``framing.framing_matrices`` returns them.
    """

    faces: FaceSet
    shares: NDArray[np.float32]
    framings: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def has_framings(self) -> bool:
        """Whether a face was found in any picture."""
        return bool(np.isfinite(self.framings).any())

    def as_classes(self, class_set: ClassSet) -> CampaignPart:
        """Return the pictures whose emotion is in ``class_set``, labelled in its order."""
        return self.of(self.faces.as_classes(class_set))

    def of(self, faces: FaceSet) -> CampaignPart:
        """Return the part that has these pictures, which are some of its own, in their order."""
        rows = PictureIndex(self.faces.ids).positions_of(faces.ids)
        return CampaignPart(faces, self.shares[rows], self.framings[rows])


@dataclass(frozen=True, slots=True)
class CampaignData:
    """The pictures of a campaign in the seven classes of FER-2013.

    Attributes:
        training: What the networks learn.
        held_out: Training pictures that no network learns from.
        public_test: FER-2013's PublicTest.
    """

    training: CampaignPart
    held_out: CampaignPart
    public_test: CampaignPart

    @property
    def checks(self) -> dict[str, CampaignPart]:
        """The pictures that networks are watched on, by the name that logs have for them."""
        return {"held-out": self.held_out, PUBLIC_TEST: self.public_test}


def pack_campaign_data(
    path: Path,
    dataset: FaceSet,
    source: Path,
    votes: Votes,
    framings: NDArray[np.float32] | None = None,
) -> int:
    """Write Training and PublicTest into one file, the pictures as the JPEG files that they are.

    Args:
        path: Where the ``.npz`` goes.
        dataset: FER-2013, as ``load_fer2013`` returns it.
        source: The folder or archive that it was loaded from.
        votes: FER+'s.
        framings: float32 ``(N, 2, 3)`` of the N Training pictures, as
            ``framing.framing_matrices`` returns them; None if none is to be shown so.

    Returns:
        The number of pictures.

    Raises:
        DataError: The source is ``fer2013.csv``, which has no files, or the file cannot be written.
    """
    if not source.is_dir() and source.suffix.lower() == ".csv":
        raise DataError(f"{source} has no picture files: name FER-2013's folder or archive.")
    packed = dataset.where(~in_split(dataset.splits, PRIVATE_TEST))
    files = read_picture_files(source)
    jpegs = [files[picture] for picture in packed.ids.tolist()]
    matrices = np.full((len(packed), 2, 3), np.nan, np.float32)
    if framings is not None:
        matrices[in_split(packed.splits, TRAINING)] = framings
    # A JPEG file of 48x48 pixels is one third header, and all have the same.
    content = lzma.compress(b"".join(jpegs), preset=9 | lzma.PRESET_EXTREME)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(
                file,
                jpegs=np.frombuffer(content, np.uint8),
                sizes=np.array([len(jpeg) for jpeg in jpegs], np.int32),
                labels=packed.labels.astype(np.uint8),
                splits=packed.splits,
                names=packed.names,
                votes=votes.of(packed.ids).astype(np.uint8),
                framings=matrices,
            )
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}") from error
    return len(packed)


def read_campaign_data(path: Path, held_out: float, seed: int) -> CampaignData:
    """Read what ``pack_campaign_data`` wrote.

    Args:
        path: The file.
        held_out: Share of Training to hold out.
        seed: Seed of the choice of that part, which is the one that ``hold_out`` makes of
            FER-2013 in the form that was packed.

    Raises:
        DataError: The file is missing, is damaged or is none of these.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            faces_gray = _decoded(lzma.decompress(stored["jpegs"].tobytes()), stored["sizes"])
            labels = stored["labels"].astype(np.int64)
            faces = FaceSet(faces_gray, labels, stored["splits"], stored["names"])
            shares = expression_shares(stored["votes"].astype(np.int64))
            framings = stored["framings"].astype(np.float32)
    except (OSError, EOFError, KeyError, ValueError, BadZipFile, lzma.LZMAError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len({len(faces_gray), len(labels), len(faces.names), len(shares), len(framings)}) > 1:
        raise DataError(f"{path} is no data of a campaign: its arrays differ in length.")
    whole = CampaignPart(faces, shares, framings)
    learned, held = hold_out(faces.split(TRAINING), held_out, seed)
    return CampaignData(
        training=whole.of(learned),
        held_out=whole.of(held),
        public_test=whole.of(faces.split(PUBLIC_TEST)),
    )


def _decoded(content: bytes, sizes: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Decode the JPEG files that stand one after the other in ``content``.

    Returns:
        uint8 ``(N, 48, 48)``.

    Raises:
        ValueError: One of them is no picture of this size.
    """
    faces = np.empty((len(sizes), SIDE, SIDE), np.uint8)
    start = 0
    for row, size in enumerate(sizes.tolist()):
        jpeg = np.frombuffer(content, np.uint8)[start : start + size]
        face = cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE) if jpeg.size else None
        if face is None or face.shape != (SIDE, SIDE):
            raise ValueError(f"picture {row + 1} is damaged")
        faces[row] = face
        start += size
    return faces
