"""What a sentence says of a quantity that is named in it: `the $y_1$ is 0.5`, `so $w_1$ won't update`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.read import Line, Lost, chains
from backcalc.check.subject import Subject
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Call, Expr, Ref, substitute

_NAMED = re.compile(
    r"(?<![\w '’])(?P<before>[\w '’]*?)(?:\$(?P<dollar>[^$]{1,80})\$|\\\((?P<round>[^$]{1,80}?)\\\)"
    r"|(?P<bare>[A-Za-z]\w{0,12}))\s*"
    r"(?:is|are|equals?|=|:|≈|becomes|will be|must be|should be)\s*(?:about|roughly|approximately|then)?\s*$"
)
_STILL = re.compile(
    r"\$(?P<name>[^$]{1,40})\$\s+(?:won['’]?t|will not|does(?:n['’]t| not)|is(?:n['’]t| not)|cannot|can['’]?t)\s+"
    r"(?:be\s+|get\s+)?(?:updated?|change[ds]?|moved?)\b"
)
_NAME = re.compile(r"[^=<>≈]{1,60}")
_VALUE = re.compile(r"[-−]?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?:\s?/\s?\d+)?")
_VALUES = re.compile(r"^\W*(?:values?|results?|answers?|numbers?|wert|ergebnis|valeur|résultat|=)?\W*$", re.IGNORECASE)
_NEUTRAL = frozenset(
    [
        "the",
        "so",
        "then",
        "that",
        "value",
        "of",
        "a",
        "and",
        "thus",
        "hence",
        "therefore",
        "we",
        "get",
        "have",
        "now",
        "output",
        "here",
    ]
)
_BY_SIGN = re.compile(r"(?:<\s*0|negative|less than zero)\b[^.]*$|<\s*0\s*\$[^.]*$", re.IGNORECASE)


def stated(line: Line, subject: Subject) -> Iterator[Line]:
    """The lines of mathematics that sentences come to; `kind` is `sure` where they can mean nothing else."""
    if not line.text:
        yield from _still(line, subject)
        return
    if line.kind == "cell" and subject.loss is not None:
        yield from _cell(line, subject)
        return
    found = _NAMED.search(line.beside) if line.kind == "number" else None
    if found is None or (subject.counts is not None and subject.loss is None):
        return
    name = found["dollar"] or found["round"]
    if name is None or any(sign in name for sign in "=<>"):
        return
    before = found["before"].split()
    plain = replace(line, words=False, fixed=len(line.text), beside="", after="", kind="sure")
    if before[-2:] in (["derivative", "of"], ["gradient", "of"]):
        yield from _slope(plain, name, line, subject)
    elif all(word.lower() in _NEUTRAL for word in before[-2:]):
        yield replace(plain, text=f"{name} = {line.text}")


def _cell(line: Line, subject: Subject) -> Iterator[Line]:
    """`| dJ/dw1 | 1.875 |` in a column of values."""
    name = line.beside.strip(" *`")
    if line.text == line.beside or not _VALUE.fullmatch(line.text.strip(" *`$")) or not _VALUES.search(line.above):
        return
    if name.startswith("$") and name.endswith("$"):
        said = replace(line, text=f"{name.strip('$')} = {line.text.strip(' *`$')}", words=False)
    else:
        said = replace(line, text=f"{name} = {line.text.strip(' *`$')}", words=True)
    if _NAME.fullmatch(name.strip("$")):
        yield replace(said, fixed=len(line.text), beside="", above="", kind="sure")


def _still(line: Line, subject: Subject) -> Iterator[Line]:
    """`$w_1$ won't update`: its step is 0."""
    found = _STILL.search(line.source.split("\n")[0])
    if found is None or subject.loss is None:
        return
    text = rf"\Delta {found['name']} = 0"
    yield replace(line, text=text, words=False, column=found.start() + 1, fixed=len(found[0]), kind="sure")


def _slope(plain: Line, name: str, line: Line, subject: Subject) -> Iterator[Line]:
    """`the derivative of $q_1$ is 0`: of the loss by it, or the slope of the activation that a sign is given for."""
    output = _quantity(name, subject)
    before = line.source.split("\n")[0][: max(line.column - 1, 0)]
    inner = activated(output, subject) if output is not None else None
    if output is not None and inner is not None and _BY_SIGN.search(before):
        yield replace(plain, text=f"diff({to_text(output)}, {to_text(inner)}) = {line.text}", words=True)
    elif subject.loss is not None:
        text = rf"\frac{{\partial {subject.loss}}}{{\partial {name}}} = {line.text}"
        yield replace(plain, text=text, kind="open")


def activated(output: Ref, subject: Subject) -> Ref | None:
    """What goes into the ReLU that has this output; None where it is no such output."""
    equation = subject.program.by_name.get(output.name)
    if equation is None or len(equation.indices) != len(output.indices):
        return None
    body = substitute(equation.body, dict(zip(equation.indices, output.indices, strict=True)))
    match body:
        case Call("relu", (Ref() as inner,)):
            return inner
    return None


def _quantity(name: str, subject: Subject) -> Ref | None:
    for read in chains(Line(f"{name} = 0", 1, 1, "", False), subject):
        if isinstance(read, Lost):
            return None
        try:
            expr: Expr = Translator(subject)(read.first.expr)
        except (Unknown, NotFormula):
            return None
        return expr if isinstance(expr, Ref) else None
    return None
