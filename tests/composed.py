"""What deploy/compose.yaml says, with its variables filled in as Compose does."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
# With a message, if it is missing; or text in its place, if it is not empty.
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[?+])((?:[^${}]|\$\{\w+\})*))?\}")


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Return a text of the file with the values of all its variables."""

    def value(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if how == ":+":
            return filled_in(rest, variables) if variables[name] else ""
        assert variables[name] or how is None, rest
        return variables[name]

    filled = _VARIABLE.sub(value, text)
    assert "$" not in filled
    return filled


def turn_options(variables: Mapping[str, str]) -> list[str]:
    """Return the lines of coturn's file, without comments."""
    lines = filled_in(COMPOSE["configs"]["turn"]["content"], variables).splitlines()
    return [line for line in lines if line and not line.startswith("#")]
