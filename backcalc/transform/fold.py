"""`fold`: an equivalent smaller network, how it comes about, and the proof that both answer the same."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from backcalc.derive.arrays import elements
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Equation
from backcalc.formula.size import Size
from backcalc.formula.tree import Expr, Ref, Table
from backcalc.layers.base import Parameter
from backcalc.layers.fields import Nested
from backcalc.net.nested import folded
from backcalc.net.network import Network, Node
from backcalc.transform.certain import Certain
from backcalc.transform.chain import Chain
from backcalc.transform.equal import DIGITS, Both, defined, numeric, symbolic, together
from backcalc.transform.folding import Fold, Folding, Stack, params
from backcalc.transform.rules import Plan, is_identity, is_norm, is_random, plan, refusal, refusal_behind
from backcalc.transform.whole import whole
from backcalc.transform.written import folded_network, folded_yaml

LARGEST_ARRAY = 20_000  # numbers of a folded array that are computed
LETTERS = ("sizes are letters: give them numbers, and the network can be folded",)
ROUNDED = 30  # digits of what is no fraction
LONGEST = 90  # characters of a fraction in a file

Arrays = dict[str, dict[tuple[int, ...], Certain]]


def fold(network: Network, kept: Mapping[str, Any] | None = None) -> Folding:
    """Folds what can be folded; `kept` are the entries of the file that the folded file keeps, its loss and update.

    >>> from backcalc.net import load_network
    >>> folding = fold(load_network("input: 3\\nlayers: [{dense: 4}, {dense: 2}]"))
    >>> [(each.rule, each.first, each.into, each.passed) for each in folding.folds]
    [('stack', 'dense_1', 'dense_2', True)]
    """
    chain, dropped = _without_identities(Chain.of(network))
    numbers = _numbers(network)
    letters = _has_letters(network)
    folds: list[Fold] = []
    sides: list[Both] = []
    stacks: dict[str, list[Node]] = {}
    while not letters and (found := _next(chain)) is not None:
        made = found.made
        chain = chain.replaced(found.old, found.new)
        both = together(found.old, found.new, found.definitions)
        sides.append(both)
        folds.append(_fold(found, made, both))
        if found.rule == "stack":
            stacks[made.name] = [*stacks.pop(found.first.name, [found.first]), found.second]
        _compute(both, made, numbers)
    values, rounded = _values(chain, numbers)
    text = folded_yaml(network, chain.nodes, values, dict(kept or {})) if network.nodes else ""
    smaller = folded_network(text) if folds or dropped else network
    about = LETTERS if letters else (*_refusals(chain), *_about(folds, network, smaller))
    return Folding(
        network,
        smaller,
        text,
        tuple(folds),
        tuple(map(_stack, stacks.values())),
        (whole(network, smaller, sides),) if folds else (),
        (*dropped, *about, *_symbols(network, chain, values)),
        rounded,
        values,
    )


def _has_letters(network: Network) -> bool:
    """Whether some size is a letter."""
    return any(isinstance(size, Size) for node in network.nodes for size in (*node.input_shape, *node.output_shape))


def _without_identities(chain: Chain) -> tuple[Chain, tuple[str, ...]]:
    """The chain without layers that hand on what they get."""
    notes = []
    for name in [node.name for node in chain.nodes]:
        node = next(node for node in chain.nodes if node.name == name)  # what it reads may have changed on the way
        if is_identity(node) and node.name not in chain.kept:
            chain = chain.without(node)
            when = " after training" if is_random(node) else ""
            notes.append(f"{node.name} hands on what it gets{when} and is left out")
    return chain, tuple(notes)


def _next(chain: Chain) -> Plan | None:
    """The next two neighbours to fold, norms before stacks."""
    plans = []
    for first in chain.nodes:
        second = chain.reader(first.name)
        third = None if second is None else chain.reader(second.name)
        found = None if second is None else plan(chain, first, second)
        if found is None and second is not None and third is not None:
            found = plan(chain, first, third, second)
        if found is not None:
            plans.append(found)
    return next((found for found in plans if found.rule != "stack"), plans[0] if plans else None)


def _fold(plan: Plan, made: Node, both: Both) -> Fold:
    return Fold(
        plan.rule,
        plan.reason,
        plan.first.name,
        plan.second.name,
        made.name,
        tuple(map(_formula, (both.program.by_name[name] for name in both.definitions))),
        (symbolic(both), numeric(both)),
        params((plan.first, plan.second)),
        params((made,)),
    )


def _formula(equation: Equation) -> tuple[Ref, Expr]:
    return Ref(equation.name) if isinstance(equation.body, Table) else equation.left, equation.body


def _stack(layers: list[Node]) -> Stack:
    widths = (layers[0].input_shape[-1], *(node.output_shape[-1] for node in layers))
    arrays = [[parameter.name for parameter in node.parameters] for node in layers]
    names = tuple(node.name for node in layers)
    biases = tuple(array[1] if len(array) > 1 else None for array in arrays)
    return Stack(names, widths, tuple(array[0] for array in arrays), biases)


def _refusals(chain: Chain) -> list[str]:
    """Why norms are still there."""
    found = []
    for node in chain.nodes:
        if not is_norm(node):
            continue
        kind = type(node.layer).kind
        reader, source = chain.reader(node.name), chain.source(node)
        behind = "several layers read it, or none" if reader is None else refusal(node, reader)
        before = "it reads the input" if source is None else refusal_behind(source)
        found.append(f"the {kind} {node.name} is not folded: {before}; {behind}")
    return found


def _about(folds: list[Fold], old: Network, new: Network) -> list[str]:
    notes = []
    if any(fold.rule.startswith("norm") for fold in folds):
        notes.append("norms are folded as they answer after training, a batch norm with its running mean and variance")
    if params(new.nodes) > params(old.nodes):
        notes.append("the folded network has more parameters than the original, in which a layer is narrow")
    return notes


def _symbols(network: Network, chain: Chain, values: Mapping[str, Nested]) -> list[str]:
    """The folded arrays that have no values though the file has some."""
    old = {parameter.name for node in network.nodes for parameter in node.parameters}
    new = [parameter.name for node in chain.nodes for parameter in node.parameters if parameter.name not in old]
    missing = [name for name in new if name not in values]
    if not missing or not network.values:
        return []
    return [f"no values for {', '.join(missing)}: not everything that they are made of has one"]


# -- numbers -------------------------------------------------------------------------------------


def _numbers(network: Network) -> Arrays:
    """The arrays of parameters of which every number is known."""
    found: Arrays = {}
    for node in network.nodes:
        for parameter in node.parameters:
            nested = _nested(parameter, network)
            if nested is not None:
                pairs = elements(nested).items()
                found[parameter.name] = {place: Certain.of(Fraction(value), DIGITS) for place, value in pairs}
    return found


def _nested(parameter: Parameter, network: Network) -> Nested | None:
    """The numbers of an array, by itself or by the own names of its entries."""
    if parameter.entries is None:
        return network.values.get(parameter.name)

    def read(entries: Any) -> Any:
        if isinstance(entries, tuple):
            return tuple(read(item) for item in entries)
        return network.values.get(entries) if isinstance(entries, str) else entries

    nested: Nested = read(parameter.entries)
    return nested if _complete(nested) else None


def _complete(nested: Any) -> bool:
    return all(map(_complete, nested)) if isinstance(nested, tuple) else isinstance(nested, Fraction)


def _compute(both: Both, made: Node, numbers: Arrays) -> None:
    """Adds the numbers of a folded layer where all that it is made of is known."""
    if max(parameter.count for parameter in made.parameters) > LARGEST_ARRAY:
        return
    try:
        numbers.update(defined(both, numbers))
    except EvaluationError:
        return  # some array has no value: the folded one stays a symbol


def _values(chain: Chain, numbers: Arrays) -> tuple[dict[str, Nested], tuple[str, ...]]:
    """The numbers of the layers that are left, and the arrays in which some had to be rounded."""
    found: dict[str, Nested] = {}
    rounded: list[str] = []
    for parameter in (parameter for node in chain.nodes for parameter in node.parameters):
        if parameter.name not in numbers or parameter.entries is not None:
            continue
        written = [_written(value) for value in numbers[parameter.name].values()]
        nested: Any = folded([value for value, _ in written], parameter.shape)
        found[parameter.name] = nested
        if not all(exact for _, exact in written):
            rounded.append(parameter.name)
    return found, tuple(rounded)


def _written(value: Certain) -> tuple[Fraction, bool]:
    """A number as the file has it, and whether that is exact."""
    if value.exact is not None and len(str(value.exact)) <= LONGEST:
        return value.exact, True
    return Fraction(Decimal(value.decimal(ROUNDED))), False
