"""`backcalc zoo`."""

from __future__ import annotations

import click

from backcalc.cli.common import Answer, command, to_json


@command("zoo")
@click.option("--check", is_flag=True, help="Count them all and compare with what is published.")
def zoo(check: bool, form: str) -> Answer:
    """Lists the built-in networks.

    Each name can stand where a command takes NET. With --check the exit status is 1 where a number differs.

    \b
    Examples:
      backcalc zoo
      backcalc zoo --check
    """
    from backcalc.net.zoo import NETWORKS

    if check:
        return _checked(form)
    if form == "json":
        networks = [{"name": name, "description": description} for name, description in NETWORKS.items()]
        return Answer(to_json({"schema_version": 1, "networks": networks}))
    from backcalc.render.zoo_text import listed

    return Answer(listed(NETWORKS))


def _checked(form: str) -> Answer:
    from backcalc.count.published import compare

    comparisons = tuple(compare())
    status = 0 if all(each.agrees for each in comparisons) else 1
    if form == "json":
        rows = [each.to_json() for each in comparisons]
        return Answer(to_json({"schema_version": 1, "passed": status == 0, "published": rows}), status)
    from backcalc.render.zoo_text import compared

    return Answer(compared(comparisons), status)
