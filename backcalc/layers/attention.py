"""Multi-head attention: every step asks all steps, and takes the mean of what they hold, weighted by how they answer.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2; grouped-query heads: Ainslie et al., "GQA" (2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Annotated, ClassVar, Self

from pydantic import Field, PrivateAttr, Strict, model_validator

from backcalc.layers.base import (
    POINT,
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.fields import Positive
from backcalc.layers.mask import Mask
from backcalc.layers.relative_bias import RelativePlaces
from backcalc.layers.rotary import rotated
from backcalc.layers.slide import affine
from backcalc.layers.windows import in_windows


@dataclass(frozen=True, slots=True)
class Heads:
    """How large an attention is: queries of `steps`, keys of `keys`; `width` and `depth` are the features of both.

    `heads` heads of `size` numbers, of which `shared` neighbours read the same key and value head.
    """

    steps: int
    width: int
    keys: int
    depth: int
    heads: int
    shared: int
    size: int

    @property
    def groups(self) -> int:
        """How many heads keys and values have."""
        return self.heads // self.shared

    @property
    def queries(self) -> int:
        """The numbers of all heads of one query, and of one context."""
        return self.heads * self.size

    @property
    def values(self) -> int:
        """The numbers of all heads of one key, and of one value."""
        return self.groups * self.size


def _entry(heads: int, size: int, head: str, entry: str) -> str:
    """Where an entry of a head stands among those of all heads, as text."""
    return entry if heads == 1 else affine((size, head), (1, entry), constant=-size)


def _scale(size: int) -> str:
    """The division of scores by the square root of a head's size, as text."""
    root = isqrt(size)
    return "" if size == 1 else f"/{root}" if root**2 == size else f"/sqrt({size})"


class Attention(Layer):
    """`y = Wo context + bo` of contexts `p v`, with `p = softmax(q k / sqrt(size))` in every head.

    q, k and v are projections of `[time, features]`, W `[heads*size, features]`: entry r of head h is row
    `size*(h - 1) + r`. With fewer `kv_heads` neighbouring heads share one. `causal` hides the steps behind a query;
    `window` hides those as far as that before it, and behind it where it is not causal. `memory` names what keys and
    values are read from instead. `rotary` turns q and k by their place, `relative_bias` adds a learned number to the
    scores. One head has no axis of heads. Of `[windows, time, features]` every window is answered by itself.

    >>> Attention(heads=12).cost((197, 768)).params
    '2*768*768 + 2*768*768 + 768 + 2*768 + 768'
    >>> Attention(heads=1, causal=True).equations("y", "x", (4, 3)).lines[3]
    'score_y[i,j] = if(j <= i, sum(r, q_y[i,r]*k_y[j,r])/sqrt(3), 0)'
    """

    kind: ClassVar[str] = "attention"
    main: ClassVar[str | None] = "heads"
    also: ClassVar[str | None] = "memory"

    heads: Positive = Field(description="number of heads")
    kv_heads: Positive | None = Field(None, description="number of heads of keys and values; by default `heads`")
    head_size: Positive | None = Field(None, description="numbers in a head; by default features / heads")
    causal: Annotated[bool, Strict()] = Field(False, description="whether a step sees only itself and those before it")
    bias: Annotated[bool, Strict()] = Field(True, description="whether the four projections have biases")
    output_bias: Annotated[bool, Strict()] = Field(
        True, description="whether the last projection has a bias, where the others have"
    )
    window: Positive | None = Field(
        None, description="how many steps a query sees: itself and those before it; not causal, as many behind it"
    )
    memory: str | None = Field(None, description="name of the output that keys and values are read from")
    rotary: Positive | None = Field(None, description="base of the angles that q and k are turned by, often 10000")
    relative_bias: Positive | None = Field(
        None, description="side of the square of steps, whose learned relative places are added to the scores"
    )

    _memory: Shape | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise ValueError(f"kv_heads is {self.kv_heads}, which does not divide the {self.heads} heads")
        if self.memory is not None:
            for word in ("causal", "window", "rotary", "relative_bias"):
                if getattr(self, word):
                    raise ValueError(f"{word} compares places of one sequence, but keys come from the memory")
        return self

    def reading(self, sources: tuple[str, ...], shapes: tuple[Shape, ...]) -> Self:
        if self.memory is None:
            return self
        placed = self.model_copy(update={"memory": sources[1]})
        placed._memory = shapes[1]
        if len(shapes[1]) != 2:
            raise ShapeError(f"the memory of attention is [time, features], but got {show_shape(shapes[1])}")
        return placed

    def remembered(self, shape: Shape) -> Shape:
        """The steps and features that keys and values are read from: of the memory, or of the input."""
        return self._memory or shape[-2:]

    def _sized(self, shape: Shape) -> Heads:
        """The sizes for an input of that shape. Raises ShapeError."""
        if len(shape) not in (2, 3) or (len(shape) == 3 and self.memory is not None):
            message = f"attention works on [time, features], but got {show_shape(shape)}"
            raise ShapeError(message, "`reshape` or `transpose` make one of it" if len(shape) > 1 else None)
        steps, width = shape[-2:]
        if self.head_size is None and width % self.heads:
            message = f"{width} features of {show_shape(shape)} are not divisible into {self.heads} heads"
            raise ShapeError(message, "give the numbers in a head, as in `head_size: 64`")
        size = self.head_size or width // self.heads
        if self.rotary is not None and size % 2:
            raise ShapeError(f"rotary turns pairs of numbers, but a head has {size}")
        if self._places is not None:
            self._places.check(steps)
        keys, depth = self.remembered(shape)
        return Heads(steps, width, keys, depth, self.heads, self.heads // (self.kv_heads or self.heads), size)

    def _mask(self, keys: int) -> Mask:
        return Mask(keys, self.causal, self.window)

    def output_shape(self, shape: Shape) -> Shape:
        self._sized(shape)
        return shape

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        the = self._sized(shape)
        sizes = {
            "q": (the.queries, the.width),
            "k": (the.values, the.depth),
            "v": (the.values, the.depth),
            "o": (the.width, the.queries),
        }
        weights = [Parameter(f"W{each}_{name}", size, "weight") for each, size in sizes.items()]
        biased = ("q", "k", "v", "o")[: 4 if self.output_bias else 3] if self.bias else ()
        biases = [Parameter(f"b{each}_{name}", sizes[each][:1], "bias") for each in biased]
        places = () if self._places is None else (self.heads, *self._places.sizes)[self.heads == 1 :]
        return *weights, *((Parameter(f"B_{name}", places, "weight"),) if places else ()), *biases

    @property
    def _places(self) -> RelativePlaces | None:
        side = self.relative_bias
        return None if side is None else RelativePlaces((side, side))

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        if len(shape) == 3:
            return in_windows(self.equations(name, source, shape[1:]), shape[0], name, source)
        the = self._sized(shape)
        h, i, j, other, r, k = fresh_indices("h i j l r k", name, source, self.memory or source)
        head = "" if the.heads == 1 else f"{h},"
        group = "" if the.groups == 1 else head if the.shared == 1 else f"div({h}-1,{the.shared})+1,"
        query, key, value, score, p, context = (f"{each}_{name}" for each in ("q", "k", "v", "score", "p", "context"))
        lines, shapes = [], {}
        reads = {"q": source, "k": self.memory or source, "v": self.memory or source}
        for each, read in reads.items():
            heads, steps = (the.heads, the.steps) if each == "q" else (the.groups, the.keys)
            row, lead = _entry(heads, the.size, h, r), "" if heads == 1 else f"{h},"
            line = f"{each}_{name}[{lead}{i},{r}] = sum({k}, W{each}_{name}[{row},{k}]*{read}[{i},{k}])"
            lines.append(line + (f" + b{each}_{name}[{row}]" if self.bias else ""))
            shapes[f"{each}_{name}"] = (heads, steps, the.size)[heads == 1 :]
        if self.rotary is not None:
            for array in (query, key):
                places = (h, i, r)[-len(shapes[array]) :]
                lines.append(rotated(f"r{array}", array, places, the.size, self.rotary))
                shapes[f"r{array}"] = shapes[array]
            query, key = f"r{query}", f"r{key}"
        mask = self._mask(the.keys)

        def seen(body: str) -> str:
            return f"if({mask.condition(i, j)}, {body}, 0)" if mask.masks else body

        product = f"sum({r}, {query}[{head}{i},{r}]*{key}[{group}{j},{r}]){_scale(the.size)}"
        if self._places is not None:
            product += f" + B_{name}[{head}{','.join(self._places.between(i, j))}]"
        total = f"sum({other}{mask.range(i)}, exp({score}[{head}{i},{other}]))"
        mean = f"sum({j}{mask.range(i)}, {p}[{head}{i},{j}]*{value}[{group}{j},{r}])"
        joined = f"sum({r}, Wo_{name}[{j},{_entry(the.heads, the.size, h, r)}]*{context}[{head}{i},{r}])"
        joined = joined if the.heads == 1 else f"sum({h}, {joined})"
        lines += [
            f"{score}[{head}{i},{j}] = {seen(product)}",
            f"{p}[{head}{i},{j}] = {seen(f'exp({score}[{head}{i},{j}])/{total}')}",
            f"{context}[{head}{i},{r}] = {mean}",
            f"{name}[{i},{j}] = {joined}" + (f" + bo_{name}[{j}]" if self.bias and self.output_bias else ""),
        ]
        pairs = (the.heads, the.steps, the.keys)[the.heads == 1 :]
        return LayerEquations(tuple(lines), shapes={**shapes, score: pairs, p: pairs, context: shapes[f"q_{name}"]})

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        the = self._sized(shape)
        if len(shape) == 3:
            return self.cost(shape[1:], bias=bias).times(shape[0])
        queries, values, width, depth = the.queries, the.values, the.width, the.depth
        biased = self.bias and bias
        pairs, all_pairs = self._mask(the.keys).pairs(the.steps), times(the.steps, the.keys)
        asked, answered = f"2*{the.steps}*{width}*{queries}", f"2*{the.keys}*{depth}*{values}"
        table = "" if self._places is None else f" + {times(self.heads, *self._places.sizes)}"
        weights = f"2*{width}*{queries} + 2*{depth}*{values}{table}"
        biases = f"{queries} + 2*{values}" + (f" + {width}" if self.output_bias else "")
        answers = f"({queries} + {width})" if self.output_bias else f"{queries}"
        bias_uses = f"{the.steps}*{answers} + 2*{the.keys}*{values}"
        macs = f"{asked} + {answered}" if self.memory else f"{the.steps}*{width}*(2*{queries} + 2*{values})"
        uses = f"{macs} + {self.heads}*{pairs}" if self.relative_bias else macs
        turned = f"{the.steps}*({queries} + {values})"
        sums = [
            f"{the.steps}*({queries}*{width - 1} + {width}*{queries - 1}) + 2*{the.keys}*{values}*{depth - 1}",
            f"{self.heads}*{pairs}*{the.size - 1} + ({queries} + {self.heads})*({pairs} - {the.steps})",
            *([turned] if self.rotary else []),
            *([f"{self.heads}*{pairs}"] if self.relative_bias else []),
        ]
        products = f"{asked} + {answered} + 2*{pairs}*{queries}" + (f" + 2*{turned}" if self.rotary else "")
        return Cost(
            weights=weights,
            biases=biases if biased else "0",
            params=f"{weights} + {biases}" if biased else weights,
            connections=f"{uses} + {bias_uses}" if biased else uses,
            macs=f"{macs} + 2*{all_pairs}*{queries}",
            cache=f"2*{values}" if self.causal else "0",
            masked_macs="0" if pairs == all_pairs else f"2*({all_pairs} - {pairs})*{queries}",
            operations={
                "multiply": products,
                "add": " + ".join(sums),
                "bias": bias_uses if biased else "0",
                "divide": f"{self.heads}*{pairs}" if the.size == 1 else f"2*{self.heads}*{pairs}",
                "exp": f"{self.heads}*{pairs}",
                "negate": f"{turned}/2" if self.rotary else "0",
            },
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        depth = "memory features" if self.memory else "features"
        table = "heads·(2·side - 1)·(2·side - 1)"
        weights = f"2·features·heads·size + 2·{depth}·kv heads·size" + (f" + {table}" if self.relative_bias else "")
        biases = f"heads·size + 2·kv heads·size{' + features' if self.output_bias else ''}"
        asked = "2·steps·features·heads·size + 2·keys·memory features·kv heads·size"
        macs = asked if self.memory else "steps·features·(2·heads·size + 2·kv heads·size)"
        uses = f"{macs} + heads·pairs seen" if self.relative_bias else macs
        both = self.bias and bias
        return {
            "unit": "layer",
            "weights": weights,
            "biases": biases,
            "params": f"{weights} + {biases}" if both else weights,
            "connections": f"{uses} + a bias for every output of the projections" if both else uses,
            "macs": f"{macs} + 2·steps·keys·heads·size, masked or not",
        }

    def notes(self, shape: Shape) -> tuple[str, ...]:
        masked = self.cost(shape).masked_macs
        return () if masked == "0" else (f"the mask makes {masked.replace('*', '·')} of the MACs needless",)

    def receptive(self, shape: Shape) -> Window:
        mask = self._mask(shape[-2])
        if self.memory is not None:
            return POINT
        if mask.near is None:
            return WHOLE
        return Window(min(shape[-2], mask.near if self.causal else 2 * mask.near - 1))
