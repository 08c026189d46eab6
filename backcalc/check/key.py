"""A homework's answer key: the file read and checked, what each problem asks resolved against its networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backcalc.check.asked import Ask, read_ask
from backcalc.check.conventions import CONVENTIONS
from backcalc.check.subject import Subject, answers_subject, letters_subject, network_subject
from backcalc.derive import DerivationError
from backcalc.derive.partial import NotDifferentiable
from backcalc.formula.errors import FormulaError
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Expr, names
from backcalc.layers.fields import Exact, Read, exact
from backcalc.net import Network, load_network
from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.load import Document, TooManyProblems, read_document
from backcalc.net.load import Path as Place
from backcalc.net.names import NameFault
from backcalc.net.spec import Text, shown, validated
from backcalc.net.text import source_of
from backcalc.net.zoo import NETWORKS

MOST_PARTS = 200


def _id(value: object) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value).strip()) <= 40:
        return str(value).strip()
    raise ValueError("expected a number or a word")


Id = Annotated[str, Read(_id, {"anyOf": [{"type": "integer"}, {"type": "string"}]})]


def _answer(value: object) -> Fraction | tuple[Fraction, ...]:
    """A number, or a list of numbers such as a shape."""
    if isinstance(value, list) and 0 < len(value) <= 1000:
        return tuple(exact(item) for item in value)
    return exact(value)


AnswerValue = Annotated[Fraction | tuple[Fraction, ...], Read(_answer, {})]


class KeyFile(BaseModel):
    """A homework's answer key."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Text | None = Field(None, description="what the homework is called")
    accept: list[Text] = Field([], description="conventions that also count as right")
    follows: Exact = Field(Fraction(1), description="share of the points for a correct link from an own earlier error")
    problems: list[Any] = Field(description="the problems, in order")


class ProblemFile(BaseModel):
    """One problem of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: Id = Field(description="number or name of the problem")
    net: list[Text] | None = Field(None, description="the network, or several of which any one may be meant")
    count: Text | None = Field(None, description="the network that is counted: a path or a built-in name")
    bias: bool = Field(True, description="whether biases are counted")
    ask: list[Text] = Field([], description="what is asked for")
    points: Exact = Field(Fraction(1), description="points, shared equally among what is asked")
    aliases: dict[str, Text] = Field({}, description="a student's names, each with ours")
    claims: list[Text] = Field([], description="identities that are to be shown")
    answers: dict[str, dict[str, AnswerValue]] = Field(
        {}, description="values that are stated here, each with a tolerance"
    )


@dataclass(frozen=True)
class KeyProblem:
    """One problem: its subjects (several where any one of several networks may be meant) and what is asked.

    `asks` has a tuple for every subject. `identities` are the sides of the claims that are to be shown.
    """

    id: str
    points: Fraction
    subjects: tuple[Subject, ...]
    asks: tuple[tuple[Ask, ...], ...]
    bias: bool = True
    derives: bool = True
    identities: tuple[tuple[Expr, Expr], ...] = ()

    def with_jacobians(self, place: int, words: Iterable[str]) -> Subject:
        """A subject that has further derivatives too, as `dy/dz`."""
        subject = self.subjects[place]
        if subject.network is None or not words:
            return subject
        return network_subject(
            subject.network,
            bias=self.bias,
            aliases=subject.aliases,
            jacobians=words,
            derives=self.derives,
            derivation=subject.derivation,
        )


@dataclass(frozen=True)
class Key:
    """A whole key. `accept` are the conventions that count as right besides its own."""

    name: str
    accept: frozenset[str]
    follows: Fraction
    problems: tuple[KeyProblem, ...]
    file: str | None = None


@dataclass
class _Reading:
    document: Document
    folder: Path
    foreign: list[Problem] = field(default_factory=list)

    def network(self, word: str, path: Place) -> Network | None:
        """The network that a word names: built-in, or a file beside the key. What is wrong is reported."""
        target = self.folder / word
        try:
            if word in NETWORKS and not target.exists():
                return load_network(word)
            if target.exists():
                return load_network(target)
        except InputError as error:
            self.foreign += error.problems
            return None
        near = [entry.name for entry in self.folder.glob("*.y*ml")][:200] if self.folder.is_dir() else []
        hint = did_you_mean(word, [*NETWORKS, *near], "paths are relative to the key")
        self.document.report(path, f"there is no file or built-in network `{shown(word)}`", hint)
        return None


def load_key(source: str | Path | Mapping[str, Any], *, label: str | None = None) -> Key:
    """Reads and checks a key; everything that it asks is resolved against its networks.

    >>> key = load_key({"problems": [{"id": 1, "count": "lenet5", "bias": False, "ask": ["weights"]}]})
    >>> [ask.word for ask in key.problems[0].asks[0]]
    ['weights']

    Raises InputError with every problem that was found.
    """
    read = source_of(source, label)
    document = read_document(read.text, read.label)
    reading = _Reading(document, read.folder or Path())
    key = None
    with suppress(TooManyProblems):
        if isinstance(document.data, dict):
            key = _key(reading, document.data, read.title, read.file)
        elif not document.problems:
            document.report((), "a key is a mapping with `problems`")
    if key is None or document.problems or reading.foreign:
        raise InputError([*document.problems, *reading.foreign])
    return key


def _key(reading: _Reading, data: Mapping[str, Any], title: str, file: str | None) -> Key | None:
    document = reading.document
    spec, _ = validated(KeyFile, {k: v for k, v in data.items() if v is not None}, (), document, "the key")
    if spec is None:
        return None
    for number, word in enumerate(spec.accept):
        if word not in CONVENTIONS:
            known = ", ".join(CONVENTIONS)
            message = f"unknown convention `{shown(word)}`"
            document.report(("accept", number), message, did_you_mean(word, CONVENTIONS, f"there are {known}"))
    if not 0 <= spec.follows <= 1:
        document.report(("follows",), "`follows` is a share of the points, from 0 to 1")
    if not spec.problems:
        document.report(("problems",), "there are no problems", key=True)
    if len(spec.problems) > MOST_PARTS:
        document.report(("problems",), f"there are more than {MOST_PARTS} problems", key=True)
        return None
    found: list[KeyProblem] = []
    for number, entry in enumerate(spec.problems):
        problem = _problem(reading, entry, ("problems", number))
        if problem is not None and problem.id in [other.id for other in found]:
            document.report(("problems", number, "id"), f"there are two problems `{problem.id}`")
        elif problem is not None:
            found.append(problem)
    return Key(spec.name or title, frozenset(spec.accept), spec.follows, tuple(found), file)


def _problem(reading: _Reading, entry: Any, path: Place) -> KeyProblem | None:
    document = reading.document
    if not isinstance(entry, dict):
        document.report(path, "a problem is a mapping, as `{id: 1, net: net.yaml, ask: [dJ/dw]}`")
        return None
    single = {word: [value] for word in ("net", "ask", "claims") if isinstance(value := entry.get(word), str)}
    spec, _ = validated(ProblemFile, {**entry, **single}, path, document, "a problem")
    if spec is None:
        return None
    kinds = [word for word in ("net", "count", "claims", "answers") if entry.get(word)]
    if len(kinds) != 1:
        message = "a problem has one of `net`, `count`, `claims` and `answers`"
        document.report(path, f"{message}, not {len(kinds)}" if kinds else message)
        return None
    if spec.points < 0:
        document.report((*path, "points"), "`points` cannot be negative")
    if spec.claims:
        return _identities(document, spec, path)
    if spec.answers:
        return _answers(document, spec, path)
    subjects = tuple(
        subject
        for number, word in enumerate(spec.net or [spec.count or ""])
        if (subject := _subject(reading, spec, word, (*path, "net", number) if spec.net else (*path, "count")))
    )
    if len(subjects) != len(spec.net or [0]):
        return None
    if not spec.ask:
        document.report(path, "the problem asks for nothing: give `ask`, as in `ask: [dJ/dw1]`")
    asks = tuple(tuple(_asks(document, spec.ask, subject, (*path, "ask"))) for subject in subjects)
    for word, target in spec.aliases.items():
        for subject in subjects:
            try:
                read_ask(target, subject)
            except NameFault as fault:
                document.report((*path, "aliases", word), fault.message, fault.help)
    return KeyProblem(spec.id, spec.points, subjects, asks, spec.bias, spec.net is not None)


def _subject(reading: _Reading, spec: ProblemFile, word: str, path: Place) -> Subject | None:
    network = reading.network(word, path)
    if network is None:
        return None
    derives = spec.net is not None and network.loss is not None
    try:
        return network_subject(network, bias=spec.bias, aliases=spec.aliases, derives=derives)
    except (DerivationError, NotDifferentiable) as error:
        reading.document.report(path, f"`{shown(word)}`: {error}")
    except InputError as error:
        reading.foreign += error.problems
    return None


def _asks(document: Document, words: Sequence[str], subject: Subject, path: Place) -> Iterable[Ask]:
    for number, word in enumerate(words):
        try:
            yield read_ask(word, subject)
        except NameFault as fault:
            document.report((*path, number), fault.message, fault.help)


def _answers(document: Document, spec: ProblemFile, path: Place) -> KeyProblem | None:
    stated: dict[str, tuple[Fraction, Fraction]] = {}
    lists: dict[str, tuple[Fraction, ...]] = {}
    for name, entry in spec.answers.items():
        if "value" not in entry or not entry.keys() <= {"value", "tolerance"}:
            document.report((*path, "answers", name), "an answer is `{value: 0.93, tolerance: 0.05}`")
            continue
        value, tolerance = entry["value"], entry.get("tolerance", Fraction(0))
        if isinstance(tolerance, tuple) or (isinstance(value, tuple) and tolerance):
            document.report((*path, "answers", name), "a tolerance is one number, for a value that is one number")
        elif isinstance(value, tuple):
            lists[name] = value
        else:
            stated[name] = (value, abs(tolerance))
    subject = replace(answers_subject(spec.id, stated, lists), aliases=dict(spec.aliases))
    asks = tuple(_asks(document, spec.ask or list(spec.answers), subject, (*path, "ask")))
    return KeyProblem(spec.id, spec.points, (subject,), (asks,), derives=False)


def _identities(document: Document, spec: ProblemFile, path: Place) -> KeyProblem | None:
    found: list[tuple[Expr, Expr]] = []
    for number, text in enumerate(spec.claims):
        sides = text.split("=")
        if len(sides) != 2:
            document.report((*path, "claims", number), "a claim is `left = right`")
            continue
        try:
            found.append((read_expression(sides[0]), read_expression(sides[1])))
        except FormulaError as error:
            document.report((*path, "claims", number), error.message, error.hint)
    letters = {name for pair in found for side in pair for name in names(side)} - {"e", "pi"}
    subject = replace(letters_subject(spec.id, letters), aliases=dict(spec.aliases))
    return KeyProblem(spec.id, spec.points, (subject,), ((),), derives=False, identities=tuple(found))
