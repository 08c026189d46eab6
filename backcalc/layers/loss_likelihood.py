"""Losses that measure how likely the target is: cross-entropies of probabilities and of logits, and KL divergence."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from backcalc.layers.base import Shape, fresh_indices
from backcalc.layers.fields import Nested
from backcalc.layers.loss import Elementwise, LossEquation, OneClass, Target, TargetIs, class_number


class BinaryCrossEntropy(Elementwise):
    """`-sum(i, t[i]*log(y[i]) + (1 - t[i])*log(1 - y[i]))`, every output a probability of its own."""

    kind: ClassVar[str] = "bce"
    target_is: ClassVar[TargetIs] = "bits"
    negative: ClassVar[bool] = True
    term: ClassVar[str] = "({t}*log({y}) + (1 - {t})*log(1 - {y}))"


class BinaryCrossEntropyLogits(Elementwise):
    """`sum(i, softplus(y[i]) - t[i]*y[i])`, which is `bce` of sigmoid(y), without a logarithm of 0 anywhere.

    >>> BinaryCrossEntropyLogits().equation("z", (2,)).line
    'J = sum(i, (softplus(z[i]) - t[i]*z[i]))'
    """

    kind: ClassVar[str] = "bce_logits"
    target_is: ClassVar[TargetIs] = "bits"
    term: ClassVar[str] = "(softplus({y}) - {t}*{y})"


class OverClasses(Elementwise):
    """A sum over classes; a whole number as target is a class, counted from 1, and stands for its one-hot vector."""

    def equation(self, output: str, shape: Shape) -> LossEquation:
        if isinstance(self.target, Fraction):
            right = class_number(self.kind, self.target, shape, self.of)
            one_hot = tuple(Fraction(number == right) for number in range(1, shape[0] + 1))
            return self._joined(output, shape, Target("t", shape, one_hot))
        return super().equation(output, shape)


class CrossEntropy(OverClasses):
    """`-sum(i, t[i]*log(y[i]))` for probabilities y; a whole number as target is a class, counted from 1.

    >>> CrossEntropy(target=2).equation("y", (3,)).target.values
    (Fraction(0, 1), Fraction(1, 1), Fraction(0, 1))
    """

    kind: ClassVar[str] = "cross_entropy"
    target_is: ClassVar[TargetIs] = "distribution"
    negative: ClassVar[bool] = True
    term: ClassVar[str] = "{t}*log({y})"


class CrossEntropyLogits(OverClasses):
    """`sum(i, t[i]*(log(sum(k, exp(y[k]))) - y[i]))`, which is `cross_entropy` of the softmax along the last axis.

    A whole number as target is a class, counted from 1.

    >>> CrossEntropyLogits().equation("z", (3,)).line
    'J = sum(i, t[i]*(log(sum(k, exp(z[k]))) - z[i]))'
    """

    kind: ClassVar[str] = "cross_entropy_logits"
    target_is: ClassVar[TargetIs] = "distribution"
    of: ClassVar[str] = "logits"

    def _term(self, output: str, target: Target, axes: tuple[str, ...]) -> str:
        (k,) = fresh_indices("k", self.name, output, target.name, *axes)
        total = f"log(sum({k}, exp({output}[{','.join((*axes[:-1], k))}])))"
        return f"{target.at(axes)}*({total} - {output}[{','.join(axes)}])"


class KullbackLeibler(Elementwise):
    """`sum(i, t[i]*log(t[i]/y[i]))` for probabilities t and y; a t of 0 adds nothing.

    Where t may be 0 its logarithm stands apart, behind the condition that there is one.
    Kullback, Leibler, "On information and sufficiency" (1951), eq. 2.2.

    >>> KullbackLeibler().equation("y", (3,)).line
    'J = sum(i, (t[i] > 0)*t[i]*log(t[i]) - t[i]*log(y[i]))'
    >>> KullbackLeibler(target=[Fraction(1, 2), Fraction(1, 2)]).equation("y", (2,)).line
    'J = sum(i, t[i]*log(t[i]/y[i]))'
    >>> KullbackLeibler(target=[0, 1]).equation("y", (2,)).line
    'J = sum(i, (t[i] > 0)*t[i]*log(t[i]/y[i]))'
    """

    kind: ClassVar[str] = "kl"
    target_is: ClassVar[TargetIs] = "distribution"
    term: ClassVar[str] = "{t}*log({t}/{y})"

    def _term(self, output: str, target: Target, axes: tuple[str, ...]) -> str:
        plain = super()._term(output, target, axes)
        if target.values is None:
            t = target.at(axes)
            return f"({t} > 0)*{t}*log({t}) - {t}*log({output}[{','.join(axes)}])"
        return f"({target.at(axes)} > 0)*{plain}" if _has_zero(target.values) else plain


class NegativeLogLikelihood(OneClass):
    """`-log(y[t])` for probabilities y; the target is a class, counted from 1.

    >>> NegativeLogLikelihood(target=1).equation("y", (2,)).line
    'J = -log(y[1])'
    """

    kind: ClassVar[str] = "nll"

    def equation(self, output: str, shape: Shape) -> LossEquation:
        right, target = self._class(shape)
        return LossEquation(f"{self.name} = {self._scaled(f'log({output}[{right}])', negative=True)}", target)


class NegativeLogLikelihoodLogits(OneClass):
    """`log(sum(k, exp(y[k]))) - y[t]`, which is `nll` of softmax(y); the target is a class, counted from 1.

    >>> NegativeLogLikelihoodLogits(target=1).equation("z", (2,)).line
    'J = log(sum(k, exp(z[k]))) - z[1]'
    """

    kind: ClassVar[str] = "nll_logits"
    of: ClassVar[str] = "logits"

    def equation(self, output: str, shape: Shape) -> LossEquation:
        right, target = self._class(shape)
        (k,) = fresh_indices("k", self.name, output, right)
        body = f"log(sum({k}, exp({output}[{k}]))) - {output}[{right}]"
        return LossEquation(f"{self.name} = {self._scaled(body if self.factor == 1 else f'({body})')}", target)


def _has_zero(values: Nested | None) -> bool:
    return any(map(_has_zero, values)) if isinstance(values, tuple) else values == 0
