"""Sums of exponentials in NumPy without overflow: log Σ exp(u), and exp(u)/Σ exp(v) as exp(u - log Σ exp(v))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backcalc.formula.tree import Call, Expr, Mul, Reduce
from backcalc.render.numpy_tensor import PRODUCT, SUM, Frame, Tensor, aligned, bounds_of, numeric, union

if TYPE_CHECKING:
    from backcalc.render.numpy_code import Coder


def exponent(total: Expr) -> Expr | None:
    """The v of Σ exp(v); None for any other formula.

    >>> from backcalc.formula.read import read_expression
    >>> exponent(read_expression("sum(k=1..3, exp(z[k]))")) == read_expression("z[k]")
    True
    """
    match total:
        case Reduce("sum", body=Call("exp", (inner,))):
            return inner
        case _:
            return None


def is_share(over: Expr, under: Expr) -> bool:
    """Whether a quotient is an exponential, or some times one, over a sum of exponentials."""
    factors = over.factors if isinstance(over, Mul) else (over,)
    return exponent(under) is not None and any(isinstance(f, Call) and f.function == "exp" for f in factors)


def share(coder: Coder, over: Expr, under: Expr, frame: Frame) -> Tensor | None:
    """exp(u)/Σ exp(v), with the other factors of the numerator before it."""
    total = log_of_sum(coder, under, frame)
    if total is None:
        return None
    factors = list(over.factors) if isinstance(over, Mul) else [over]
    place = next(at for at, f in enumerate(factors) if isinstance(f, Call) and f.function == "exp")
    power = factors.pop(place)
    assert isinstance(power, Call)
    inner = numeric(coder.value(power.arguments[0], frame))
    dims = union(frame, (inner, total))
    difference = f"{aligned(inner, dims).at(SUM)} - {aligned(total, dims).at(PRODUCT)}"
    found = Tensor(f"np.exp({difference})", dims)
    return coder.times([*(coder.value(factor, frame) for factor in factors), found], frame) if factors else found


def log_of_sum(coder: Coder, total: Expr, frame: Frame) -> Tensor | None:
    """log Σ exp(u) along the axis of the sum; None where u is the same for every value of the index."""
    from backcalc.render.numpy_sum import apart

    if not isinstance(total, Reduce) or exponent(total) is None:
        return None
    total = apart(total, frame)
    power = exponent(total)
    assert power is not None
    low, high, conditions = bounds_of(total, frame)
    inner = frame.along(total.index, low, high)
    body = numeric(coder.value(power, inner))
    if total.index not in body.dims:
        return None
    masks = [coder.truth(condition, inner) for condition in conditions]
    if masks:
        holds, body = coder.spread([coder.times(masks, inner), body], inner)
        body = Tensor(f"np.where({holds.code}, {body.code}, -np.inf)", inner.order((*holds.dims, *body.dims)))
    coder.helpers["log_sum_exp"] = None
    axis = body.dims.index(total.index)
    return Tensor(f"log_sum_exp({body.code}, {axis})", tuple(index for index in body.dims if index != total.index))
