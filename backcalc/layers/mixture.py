"""A mixture of experts: small networks of one kind, of which a router lets the best few answer for each token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import (
    POINT,
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Samples,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    product,
    show_shape,
    times,
)
from backcalc.layers.fields import Positive, Read


def _layers(value: object) -> tuple[Layer, ...]:
    """The layers of an expert, which were read before."""
    layers = tuple(value) if isinstance(value, list | tuple) else ()
    if not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise ValueError("expected a list of layers, at least one")
    return layers


@dataclass(frozen=True, slots=True)
class _Member:
    """A layer of an expert in its place: what it is called, the arrays that it reads, and the shape of the first."""

    name: str
    layer: Layer
    sources: tuple[str, ...]
    shape: Shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.layer.parameters(self.name, self.shape)


class Mixture(Layer):
    """Each token, a vector or a step of `[time, features]`, is answered by the `active` best of so many experts.

    The router scores them, `s[e] = sum(k, R[e,k]*x[k])`; the outputs of the best, ties to the first, are added with the
    softmax of their scores as weights (Shazeer et al. 2017; Jiang et al., "Mixtral of experts", 2024, section 2.1). Who
    is among the best is a decision: no gradient flows through it.

    A layer `w` of the experts of `moe` is called `moe_w`; its weights have the expert as their first axis. In `inputs`
    of these layers the name of the mixture stands for what it reads.

    >>> from backcalc.layers.dense import Dense
    >>> moe = Mixture(experts=8, active=2, layers=(Dense(name="w", units=5),))
    >>> [(array.name, array.shape) for array in moe.parameters("y", (3,))]
    [('R_y', (8, 3)), ('W_y_w', (8, 5, 3)), ('b_y_w', (8, 5))]
    >>> for line in moe.equations("y", "x", (3,)).lines:
    ...     print(line)
    s_y[e] = sum(k, R_y[e,k]*x[k])
    rank_y[e] = sum(a != e, if(a < e, s_y[a] >= s_y[e], s_y[a] > s_y[e]))
    p_y[e] = (rank_y[e] < 3/2)*(exp(s_y[e])/sum(a, (rank_y[a] < 3/2)*exp(s_y[a])))
    y_w[e,j] = sum(k, W_y_w[e,j,k]*x[k]) + b_y_w[e,j]
    y[j] = sum(e, p_y[e]*y_w[e,j])
    >>> moe.cost((3,)).params, moe.cost((3,)).macs
    ('8*3 + 8*((3 + 1)*5)', '8*3 + 2*3*5')
    """

    kind: ClassVar[str] = "mixture"
    main: ClassVar[str | None] = "experts"

    experts: Positive = Field(description="number of experts")
    active: Positive = Field(description="number of experts that answer for a token")
    layers: Annotated[tuple[Layer, ...], Read(_layers, {"type": "array", "minItems": 1})] = Field(
        description="list of layers of an expert, in order"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.active > self.experts:
            raise ValueError(f"active is {self.active}, but there are {self.experts} experts")
        if any(getattr(layer, field, None) is not None for layer in self.layers for field in ("weights", "biases")):
            raise ValueError("layers of experts cannot name single weights: every expert has its own")
        return self

    def _members(self, name: str, source: str, shape: Shape) -> tuple[_Member, ...]:
        """The layers of an expert in their places, for one token. Raises ShapeError where they do not fit."""
        last = source
        shapes: dict[str, Shape] = {source: shape[-1:]}
        arrays = {self.name: source} if self.name else {}
        counts: Counter[str] = Counter()
        members: list[_Member] = []
        for layer in self.layers:
            counts[layer.kind] += 1
            word = layer.name or f"{layer.kind}_{counts[layer.kind]}"
            if word in arrays:
                raise ShapeError(f"the name `{word}` is taken twice in the experts")
            sources = self._sources(layer, word, arrays, last)
            try:
                placed = layer.reading(sources, tuple(shapes[each] for each in sources))
                member = _Member(f"{name}_{word}", placed, sources, shapes[sources[0]])
                shapes[member.name] = placed.output_shape(member.shape)
                running = [parameter.name for parameter in member.parameters if parameter.role == "statistic"]
            except ShapeError as error:
                raise ShapeError(f"`{word}` of the experts: {error.message}", error.hint) from None
            if running:
                raise ShapeError(f"`{word}` of the experts: {layer.kind} needs samples, but an expert sees one token")
            members.append(member)
            arrays[word] = last = member.name
        if len(shapes[last]) != 1:
            raise ShapeError(f"an expert must put out a vector, but puts out {show_shape(shapes[last])}")
        return tuple(members)

    def _sources(self, layer: Layer, word: str, arrays: Mapping[str, str], last: str) -> tuple[str, ...]:
        if layer.inputs is None:
            return (last,)
        unknown = [each for each in layer.inputs if each not in arrays]
        if unknown:
            known = ", ".join(f"`{each}`" for each in arrays)
            hint = f"what it can read is {known}" if known else "its first layer reads what the mixture reads"
            if not self.name:
                hint += "; a name of the mixture would stand for what it reads"
            raise ShapeError(f"`{word}` of the experts reads `{unknown[0]}`, which does not stand before it", hint)
        if layer.several != (len(layer.inputs) > 1):
            wanted = "two inputs or more" if layer.several else "one input"
            raise ShapeError(
                f"`{word}` of the experts: {layer.kind} reads {wanted}, but `inputs` names {len(layer.inputs)}"
            )
        return tuple(arrays[each] for each in layer.inputs)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 2):
            message = f"mixture works on a vector [features] or on [time, features], but got {show_shape(shape)}"
            raise ShapeError(message)
        last = self._members("y", "x", shape)[-1]
        return (*shape[:-1], *last.layer.output_shape(last.shape))

    def shape_formula(self, shape: Shape) -> str:
        last = self._members("y", "x", shape)[-1]
        here = last.layer.shape_formula(last.shape)
        return here if len(shape) == 1 else f"{here}, for each of the {shape[0]} steps"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        router = Parameter(f"R_{name}", (self.experts, shape[-1]), "weight")
        one = (parameter for member in self._members(name, "x", shape) for parameter in member.parameters)
        return router, *(replace(parameter, shape=(self.experts, *parameter.shape)) for parameter in one)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        members = self._members(name, source, shape)
        stated = [each.layer.equations(each.name, each.sources[0], each.shape) for each in members]
        return self._joined(name, source, shape, members, stated)

    def batch_equations(self, name: str, source: str, shape: Shape, samples: Samples) -> LayerEquations:
        members = self._members(name, source, shape)
        stated = [each.layer.batch_equations(each.name, each.sources[0], each.shape, samples) for each in members]
        return self._joined(name, source, shape, members, stated)

    def _joined(
        self, name: str, source: str, shape: Shape, members: tuple[_Member, ...], stated: list[LayerEquations]
    ) -> LayerEquations:
        """The router, the experts, and the sum of what those of them that are chosen put out."""
        from backcalc.layers.experts import of_all, tables, words  # reads formulas, which other layers need not

        steps, everyone = shape[:-1], (*shape[:-1], self.experts)
        shapes = {f"{letter}_{name}": everyone for letter in ("s", "rank", "p")}
        inner = [line for each in stated for line in each.lines]
        spelled_out = tables(inner)
        for member, each in zip(members, stated, strict=True):
            shapes[member.name] = (*everyone, *member.layer.output_shape(member.shape))
            shapes |= {
                array: size if array in spelled_out else (*everyone, *size) for array, size in each.shapes.items()
            }
        draws = {array: (*everyone, *size) for each in stated for array, size in each.draws.items()}
        weights = [parameter.name for parameter in self.parameters(name, shape)]
        arrays = (name, source, *shapes, *draws, *weights)
        t, e, a = fresh_indices("t e a", *arrays, *words(inner))
        j, k = fresh_indices("j k", *arrays)
        step = (t,) if steps else ()
        in_front = {source: step} | dict.fromkeys(weights, (e,)) | dict.fromkeys([*shapes, *draws], (*step, e))
        in_front |= dict.fromkeys(spelled_out, ())

        def at(array: str, *places: str) -> str:
            return f"{array}[{','.join((*step, *places))}]"

        lines = [f"{at(f's_{name}', e)} = sum({k}, R_{name}[{e},{k}]*{at(source, k)})"]
        lines += self._weights(at, name, e, a)
        lines += of_all(inner, in_front)
        lines.append(f"{at(name, j)} = sum({e}, {at(f'p_{name}', e)}*{at(members[-1].name, e, j)})")
        if self.active == self.experts:
            del shapes[f"rank_{name}"]
        return LayerEquations(tuple(lines), frozenset().union(*(each.padded for each in stated)), shapes, draws)

    def _weights(self, at: Callable[..., str], name: str, e: str, a: str) -> Iterator[str]:
        """The softmax of the scores of the best; the others weigh 0."""
        here, there = at(f"s_{name}", e), at(f"s_{name}", a)
        if self.active == self.experts:
            yield f"{at(f'p_{name}', e)} = exp({here})/sum({a}, exp({there}))"
            return
        rank = f"rank_{name}"
        yield f"{at(rank, e)} = sum({a} != {e}, if({a} < {e}, {there} >= {here}, {there} > {here}))"
        edge = Fraction(2 * self.active - 1, 2)  # between two ranks, so that none is decided by a rounding error
        total = f"sum({a}, ({at(rank, a)} < {edge})*exp({there}))"
        yield f"{at(f'p_{name}', e)} = ({at(rank, e)} < {edge})*(exp({here})/{total})"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        (*steps, features), experts, active = shape, self.experts, self.active
        members = self._members("y", "x", shape)
        one = [each.layer.cost(each.shape, bias=bias, padding_connections=padding_connections) for each in members]
        kinds = dict.fromkeys(kind for each in one for kind in each.operations)
        chosen = {kind: [product(each.operations.get(kind, "0"), each.units) for each in one] for kind in kinds}
        routing = self._routing(features, prod(members[-1].layer.output_shape(members[-1].shape)))
        router, taken = times(experts, features), product(active, *steps)
        return Cost(
            weights=_sum(router, product(experts, _sum(*(each.weights for each in one)))),
            biases=product(experts, _sum(*(each.biases for each in one))),
            params=_sum(router, product(experts, _sum(*(each.params for each in one)))),
            idle=product(experts - active, _sum(*(each.params for each in one))),
            connections=_sum(times(router, *steps), product(taken, _sum(*(each.connections for each in one)))),
            macs=_sum(times(router, *steps), product(taken, _sum(*(each.macs for each in one)))),
            operations={
                kind: _sum(routing.get(kind, "0"), product(active, _sum(*chosen.get(kind, ()))))
                for kind in {**routing, **chosen}
            },
            units=times(*steps),
        )

    def _routing(self, features: int, outputs: int) -> Mapping[str, str]:
        """The operations of the scores, the ranks, the softmax of the best, and the weighted sum of their outputs."""
        experts, active = self.experts, self.active
        ranks, others = (experts - 1, experts - 2) if active < experts else (0, 0)
        adds = (product(experts, features - 1), product(experts, others), f"{active - 1}", product(active - 1, outputs))
        return {
            "multiply": _sum(times(experts, features), times(active, outputs)),
            "add": _sum(*adds),
            "compare": product(experts, ranks),
            "exp": f"{active}",
            "divide": f"{active}",
        }

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        steps = "" if len(shape) == 1 else "·steps"
        of_all, of_active = "experts·inputs + experts·{}", f"experts·inputs{steps} + active·{{}}{steps}"
        return {
            "weights": of_all.format("weights of an expert"),
            "biases": "experts·biases of an expert",
            "params": of_all.format("params of an expert"),
            "connections": of_active.format("connections of an expert"),
            "macs": of_active.format("MACs of an expert"),
            "unit": "token",
        }

    def notes(self, shape: Shape) -> tuple[str, ...]:
        router, *others = self.parameters("y", shape)
        every = sum(parameter.count for parameter in others)
        active = router.count + every // self.experts * self.active
        share = f"those of the router and of {self.active} of the {self.experts} experts"
        return (f"{active} of the {router.count + every} parameters are active for a token: {share}",)

    def receptive(self, shape: Shape) -> Window:
        return WHOLE if len(shape) == 1 else POINT


def _sum(*terms: str) -> str:
    """A sum as text without its zeros."""
    return " + ".join(term for term in terms if term != "0") or "0"
