"""`backcalc check KEY SUBMISSION…`."""

from __future__ import annotations

import click

import backcalc
from backcalc.cli.common import Answer, command, to_json


@command("check", formats=("text", "json", "csv"))
@click.argument("key", metavar="KEY", type=click.Path())
@click.argument("submissions", metavar="[SUBMISSION]…", nargs=-1, type=click.Path())
@click.option("--claims", is_flag=True, help="Show the claims that are right, too.")
def check(key: str, submissions: tuple[str, ...], claims: bool, form: str) -> Answer:
    """Checks homework: what is right, the first wrong step, and why.

    Every claim of a SUBMISSION, each link of each chain of equal sides, is judged against KEY.
    A submission is a file (.md, .tex, .txt, .ipynb, .py, .yaml, .csv, .npz, .json) or a folder. Without one the key is
    checked and its answers are shown. The exit status is 1 where a claim is wrong, or right only by an own error
    carried forward; what could not be settled or read is said and never counted as wrong.

    \b
    Examples:
      backcalc check examples/homework/key.yaml
      backcalc check examples/homework/key.yaml examples/homework/ada.md
      backcalc check examples/homework/key.yaml examples/homework/ada.md --format json --output result.json
    """
    report = backcalc.check(key, submissions)
    if form == "json":
        text = to_json(report.to_json())
    elif form == "csv":
        from backcalc.render import check_sheets

        text = check_sheets.as_csv(report)
    else:
        from backcalc.render import check_text

        text = check_text.render(report, claims=claims)
    open_ones = report.unsettled
    said = "1 claim was" if open_ones == 1 else f"{open_ones} claims were"
    messages = (f"{said} not settled or not read; they do not count as wrong",) if open_ones else ()
    return Answer(text, status=0 if report.holds else 1, messages=messages)
