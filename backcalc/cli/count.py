"""`backcalc count NET`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import backcalc
from backcalc.cli.common import Answer, command, complete_net, net_argument, network, to_json

if TYPE_CHECKING:
    from backcalc.count import Table

CONVENTIONS = ("exact", "2mac", "mac", "torchvision", "torchinfo", "fvcore", "ptflops", "thop", "deepspeed", "torch")
"""The names of the conventions, here once more so that help and completion need not import them."""


@command("count", formats=("text", "markdown", "latex", "html", "csv", "json"))
@net_argument
@click.option(
    "--flops",
    type=click.Choice(CONVENTIONS),
    default="exact",
    show_default=True,
    help="What counts as an operation.",
)
@click.option("--no-bias", is_flag=True, help="Leave biases out of parameters, connections and FLOPs.")
@click.option(
    "--padding-connections",
    type=click.Choice(["include", "exclude"]),
    default="include",
    show_default=True,
    help="Whether connections to padding count.",
)
@click.option("--pooling-connections", is_flag=True, help="Count the window inputs of max and average pooling.")
@click.option(
    "--batch",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Samples at a time; parameters stay the same.",
)
@click.option("--explain", metavar="LAYER", help="How the numbers of one layer come about, in words and formulas.")
@click.option(
    "--vs", metavar="NET", shell_complete=complete_net, help="Another network beside it, what differs marked."
)
@click.option(
    "--explain-difference",
    metavar="A,B",
    help="Why two conventions of --flops count differently: the difference as a sum.",
)
@click.option("--ascii", "plain", is_flag=True, help="Text without any character above 127.")
def count(
    net: str,
    flops: str,
    no_bias: bool,
    padding_connections: str,
    pooling_connections: bool,
    batch: int,
    explain: str | None,
    vs: str | None,
    explain_difference: str | None,
    plain: bool,
    form: str,
) -> Answer:
    """Counts NET, with the formula beside each number.

    Shapes, parameters, connections, MACs, FLOPs, activations, memory and receptive field, a row a layer.

    \b
    Examples:
      backcalc count lenet5
      backcalc count lenet5 --no-bias --flops 2mac
      backcalc count net.yaml --explain conv1
      backcalc count resnet50 --vs resnet50-2015
      backcalc count resnet50 --explain-difference fvcore,thop
    """
    asked = {"--explain": explain, "--vs": vs, "--explain-difference": explain_difference}
    if len(several := [option for option, value in asked.items() if value is not None]) > 1:
        raise click.UsageError(f"{' and '.join(several)} exclude each other.")
    if plain and form != "text":
        raise click.UsageError("--ascii is for --format text.")
    if explain_difference is not None:
        return _spelled(_difference(net, explain_difference, form), plain)

    def table(net: str) -> Table:
        return backcalc.count(
            network(net),
            flops=flops,
            bias=not no_bias,
            padding_connections=padding_connections == "include",
            pooling_connections=pooling_connections,
            batch=batch,
        )

    if vs is not None:
        return _spelled(_versus(table(net), table(vs), form), plain)
    counted = table(net)
    if explain is not None:
        return _spelled(_explanation(counted, explain, form), plain)
    if form == "json":
        return Answer(to_json(counted.to_json()))
    if form == "text":
        from backcalc.render import count_text

        return _spelled(Answer(count_text.render(counted)), plain)
    from backcalc.render.count_sheets import written

    return Answer(written(counted, form))


def _spelled(answer: Answer, plain: bool) -> Answer:
    """The answer, its signs written out in ASCII where that is asked for."""
    if not plain:
        return answer
    from backcalc.render.ascii_text import to_ascii

    return Answer(to_ascii(answer.text), answer.status, answer.messages)


def _explanation(table: Table, layer: str, form: str) -> Answer:
    if form != "text":
        raise click.UsageError("--explain is for --format text; the other formats hold every formula already.")
    from backcalc.render.count_text import explain

    return Answer(explain(table, layer))


def _versus(left: Table, right: Table, form: str) -> Answer:
    from backcalc.count.compare import versus

    found = versus(left, right)
    if form == "json":
        return Answer(to_json(found.to_json()))
    if form == "text":
        from backcalc.render import versus_text

        return Answer(versus_text.render(found))
    from backcalc.render.count_sheets import written

    return Answer(written(found, form))


def _difference(net: str, names: str, form: str) -> Answer:
    """The difference of two conventions, written `fvcore,thop`."""
    first, comma, second = (part.strip() for part in names.partition(","))
    for name in (first, second):
        if name not in CONVENTIONS:
            said = ", ".join(CONVENTIONS)
            hint = "takes two conventions, as in fvcore,thop" if not comma else f"{name!r} is not one of {said}"
            raise click.BadParameter(f"{hint}.", param_hint="'--explain-difference'")
    if form not in ("text", "json"):
        raise click.UsageError("--explain-difference is for --format text and json.")
    from backcalc.count.difference import difference

    found = difference(network(net), first, second)
    if form == "json":
        return Answer(to_json(found.to_json()))
    from backcalc.render.difference_text import render

    return Answer(render(found))
