from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train.errors import ConfigError
from train.training.config import TrainConfig, load_config

CONFIGS = sorted((Path(__file__).parents[3] / "train" / "configs").glob("*.toml"))
MINIMAL = """
classes = "fer7"
validation = "PublicTest"
epochs = 2
[network]
kind = "vgg"
stages = [{ filters = 4 }]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_are_valid_and_named_after_their_classes(path: Path) -> None:
    config = load_config(path)
    assert config.classes == path.stem.split("-")[0]
    assert config.validation != "PrivateTest"


def test_the_six_class_network_is_not_chosen_on_its_test_pictures() -> None:
    path = next(path for path in CONFIGS if path.stem == "fer6")
    assert load_config(path).validation == "held-out"


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, MINIMAL))
    assert config.sizes[0].size == 48
    assert config.augmentation.rotation_deg == 0
    assert config.class_set.labels[0] == "angry"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("momentum = 0.9\n" + MINIMAL, "momentum"),
        (MINIMAL + "colour = 3\n", "network.colour"),
        (MINIMAL + "[augmentation]\nrotate = 10\n", "augmentation.rotate"),
        (MINIMAL.replace('"PublicTest"', '"PrivateTest"'), "validation"),
        (MINIMAL.replace("epochs = 2", "epochs = 0"), "epochs"),
        (MINIMAL.replace("filters = 4", "filters = 0"), "filters"),
        (MINIMAL + "[optimizer]\nmomentum = 1.0\n", "optimizer.momentum"),
        ("sizes = []\n" + MINIMAL, "sizes"),
        ("start_share = 0.5\n" + MINIMAL, "start_share needs a start"),
        ("classes = [", "cannot be read"),
        ("", "classes"),
    ],
)
def test_wrong_files_are_refused_with_the_key(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        load_config(written(tmp_path, text))


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_unreadable_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(path)


@pytest.mark.parametrize(
    ("sizes", "word"),
    [
        ([(0.1, 48)], "start at 0"),
        ([(0.0, 32), (0.6, 40), (0.3, 48)], "rise"),
        ([(0.0, 32), (0.0, 48)], "rise"),
        ([(0.0, 48), (0.5, 32)], "48 pixels"),
    ],
)
def test_bad_phases_are_refused(
    tiny_run: dict[str, Any], sizes: list[tuple[float, int]], word: str
) -> None:
    tiny_run["sizes"] = [{"start": start, "size": size} for start, size in sizes]
    with pytest.raises(ValueError, match=word):
        TrainConfig.model_validate(tiny_run)


def test_a_flatten_head_has_one_size_only(tiny_run: dict[str, Any]) -> None:
    tiny_run["sizes"] = [{"start": 0.0, "size": 32}, {"start": 0.5, "size": 48}]
    tiny_run["network"]["head"] = "flatten"
    with pytest.raises(ValueError, match="flatten"):
        TrainConfig.model_validate(tiny_run)


def test_sizes_change_where_their_phases_start(tiny_run: dict[str, Any]) -> None:
    tiny_run["epochs"] = 10
    tiny_run["sizes"] = [
        {"start": 0.0, "size": 24},
        {"start": 0.35, "size": 32},
        {"start": 0.8, "size": 48},
    ]
    config = TrainConfig.model_validate(tiny_run)
    assert [config.size_at(epoch) for epoch in range(10)] == [24] * 3 + [32] * 4 + [48] * 3
    assert [config.phase_end(epoch) for epoch in (0, 2, 3, 6, 7, 9)] == [3, 3, 7, 7, 10, 10]


def test_the_configuration_of_a_run_reads_back(tiny_run: dict[str, Any], tmp_path: Path) -> None:
    config = TrainConfig.model_validate(tiny_run)
    path = tmp_path / "config.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    assert load_config(path) == config
