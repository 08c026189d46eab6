"""The updates of a derivation as text: the rule, and every new value; several steps as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.derive.update import Change, Move, rule_equations
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Num, Ref, names, num
from backcalc.net.network import Update
from backcalc.net.update import UPDATES
from backcalc.render.grad_signs import accented
from backcalc.render.layout import equation, heading, paragraph
from backcalc.render.values import shown

MOST_ENTRIES = 12  # of an array that is printed with its values
MANY_RULES = 4

Math = Callable[[Expr], str]
"""How an expression is printed."""


def update_lines(derivation: Derivation, math: Math, digits: int | None, width: int) -> list[str]:
    """The section on updates; nothing where no parameter was asked for."""
    if not derivation.updates:
        return []
    update, loss = derivation.network.update, derivation.loss
    known = f", η = {to_unicode(derivation.rate)}" if isinstance(derivation.rate, Num) else ""
    lines = heading("Update")
    if update.kind == "sgd":
        lines += paragraph(f"gradient descent: Δw = −η·∂{loss}/∂w{known}", 2, width)
    else:
        lines += paragraph(f"{update.kind}, {start_of(update)}, with g = ∂{loss}/∂w{known}:", 2, width)
        rules = ((accented(Ref(name)), accented(read_expression(text))) for name, text in rule_equations(update))
        lines += [f"    {name} ← {formula}" for name, formula in rules]
        arguments = _arguments(update)
        lines += paragraph(arguments, 4, width) if arguments else []
    if update.steps is not None and any(change.moves for change in derivation.updates):
        return [*lines, *_table(derivation, math, digits, width), ""]
    single = [line for change in derivation.updates for line in _single(change, math, digits, width)]
    return [*lines, *_in_columns(single, width), ""]


def _in_columns(rules: Sequence[str], width: int) -> list[str]:
    """Short rules beside one another, where there are many."""
    room = max(map(len, rules), default=0) + 1
    count = width // room
    if len(rules) < MANY_RULES or count < 2:
        return list(rules)
    return [
        "".join(f"{rule:<{room}}" for rule in rules[at : at + count]).rstrip() for at in range(0, len(rules), count)
    ]


def start_of(update: Update) -> str:
    """Which step it is, and from what state."""
    state = ", ".join(to_unicode(Ref(name)) for name in update.state)
    start = f"given for {state}" if state else "of zeros"
    if update.steps is not None:
        count = "1 step" if update.steps == 1 else f"{update.steps} steps"
    else:
        count = f"step {update.made + 1}" if update.made else "the first step"
    return f"{count} from a state {start}"


def _arguments(update: Update) -> str:
    values = {**UPDATES[update.kind].arguments, **update.arguments}
    said = ", ".join(f"{to_unicode(Ref(name))} = {to_unicode(num(v))}" for name, v in values.items())
    return "; ".join([*([f"with {said}"] if said else []), *state_words(update)])


def state_words(update: Update) -> Iterator[str]:
    """What the letters of a rule stand for that no argument gives: the number of the step, what is remembered."""
    rule = UPDATES[update.kind]
    if any("k" in names(read_expression(text)) for _, text in rule_equations(update)):
        more = ", then the next" if update.steps not in (None, 1) else ""
        yield f"k = {update.made + 1}{more} is the number of the step"
    before = [f"{accented(Ref(name))}0" for name in rule.state]
    if before and not update.state:
        yield f"{' = '.join(before)} = 0 {'are' if len(before) > 1 else 'is'} what is remembered before the first step"
    elif before:
        yield f"{' and '.join(before)} {'are' if len(before) > 1 else 'is'} what the file gives as remembered"


def _single(change: Change, math: Math, digits: int | None, width: int) -> Iterator[str]:
    """The one step of a parameter, a line for each of its numbers where they are few."""
    if change.delta is None or len(change.delta) > MOST_ENTRIES:
        target = change.formula.terms[0] if isinstance(change.formula, Add) else change.formula
        lines = equation(math(target), [math(change.formula)], 2, width)
        yield from "\n".join(lines).replace(" = ", " ← ", 1).split("\n")
        return
    for place, delta in change.delta.items():
        name = math(_element(change, place))
        parts = [_assigned(f"Δ{name}", "=", delta, digits)]
        if change.new is not None:
            parts.append(_assigned(name, "←", change.new[place], digits))
        joined = f"  {',   '.join(parts)}"
        yield from [joined] if len(joined) <= width else [f"  {part}" for part in parts]


def _element(change: Change, place: tuple[int, ...]) -> Expr:
    return Ref(change.name, tuple(num(i) for i in place)) if place else read_expression(change.name)


def _assigned(left: str, sign: str, value: Exact, digits: int | None) -> str:
    text = shown(value, digits)
    return f"{left} {text}" if text.startswith("≈") and sign == "=" else f"{left} {sign} {text.removeprefix('≈ ')}"


# -- several steps -------------------------------------------------------------------------------


def _table(derivation: Derivation, math: Math, digits: int | None, width: int) -> Iterator[str]:
    """Every step: the loss before it, and for each number its gradient, its difference and its new value."""
    loss, changes = derivation.loss, derivation.updates
    steps = "1 step" if len(changes[0].moves) == 1 else f"{len(changes[0].moves)} steps"
    sentence = f"{steps}, in each of which all parameters move at once by the gradients at the values before it:"
    yield from paragraph(sentence, 2, width)
    rows: list[Sequence[str]] = [("step", f"{loss} before", "parameter", "gradient", "difference", "new value")]
    for position, first in enumerate(changes[0].moves):
        said = (str(first.number), _plain(first.loss, digits))
        for change in changes:
            move = change.moves[position]
            if len(move.new) > MOST_ENTRIES:
                rows.append((*said, math(Ref(change.name)), "…", "…", f"{len(move.new):,} numbers"))
                said = ("", "")
            for place in move.new if len(move.new) <= MOST_ENTRIES else ():
                numbers = (_plain(array[place], digits) for array in (move.gradient, move.delta, move.new))
                rows.append((*said, math(_element(change, place)), *numbers))
                said = ("", "")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True)).rstrip()
    yield f"  {loss} = {_plain(changes[0].moves[-1].after, digits)} after the last step"
    rounded = (move.number for change in changes for move in change.moves if _is_rounded(move))
    if (first_rounded := min(rounded, default=None)) is not None:
        sentence = f"From step {first_rounded} on there are decimals of 50 digits: exact forms would be too long."
        yield from paragraph(sentence, 2, width)


def _is_rounded(move: Move) -> bool:
    """Whether a number of the step has no exact form."""
    return any(value.value is None for array in (move.gradient, move.new) for value in array.values())


def _plain(value: Exact, digits: int | None) -> str:
    """A value in a cell: exactly where that is short, else its decimal."""
    text = shown(value, digits).removeprefix("≈ ")
    return text.partition(" ≈ ")[2] or text
