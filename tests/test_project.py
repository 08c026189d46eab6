"""The project's own files agree with one another."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import backcalc

ROOT = Path(backcalc.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))


def readme_blocks() -> list[list[str]]:
    """The lines of every `sh` block of the README, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [block.splitlines() for block in re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].replace(".", "-") for requirement in requirements}


def test_the_readme_sets_up_and_runs_the_main_job_then_the_tests() -> None:
    first, second = readme_blocks()[:2]
    assert "pip install ." in first
    program, command, example = first[-1].split()
    assert (program, command) == ("backcalc", "grad")
    assert (ROOT / example).is_file()
    assert second[-1] == "python -m pytest"


def test_the_checks_take_their_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_block 1 | tail -n 1" in script
    assert 'readme_block 2 > "$scratch/test-command"' in script
    assert "pytest" not in script, "the test command stands in the README alone"


def test_the_lock_holds_what_the_project_asks_for() -> None:
    (own,) = (package for package in LOCK["package"] if package["name"] == "backcalc")
    assert {package["name"] for package in own["dependencies"]} == requirement_names(PROJECT["project"]["dependencies"])
    asked = {extra: requirement_names(names) for extra, names in PROJECT["project"]["optional-dependencies"].items()}
    asked["all"] = set().union(*(names for extra, names in asked.items() if extra != "all"))
    assert {extra: {p["name"] for p in names} for extra, names in own["optional-dependencies"].items()} == asked
    groups = PROJECT["dependency-groups"]
    for group, inherited in {"docs": [], "dev": groups["docs"]}.items():
        written = [line for line in groups[group] if isinstance(line, str)] + inherited
        assert {package["name"] for package in own["dev-dependencies"][group]} == requirement_names(written)
    assert LOCK["requires-python"] == PROJECT["project"]["requires-python"]


def test_the_lock_names_the_public_index_alone() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"\w+://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}


def test_the_changelog_knows_this_version() -> None:
    assert backcalc.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
