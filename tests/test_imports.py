"""Who imports whom, by the contracts in pyproject.toml and, of scripts, by docs/ARCHITECTURE.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def test_the_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


SCRIPTS = sorted([ROOT / "app.py", *(ROOT / "pages").glob("*.py")])


def imported(source: str) -> set[str]:
    """The packages that a script imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


# The contracts are about packages, and these are none.
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_page_is_made_of_the_core_and_of_what_all_pages_are_made_of(script: Path) -> None:
    # What serves app.py is Starlette, as Streamlit uses it.
    allowed = {"ui", "fer_core", "streamlit", "starlette"} | sys.stdlib_module_names
    assert imported(script.read_text(encoding="utf-8")) <= allowed
