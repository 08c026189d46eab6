"""`backcalc grad NET`."""

from __future__ import annotations

from typing import Literal

import click

import backcalc
from backcalc.cli.common import Answer, command, net_argument, network, to_json
from backcalc.cli.names import split_names


@command("grad")
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
def grad(
    net: str,
    wrt: tuple[str, ...],
    view: Literal["scalar", "index", "matrix"] | None,
    steps: str,
    digits: int | None,
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
    """
    derivation = backcalc.grad(network(net), wrt=split_names(wrt) or None, view=view)
    if form == "json":
        from backcalc.render import grad_json

        text = to_json(grad_json.render(derivation, digits=digits))
    elif derivation.view == "matrix":
        from backcalc.render import matrix_text

        text = matrix_text.render(derivation, steps=steps, digits=digits)
    else:
        from backcalc.render import grad_text

        text = grad_text.render(derivation, steps=steps, digits=digits)
    unsure = [check for check in derivation.verified if not check.passed]
    failed = any(check.max_error is not None for check in unsure)  # without an error nothing was evaluated
    messages = (f"not verified by {check.against}: {check.detail}" for check in unsure)
    return Answer(text, status=1 if failed else 0, messages=tuple(messages))
