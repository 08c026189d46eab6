"""`backcalc grad NET`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

import backcalc
from backcalc.cli.common import Answer, command, net_argument, network, to_json
from backcalc.cli.names import split_names

if TYPE_CHECKING:
    from backcalc.derive import Derivation


@command("grad", formats=("text", "markdown", "latex", "html", "ipynb", "python", "json"))
@net_argument
@click.option(
    "--wrt", metavar="NAMES", multiple=True, help="What to differentiate by: w1,w2 (default: what `find` asks)."
)
@click.option(
    "--view",
    type=click.Choice(["scalar", "index", "matrix"]),
    help="Every element by itself, arrays by index, or whole arrays as matrices.",
)
@click.option(
    "--steps",
    type=click.Choice(["brief", "full"]),
    default="full",
    show_default=True,
    help="How much of the way to show.",
)
@click.option("--digits", metavar="K", type=click.IntRange(1, 1000), help="Decimal digits of every number.")
@click.option("--fragment", is_flag=True, help="LaTeX without the beginning and the end of a document.")
@click.option("--ascii", "plain", is_flag=True, help="Text without any character above 127.")
def grad(
    net: str,
    wrt: tuple[str, ...],
    view: Literal["scalar", "index", "matrix"] | None,
    steps: str,
    digits: int | None,
    fragment: bool,
    plain: bool,
    form: str,
) -> Answer:
    """Derives every gradient and update rule of NET, step by step.

    Each step names the rule used, the general formula, the numbers put in and the value. The end says how the result
    was verified; where that failed the exit status is 1.

    \b
    Examples:
      backcalc grad examples/shared-kernel.yaml
      backcalc grad examples/shared-kernel.yaml --wrt w1,w2 --steps brief
      backcalc grad net.yaml --format json --digits 30 --output net.json
      backcalc grad net.yaml --format latex --output net.tex
      backcalc grad net.yaml --format html --output net.html
      backcalc grad net.yaml --format python --output net.py
    """
    if fragment and form != "latex":
        raise click.UsageError("--fragment is for --format latex.")
    if plain and form != "text":
        raise click.UsageError("--ascii is for --format text.")
    derivation = backcalc.grad(network(net), wrt=split_names(wrt) or None, view=view)
    text = _written(derivation, form, steps, digits, fragment, plain)
    unsure = [check for check in derivation.verified if not check.passed]
    failed = any(check.max_error is not None for check in unsure)  # without an error nothing was evaluated
    messages = (f"not verified by {check.against}: {check.detail}" for check in unsure)
    return Answer(text, status=1 if failed else 0, messages=tuple(messages))


def _written(derivation: Derivation, form: str, steps: str, digits: int | None, fragment: bool, plain: bool) -> str:
    """The derivation in a format; only what writes it is imported."""
    match form:
        case "json":
            from backcalc.render import grad_json

            return to_json(grad_json.render(derivation, digits=digits))
        case "markdown":
            from backcalc.render import grad_markdown

            return grad_markdown.render(derivation, steps, digits)
        case "latex":
            from backcalc.render import grad_latex

            return grad_latex.render(derivation, steps, digits, fragment)
        case "html":
            from backcalc.render import grad_html

            return grad_html.render(derivation, steps, digits)
        case "ipynb":
            from backcalc.render import grad_ipynb

            return grad_ipynb.render(derivation, steps, digits)
        case "python":
            from backcalc.render import grad_python

            return grad_python.render(derivation)
    if plain:
        from backcalc.render import grad_ascii

        return grad_ascii.render(derivation, steps, digits)
    from backcalc.render import grad_text, matrix_text

    render = matrix_text.render if derivation.view == "matrix" else grad_text.render
    return render(derivation, steps, digits)
