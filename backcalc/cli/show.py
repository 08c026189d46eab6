"""`backcalc show NET`."""

from __future__ import annotations

import click

from backcalc.cli.common import Answer, ascii_option, command, net_argument, network, spelled


@command("show", formats=("text", "svg", "html", "dot", "mermaid"))
@net_argument
@click.option("--equations", is_flag=True, help="The network as a net.yaml file of equations.")
@ascii_option
def show(net: str, equations: bool, plain: bool, form: str) -> Answer:
    """Shows NET as a picture, or as equations.

    As text every layer is a line, and the lanes beside it lead to what reads it. The equations are a net.yaml file
    themselves, with the same values, gradients and update rule: every layer written out in indices that count from 1.

    \b
    Examples:
      backcalc show lenet5
      backcalc show resnet18 --format svg --output resnet18.svg
      backcalc show examples/shared-kernel.yaml --equations --output equations.yaml
    """
    if equations:
        if form != "text":
            raise click.UsageError("equations are text: leave out --format")
        from backcalc.render.equations_yaml import equations_yaml

        return Answer(equations_yaml(network(net)))
    from backcalc.render import show_lines, show_svg
    from backcalc.render.graph import graph_of

    renderers = {"text": show_lines.text, "dot": show_lines.dot, "mermaid": show_lines.mermaid}
    renderers |= {"svg": show_svg.render, "html": show_svg.page}
    return Answer(spelled(renderers[form](graph_of(network(net))), plain, form))
