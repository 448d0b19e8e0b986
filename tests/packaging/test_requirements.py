"""What the library declares to need, beside what it imports and what the app installs."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fer_core import extras
from fer_core.__main__ import main
from fer_core._version import __version__
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LEFT_OUT = PROJECT["tool"]["hatch"]["build"]["exclude"]
# pandas writes Parquet with it, and imports it by itself.
UNDER_PANDAS = {"pyarrow"}


def requirements_of(lines: list[str]) -> dict[str, Requirement]:
    """The requirements by their canonical name; lines without one are passed over."""
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def requirements_in(name: str) -> dict[str, Requirement]:
    return requirements_of((ROOT / name).read_text(encoding="utf-8").splitlines())


CORE = requirements_of(PROJECT["project"]["dependencies"])
VIDEO = requirements_of(PROJECT["project"]["optional-dependencies"]["video"])
SCALE = requirements_of(PROJECT["project"]["optional-dependencies"]["scale"])
# What is read in archives includes videos.
assert str(SCALE.pop("facial-emotions")) == "facial-emotions[video]"


def needs_video(module: Path) -> bool:
    """Whether a module may import the extra's packages as soon as it is imported itself."""
    parts = module.relative_to(ROOT / "fer_core").parts
    in_room = parts[0] in ("batch", "video") and parts[-1] != "command.py"
    return in_room or parts == ("live", "recording.py")


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST, *, late: bool) -> Iterator[str]:
    """Yield the packages that code imports when it runs.

    Args:
        node: A module, or part of one.
        late: Whether what functions import counts too.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield str(child.module).partition(".")[0]
        elif not only_for_types(child) and (late or not isinstance(child, ast.FunctionDef)):
            yield from imports(child, late=late)


@cache
def declared_packages() -> dict[str, str]:
    """What is imported of each declared distribution, with its canonical name.

    To go through all that is installed would take half a second.
    """
    return {
        package: name
        for name in (CORE | VIDEO | SCALE)
        for package in packages_of(distribution(name))
    }


def packages_of(installed: Distribution) -> set[str]:
    """The top-level packages and modules of a distribution."""
    said = (installed.read_text("top_level.txt") or "").split()
    files = [file.parts for file in installed.files or () if file.suffix == ".py"]
    return set(said) or {parts[0].removesuffix(".py") for parts in files}


def distributions(packages: set[str]) -> set[str]:
    """Canonical names of the distributions that third-party packages come from.

    Of what is not declared, the package's own name.
    """
    third_party = packages - sys.stdlib_module_names - {"fer_core"}
    return {declared_packages().get(package, package) for package in third_party}


@cache
def packed_modules() -> dict[Path, ast.Module]:
    """The modules that the wheel carries."""
    paths = sorted((ROOT / "fer_core").rglob("*.py"))
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
        if f"/{path.relative_to(ROOT).as_posix()}" not in LEFT_OUT
    }


def test_the_app_installs_what_the_library_needs_in_the_same_versions() -> None:
    app = requirements_in("requirements.txt")
    assert CORE and VIDEO and not CORE.keys() & VIDEO.keys()
    for name, requirement in (CORE | VIDEO).items():
        assert name in app, name
        assert requirement.specifier == app[name].specifier, name


def test_archives_are_tested_with_the_versions_that_they_need() -> None:
    for name, requirement in SCALE.items():
        assert requirement == requirements_in("requirements-dev.txt")[name]


def test_the_build_backend_is_installed_for_development_in_the_same_versions() -> None:
    development = requirements_in("requirements-dev.txt")
    for name, requirement in requirements_of(PROJECT["build-system"]["requires"]).items():
        assert requirement.specifier == development[name].specifier, name


def test_all_that_is_imported_is_declared_and_no_more() -> None:
    imported: set[str] = set()
    for tree in packed_modules().values():
        imported |= set(imports(tree, late=True))
    assert distributions(imported) | UNDER_PANDAS == CORE.keys() | VIDEO.keys() | SCALE.keys()


def test_photos_are_read_without_the_video_packages() -> None:
    imported: set[str] = set()
    for path, tree in packed_modules().items():
        if not needs_video(path):
            imported |= set(imports(tree, late=False))
    assert {"numpy", "opencv-python"} <= distributions(imported) <= CORE.keys()


def test_the_lists_that_are_checked_first_are_the_extras() -> None:
    assert distributions(set(extras.VIDEO_PACKAGES)) == VIDEO.keys()
    assert distributions(set(extras.SCALE_PACKAGES)) == SCALE.keys()


def test_videos_without_the_extra_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = {"pandas", "supervision", "trackers"}
    monkeypatch.setattr(extras, "find_spec", lambda name: True if name in installed else None)
    assert main(["video", "a.mp4", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.err == "Reading videos needs av, pyarrow: install facial-emotions[video].\n"
    assert not (tmp_path / "out").exists()


def test_archives_without_the_extra_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "ray" else True)
    assert main(["batch", "a.jpg", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.err == "Reading archives needs ray: install facial-emotions[scale].\n"
    assert not (tmp_path / "out").exists()


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"facial-emotions {__version__}\n"
