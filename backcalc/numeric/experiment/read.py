"""An experiment: the file read and checked, every arm of it with its network and its training."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

from backcalc.net import Network, load_network
from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.load import Document, Plain, TooManyProblems, read_document
from backcalc.net.load import Path as Place
from backcalc.net.spec import described, shown, validated
from backcalc.net.text import Source, source_of
from backcalc.net.update import UPDATES
from backcalc.net.zoo import NETWORKS
from backcalc.numeric.data import is_known, unknown
from backcalc.numeric.experiment.arms import FILES, Arm, Experiment, called, describe
from backcalc.numeric.experiment.axes import MOST_ARMS, Axis, AxisFault, grid, place_of, put, read_axes
from backcalc.numeric.experiment.measure import Measure, MeasureFault, check_names, read_measure
from backcalc.numeric.experiment.spec import ExperimentFile, Samples, Split, Stopping, Train, in_long_form
from backcalc.numeric.prepare import with_rule

Axes: TypeAlias = tuple[Axis, ...]
Values: TypeAlias = tuple[Plain, ...]
Entries: TypeAlias = tuple[dict[str, Any], str, Path | None]
"""The entries of a network's file, what errors call it, and where its own files stand."""

PARTS: Mapping[str, type[Any]] = {"split": Split, "early_stopping": Stopping}
"""Settings that have settings of their own."""

MOST_TRIALS = 1_000_000


def read_experiment(source: str | Path | Mapping[str, Any] | Source) -> Experiment:
    """Reads and checks an experiment.

    >>> net = {"input": 2, "layers": [{"dense": {"name": "a", "units": 4}}, "relu", {"dense": 3}, "softmax"],
    ...        "loss": "nll", "update": {"adam": {"rate": "0.1"}}}
    >>> found = read_experiment({"net": net, "data": "blobs:60", "vary": {"a.units": "2..6 step 2"}, "repeats": 5,
    ...                          "measure": ["test.accuracy"]})
    >>> [arm.values for arm in found.arms], found.trials
    ([(2,), (4,), (6,)], 15)

    Raises InputError with every problem that was found.
    """
    read = source if isinstance(source, Source) else source_of(source)
    document = read_document(read.text, read.label)
    reader = _Reader(document, read)
    found = None
    with suppress(TooManyProblems):
        if isinstance(document.data, dict):
            found = reader.experiment(document.data)
        elif not document.problems:
            document.report(
                (), f"expected an experiment with `net`, `data` and `measure`, got {described(document.data)}"
            )
    if found is None or document.problems or reader.foreign:
        raise InputError([*document.problems, *reader.foreign])
    return found


class _Reader:
    """Reads one file; `foreign` is what is wrong with the nets that it names."""

    def __init__(self, document: Document, source: Source) -> None:
        self.document, self.source = document, source
        self.folder = source.folder or Path()
        self.foreign: list[Problem] = []
        self.nets: dict[str, Entries | None] = {}
        self.networks: dict[str, Network | InputError] = {}

    def experiment(self, data: Mapping[str, Any]) -> Experiment | None:
        document = self.document
        spec, wrong = validated(ExperimentFile, in_long_form(data), (), document, "the experiment")
        axes = read_axes(document, data["vary"]) if isinstance(data.get("vary"), dict) else ()
        if spec is None:  # what is right is looked at all the same
            known = {key: value for key, value in in_long_form(data).items() if key not in wrong}
            spec, _ = validated(ExperimentFile, known, (), document, "the experiment")
        if spec is None:
            return None
        measures = [self._measure(text, ("measure", at)) for at, text in enumerate(spec.measure)]
        choose = None if spec.choose is None else self._measure(spec.choose, ("choose",))
        if not spec.measure:
            document.report(("measure",), "nothing is measured; write `measure: [test.accuracy]`", key=True)
        for at, path in enumerate(spec.pool):
            if path not in (axis.path for axis in axes):
                help = did_you_mean(path, [axis.path for axis in axes], "it is one of the paths of `vary`")
                document.report(("pool", at), f"`{shown(path)}` does not vary", help)
        size = prod(len(axis.values) for axis in axes if not axis.follows)
        if size > MOST_ARMS or size * spec.repeats > MOST_TRIALS:
            count = f"{size} arms of {spec.repeats}"
            document.report(("vary",), f"{count} repeats are too many: {MOST_ARMS} arms, {MOST_TRIALS} trials at most")
            return None
        arms = tuple(arm for values in grid(axes) if (arm := self._arm(spec, axes, values)) is not None)
        if document.problems or self.foreign or not arms:
            return None
        read = tuple(measure for measure in measures if measure is not None)
        for arm in arms:
            for at, measure in enumerate((*read, choose) if choose else read):
                try:
                    check_names(measure, arm.network)
                    if any(term.kind == "val" for term in measure.terms) and not arm.train.split.validation:
                        help = "write `train: {split: {validation: 0.2}}`"
                        raise MeasureFault(f"`{shown(measure.text)}`: nothing is kept for validation", help)
                except MeasureFault as fault:
                    document.report(("measure", at) if at < len(read) else ("choose",), str(fault), fault.help)
        name = spec.name or self.source.title
        return Experiment(name, axes, arms, spec.repeats, spec.seed, read, choose, tuple(spec.pool), self.source)

    def _measure(self, text: str, place: Place) -> Measure | None:
        try:
            return read_measure(text)
        except MeasureFault as fault:
            self.document.report(place, str(fault), fault.help)
            return None

    # -- one arm ----------------------------------------------------------------------------------

    def _arm(self, spec: ExperimentFile, axes: Axes, values: Values) -> Arm | None:
        """The arm of these values; what is wrong is reported at the value that is new in it."""
        before = len(self.document.problems) + len(self.foreign)
        whole = {axis.path: value for axis, value in zip(axes, values, strict=True)}
        found = self._net(whole.get("net", spec.net), ("vary", "net") if "net" in whole else ("net",))
        data = self._data(whole.get("data", spec.data), ("vary", "data") if "data" in whole else ("data",))
        train = {} if spec.train is None else spec.train
        if not isinstance(train, dict):
            self.document.report(("train",), f"expected settings, `epochs: 10`, got {described(train)}")
        if found is None or data is None or not isinstance(train, dict):
            return None
        entries = found[0]
        parts = {"net": deepcopy(entries), "data": dict(data), "train": deepcopy(train)}
        for axis, value in zip(axes, values, strict=True):
            if axis.path in ("net", "data"):
                continue
            try:
                put(parts, axis.path, value)
            except AxisFault as fault:
                self.document.report(("vary", axis.path), str(fault), fault.help, key=True)
        if len(self.document.problems) + len(self.foreign) > before:
            return None
        samples = self._validated(Samples, parts["data"], "data", axes, values)
        settings = self._validated(Train, parts["train"], "train", axes, values)
        if samples is None or settings is None:
            return None
        if isinstance(settings.optimizer, dict):
            parts["net"]["update"] = settings.optimizer
        network = self._network(parts["net"], found, axes, values)
        return None if network is None else self._ready(values, network, parts["net"], samples, settings)

    def _ready(
        self, values: Values, network: Network, entries: Mapping[str, Any], samples: Samples, settings: Train
    ) -> Arm | None:
        """The arm with the rule of its training."""
        rule = settings.optimizer
        if isinstance(rule, str):
            if rule not in UPDATES:
                help = did_you_mean(rule, UPDATES, "it is an update rule of a net, as `adam`")
                self.document.report(("train", "optimizer"), f"unknown update rule `{shown(rule)}`", help)
                return None
            network = with_rule(network, rule)
        if settings.rate is None and network.update.rate is None and settings.epochs:
            kind = network.update.kind
            help = f"write `train: {{rate: 0.01}}`, or `update: {{{kind}: {{rate: 0.01}}}}` in the net"
            self.document.report(("train",), f"`{kind}` has no rate", help, key=True)
            return None
        return Arm(values, network, entries, samples, settings, called(self.folder, samples.name))

    def _validated(self, model: type[Any], data: dict[str, Any], key: str, axes: Axes, values: Values) -> Any:
        """Settings; what an axis puts in is told at the axis."""
        before = len(self.document.problems)
        varied = {axis.path.split(".")[1]: axis for axis in axes if axis.path.startswith(f"{key}.")}
        varied = {word: axis for word, axis in varied.items() if word in data}
        needed = {"name": data["name"]} if "name" in data and "name" not in varied else {}
        fixed = {word: data[word] for word in data if word not in varied}
        for word, part in PARTS.items():
            if isinstance(fixed.get(word), dict):  # what is wrong in it is told of it
                validated(part, fixed.pop(word), (key, word), self.document, f"`{word}`")
        validated(model, fixed, (key,), self.document, f"`{key}`")
        for word, axis in varied.items():
            probe = replace(self.document, problems=[], stops=False)
            validated(model, {**needed, word: data[word]}, (key,), probe, f"`{key}`")
            for problem in probe.problems:
                self._report_value(axis, values[axes.index(axis)], problem.message, problem.help)
        whole = len(self.document.problems) == before
        return validated(model, data, (key,), self.document, f"`{key}`")[0] if whole else None

    def _report_value(self, axis: Axis, value: Plain, message: str, help: str | None) -> None:
        """Reports at the value where it stands in a list, else at the axis."""
        self.document.report(place_of(self.document, axis, value), message, help)

    # -- nets and data ----------------------------------------------------------------------------

    def _net(self, word: Any, place: Place) -> Entries | None:
        """The entries of a network, what errors call it, and where its files stand."""
        if isinstance(word, dict):
            return self._own_net(word)
        if not isinstance(word, str):
            self.document.report(place, f"expected the path or the name of a network, got {described(word)}")
            return None
        if word not in self.nets:
            self.nets[word] = self._net_file(word, place)
        return self.nets[word]

    def _own_net(self, entries: dict[str, Any]) -> Entries | None:
        """A network that stands in the experiment itself."""
        base = entries, f"`net` of {self.source.label}", self.folder
        known = repr(entries) in self.networks
        found = self._loaded(entries, base)
        if isinstance(found, InputError) and not known:
            self.foreign += found.problems
        return base if isinstance(found, Network) else None

    def _net_file(self, word: str, place: Place) -> Entries | None:
        target = self.folder / word
        if word not in NETWORKS and not target.exists():
            near = [entry.name for entry in self.folder.glob("*.y*ml")][:200] if self.folder.is_dir() else []
            hint = did_you_mean(word, [*NETWORKS, *near], "paths are relative to the experiment")
            self.document.report(place, f"there is no file or built-in network `{shown(word)}`", hint)
            return None
        try:
            read = source_of(target if target.exists() else word)
            load_network(target if target.exists() else word)
        except InputError as error:
            self.foreign += error.problems
            return None
        data = read_document(read.text, read.label).data
        entries = dict(data) if isinstance(data, dict) else {}
        return {"name": read.title, **entries}, read.label, read.folder

    def _network(self, entries: dict[str, Any], base: Entries, axes: Axes, values: Values) -> Network | None:
        """The network of changed entries; what is wrong with it is told at the axis that changed it."""
        found = self._loaded(entries, base)
        if isinstance(found, Network):
            return found
        changing = [
            (axis, value)
            for axis, value in zip(axes, values, strict=True)
            if axis.path.split(".")[0] not in ("train", "data", "net")
        ]
        for axis, value in changing:
            alone = {"net": deepcopy(base[0])}
            put(alone, axis.path, value)
            if isinstance(error := self._loaded(alone["net"], base), InputError):
                first = error.problems[0]
                message = f"with {axis.path} = {describe(value)}: {first.message}"
                self._report_value(axis, value, message, first.help)
                return None
        if changing:  # each by itself is right
            said = ", ".join(f"{axis.path} = {describe(value)}" for axis, value in changing)
            axis, value = changing[0]
            self._report_value(axis, value, f"with {said}: {found.problems[0].message}", found.problems[0].help)
        else:
            self.foreign += [problem for problem in found.problems if problem not in self.foreign]
        return None

    def _loaded(self, entries: dict[str, Any], base: Entries) -> Network | InputError:
        """The network of these entries, or what is wrong with it, looked at once."""
        text = repr(entries)
        if text not in self.networks:
            try:
                self.networks[text] = load_network(entries, label=base[1], folder=base[2])
            except InputError as error:
                self.networks[text] = error
        return self.networks[text]

    def _data(self, word: Any, place: Place) -> dict[str, Any] | None:
        """The entries of the data, a path in their name made one from here."""
        entries = {"name": word} if isinstance(word, str) else word
        if not isinstance(entries, dict):
            self.document.report(
                place, f"expected data, `iris` or `{{name: digits, scale: 1/16}}`, got {described(word)}"
            )
            return None
        name = entries.get("name")
        if isinstance(name, str) and not is_known(name):
            self.document.report((*place, "name") if entries is word else place, *unknown(name))
        if isinstance(name, str):
            entries = {**entries, "name": _from(self.folder, name)}
        return entries


def _from(folder: Path, name: str) -> str:
    """The name of data with its path seen from here, where that in it is relative to the experiment.

    >>> _from(Path("sheets"), "csv:points.csv#y"), _from(Path("sheets"), "blobs:60")
    ('csv:sheets/points.csv#y', 'blobs:60')
    """
    kind, mark, rest = name.partition(":")
    if kind not in FILES or not mark or not rest:
        return name
    return f"{kind}:{(folder / rest).as_posix()}"
