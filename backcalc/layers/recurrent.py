"""Recurrent layers: a plain tanh cell, LSTM and GRU.

Their fields, the names of their arrays and how passes are stacked and joined are those of all recurrent layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from backcalc.layers.activation import Activation, Sigmoid, Tanh
from backcalc.layers.recurrent_base import Recurrent
from backcalc.layers.recurrent_cell import Cell


class Rnn(Recurrent):
    """`h[t,j] = tanh(sum(k, W[j,k]*x[t,k]) + sum(k, U[j,k]*h[t-1,k]) + b[j])`, from `h[0,j] = 0` (Elman 1990).

    >>> for line in Rnn(units=2).equations("y", "x", (5, 3)).lines:
    ...     print(line)
    h_y[t,j] = tanh(sum(k, W_y[j,k]*x[t,k]) + sum(k, U_y[j,k]*h_y[t-1,k]) + b_y[j])
    h_y[0,j] = 0
    y[j] = h_y[5,j]
    """

    kind: ClassVar[str] = "rnn"

    def step(self, cell: Cell) -> tuple[str, ...]:
        return (f"{cell.state()} = tanh({cell.weighted('')})",)

    def inner(self) -> tuple[str, ...]:
        return ()

    def pointwise(self) -> Mapping[str, int]:
        return _operations({Tanh: 1})


class Lstm(Recurrent):
    """Input, forget and output gates i, f, o, candidate g: `c[t] = f*c[t-1] + i*g`, `h[t] = o*tanh(c[t])`.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000, without peepholes: the form of Keras and
    PyTorch. Cells and states are zero before the first step.

    >>> Lstm(units=20).cost((5, 10)).params, Lstm(units=20, biases=2).cost((5, 10)).params
    ('4*(10 + 20 + 1)*20', '4*(10 + 20 + 2)*20')
    >>> Lstm(units=2).equations("y", "x", (5, 3)).lines[4:6]
    ('c_y[t,j] = f_y[t,j]*c_y[t-1,j] + i_y[t,j]*g_y[t,j]', 'h_y[t,j] = o_y[t,j]*tanh(c_y[t,j])')
    """

    kind: ClassVar[str] = "lstm"
    gates: ClassVar[tuple[str, ...]] = ("_i", "_f", "_g", "_o")
    carried: ClassVar[tuple[str, ...]] = ("c",)

    def step(self, cell: Cell) -> tuple[str, ...]:
        i, f, g, o, c = (cell.own(letter) for letter in self.inner())
        return (
            *(f"{gate} = sigmoid({cell.weighted(ending)})" for gate, ending in ((i, "_i"), (f, "_f"))),
            f"{g} = tanh({cell.weighted('_g')})",
            f"{o} = sigmoid({cell.weighted('_o')})",
            f"{c} = {f}*{cell.own('c', '-1')} + {i}*{g}",
            f"{cell.state()} = {o}*tanh({c})",
        )

    def inner(self) -> tuple[str, ...]:
        return ("i", "f", "g", "o", "c")

    def pointwise(self) -> Mapping[str, int]:
        return _operations({Sigmoid: 3, Tanh: 2}, multiply=3, add=1)


class Gru(Recurrent):
    """Update gate z, reset gate r, candidate n: `h[t] = z*h[t-1] + (1 - z)*n`; where r stands depends on `biases`.
    With one vector of biases or none it comes before the product, `n = tanh(W x + U (r*h) + b)`, with two behind it,
    `n = tanh(W x + b + r*(U h + bU))`.

    The first form is that of Cho et al. 2014 and of Keras with `reset_after=False`, the second that of PyTorch, cuDNN
    and Keras otherwise. The names of the candidate's weights end with `_h`.

    >>> for line in Gru(units=2).equations("y", "x", (5, 3)).lines[2:4]:
    ...     print(line)
    m_y[t,j] = r_y[t,j]*h_y[t-1,j]
    n_y[t,j] = tanh(sum(k, W_y_h[j,k]*x[t,k]) + sum(k, U_y_h[j,k]*m_y[t,k]) + b_y_h[j])
    """

    kind: ClassVar[str] = "gru"
    gates: ClassVar[tuple[str, ...]] = ("_z", "_r", "_h")

    def step(self, cell: Cell) -> tuple[str, ...]:
        z, r, n = (cell.own(letter) for letter in "zrn")
        candidate: tuple[str, ...]
        if self.vectors == 2:
            candidate = (f"{n} = tanh({cell.from_input('_h')} + {r}*({cell.from_state('_h')}))",)
        else:
            reset = f"{cell.own('m')} = {r}*{cell.state('-1')}"
            candidate = (reset, f"{n} = tanh({cell.weighted('_h', cell.own('m', unit=cell.k))})")
        return (
            *(f"{gate} = sigmoid({cell.weighted(ending)})" for gate, ending in ((z, "_z"), (r, "_r"))),
            *candidate,
            f"{cell.state()} = {z}*{cell.state('-1')} + (1 - {z})*{n}",
        )

    def inner(self) -> tuple[str, ...]:
        return ("z", "r", "n") if self.vectors == 2 else ("z", "r", "m", "n")

    def pointwise(self) -> Mapping[str, int]:
        return _operations({Sigmoid: 2, Tanh: 1}, multiply=3, add=2)


def _operations(functions: Mapping[type[Activation], int], **others: int) -> Mapping[str, int]:
    """How many operations so many calls of functions take, and others besides."""
    found = Counter(others)
    for function, calls in functions.items():
        found.update({kind: int(count) * calls for kind, count in function.operations.items()})
    return found
