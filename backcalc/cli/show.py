"""`backcalc show NET`."""

from __future__ import annotations

import click

from backcalc.cli.common import Answer, command, net_argument, network


@command("show", formats=("text",))
@net_argument
@click.option("--equations", is_flag=True, help="The network as a net.yaml file of equations.")
def show(net: str, equations: bool, form: str) -> Answer:
    """Shows NET as equations.

    What is printed is a net.yaml file itself, with the same values, gradients and update rule: every layer written
    out in indices that count from 1.

    \b
    Examples:
      backcalc show examples/shared-kernel.yaml --equations
      backcalc show net.yaml --equations --output equations.yaml
    """
    if not equations:
        raise click.UsageError("this version shows a network as equations only: add --equations")
    from backcalc.render.equations_yaml import equations_yaml

    return Answer(equations_yaml(network(net)))
