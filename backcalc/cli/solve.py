"""`backcalc solve HOMEWORK`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import backcalc
from backcalc.cli.common import Answer, ascii_option, command, spelled, to_json

if TYPE_CHECKING:
    from backcalc.check.solution import Solution


@command("solve", formats=("text", "markdown", "latex", "html", "ipynb", "json"))
@click.argument("homework", metavar="HOMEWORK", type=click.Path())
@click.option(
    "--steps",
    type=click.Choice(["brief", "full"]),
    default="full",
    show_default=True,
    help="How much of the way to show.",
)
@click.option("--digits", metavar="K", type=click.IntRange(1, 1000), help="Decimal digits of every number.")
@click.option("--fragment", is_flag=True, help="LaTeX without the beginning and the end of a document.")
@ascii_option
def solve(homework: str, steps: str, digits: int | None, fragment: bool, plain: bool, form: str) -> Answer:
    """Writes the model solution of a homework, problem by problem.

    HOMEWORK is an answer key. Every problem is worked out from what it asks for: the derivation, the counts or the
    proofs, how they were verified, and the answers in a box. Where something does not hold, a claim that is false or a
    result that fails a check, the exit status is 1.

    \b
    Examples:
      backcalc solve examples/homework/key.yaml --steps brief
      backcalc solve examples/homework/norm-and-claims.yaml
      backcalc solve examples/homework/key.yaml --format html --output solution.html
      backcalc solve examples/homework/key.yaml --format latex --output solution.tex
    """
    if fragment and form != "latex":
        raise click.UsageError("--fragment is for --format latex.")
    solution = backcalc.solve(homework)
    failed = ", ".join(part.id for part in solution.parts if not part.holds)
    messages = (f"not everything holds: see problem {failed}",) if failed else ()
    text = _written(solution, form, steps, digits, fragment)
    return Answer(spelled(text, plain, form), status=0 if solution.holds else 1, messages=messages)


def _written(solution: Solution, form: str, steps: str, digits: int | None, fragment: bool) -> str:
    """The solution in a format; only what writes it is imported."""
    match form:
        case "json":
            from backcalc.render import solve_json

            return to_json(solve_json.render(solution, digits))
        case "markdown":
            from backcalc.render import solve_markdown

            return solve_markdown.render(solution, steps, digits)
        case "latex":
            from backcalc.render import solve_latex

            return solve_latex.render(solution, steps, digits, fragment)
        case "html":
            from backcalc.render import solve_html

            return solve_html.render(solution, steps, digits)
        case "ipynb":
            from backcalc.render import solve_ipynb

            return solve_ipynb.render(solution, steps, digits)
    from backcalc.render import solve_text

    return solve_text.render(solution, steps, digits)
