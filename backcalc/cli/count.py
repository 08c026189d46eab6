"""`backcalc count NET`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

import click

import backcalc
from backcalc.cli.common import Answer, command, complete_net, loader, net_argument, network, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from backcalc.count import Table
    from backcalc.count.solve import Solution
    from backcalc.count.whole import Whole
    from backcalc.net import Network

CONVENTIONS = ("exact", "2mac", "mac", "torchvision", "torchinfo", "fvcore", "ptflops", "thop", "deepspeed", "torch")
"""The names of the conventions, here once more so that help and completion need not import them."""


class Convention(click.Choice[str]):
    """One of the conventions; a word that is none is told the nearest."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            self.refuse(value, None, param, ctx)
        return value

    def refuse(
        self, value: str, hint: str | None, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> NoReturn:
        """Raises BadParameter."""
        from backcalc.formula.errors import nearest

        close = nearest(value, self.choices)
        meant = f" Did you mean {close}?" if close else ""
        raise click.BadParameter(
            f"{value[:40]!r} is not one of {', '.join(self.choices)}.{meant}", ctx=ctx, param=param, param_hint=hint
        )


@command("count", formats=("text", "markdown", "latex", "html", "csv", "json"))
@net_argument
@click.option(
    "--flops",
    type=Convention(CONVENTIONS),
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
@click.option("--at", metavar="N=1024,d=768", help="Numbers for the sizes that NET declares.")
@click.option(
    "--causal",
    type=click.Choice(["full", "exact"]),
    default="full",
    show_default=True,
    help="Whether MACs that a mask of attention makes needless count.",
)
@click.option(
    "--cost",
    type=click.Choice(["forward", "training"]),
    default="forward",
    show_default=True,
    help="The forward pass, or a whole step of training with its memory.",
)
@click.option("--optimiser", metavar="NAME", help="Whose state --cost training keeps; by default that of NET's update.")
@click.option("--solve", metavar='"params = 1e6"', help="Which size makes a total so large; --for names the size.")
@click.option("--for", "letter", metavar="LETTER", help="The size that --solve looks for, a letter in NET's sizes.")
@click.option("--explain", metavar="LAYER", help="How the numbers of one layer come about, in words and formulas.")
@click.option(
    "--vs", metavar="NET", shell_complete=complete_net, help="Another network beside it, what differs marked."
)
@click.option(
    "--explain-difference",
    metavar="A,B",
    help="Why two conventions of --flops count differently: the difference as a sum.",
)
@click.option("--strict", is_flag=True, help="Refuse NET where an operator of it is unknown, and so not counted.")
@click.option("--ascii", "plain", is_flag=True, help="Text without any character above 127.")
def count(
    net: str,
    flops: str,
    no_bias: bool,
    padding_connections: str,
    pooling_connections: bool,
    batch: int,
    at: str | None,
    causal: Literal["full", "exact"],
    cost: str,
    optimiser: str | None,
    solve: str | None,
    letter: str | None,
    explain: str | None,
    vs: str | None,
    explain_difference: str | None,
    strict: bool,
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
      backcalc count gpt2 --at T=512 --cost training --optimiser adamw
      backcalc count llama-2-7b --solve "macs = 1e15" --for T
    """
    asked = {"--explain": explain, "--vs": vs, "--explain-difference": explain_difference, "--solve": solve}
    asked["--cost training"] = "" if cost == "training" else None
    if len(several := [option for option, value in asked.items() if value is not None]) > 1:
        raise click.UsageError(f"{' and '.join(several)} exclude each other.")
    if plain and form != "text":
        raise click.UsageError("--ascii is for --format text.")
    if net.lower().endswith(".safetensors"):
        return _tensors(net, form)

    def known(loaded: Network) -> Network:
        if strict:
            from backcalc.readers.unknowns import refuse_unknown

            refuse_unknown(loaded)
        return loaded

    if explain_difference is not None:
        if no_bias or batch > 1 or pooling_connections or padding_connections == "exclude" or causal == "exact":
            raise click.UsageError("--explain-difference compares whole conventions: it takes --at and --strict alone.")
        return _spelled(_difference(known(network(net, at)), explain_difference, form), plain)
    if (solve is None) != (letter is None):
        raise click.UsageError('--solve and --for belong together: --solve "params = 1e6" --for d.')
    if optimiser is not None and cost == "forward":
        raise click.UsageError("--optimiser is for --cost training.")
    if cost == "training":
        if padding_connections == "exclude" or pooling_connections:
            raise click.UsageError("--cost training counts no connections.")
        from backcalc.count.whole import whole

        found = whole(known(network(net, at)), flops, not no_bias, batch, causal, optimiser)
        return _spelled(_two_formats(found, "--cost training", form), plain)

    def table(loaded: Network) -> Table:
        return backcalc.count(
            loaded,
            flops=flops,
            bias=not no_bias,
            padding_connections=padding_connections == "include",
            pooling_connections=pooling_connections,
            batch=batch,
            causal=causal,
        )

    if vs is not None:
        return _spelled(_versus(table(known(network(net, at))), table(known(network(vs, at))), form), plain)
    if solve is not None and letter is not None:
        return _spelled(
            _two_formats(_solved(net, at, solve, letter, lambda found: table(known(found))), "--solve", form), plain
        )
    counted = table(known(network(net, at)))
    if explain is not None:
        return _spelled(_explanation(counted, explain, form), plain)
    if form == "json":
        return Answer(to_json(counted.to_json()))
    if form == "text":
        from backcalc.render import count_text

        return _spelled(Answer(count_text.render(counted)), plain)
    from backcalc.render.count_sheets import written

    return Answer(written(counted, form))


def _tensors(file: str, form: str) -> Answer:
    """The arrays of a file that holds no network, and a word on that."""
    from backcalc.readers.tensors import read_tensors

    found = read_tensors(file)
    message = "tensors alone state no network: the config.json beside them does"
    if form == "json":
        return Answer(to_json(found.to_json()), messages=(message,))
    if form != "text":
        raise click.UsageError("a .safetensors file is listed with --format text or json.")
    from backcalc.render.tensors_text import render

    return Answer(render(found), messages=(message,))


def _spelled(answer: Answer, plain: bool) -> Answer:
    """The answer, its signs written out in ASCII where that is asked for."""
    if not plain:
        return answer
    from backcalc.render.ascii_text import to_ascii

    return Answer(to_ascii(answer.text), answer.status, answer.messages)


def _solved(net: str, at: str | None, question: str, letter: str, table: Callable[[Network], Table]) -> Solution:
    """The size that the question asks for; a number that the file gives for it does not matter."""
    from backcalc.count.solve import checked, solve
    from backcalc.net.sizes import sizes

    load, others = loader(net), dict(sizes(at)) if at is not None else {}
    found = solve(table(load({**others, letter: None})), question, letter)
    return checked(found, lambda size: table(load({**others, letter: size})))


def _two_formats(found: Whole | Solution, option: str, form: str) -> Answer:
    """The answer as text or JSON, the formats that it has."""
    if form == "json":
        return Answer(to_json(found.to_json()))
    if form != "text":
        raise click.UsageError(f"{option} is for --format text and json.")
    from backcalc.render.count_whole import render

    return Answer(render(found))


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


def _difference(net: Network, names: str, form: str) -> Answer:
    """The difference of two conventions, written `fvcore,thop`."""
    first, comma, second = (part.strip() for part in names.partition(","))
    where = "'--explain-difference'"
    for name in (first, second):
        if not comma:
            raise click.BadParameter("takes two conventions, as in fvcore,thop.", param_hint=where)
        if name not in CONVENTIONS:
            Convention(CONVENTIONS).refuse(name, where)
    if form not in ("text", "json"):
        raise click.UsageError("--explain-difference is for --format text and json.")
    from backcalc.count.difference import difference

    found = difference(net, first, second)
    if form == "json":
        return Answer(to_json(found.to_json()))
    from backcalc.render.difference_text import render

    return Answer(render(found))
