"""The report of photos: each with its boxes, and a card for each face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import crop_face
from fer_core.images import to_bgr, turn_picture
from fer_core.labels import UNCERTAIN, color_of
from fer_core.reporting.charts import bars, shares, swatch
from fer_core.reporting.making import Making
from fer_core.reporting.page import page
from fer_core.reporting.pictures import embedded, embedded_face
from fer_core.reporting.words import attribute, count_of, listed, meaning, plain, title_of
from fer_core.types import FaceReading, Frame

# What is shown with its picture, and with a card; then only rows in a table, then only counted.
MOST_PHOTOS, _MOST_CARDS, _MOST_ROWS = 200, 1000, 2000
# Bytes of all photos together as JPEGs, and of one at least and at most: with all cards and rows
# a report stays below 20 MB.
_ALL_BYTES, _LEAST_BYTES, _MOST_BYTES = 8_400_000, 42_000, 240_000
# A caption tells the verdict at a face that has at least this share of the picture's width, and in
# narrow windows, too, from the second one on; at others it is the number alone, as on the card.
_CAPTIONED, _CAPTIONED_ANYWHERE = 0.12, 0.3
# Share of the picture's height that a caption takes.
_ROOM = 0.08


class PhotoReport:
    """Collects photos one by one, and holds of them only what its page shows."""

    def __init__(self, making: Making, *, count: int) -> None:
        """Begin without photos.

        Args:
            making: How the readings are made.
            count: How many photos there will be, which share the room for pictures.
        """
        self._making = making
        share = _ALL_BYTES // max(1, min(count, MOST_PHOTOS))
        self._picture_bytes = min(_MOST_BYTES, max(_LEAST_BYTES, share))
        self._first = ""
        self._verdicts: Counter[str] = Counter()
        self._cards = self._photos = self._without = 0
        self._entries: list[str] = []
        self._rows: list[str] = []
        self._failures: list[str] = []
        self._failed = 0

    @property
    def is_full(self) -> bool:
        """Whether further photos come without their pictures."""
        return len(self._entries) >= MOST_PHOTOS

    def add(
        self,
        name: str,
        image_bgr: NDArray[np.uint8],
        frame: Frame,
        crops_bgr: Sequence[NDArray[np.uint8]] | None = None,
        *,
        checksum: str | None = None,
    ) -> None:
        """Take in a photo.

        Args:
            name: What it is called.
            image_bgr: uint8 ``(H, W, 3)``, BGRA or grey, the picture as it was given to the
                analysis; not changed. It may be smaller: boxes are scaled from ``frame.size_wh``.
                Not looked at once the report is full.
            frame: What was read in it.
            crops_bgr: Each face with a margin, as ``crop_face`` cuts it out; None for faces cut
                out of ``image_bgr``.
            checksum: SHA-256 of its file in hexadecimal, where that is known.

        Raises:
            ValueError: The faces were read for other emotions than the report's.
        """
        self._check(frame)
        said = Counter(face.verdict(self._making.threshold) for face in frame.faces)
        link = plain(name)
        if not self.is_full:
            upright_bgr = turn_picture(to_bgr(image_bgr), frame.turned_deg)
            anchor = f"photo-{self._photos + 1}"
            if crops_bgr is None:
                scale = upright_bgr.shape[1] / frame.size_wh[0]
                boxes = (face.detection.scaled(scale).box for face in frame.faces)
                crops_bgr = [crop_face(upright_bgr, box) for box in boxes]
            self._entries.append(
                self._entry(name, upright_bgr, frame, crops_bgr, anchor, _sum(checksum))
            )
            link = f'<a href="#{anchor}">{link}</a>'
        else:
            link += _sum(checksum)
        if len(self._rows) < _MOST_ROWS:
            self._rows.append(_row(link, said))
        self._first = self._first or name
        self._verdicts += said
        self._without += not frame.faces
        self._photos += 1

    def add_failure(self, name: str, sentence: str) -> None:
        """Take in a photo that could not be read, and the reason."""
        self._failed += 1
        if self._failed <= _MOST_ROWS:
            row = f'<tr><th scope="row">{plain(name)}</th><td>{plain(sentence)}</td></tr>\n'
            self._failures.append(row)

    def html(self) -> str:
        """Return the report of what was taken in so far."""
        parts = [self._overview(), self._shown(), self._unread()]
        return page(self._title(), self._lead(), "\n".join(filter(None, parts)), self._making)

    def _title(self) -> str:
        if self._photos == 1:
            return f"Facial expressions in {self._first}"
        return f"Facial expressions in {count_of(self._photos, 'photo')}"

    def _lead(self) -> str:
        faces = self._verdicts.total()
        if not faces:
            where = "it" if self._photos == 1 else "any of them"
            found = f"No face was found in {where}" if self._photos else "No photo could be read"
            return f'<p class="lead">{found}.</p>'
        told = [
            f"{count:,} uncertain" if verdict == UNCERTAIN else f"{count:,} read as {verdict}"
            for verdict, count in self._verdicts.most_common()
        ]
        without = f" No face was found in {count_of(self._without, 'photo')}."
        share = {verdict: count / faces for verdict, count in self._verdicts.items()}
        return (
            f'<p class="lead">{count_of(faces, "face")}: {plain(listed(told))}.'
            f"{without if self._without else ''}</p>\n"
            f"{shares(share, 'Of all faces') if faces > 1 else ''}"
        )

    def _overview(self) -> str:
        if self._photos < 2:
            return ""
        notes = []
        if (left := self._photos - len(self._entries)) > 0:
            notes.append(
                f"The first {count_of(len(self._entries), 'photo')} have their pictures below; "
                f"{left:,} more have rows in this table only."
            )
        if (left := self._photos - len(self._rows)) > 0:
            notes.append(
                f"{count_of(left, 'photo')} after these have no row, and count in the sums above."
            )
        note = f'<p class="note">{" ".join(notes)}</p>' if notes else ""
        return f"""\
<section>
<h2>All photos</h2>
<table class="rows"><thead><tr><th scope="col">Photo</th><th scope="col" class="number">Faces</th>\
<th scope="col">Read as</th></tr></thead>
<tbody>
{"".join(self._rows)}</tbody></table>
{note}
</section>"""

    def _shown(self) -> str:
        if not self._entries:
            return ""
        heading = "What was read" if self._photos == 1 else "Photo by photo"
        return f"<section>\n<h2>{heading}</h2>\n{''.join(self._entries)}</section>"

    def _unread(self) -> str:
        if not self._failed:
            return ""
        left = self._failed - len(self._failures)
        note = f'<p class="note">And {left:,} more.</p>' if left else ""
        return f"""\
<section>
<h2>What could not be read</h2>
<table class="rows"><thead><tr><th scope="col">File</th><th scope="col">Why</th></tr></thead>
<tbody>
{"".join(self._failures)}</tbody></table>
{note}
</section>"""

    def _entry(
        self,
        name: str,
        image_bgr: NDArray[np.uint8],
        frame: Frame,
        crops_bgr: Sequence[NDArray[np.uint8]],
        anchor: str,
        checksum: str,
    ) -> str:
        threshold = self._making.threshold
        width, height = frame.size_wh
        found = count_of(len(frame.faces), "face") if frame.faces else "no face found"
        verdicts = Counter(face.verdict(threshold) for face in frame.faces)
        told = "".join(f", {count:,} {verdict}" for verdict, count in verdicts.most_common())
        notes = ""
        if frame.turned_deg:
            notes = (
                f" The photo was turned by {frame.turned_deg}° clockwise: its faces stand upright "
                "so."
            )
        if frame.incomplete:
            notes += " The end of the file is missing, so a part of the picture may be, too."
        room = max(0, _MOST_CARDS - self._cards)
        shown = frame.faces[:room]
        self._cards += len(shown)
        boxes = "".join(
            _box(number, face, frame.size_wh, threshold)
            for number, face in enumerate(shown, start=1)
        )
        cards = "".join(
            self._card(number, name, face, crop_bgr)
            for number, (face, crop_bgr) in enumerate(zip(shown, crops_bgr, strict=False), start=1)
        )
        # Where there is room for the cards beside the picture.
        few = " few" if len(shown) == 1 or (len(shown) == 2 and height > width) else ""
        left = len(frame.faces) - len(shown)
        more = f", {left:,} of them only counted here" if left else ""
        return f"""\
<article class="entry{few}" id="{anchor}">
<h3>{plain(name)}</h3>
<div><div class="picture"><img src="{embedded(image_bgr, self._picture_bytes)}" width="{width}" \
height="{height}" alt="{attribute(f"{name}: {found}{told}")}">{boxes}</div>
<p class="note">{width:,}×{height:,} pixels, {found}{more}.{notes}{checksum}</p></div>
<div class="cards">
{cards}</div>
</article>
"""

    def _card(self, number: int, name: str, face: FaceReading, crop_bgr: NDArray[np.uint8]) -> str:
        making = self._making
        verdict = face.verdict(making.threshold)
        said = meaning(face.emotion, face.confidence, making.reading, making.threshold)
        findings = "".join(f'<li class="warning">{plain(f.reason)}</li>' for f in face.quality)
        confidence = "" if verdict == UNCERTAIN else f" {face.confidence:.0%}"
        crop = embedded_face(crop_bgr)
        picture = f'<img src="{crop}" alt="Face {number} of {attribute(name)}">' if crop else ""
        return f"""\
<section class="box card">
{picture}<div><h4>{swatch(verdict)} Face {number}: {title_of(verdict)}{confidence}</h4>
<p class="said">{attribute(said)}</p></div>
{bars(face.probabilities, making.threshold, f"Face {number}: every emotion")}
<ul class="findings">{findings or "<li>No quality problem found.</li>"}</ul>
</section>
"""

    def _check(self, frame: Frame) -> None:
        for face in frame.faces:
            if face.labels != self._making.labels:
                raise ValueError(
                    f"The model {self._making.model!r} reads {', '.join(self._making.labels)}; "
                    f"these faces were read for {', '.join(face.labels)}."
                )


def _sum(checksum: str | None) -> str:
    """Return a file's checksum as HTML for a line of its own."""
    return f'<br><span class="sum">SHA-256 {attribute(checksum)}</span>' if checksum else ""


def _row(name: str, said: Counter[str]) -> str:
    verdicts = "".join(
        f'<span class="verdict">{swatch(verdict)} {title_of(verdict)}'
        f"{f' ×{count:,}' if count > 1 else ''}</span>"
        for verdict, count in said.most_common()
    )
    return (
        f'<tr><th scope="row">{name}</th><td class="number">{said.total():,}</td>'
        f'<td><span class="verdicts">{verdicts or "–"}</span></td></tr>\n'
    )


def _box(number: int, face: FaceReading, size_wh: tuple[int, int], threshold: float) -> str:
    """Return a face's box over its picture, with the number of its card."""
    verdict = face.verdict(threshold)
    x1, y1, x2, y2 = (
        value / side for value, side in zip(face.box.xyxy, (*size_wh, *size_wh), strict=True)
    )
    said = title_of(verdict) + ("" if verdict == UNCERTAIN else f" {face.confidence:.0%}")
    said = f'<span class="what">{said}</span>' if x2 - x1 >= _CAPTIONED else ""
    kinds = ["face", *(["uncertain"] if verdict == UNCERTAIN else [])]
    # A caption keeps inside the picture, and off the face where there is room.
    tags = ["tag"]
    if y1 < _ROOM:
        tags.append("below" if y2 < 1 - _ROOM else "inside")
    if x1 > 0.6:
        tags.append("right")
    if x2 - x1 < _CAPTIONED_ANYWHERE:
        tags.append("small")
    place = ";".join(
        f"{side}:{100 * value:.2f}%"
        for side, value in (("left", x1), ("top", y1), ("width", x2 - x1), ("height", y2 - y1))
    )
    return (
        f'<div class="{" ".join(kinds)}" style="{place};--of:{color_of(verdict)}" '
        f'aria-hidden="true"><span class="{" ".join(tags)}">{swatch(verdict)}{number}{said}'
        "</span></div>"
    )
