"""Losses that ask for a margin: perceptron and hinge, of one score with a sign or of one score a class."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from backcalc.layers.base import Shape, ShapeError, fresh_indices
from backcalc.layers.loss import LossEquation, OneClass, Target, TargetIs


class Margin(OneClass):
    """What both share: a score that is wrong, or right by less than the `margin`, costs what is missing.

    One output y has a target t of -1 or 1 and costs max(0, margin - t*y); of several, each other class costs
    max(0, margin + y[j] - y[t]) for the right class t, counted from 1. At the kink the derivative is 0.
    """

    margin: ClassVar[int]
    of: ClassVar[str] = "scores"
    target_is: ClassVar[TargetIs] = "signs"

    def equation(self, output: str, shape: Shape) -> LossEquation:
        if shape == (1,):
            return self._signed(output)
        right, target = self._class(shape)
        (j,) = fresh_indices("j", self.name, output, right)
        margin = f"{self.margin} + " if self.margin else ""
        body = f"sum({j} != {right}, max(0, {margin}{output}[{j}] - {output}[{right}]))"
        return LossEquation(f"{self.name} = {self._scaled(body)}", target)

    def _signed(self, output: str) -> LossEquation:
        """The loss of one score, whose target is a sign."""
        if isinstance(self.target, str):
            target = Target(self.target, ())
        elif self.target in (Fraction(1), Fraction(-1)):
            target = Target("t", (), self.target)
        else:
            given = self.target if isinstance(self.target, Fraction) else "a list"
            raise ShapeError(f"the target of {self.kind} for one output is -1 or 1, but is {given}")
        gap = f"{self.margin} - " if self.margin else "-"
        return LossEquation(f"{self.name} = {self._scaled(f'max(0, {gap}{target.name}*{output}[1])')}", target)


class Hinge(Margin):
    """One output: `max(0, 1 - t*y)` for t = -1 or 1; several: `sum(j != t, max(0, 1 + y[j] - y[t]))` for a class t.

    Rosasco et al., "Are loss functions all the same?" (2004); Weston, Watkins, "Support vector machines for
    multi-class pattern recognition" (1999).

    >>> Hinge().equation("y", (1,)).line, Hinge(target=2).equation("y", (3,)).line
    ('J = max(0, 1 - t*y[1])', 'J = sum(j != 2, max(0, 1 + y[j] - y[2]))')
    """

    kind: ClassVar[str] = "hinge"
    margin: ClassVar[int] = 1


class Perceptron(Margin):
    """One output: `max(0, -t*y)` for t = -1 or 1; several: `sum(j != t, max(0, y[j] - y[t]))` for a class t.

    Rosenblatt (1958); as a loss Aggarwal, "Neural networks and deep learning" (2018), sections 1.2.1 and 2.3.

    >>> Perceptron().equation("y", (1,)).line
    'J = max(0, -t*y[1])'
    """

    kind: ClassVar[str] = "perceptron"
    margin: ClassVar[int] = 0
