"""The text in ASCII, and golden files: what a neuron, a shared kernel, batch norm and LeNet-5 look like at 80 columns.

The files in `golden/` are written anew, on purpose alone, by `python -m tests.render.test_grad_ascii`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

import backcalc
from backcalc.cli import main
from backcalc.derive import derive
from backcalc.render import grad_ascii, grad_text
from backcalc.render.ascii_text import to_ascii, wrapped

from .kinds import EXAMPLES, KINDS

GOLDEN = Path(__file__).parent / "golden"
NETS = {
    "neuron": EXAMPLES / "logistic-neuron.yaml",
    "shared-kernel": EXAMPLES / "shared-kernel.yaml",
    "batch-norm": EXAMPLES / "batch-norm.yaml",
    "layer-norm": EXAMPLES / "layer-norm.yaml",
    "attention": EXAMPLES / "attention.yaml",
    "lenet5": "lenet5",
}


def written(name: str) -> dict[str, str]:
    """The golden texts of a network by their file names; without the verification, whose errors depend on rounding."""
    derivation = backcalc.grad(NETS[name])
    texts = {f"{name}.txt": grad_text.render(derivation), f"{name}-ascii.txt": grad_ascii.render(derivation)}
    return {file: text.partition("Verified\n")[0].rstrip() + "\n" for file, text in texts.items()}


@pytest.mark.parametrize("name", NETS)
def test_the_text_is_the_golden_one(name: str) -> None:
    for file, text in written(name).items():
        assert text == (GOLDEN / file).read_text(encoding="utf-8")
        assert max(map(len, text.splitlines())) <= 80
        if file.endswith("-ascii.txt"):
            assert text.isascii()


@pytest.mark.parametrize("view", ["index", "matrix"])
@pytest.mark.parametrize(
    "name", ["dense", "batch", "maxpool-overlap", "attention", "batchnorm", "recurrence", "second"]
)
def test_ascii_is_ascii_within_eighty_columns(name: str, view: Literal["index", "matrix"]) -> None:
    text = grad_ascii.render(derive(backcalc.load(KINDS[name]), view=view))
    assert text.isascii() and "?" not in text
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_signs_of_equality_stand_below_each_other() -> None:
    lines = (GOLDEN / "batch-norm-ascii.txt").read_text(encoding="utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("   dJ/dgamma[j] = sum"))
    column = lines[first].index("= ")
    following = [line for line in lines[first + 1 : first + 12] if line.lstrip().startswith("= ")]
    assert following and {line.index("= ") for line in following} == {column}


def test_both_say_the_same() -> None:
    derivation = backcalc.grad(EXAMPLES / "shared-kernel.yaml")
    plain, signs = grad_ascii.render(derivation), to_ascii(grad_text.render(derivation))
    assert "".join(plain.split()) == "".join(signs.split())


def test_a_long_line_is_broken_once_more() -> None:
    text = wrapped("  x = " + " + ".join(f"alpha{number}" for number in range(30)), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "".join(text.split()).endswith("+alpha29")


@pytest.mark.parametrize(
    "command",
    [
        ["grad", "shared-kernel", "--ascii"],
        ["count", "lenet5", "--ascii"],
        ["count", "lenet5", "--explain", "conv1", "--ascii"],
        ["count", "lenet5", "--vs", "lenet5-1998", "--ascii"],
    ],
)
def test_the_option_makes_ascii(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = [f"{EXAMPLES}/{word}.yaml" if word == "shared-kernel" else word for word in command]
    assert main(command) == 0
    assert main([word for word in command if word != "--ascii"]) == 0
    out = capsys.readouterr().out
    assert out[: len(out) // 3].isascii() and not out.isascii()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--ascii", "--format", "latex"], "--ascii is for --format text."),
        (["--fragment"], "--fragment is for --format latex."),
    ],
)
def test_an_option_of_another_format_is_refused(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grad", f"{EXAMPLES}/shared-kernel.yaml", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("form", ["markdown", "latex", "ipynb", "python"])
def test_the_command_writes_every_format(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grad", f"{EXAMPLES}/shared-kernel.yaml", "--format", form]) == 0
    out, err = capsys.readouterr()
    start = {"markdown": "# shared kernel", "latex": r"\documentclass", "ipynb": "{", "python": '"""Loss and'}
    assert out.startswith(start[form]) and err == ""


COMMANDS = {
    "prove": ["prove", "2*sigmoid(2*x) - 1 = tanh(x)"],
    "fold": ["fold", str(EXAMPLES / "linear-stack.yaml")],
    "verify": ["verify", str(EXAMPLES / "logistic-neuron.yaml")],
    "solve": ["solve", str(EXAMPLES / "homework" / "key.yaml")],
    "show": ["show", "googlenet"],
    "count": ["count", "lenet5"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_answers_in_text_spells_it_out(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMANDS[name], "--ascii"]) == 0
    output = capsys.readouterr().out
    assert output.isascii() and "?" not in output
    text = output.partition("Folded net.yaml")[0]
    assert name == "show" or max(map(len, text.splitlines())) <= 80
    boxed = [len(line) for line in text.splitlines() if line.startswith(("|", "+-")) and line.endswith(("|", "+"))]
    assert name != "solve" or 1 < len(boxed) > len(set(boxed))  # the sides of a box stand in one column
    assert main([*COMMANDS[name], "--ascii", "--format", "svg" if name == "show" else "json"]) == 2
    assert "--ascii is for --format text." in capsys.readouterr().err


if __name__ == "__main__":
    for net in NETS:
        for file_name, golden in written(net).items():
            (GOLDEN / file_name).write_text(golden, encoding="utf-8")
