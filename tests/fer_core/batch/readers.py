"""What stands for the reading of inputs in tests of what is around it."""

from __future__ import annotations

import os
import signal
from typing import Any

from fer_core.batch.findings import Faces, Finding
from fer_core.batch.plan import NO_PIECE, Input, PiecedVideo, VideoPiece
from fer_core.batch.reading import InputReader, Settings
from fer_core.batch.stores import path_of
from fer_core.errors import ModelError, UnreadableImage

SETTINGS = Settings("haar", "7", "people", 0.45, None, 0.4)


class NamesReader(InputReader):
    """Finds a face for every byte of a file; fails, or dies, where the file's name says so."""

    def __init__(self) -> None:
        """Load nothing."""

    def read(self, question: Input | VideoPiece | PiecedVideo) -> Finding | bytes:
        if isinstance(question, VideoPiece):
            return b"a piece" if question.number < 2 else NO_PIECE
        if isinstance(question, PiecedVideo):
            assert [one for one in question.readings if one != NO_PIECE] == [b"a piece"] * 2
            question = question.input
        return super().read(question)

    def read_file(self, item: Input) -> tuple[dict[str, Any], Faces]:
        name = path_of(item.address).rpartition("/")[2]
        if name.startswith("killer"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("bad"):
            raise UnreadableImage(f"{name} is damaged.")
        faces = [{"path": item.address, "face": n + 1} for n in range(item.size_bytes)]
        return {"faces": len(faces)}, faces


class ContentReader(NamesReader):
    """Finds a face for every byte that a file has when it is opened."""

    read_file = InputReader.read_file

    def _photo(self, item: Input, source: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        count = len(source.read())
        return {"faces": count}, [{"path": item.address, "face": n + 1} for n in range(count)]

    def _video(self, item: Input, source: Any) -> tuple[dict[str, Any], Any]:
        source.seek(0)
        return self._photo(item, source)


def cannot_load() -> InputReader:
    raise ModelError("The model is damaged.")
