"""`backcalc count NET`."""

from __future__ import annotations

import click

import backcalc
from backcalc.cli.common import Answer, command, net_argument, network, to_json


@command("count")
@net_argument
@click.option(
    "--flops",
    type=click.Choice(["exact", "2mac", "mac", "torchvision"]),
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
def count(
    net: str,
    flops: str,
    no_bias: bool,
    padding_connections: str,
    pooling_connections: bool,
    batch: int,
    explain: str | None,
    form: str,
) -> Answer:
    """Counts NET, with the formula beside each number.

    Shapes, parameters, connections, MACs, FLOPs, activations, memory and receptive field, a row a layer.

    \b
    Examples:
      backcalc count lenet5
      backcalc count lenet5 --no-bias --flops 2mac
      backcalc count net.yaml --explain conv1
    """
    table = backcalc.count(
        network(net),
        flops=flops,
        bias=not no_bias,
        padding_connections=padding_connections == "include",
        pooling_connections=pooling_connections,
        batch=batch,
    )
    if form == "json":
        if explain is not None:
            raise click.UsageError("--explain is for --format text; JSON holds every formula already.")
        return Answer(to_json(table.to_json()))

    from backcalc.render import count_text

    return Answer(count_text.render(table) if explain is None else count_text.explain(table, explain))
