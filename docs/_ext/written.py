"""The reference as Markdown, written from the program itself: its commands, the schema of its files, its layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent
from typing import Any

import click
from ruamel.yaml import YAML

import backcalc
from backcalc.check.conventions import CONVENTIONS
from backcalc.check.key import KeyFile, ProblemFile
from backcalc.cli.program import COMMANDS, cli
from backcalc.count.table import Formula, Row
from backcalc.layers import KINDS, LOSSES
from backcalc.net import Network
from backcalc.net.errors import InputError
from backcalc.net.schema import schema
from backcalc.net.update import UPDATES
from backcalc.net.zoo import NETWORKS
from backcalc.render.equations_yaml import equations_yaml

SPECIMENS = Path(__file__).parents[1] / "reference" / "specimens.yaml"
"""A small network for every kind of layer."""

COUNTED = ("weights", "biases", "params", "connections", "macs", "flops", "activations")
SHARED = ("name", "inputs")
"""Arguments that every layer takes."""


def functions() -> str:
    """Every function of the package, with its docstring."""
    return "\n".join(["```{eval-rst}", *(f".. autofunction:: backcalc.{name}" for name in backcalc.__all__), "```"])


def commands() -> str:
    """Every command: what it does, its examples, its arguments and options."""
    context = click.Context(cli, info_name="backcalc")
    return "\n".join(line for name in COMMANDS for line in _command(name, context))


def _command(name: str, parent: click.Context) -> Iterator[str]:
    command = cli.get_command(parent, name)
    if command is None:
        raise LookupError(f"the program has no command {name}")
    context = click.Context(command, info_name=name, parent=parent)
    yield from (f"## backcalc {name}", "", "```text", " ".join(command.get_usage(context).split()[1:]), "```", "")
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield from (*_paragraph(paragraph), "")
    for option in command.get_params(context):
        record = option.get_help_record(context)
        names, words = record if record is not None else ("", "")
        if words:  # those of NET are in the usage
            yield from (f"`{names}`", f": {_text(words)}", "")


def _paragraph(text: str) -> list[str]:
    """A paragraph of a help text; one that click is told to leave as it stands is code."""
    if not text.startswith("\b"):
        return [_text(text)]
    first, *rest = text.removeprefix("\b\n").splitlines()
    return [_text(first), "", "```text", *dedent("\n".join(rest)).splitlines(), "```"]


def file() -> str:
    """Every key of a net.yaml, then what stands under some of them."""
    document = schema()
    lines = ["## Keys", "", *_arguments(document, ())]
    for key, words in (("repeat", "in `layers`"), ("random", "as a key"), ("penalty", "as a key")):
        part = document["$defs"][key]
        lines += [f"## `{key}`, {words}", "", _text(part["description"]), "", *_arguments(part, ())]
    return "\n".join(lines)


def key() -> str:
    """Every key of an answer key, and of a problem in it."""
    whole, problem = KeyFile.model_json_schema(), ProblemFile.model_json_schema()
    return "\n".join([*_arguments(whole, ()), "Each problem has", "", *_arguments(problem, ())])


def conventions() -> str:
    """Every convention under which a claim may be true."""
    return "\n".join(line for name, words in CONVENTIONS.items() for line in (f"`{name}`", f": {_text(words)}", ""))


def updates() -> str:
    """Every update rule, with its equations."""
    document = schema()
    lines = []
    for kind, rule in UPDATES.items():
        lines += [
            f"## {kind}",
            "",
            f"{_text(rule.source[:1].upper() + rule.source[1:])}.",
            "",
            *_equations(rule.equations),
        ]
        if rule.flag is not None:
            lines += [f"With `{rule.flag}: true`:", "", *_equations(rule.flagged)]
        lines += _arguments(document["$defs"][f"update_{kind}"], ("steps", "state"))
    return "\n".join(lines)


def _equations(equations: tuple[tuple[str, str], ...]) -> list[str]:
    return ["```text", *(f"{left} = {right}" for left, right in equations), "```", ""]


def losses() -> str:
    """Every loss, with its formula and its arguments."""
    document = schema()
    lines = []
    for kind in LOSSES:
        part = document["$defs"][f"loss_{kind}"]
        own = _arguments(part, ("name", "target", "factor", "over"))
        lines += [f"## {kind}", "", _text(part["description"]), "", *own]
    return "\n".join(lines)


def layers() -> str:
    """Every kind of layer: its arguments, and in a small network its equations and its cost."""
    document, specimens = schema(), YAML(typ="safe").load(SPECIMENS.read_text(encoding="utf-8"))
    if set(specimens) != set(KINDS):
        raise LookupError(f"{SPECIMENS.name} and the kinds differ in {sorted(set(specimens) ^ set(KINDS))}")
    return "\n".join(
        line for kind in KINDS for line in _layer(kind, document["$defs"][f"layer_{kind}"], specimens[kind])
    )


def _layer(kind: str, part: Mapping[str, Any], specimen: str) -> Iterator[str]:
    network = backcalc.load(specimen)
    main = KINDS[kind].main
    yield from (f"## {kind}", "", _text(part["description"]), "")
    if main is not None:
        yield from (f"The main argument is `{main}`: `{kind}: …` sets it.", "")
    yield from _arguments(part, SHARED)
    yield from ("For example", "", "```yaml", *specimen.rstrip().splitlines(), "```", "", "is", "")
    yield from ("```text", *_lines_of("y", network), "```", "")
    row = backcalc.count(network).row("y")
    yield from (f"The output has the shape {list(row.output_shape)}: {row.formulas.output_shape}.", "")
    yield from _costs(row)


def _lines_of(name: str, network: Network) -> list[str]:
    """The equations of one layer, as `backcalc show --equations` prints them."""
    try:
        text = equations_yaml(network)
    except InputError:  # an operator that is unknown
        return ["nothing that is known"]
    found = re.search(rf"^  # {name}: .*\n((?:  [^#\n].*\n)+)", text, re.MULTILINE)
    return dedent(found[1]).splitlines() if found else ["nothing but another name"]


def _costs(row: Row) -> list[str]:
    """What the layer costs, a line a number that is not 0."""
    lines = ["| number | in general | here |", "| --- | --- | --- |"]
    for field in COUNTED:
        formula: Formula = getattr(row.formulas, field)
        if formula.text != "0":
            lines.append(f"| {field} | {row.general.get(field, '')} | {formula} |")
    return [*lines, ""]


def zoo() -> str:
    """Every built-in network: its size, and where it comes from."""
    lines = ["| network | parameters | what it is |", "| --- | --- | --- |"]
    for name, built_in in NETWORKS.items():
        lines.append(f"| `{name}` | {backcalc.count(name).totals.params} | {built_in} |")
    return "\n".join([*lines, ""])


def _arguments(part: Mapping[str, Any], without: tuple[str, ...]) -> list[str]:
    """The properties of a schema as a list of definitions."""
    needed = part.get("required", ())
    lines = []
    for name, content in part["properties"].items():
        if name not in without:
            default = content.get("default")
            given = " (needed)" if name in needed else f" = {_value(default)}" if default is not None else ""
            lines += [f"`{name}`{given}", f": {_text(content.get('description', ''))}", ""]
    return lines


def _value(default: object) -> str:
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _text(words: str) -> str:
    """Words of the program as one paragraph of Markdown; only what it marks as code is marked."""
    parts = re.split(r"(`[^`]*`)", " ".join(re.sub(r"(?<!`)(--[a-z-]+)", r"`\1`", words).split()))
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]|$#\\])", r"\\\1", part) for part in parts)
