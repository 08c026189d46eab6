"""From the layers of a network to the stages of a plan; layers that belong together become one stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backcalc.net import Node
from backcalc.numeric.plans.curves import is_in_place
from backcalc.numeric.plans.graph import Task
from backcalc.numeric.plans.kernelled import Numbers
from backcalc.numeric.plans.makers import stage_of
from backcalc.numeric.plans.map_makers import joins
from backcalc.numeric.plans.place import Place, pool_of
from backcalc.numeric.run import Runner


def tasks_of(runner: Runner, nodes: Sequence[Node], loss_reads: str, numbers: Numbers, samples: int) -> list[Task]:
    """The stages for a block of samples, which read the parameters and add to the gradients where they stand."""
    inputs = runner.network.inputs
    readers: dict[str, list[Node | None]] = {name: [] for name in (*inputs, *(node.name for node in nodes))}
    readers[loss_reads].append(None)
    for node in nodes:
        for name in node.inputs:
            readers[name].append(node)
    shapes = dict(inputs) | {node.name: node.output_shape for node in nodes}
    learning: set[str] = set()
    free: set[str] = set()
    fused: set[str] = set()
    tasks: list[Task] = []
    for node in nodes:
        if node.name in fused:
            continue
        kernel = runner.kernels[node.name]
        joined = joins(kernel, samples) and not numbers.has_made(node)
        behind = _behind(node, readers) if joined else ()
        fused.update(each.name for each in behind)
        wanted = any(name in learning for name in node.inputs)
        place = Place(
            node,
            kernel,
            tuple(shapes[name] for name in node.inputs),
            samples,
            numbers,
            wanted=wanted,
            editable=node.inputs[0] in free and len(readers[node.inputs[0]]) == 1,
            behind=behind,
        )
        learns = wanted or any(parameter.trainable for parameter in node.parameters)
        task = Task((node, *behind)[-1].name, node.inputs, stage_of(place), learns)
        tasks.append(task)
        if learns:
            learning.add(task.name)
        if task.stage.free:
            free.add(task.name)
    return tasks


def _behind(node: Node, readers: Mapping[str, Sequence[Node | None]]) -> tuple[Node, ...]:
    """The activation and the pooling that are computed with a convolution, where nobody else reads what is between."""
    behind: list[Node] = []
    reader = _only(readers[node.name])
    if reader is not None and is_in_place(reader.layer):
        behind.append(reader)
        reader = _only(readers[reader.name])
    if reader is not None and pool_of(reader) is not None:
        behind.append(reader)
    return tuple(behind)


def _only(readers: Sequence[Node | None]) -> Node | None:
    """The one layer that reads a value; None where there are several, or the loss does."""
    return readers[0] if len(readers) == 1 else None
