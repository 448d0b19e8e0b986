"""What stands for the reading of inputs in tests of what is around it."""

from __future__ import annotations

import os
import signal
from typing import Any

from fer_core.batch.findings import Faces
from fer_core.batch.plan import Input
from fer_core.batch.reading import InputReader, Settings
from fer_core.batch.stores import path_of
from fer_core.errors import ModelError, UnreadableImage

SETTINGS = Settings("haar", "7", "people", 0.45, None, 0.4)


class NamesReader(InputReader):
    """Finds a face for every byte of a file; fails, or dies, where the file's name says so."""

    def __init__(self) -> None:
        """Load nothing."""

    def read_file(self, item: Input) -> tuple[dict[str, Any], Faces]:
        name = path_of(item.address).rpartition("/")[2]
        if name.startswith("killer"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("bad"):
            raise UnreadableImage(f"{name} is damaged.")
        faces = [{"path": item.address, "face": n + 1} for n in range(item.size_bytes)]
        return {"faces": len(faces)}, faces


def cannot_load() -> InputReader:
    raise ModelError("The model is damaged.")


def dies_at_once() -> InputReader:
    os._exit(3)
