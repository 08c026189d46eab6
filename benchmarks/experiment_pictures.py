"""Pictures of single networks for the experiments: signals before training, norms after it, what auto-encoders see.

    python benchmarks/experiment_pictures.py FOLDER

The sweeps and curves of an experiment are drawn by `backcalc experiment FILE --run FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backcalc.numeric.experiment import read_experiment, run
from backcalc.numeric.experiment.arms import Arm, Experiment, describe
from backcalc.numeric.experiment.samples import Shelf, samples_of
from backcalc.numeric.history import History
from backcalc.numeric.look import looked
from backcalc.numeric.train import train
from backcalc.render.plots import to_png
from backcalc.render.plots.distributions import distributions
from backcalc.render.plots.style import COLOURS, MARKERS, drawing, figure, legend_above
from backcalc.render.train_plots import fitting_plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHIPPED = Path(__file__).resolve().parent.parent / "examples" / "experiments"
LAYERS = range(1, 6)


def draw(folder: Path) -> None:
    """Writes all pictures as PNG into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in (*signals(), *norms(), *auto_encoders()):
        (folder / f"{name}.png").write_bytes(to_png(picture))
        print(folder / f"{name}.png", flush=True)


def trained(experiment: Experiment, arm: Arm, **changes: Any) -> tuple[Any, History]:
    """The first repeat of an arm, and its data."""
    data = samples_of(arm.data, arm.train.split, [experiment.seed], Shelf())
    one = data if not data.stacked else _first(data)
    return one, train(arm.network, one, arm.train.training(), rate=arm.rate or 1.0, **changes)


def _first(data: Any) -> Any:
    test = {} if data.x_test is None else {"x_test": data.x_test[0], "y_test": data.y_test[0]}
    return replace(data, x=data.x[0], y=data.y[0], stacked=False, **test)


def signals() -> Iterator[tuple[str, Figure]]:
    """How strong signals are behind every layer, forward and back, and how they are spread."""
    experiment = read_experiment(SHIPPED / "signals-fade.yaml")
    results = run(experiment)
    for kind, name, words in (("activation", "h", "activations"), ("gradient", "a", "derivatives ∂J/∂a")):
        lines = {
            ", ".join(row.labels.values()).replace("normal:", "s = "): [
                row.summaries[f"{kind}.rms.{name}_{layer}"].mean for layer in LAYERS
            ]
            for row in results.rows
        }
        yield f"signals-{kind}s", by_layer(lines, f"root mean square of {words}")
    for arm in experiment.arms:
        if arm.values[1] == "normal:0.14":
            data, history = trained(experiment, arm)
            seen = looked(arm.network, data, history)
            spread = {each: seen.activations[each] for each in seen.activations if each.startswith("h_")}
            yield f"signals-{arm.values[0]}", distributions(spread, label=f"{arm.values[0]}, s = 0.14: activations")


@drawing
def by_layer(lines: dict[str, list[float]], words: str) -> Figure:
    """A line an arm over the layers, on a logarithmic scale."""
    drawn = figure(6.4, 4.6)
    axes = drawn.add_subplot()
    for number, (label, values) in enumerate(lines.items()):
        colour, style = COLOURS[number // 3], ("-", "--", ":")[number % 3]
        axes.plot(LAYERS, values, style, color=colour, marker=MARKERS[number // 3], label=label)
    axes.set_yscale("log")
    axes.set_xticks(LAYERS)
    axes.set_xlabel("hidden layer")
    axes.set_ylabel(words)
    legend_above(axes, 3)
    return drawn


def norms() -> Iterator[tuple[str, Figure]]:
    """Scales and shifts of the batch norms after training, apart from each other and from running statistics."""
    experiment = read_experiment(SHIPPED / "digits-lenet-variants.yaml")
    for arm in experiment.arms:
        names = [name for name in arm.network.parameters if name.startswith(("gamma_", "beta_"))]
        if not names:
            continue
        _, history = trained(experiment, arm)
        arrays = {name: np.asarray(history.parameters[name][0]) for name in sorted(names, reverse=True)}
        label = f"{arm.network.name}: scales and shifts"
        yield f"norms-{Path(describe(arm.values[0])).stem}", distributions(arrays, label=label)


def auto_encoders() -> Iterator[tuple[str, Figure]]:
    """Filters and reconstructions of the auto-encoders."""
    experiment = read_experiment(SHIPPED / "digits-autoencoders.yaml")
    for arm in experiment.arms:
        data, history = trained(experiment, arm)
        for plot in fitting_plots(history, looked(arm.network, data, history)):
            if plot.name in ("filters", "reconstructions"):
                yield f"{Path(describe(arm.values[0])).stem}-{plot.name}", plot.draw()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
