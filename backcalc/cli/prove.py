"""`backcalc prove "CLAIM"`."""

from __future__ import annotations

import click

import backcalc
from backcalc.cli.common import Answer, ascii_option, command, spelled, to_json


@command("prove", formats=("text", "latex", "json"))
@click.argument("claim", metavar="CLAIM")
@click.option(
    "--given",
    metavar="CONDITIONS",
    multiple=True,
    help="What may be assumed: x > 0; sum(k, t[k]) = 1; z: [K] for a vector. Several are separated by commas.",
)
@ascii_option
def prove(claim: str, given: tuple[str, ...], plain: bool, form: str) -> Answer:
    """Proves or refutes CLAIM, an equality or a chain of them.

    A claim is written as formulas are: functions, diff(f, x) for a derivative, sums over an index, softmax of a vector.
    What is proved comes with its steps, what is false with a counterexample; the exit status is 1 where the claim is
    not proved.

    \b
    Examples:
      backcalc prove "2*sigmoid(2*x) - 1 = tanh(x)"
      backcalc prove "diff(tanh(x), x) = 1 - tanh(x)^2 = 4*sigmoid(2*x) - 4*sigmoid(2*x)^2"
      backcalc prove "sqrt(x^2) = x" --given "x > 0"
      backcalc prove "diff(log(sum(exp(z))), z) = softmax(z)"
    """
    proof = backcalc.prove(claim, given=given)
    if form == "json":
        text = to_json(proof.to_json())
    elif form == "latex":
        from backcalc.render import prove_latex

        text = prove_latex.render(proof)
    else:
        from backcalc.render import prove_text

        text = prove_text.render(proof)
    return Answer(spelled(text, plain, form), status=0 if proof.holds else 1)
