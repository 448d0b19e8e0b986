from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from train.errors import ConfigError
from train.training.campaign_config import CampaignConfig, load_campaign
from train.training.member_files import MemberRecord

CARD = ROOT / "train" / "campaigns" / "card.toml"
RECORDS = ROOT / "assets" / "training" / "card"
NETWORK = {"kind": "residual", "stem_filters": 4, "stages": [{"filters": 4}]}
OTHER = {"kind": "residual", "stem_filters": 4, "stages": [{"filters": 8}]}


def campaign(*members: dict[str, Any]) -> CampaignConfig:
    return CampaignConfig.model_validate(
        {"members": [{"network": NETWORK, **member} for member in members]}
    )


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "campaign.toml"
    path.write_text(content)
    return path


def test_common_tables_hold_unless_a_member_says_otherwise(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        held_out = 0.1
        [common]
        batch_size = 7
        [common.network]
        kind = "residual"
        stem_filters = 4
        stages = [{ filters = 4 }]
        [[members]]
        name = "one"
        [[members]]
        name = "two"
        batch_size = 9
        [members.network]
        stages = [{ filters = 8 }, { filters = 6 }]
        """,
    )
    loaded = load_campaign(path)
    one, two = loaded.members
    assert loaded.held_out == 0.1
    assert (one.batch_size, two.batch_size) == (7, 9)
    assert [stage.filters for stage in one.network.stages] == [4]
    assert [stage.filters for stage in two.network.stages] == [8, 6]
    assert two.network.stem_filters == 4
    assert loaded["two"] == two


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("members = 3", "are tables"),
        ("members = [3]", "are tables"),
        ("common = 3", "are tables"),
        ("", "at least 1 item"),
        ("[[members]]\nname = 'a'\ndepth = 3", "depth"),
        ("[[members]]\nname = '../a'", "name"),
        ("[[members", "cannot be read"),
    ],
)
def test_a_file_that_is_no_campaign(tmp_path: Path, content: str, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError, match=message):
        load_campaign(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml cannot be read"):
        load_campaign(tmp_path / "no.toml")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (({"name": "a"}, {"name": "a"}), "two members are named a"),
        (({"name": "a", "start": "b"}, {"name": "b"}), "a needs b before it"),
        (({"name": "a", "teachers": ["a"]},), "a needs a before it"),
        (({"name": "a", "classes": "fer6"}, {"name": "b", "start": "a"}), "classes that a lacks"),
        (
            (
                {"name": "a"},
                {"name": "b", "classes": "fer6"},
                {"name": "c", "classes": "fer6", "teachers": ["a", "b"]},
            ),
            "teachers of c have different classes",
        ),
        (
            ({"name": "a"}, {"name": "b", "start": "a", "network": OTHER}),
            "another architecture than its start a",
        ),
    ],
)
def test_members_that_do_not_fit_together(
    members: tuple[dict[str, Any], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        campaign(*members)


def test_what_a_member_needs_is_named_once() -> None:
    loaded = campaign({"name": "a"}, {"name": "b", "start": "a", "teachers": ["a"]})
    assert loaded["b"].needs == ("a",)
    assert loaded["a"].needs == ()
    with pytest.raises(KeyError):
        loaded["c"]


def test_the_rate_rises_then_falls_to_nothing() -> None:
    member = campaign({"name": "a", "optimizer": {"peak_rate": 0.2, "warmup": 0.1}})["a"]
    assert member.rate_at(0) == 0
    assert member.rate_at(0.05) == pytest.approx(0.1)
    assert member.rate_at(0.1) == pytest.approx(0.2)
    assert member.rate_at(0.55) == pytest.approx(0.1)
    assert member.rate_at(1) == pytest.approx(0)


def test_the_campaign_of_the_repository() -> None:
    loaded = load_campaign(CARD)
    assert sum(member.share for member in loaded.members) == pytest.approx(1)
    assert loaded["fer6-b"].network == loaded["fer7-b"].network
    assert tomllib.loads(CARD.read_text())["held_out"] == loaded.held_out


def test_records_of_the_campaign_have_its_configurations() -> None:
    loaded = load_campaign(CARD)
    records = {
        path.stem: MemberRecord.model_validate_json(path.read_text())
        for path in RECORDS.glob("*.json")
    }
    for name, record in records.items():
        assert record.config.name == name
        assert (record.held_out, record.split_seed) == (loaded.held_out, loaded.split_seed)
        assert record.log[-1]["epoch"] > record.log[0]["epoch"]
        assert set(record.scores) == {"held-out", "PublicTest"}
    for member in loaded.members:
        assert records[member.name].config == member
