"""The whole data set and its votes, and a tiny network trained on drawn faces."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests import drawn

TINY_RUN: dict[str, Any] = {
    "classes": "fer7",
    "validation": "PublicTest",
    "epochs": 4,
    "batch_size": 32,
    "seed": 3,
    "network": {
        "kind": "residual",
        "stem_filters": 4,
        "stem_pool": 2,
        "dropout": 0.3,
        "stages": [{"filters": 4, "pool": 2}, {"filters": 8, "pool": 2}],
    },
    "optimizer": {"peak_rate": 0.05, "ema_decay": 0.9},
    "augmentation": {"rotation_deg": 10.0, "shift": 0.06, "flip": True, "erase_probability": 0.5},
}


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first of all parallel workers to need it makes; to be read only."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, part = base / name, base / f"{name}.part"
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture
def tiny_run() -> dict[str, Any]:
    """The content of a configuration file; the test's own to change."""
    return copy.deepcopy(TINY_RUN)


@pytest.fixture(scope="session")
def whole_set(fer2013_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """FER-2013 as loaded from the archive; not to be changed."""

    def load(folder: Path) -> None:
        from train.data.fer2013 import load_fer2013

        (folder / "set.pickle").write_bytes(pickle.dumps(load_fer2013(fer2013_archive)))

    # Unpacking takes seconds, and every parallel worker would do it.
    folder = made_once(tmp_path_factory, "whole", load)
    return pickle.loads((folder / "set.pickle").read_bytes())


@pytest.fixture(scope="session")
def real_set(whole_set: Any) -> Any:
    """The first pictures of every split and class, for tests whose point is real faces."""
    import numpy as np

    kept = [
        np.flatnonzero((whole_set.splits == split) & (whole_set.labels == label))[:count]
        for split, count in drawn.COUNTS.items()
        for label in range(len(whole_set.class_set))
    ]
    return whole_set.where(np.sort(np.concatenate(kept)))


@pytest.fixture(scope="session")
def real_votes(fer2013_archive: Path) -> Any:
    """FER+'s votes on these pictures; not to be changed."""
    from train.data.ferplus import read_votes

    path = fer2013_archive.with_name("ferplus.csv")
    if not path.exists():
        pytest.skip("needs ../shared/fer2013/ferplus.csv, which is not here")
    return read_votes(path)


@pytest.fixture(scope="session")
def packed_file(
    tiny_set: Any,
    tiny_folder: Path,
    tiny_votes: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What a campaign learns from, of the tiny part, framed as if all eyes were 1 pixel right."""
    import numpy as np

    from train.data.fer2013 import TRAINING
    from train.data.ferplus import read_votes
    from train.training.campaign_data import pack_campaign_data

    path = tmp_path_factory.mktemp("packed") / "packed.npz"
    framings = np.tile(np.float32([[1, 0, -1], [0, 1, 0]]), (len(tiny_set.split(TRAINING)), 1, 1))
    framings[0] = np.nan
    pack_campaign_data(path, tiny_set, tiny_folder, read_votes(tiny_votes), framings)
    return path


@pytest.fixture
def quick_run(tiny_run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same of two steps per epoch, which TensorFlow takes as they come.

    To compile steps takes longer than to take a few.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield tiny_run | {"batch_size": 64}
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def trained_run(tiny_set: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; not to be changed."""

    def train(folder: Path) -> None:
        from train.training.config import TrainConfig
        from train.training.fit import fit

        fit(TrainConfig.model_validate(TINY_RUN), tiny_set, folder / "tiny")

    return made_once(tmp_path_factory, "runs", train) / "tiny"


@pytest.fixture(scope="session")
def _exported(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def export(folder: Path) -> None:
        from train.training.export import export_model

        export_model([trained_run], folder)

    return made_once(tmp_path_factory, "exported", export)


@pytest.fixture
def models_dir(_exported: Path, tmp_path: Path) -> Path:
    """A folder of models with the tiny network as "fer7"; the test's own to change."""
    return Path(shutil.copytree(_exported, tmp_path / "models"))


def write_member(folder: Path, name: str, classes: str = "fer7", **network: Any) -> Path:
    """Write a tiny network with random weights as a campaign does, and return its file."""
    import keras
    import numpy as np

    from fer_core.labels import class_set
    from fer_core.network import build_network
    from train.training.campaign_config import MemberConfig
    from train.training.weights import named_weights

    config = MemberConfig.model_validate(
        {"name": name, "classes": classes, "network": TINY_RUN["network"] | network}
    )
    keras.utils.set_random_seed(len(name) + sum(map(ord, name)))
    built = build_network(config.network, len(class_set(classes)), num_answers=8)
    np.savez(
        folder / f"{name}.npz",
        **{key: value.astype(np.float16) for key, value in named_weights(built).items()},
    )
    watched = {"accuracy": 0.5, "log_loss": 1.2, "majority": 0.6, "vote_loss": 1.1}
    row = {f"held-out_{key}": value for key, value in watched.items()}
    record = {
        "config": config.model_dump(mode="json"),
        "held_out": 0.25,
        "split_seed": 1,
        "log": [{"epoch": epochs, "loss": 2.0, **row} for epochs in (3.0, 6.0)],
        "scores": {"held-out": watched},
    }
    (folder / f"{name}.json").write_text(json.dumps(record))
    return folder / f"{name}.npz"


@pytest.fixture(scope="session")
def _exported_ensemble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def export(folder: Path) -> None:
        from train.training.export import export_model

        members = [write_member(folder, "one"), write_member(folder, "two", squeeze=4)]
        export_model(members, folder / "models")

    return made_once(tmp_path_factory, "ensemble", export) / "models"


@pytest.fixture
def ensembles_dir(_exported_ensemble: Path, tmp_path: Path) -> Path:
    """A folder of models with two tiny networks of both heads as "fer7"; the test's own."""
    return Path(shutil.copytree(_exported_ensemble, tmp_path / "ensembles"))


@pytest.fixture(scope="session")
def tar_of_tiny(tiny_files: dict[str, bytes]) -> bytes:
    """These files as a .tar.xz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for name, content in tiny_files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
