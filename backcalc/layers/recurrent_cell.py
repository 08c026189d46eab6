"""What the equations of a recurrent layer are made of: its passes through the steps, and the parts of one step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through the steps: that of one of the stacked layers, in one direction.

    Its arrays are called after `label`, that of its states is `state`. It reads so many `features` of `source` a step.
    It counts its own steps by `step`, in the order in which it takes them; `read` is that step of the source.
    """

    label: str
    state: str
    source: str
    features: int
    step: str
    read: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The parts of one step of a pass, as text: `j` counts units, `k` is summed over.

    `vectors` is how many vectors of biases there are: one, or one beside each of both products.
    """

    way: Pass
    vectors: int
    j: str
    k: str

    def own(self, letter: str, offset: str = "", unit: str | None = None) -> str:
        """An element of one of the pass's own arrays, at this step or, with `-1`, at that before."""
        return f"{letter}_{self.way.label}[{self.way.step}{offset},{unit or self.j}]"

    def state(self, offset: str = "", unit: str | None = None) -> str:
        """An element of the state, at this step or, with `-1`, at that before."""
        return f"{self.way.state}[{self.way.step}{offset},{unit or self.j}]"

    def from_input(self, gate: str) -> str:
        """The product with the input, and with two vectors of biases the one that belongs to it."""
        way = self.way
        product = f"sum({self.k}, W_{way.label}{gate}[{self.j},{self.k}]*{way.source}[{way.read},{self.k}])"
        return product + (self._bias("b", gate) if self.vectors == 2 else "")

    def from_state(self, gate: str, before: str | None = None) -> str:
        """The product with the state before or what stands for it, and with two vectors the bias that belongs to it."""
        before = before or self.state("-1", self.k)
        product = f"sum({self.k}, U_{self.way.label}{gate}[{self.j},{self.k}]*{before})"
        return product + (self._bias("bU", gate) if self.vectors == 2 else "")

    def weighted(self, gate: str, before: str | None = None) -> str:
        """Both products and all biases.

        >>> Cell(Pass("y", "h_y", "x", 3, "t", "t"), 1, "j", "k").weighted("_i")
        'sum(k, W_y_i[j,k]*x[t,k]) + sum(k, U_y_i[j,k]*h_y[t-1,k]) + b_y_i[j]'
        """
        products = f"{self.from_input(gate)} + {self.from_state(gate, before)}"
        return products + (self._bias("b", gate) if self.vectors == 1 else "")

    def _bias(self, array: str, gate: str) -> str:
        return f" + {array}_{self.way.label}{gate}[{self.j}]"
