"""The results of an experiment as a notebook shows them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from backcalc.numeric.experiment.results import Results


@dataclass(frozen=True, slots=True)
class ShownResults(Results):
    """Results that show themselves in a notebook."""

    def _repr_markdown_(self) -> str:
        from backcalc.render.experiment_text import render

        return f"```text\n{render(self)}```"


def shown(results: Results) -> ShownResults:
    """The same results, which a notebook can show.

    >>> import backcalc
    >>> net = {"input": 2, "layers": [{"dense": 3}], "loss": "nll_logits", "update": {"sgd": {"rate": 0.1}}}
    >>> results = backcalc.experiment({"net": net, "data": "blobs:60", "measure": ["params"]})
    >>> results._repr_markdown_().splitlines()[3]
    'network, on blobs:60: 1 arm, one training each, seed 0.'
    """
    return ShownResults(**{field.name: getattr(results, field.name) for field in fields(results)})
