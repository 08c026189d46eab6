"""Reductions as NumPy code: sums of products as `einsum`, the others along an axis."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from backcalc.formula.affine import linear
from backcalc.formula.tree import (
    ONE,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Reduce,
    Ref,
    fresh_name,
    names,
    num,
    substitute,
    walk,
)
from backcalc.render.numpy_stable import is_share
from backcalc.render.numpy_tensor import (
    ATOM,
    LOOSE,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Frame,
    Tensor,
    aligned,
    bounds_of,
    may_fail,
    numeric,
)

if TYPE_CHECKING:
    from backcalc.render.numpy_code import Coder

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def reduction(coder: Coder, expr: Reduce, frame: Frame) -> Tensor:
    """A sum, mean, product or extreme over an index."""
    expr = apart(expr, frame)
    if expr.operation == "sum":
        return _sum(coder, expr, frame)
    low, high, conditions = bounds_of(expr, frame)
    if expr.operation == "mean":
        assert expr.lower is not None and expr.upper is not None
        total = Reduce("sum", expr.index, expr.lower, expr.upper, expr.exclude, expr.body)
        count = (linear(expr.upper) - linear(expr.lower) + linear(num(1 if expr.exclude is None else 0))).expr()
        return coder.value(total if count == ONE else Div(total, count), frame)
    inner = frame.along(expr.index, low, high)
    body = numeric(coder.value(expr.body, inner))
    masks = [coder.truth(condition, inner) for condition in conditions]
    return _along(coder, expr, body, masks, inner)


def apart(expr: Reduce, frame: Frame) -> Reduce:
    """The reduction with an index that no other in force is called."""
    if expr.index not in frame.every:
        return expr
    fresh = fresh_name(expr.index, set(frame.every) | names(expr.body) | bound_in(expr))
    body = substitute(expr.body, {expr.index: Ref(fresh)})
    return Reduce(expr.operation, fresh, expr.lower, expr.upper, expr.exclude, body)


def bound_in(expr: Expr) -> set[str]:
    """The names that are bound inside."""
    return {node.index for node in walk(expr) if isinstance(node, Reduce)}


def _along(coder: Coder, expr: Reduce, body: Tensor, masks: list[Tensor], frame: Frame) -> Tensor:
    """`prod`, `max`, `min`, `argmax`, `argmin` along the last axis in force."""
    index, operation = expr.index, expr.operation
    if masks:
        neutral = {"prod": "1.0", "max": "-np.inf", "argmax": "-np.inf"}.get(operation, "np.inf")
        holds, body = coder.spread([coder.times(masks, frame), body], frame)
        body = Tensor(f"np.where({holds.code}, {body.code}, {neutral})", frame.order((*holds.dims, *body.dims)))
    low, high = frame.axes[index]
    rest = tuple(other for other in body.dims if other != index)
    if index not in body.dims:
        count = (linear(high) - linear(low) + linear(num(1))).expr()
        if operation == "prod":
            return Tensor(f"{body.at(ATOM)} ** ({coder.whole(count)})", rest, POWER)
        return Tensor(coder.whole(low), ()) if operation.startswith("arg") else body
    axis = "" if not rest else f"axis={body.dims.index(index)}"
    if not operation.startswith("arg"):
        return Tensor(f"{body.at(ATOM)}.{operation}({axis})", rest)
    found = f"np.{operation}({body.code}{', ' + axis if axis else ''})"
    return Tensor(f"{found} + {coder.whole(low)}", rest, SUM)  # places count from 1; a tie goes to the first


def _sum(coder: Coder, expr: Expr, frame: Frame) -> Tensor:
    """Σ over one or several indices of a product of factors."""
    inner, body = frame, expr
    factors: list[Expr] = []
    over: list[str] = []
    coefficient = Fraction(1)
    while True:
        match body:
            case Reduce("sum"):
                here = apart(body, inner)
                low, high, conditions = bounds_of(here, inner)
                inner = inner.along(here.index, low, high)
                over.append(here.index)
                factors += conditions
                body = here.body
            case Neg(operand):
                coefficient, body = -coefficient, operand
            case Mul((*first, Reduce("sum") as last)):
                factors += first
                body = last
            case Mul(parts):
                factors += parts
                break
            case Div(Reduce("sum") | Mul() as above, under) if not is_share(above, under):
                factors.append(Div(ONE, under))
                body = above
            case _:
                factors.append(body)
                break
    for factor in [factor for factor in factors if isinstance(factor, Num)]:
        coefficient *= factor.value
        factors.remove(factor)
    return _summed(coder, coefficient, factors, over, inner, frame)


def _summed(
    coder: Coder, coefficient: Fraction, factors: list[Expr], over: list[str], inner: Frame, frame: Frame
) -> Tensor:
    conditions = [factor for factor in factors if isinstance(factor, Compare)]
    rest = [factor for factor in factors if not isinstance(factor, Compare)]
    truths = [coder.truth(condition, inner) for condition in conditions]
    once, masks = [t for t in truths if not t.dims], [t for t in truths if t.dims]
    inner = inner.guard(bool(once))
    if masks and any(map(may_fail, rest)):
        coder.careful = True
        product = coder.times([coder.value(factor, inner) for factor in rest], inner)
        holds, product = coder.spread([coder.times(masks, inner), product], inner)
        parts = [Tensor(f"np.where({holds.code}, {product.code}, 0.0)", inner.order((*holds.dims, *product.dims)))]
    else:
        parts = [*(coder.value(factor, inner) for factor in rest), *masks]
    outside = [numeric(part) for part in parts if not part.dims]
    arrays = [part for part in parts if part.dims]
    covered = {index for part in arrays for index in part.dims}
    for index in over:
        if index not in covered:  # the body is the same for every value of the index
            low, high = inner.axes[index]
            outside.append(Tensor(coder.whole((linear(high) - linear(low) + linear(num(1))).expr()), (), LOOSE))
    total = contracted(arrays, tuple(index for index in over if index in covered), inner)
    texts = [part.at(SIGN) for part in (*outside, *([total] if total else []))]
    if abs(coefficient) != 1 or not texts:
        one = coder.value(Num(abs(coefficient)), frame)
        texts.insert(0, one.at(PRODUCT))
    dims = total.dims if total else ()
    code = " * ".join(texts)
    level = PRODUCT if len(texts) > 1 else ATOM if total and texts == [total.code] else PRODUCT
    if coefficient < 0:
        code, level = f"-{code}", SIGN if level == ATOM else PRODUCT
    return coder.only_where(once, Tensor(code, dims, level))


def contracted(parts: list[Tensor], over: tuple[str, ...], frame: Frame) -> Tensor | None:
    """A product of arrays summed over indices; None where there is no array.

    >>> axes = Frame({"n": (num(1), Ref("N")), "j": (num(1), num(3)), "k": (num(1), num(4))})
    >>> contracted([Tensor("W", ("j", "k")), Tensor("x", ("n", "k"))], ("k",), axes).code
    'np.einsum("jk,nk->nj", W, x)'
    >>> contracted([Tensor("e", ("n", "j"))], ("j",), axes).code
    'e.sum(axis=1)'
    """
    if not parts:
        return None
    every = frame.order(index for part in parts for index in part.dims)
    rest = tuple(index for index in every if index not in over)
    if len(parts) == 1:
        (part,) = parts
        if not over:
            return part
        axes = [place for place, index in enumerate(part.dims) if index in over]
        left = tuple(index for index in part.dims if index not in over)
        axis = "" if not left else f"axis={axes[0] if len(axes) == 1 else tuple(axes)}"
        return aligned(Tensor(f"{part.at(ATOM)}.sum({axis})", left), rest)
    if not over:
        found = [aligned(part, rest) for part in parts]
        return Tensor(" * ".join(part.at(SIGN) for part in found), rest, PRODUCT)
    if all(part.boolean for part in parts):
        parts = [numeric(parts[0]), *parts[1:]]
    letters = _letters(every)
    inputs = ",".join("".join(letters[index] for index in part.dims) for part in parts)
    pattern = f"{inputs}->{''.join(letters[index] for index in rest)}"
    best = ", optimize=True" if len(parts) > 2 else ""
    arrays = ", ".join(part.code for part in parts)
    return Tensor(f'np.einsum("{pattern}", {arrays}{best})', rest)


def _letters(indices: tuple[str, ...]) -> dict[str, str]:
    """A letter for every index: its own where it is one."""
    own = {index: index for index in indices if len(index) == 1 and index in LETTERS}
    free = iter(letter for letter in LETTERS if letter not in own.values())
    return {index: own.get(index) or next(free) for index in indices}
