"""Formulas as NumPy code: every index is an axis of an array, a sum of products is an `einsum`.

A part of a formula becomes a `Tensor`: Python text for an array, with the indices that its axes stand for. Reads that
are not whole arrays are gathered first, on lines of their own, at index arrays that count from 1 like the formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from backcalc.formula.affine import linear
from backcalc.formula.program import Program
from backcalc.formula.recurrence import Edge, reaches
from backcalc.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    names,
    num,
    walk,
)
from backcalc.render.numpy_index import from_zero, is_inside, whole_code
from backcalc.render.numpy_names import Identifiers
from backcalc.render.numpy_stable import is_share, log_of_sum, share
from backcalc.render.numpy_sum import reduction
from backcalc.render.numpy_tensor import (
    ATOM,
    LOOSE,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    WIDTH,
    Frame,
    Tensor,
    aligned,
    broken,
    may_fail,
    numeric,
    union,
)

NUMPY = {
    "exp": "np.exp",
    "log": "np.log",
    "sqrt": "np.sqrt",
    "sin": "np.sin",
    "cos": "np.cos",
    "abs": "np.abs",
    "sign": "np.sign",
    "tanh": "np.tanh",
}
"""Functions that NumPy has; the others become functions of their own in the code."""

_SIGNS = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass
class Coder:
    """Writes lines of NumPy code for formulas over the arrays of a program."""

    program: Program
    spell: Identifiers
    lines: list[str] = field(default_factory=list)
    indent: str = "    "
    helpers: dict[str, None] = field(default_factory=dict)
    careful: bool = False
    temporaries: set[str] = field(default_factory=set)
    mesh: object = None

    def line(self, text: str) -> None:
        """One line of code; a long sum or product on several."""
        self.lines += [f"{self.indent}{part}" if part else "" for part in broken(text, WIDTH - len(self.indent))]

    def keep(self, base: str, code: str) -> str:
        """Gives a value a name of its own on a line before."""
        name = self.spell.fresh(base, self.temporaries)
        self.temporaries.add(name)
        self.line(f"{name} = {code}")
        return name

    # -- expressions ------------------------------------------------------------------------------

    def value(self, expr: Expr, frame: Frame) -> Tensor:
        """The array of a formula over the indices in force."""
        match expr:
            case Num(value):
                return _number(value)
            case Ref(name, ()) if name in frame.axes:
                low, high = frame.axes[name]
                return Tensor(f"np.arange({self.whole(low)}, {self.whole(_more(high))}, dtype=float)", (name,))
            case Ref(name, ()) if name in self.program.sizes and name not in self.program.shapes:
                return Tensor(self.spell.index_or_size(name))
            case Ref(name, ()) if name in frame.rows:
                return Tensor(self.spell.index(name))
            case Ref("e" | "pi" as name, ()) if name not in self.program.shapes:
                return Tensor(f"np.{name}")
            case Ref():
                return self.read(expr, frame)
            case Add(terms):
                return self.sum(terms, frame)
            case Neg(operand):
                inner = numeric(self.value(operand, frame))
                return Tensor(f"-{inner.at(SIGN)}", inner.dims, SIGN)
            case Mul(factors):
                return self.product(factors, frame)
            case Div(over, under) if is_share(over, under) and (found := share(self, over, under, frame)):
                return found
            case Call("log", (total,)) if found := log_of_sum(self, total, frame):
                return found
            case Div(over, under):
                top, below = (numeric(part) for part in self.joint([over, under], frame))
                return Tensor(f"{top.at(PRODUCT)} / {below.at(POWER)}", union(frame, (top, below)), PRODUCT)
            case Pow(base, Num(power)) if power.denominator == 1:
                below = numeric(self.value(base, frame))
                return Tensor(f"{below.at(ATOM)} ** {power}", below.dims, POWER)
            case Pow(base, exponent):
                below, above = (numeric(part) for part in self.joint([base, exponent], frame))
                return Tensor(f"{below.at(ATOM)} ** {above.at(ATOM)}", union(frame, (below, above)), POWER)
            case Compare():
                return self.truth(expr, frame)
            case Call(function, arguments):
                return self.call(function, arguments, frame)
            case Reduce():
                return reduction(self, expr, frame)
            case Table(items):
                return Tensor(f"np.array([{', '.join(self.entry(item) for item in items)}])")

    def entry(self, item: Expr) -> str:
        """One entry of an array spelled out, or a row of them."""
        if isinstance(item, Table):
            return f"[{', '.join(self.entry(part) for part in item.items)}]"
        return self.value(item, Frame()).code

    def joint(self, parts: Sequence[Expr], frame: Frame) -> list[Tensor]:
        """Several parts, their axes in one order and ready to be broadcast."""
        found = [self.value(part, frame) for part in parts]
        dims = union(frame, found)
        return [aligned(tensor, dims) for tensor in found]

    def sum(self, terms: Sequence[Expr], frame: Frame) -> Tensor:
        inner = [term.operand if isinstance(term, Neg) else term for term in terms]
        found = [numeric(tensor) for tensor in self.joint(inner, frame)]
        text = ""
        for term, tensor in zip(terms, found, strict=True):
            if isinstance(term, Neg):
                text += f" - {tensor.at(PRODUCT)}" if text else f"-{tensor.at(SIGN)}"
            elif text and tensor.code.startswith("-") and tensor.level >= SIGN:
                text += f" - {tensor.code[1:]}"
            else:
                text += f" + {tensor.at(PRODUCT)}" if text else tensor.at(SUM)
        return Tensor(text, union(frame, found), SUM)

    def product(self, factors: Sequence[Expr], frame: Frame) -> Tensor:
        """A product; a bracket that does not hold makes it 0 whatever the other factors are."""
        conditions = [factor for factor in factors if isinstance(factor, Compare)]
        rest = [factor for factor in factors if not isinstance(factor, Compare)]
        truths = [self.truth(condition, frame) for condition in conditions]
        once, masks = [t for t in truths if not t.dims], [t for t in truths if t.dims]
        frame = frame.guard(bool(once))
        if masks and any(map(may_fail, rest)):
            self.careful = True
            inner = self.times([self.value(part, frame) for part in rest], frame)
            holds, inner = self.spread([self.times(masks, frame), inner], frame)
            found = Tensor(f"np.where({holds.code}, {inner.code}, 0.0)", union(frame, (holds, inner)))
        else:
            found = self.times([*(self.value(part, frame) for part in rest), *masks], frame)
        return self.only_where(once, found)

    def times(self, tensors: Sequence[Tensor], frame: Frame) -> Tensor:
        """Arrays multiplied entry by entry."""
        if not tensors:
            return Tensor("1.0")
        if len(tensors) == 1:
            return tensors[0]
        found = self.spread(tensors, frame)
        truths = all(tensor.boolean for tensor in found)
        texts = [tensor.at(PRODUCT if place == 0 else SIGN) for place, tensor in enumerate(found)]
        code = " & ".join(tensor.at(ATOM) for tensor in found) if truths else " * ".join(texts)
        return Tensor(code, union(frame, found), LOOSE if truths else PRODUCT, truths)

    def spread(self, tensors: Sequence[Tensor], frame: Frame) -> list[Tensor]:
        dims = union(frame, tensors)
        return [aligned(tensor, dims) for tensor in tensors]

    def only_where(self, conditions: Sequence[Tensor], tensor: Tensor) -> Tensor:
        """The value where all conditions, which are single truths, hold, else 0."""
        if not conditions:
            return tensor
        holds = " and ".join(condition.code for condition in conditions)
        return Tensor(f"{numeric(tensor).at(SUM)} if {holds} else 0.0", tensor.dims, LOOSE)

    def truth(self, expr: Expr, frame: Frame) -> Tensor:
        """A condition as an array of truths."""
        if not isinstance(expr, Compare):
            inner = self.value(expr, frame)
            return inner if inner.boolean else Tensor(f"{inner.at(SUM)} != 0", inner.dims, LOOSE, True)
        whole = not any(self.is_value(operand, frame) for operand in expr.operands)
        dims = frame.order(names(expr)) if whole else ()
        if whole and dims:
            self.meshed(dims, frame, names(expr))
            found = [Tensor(self.whole(operand), dims, SUM) for operand in expr.operands]
        elif whole:
            found = [Tensor(self.whole(operand), (), SUM) for operand in expr.operands]
        else:
            found = self.spread([numeric(self.side(operand, frame)) for operand in expr.operands], frame)
        pairs = [
            f"{left.at(SUM)} {_SIGNS[operator]} {right.at(SUM)}"
            for operator, left, right in zip(expr.operators, found, found[1:], strict=False)
        ]
        code = pairs[0] if len(pairs) == 1 else " & ".join(f"({pair})" for pair in pairs)
        if dims:
            return Tensor(self.keep("holds", code), dims, ATOM, True)
        return Tensor(code, union(frame, found), LOOSE, True)

    def side(self, operand: Expr, frame: Frame) -> Tensor:
        """One side of a condition; what is made of indices has a name of its own."""
        dims = frame.order(names(operand))
        if isinstance(operand, Num) or not dims or self.is_value(operand, frame):
            return self.value(operand, frame)
        self.meshed(dims, frame, names(operand))
        return Tensor(self.keep("at", self.whole(operand)), dims)

    def is_value(self, expr: Expr, frame: Frame) -> bool:
        """Whether an expression reads an array, beside indices and sizes."""
        inside = set(frame.every) | set(self.program.sizes)
        return any(isinstance(n, Reduce) or (isinstance(n, Ref) and n.name not in inside) for n in walk(expr))

    def call(self, function: str, arguments: Sequence[Expr], frame: Frame) -> Tensor:
        match function, arguments:
            case "if", (condition, then, otherwise):
                return self.choice(condition, then, otherwise, frame)
            case (("max" | "min"), _):
                found = [numeric(tensor) for tensor in self.joint(arguments, frame)]
                text = found[0].code
                for tensor in found[1:]:
                    text = f"np.{function}imum({text}, {tensor.code})"
                return Tensor(text, union(frame, found))
            case (("div" | "mod"), (over, under)):
                top, below = self.joint([over, under], frame)
                sign = "//" if function == "div" else "%"
                return Tensor(f"{top.at(SIGN)} {sign} {below.at(POWER)}", union(frame, (top, below)), SUM)
        found = [numeric(tensor) for tensor in self.joint(arguments, frame)]
        if function not in NUMPY:
            self.helpers[function] = None
        name = NUMPY.get(function, function)
        return Tensor(f"{name}({', '.join(tensor.code for tensor in found)})", union(frame, found))

    def choice(self, condition: Expr, then: Expr, otherwise: Expr, frame: Frame) -> Tensor:
        self.careful = self.careful or may_fail(then) or may_fail(otherwise)
        holds = self.truth(condition, frame)
        parts = self.spread([holds, *(numeric(self.value(part, frame)) for part in (then, otherwise))], frame)
        return Tensor(f"np.where({', '.join(part.code for part in parts)})", union(frame, parts))

    # -- reads ------------------------------------------------------------------------------------

    def whole(self, expr: Expr) -> str:
        return whole_code(expr, self.spell.index_or_size)

    def read(self, ref: Ref, frame: Frame) -> Tensor:
        """An array at its indices; a boundary row where one stands beside it."""
        if not ref.indices:
            return Tensor(self.spell.array(ref.name))
        for edge in self.program.rows_beside.get(ref.name, ()):
            place = ref.indices[edge.axis]
            if not reaches(ref, edge):
                continue
            form = linear(place)
            if not form.coefficients:
                if form.constant == edge.row:
                    return self.row(edge, ref, frame)
                continue
            here, row = Compare(("==",), (place, num(edge.row))), self.row(edge, ref, frame)
            if not names(place) & frame.axes.keys():
                own = self.entries(ref, frame.guard(True))
                holds = self.truth(here, frame)
                return Tensor(f"{row.at(SUM)} if {holds.code} else {own.at(SUM)}", own.dims, LOOSE)
            if (before := self.row_before(edge, ref, row, frame)) is not None:
                return before
            parts = self.spread([self.truth(here, frame), row, self.entries(ref, frame)], frame)
            return Tensor(f"np.where({', '.join(part.code for part in parts)})", union(frame, parts))
        return self.entries(ref, frame)

    def row(self, edge: Edge, ref: Ref, frame: Frame) -> Tensor:
        """What stands in the boundary row at the other indices of a read."""
        others = tuple(index for axis, index in enumerate(ref.indices) if axis != edge.axis)
        return self.read(Ref(edge.name, others), frame)

    def row_before(self, edge: Edge, ref: Ref, row: Tensor, frame: Frame) -> Tensor | None:
        """`h[t-1]` for every t: all rows but the last, behind the boundary row; None for any other read."""
        index = next((i for i in names(ref.indices[0]) if i in frame.axes), "")
        later = self.entries(Ref(ref.name, (Ref(index), *ref.indices[1:])), frame) if index else row
        back = linear(ref.indices[0]) - linear(Ref(index)) == linear(num(-1))
        whole = later.code == self.spell.array(ref.name) and row.code == self.spell.array(edge.name)
        if (edge.axis, edge.row) != (0, 0) or not (back and whole and later.dims == (index, *row.dims)):
            return None
        return Tensor(f"np.concatenate([[{row.code}], {later.code}[:-1]])", later.dims)

    def entries(self, ref: Ref, frame: Frame) -> Tensor:
        """The array itself, a part of it, or what is gathered from it."""
        shape = self.program.shapes[ref.name]
        parts: list[str] = []
        dims: list[str] = []
        for index, extent in zip(ref.indices, shape, strict=True):
            axis = index.name if isinstance(index, Ref) and index.name in frame.axes else None
            inside = is_inside(index, extent, frame.every)
            if axis is not None and axis not in dims and inside:
                low, high = frame.axes[axis]
                whole = linear(low) == linear(num(1)) and linear(high) == linear(extent)
                parts.append(":" if whole else f"{self.whole(from_zero(low))}:{self.whole(high)}")
                dims.append(axis)
            elif not names(index) & frame.axes.keys() and (inside or frame.guarded) and not self.is_value(index, frame):
                parts.append(self.whole(from_zero(index)))
            else:
                return self.gathered(ref, frame)
        while parts and parts[-1] == ":":
            parts.pop()
        return Tensor(self.spell.array(ref.name) + (f"[{', '.join(parts)}]" if parts else ""), tuple(dims))

    def gathered(self, ref: Ref, frame: Frame) -> Tensor:
        """The entries at computed places: outside its range a padded array is 0; another is read there in vain only."""
        dims = frame.order(name for index in ref.indices for name in names(index))
        values = {place: self.place(index, dims, frame) for place, index in enumerate(ref.indices)}
        used = {name for place, index in enumerate(ref.indices) if values[place] is None for name in names(index)}
        if used & set(dims):
            self.meshed(dims, frame, used)
        shape = self.program.shapes[ref.name]
        inside = True
        places = []
        for place, (index, extent) in enumerate(zip(ref.indices, shape, strict=True)):
            certain = is_inside(index, extent, frame.every)
            inside = inside and (certain or (values[place] is not None and ref.name not in self.program.padded))
            places.append(values[place] or self.whole(from_zero(index)))
        array = self.spell.array(ref.name)
        if inside:
            code = f"{array}[{', '.join(places)}]"
        else:
            helper = "padded" if ref.name in self.program.padded else "clipped"
            self.helpers[helper] = None
            code = f"{helper}({', '.join([array, *places])})"
        return Tensor(self.keep(f"{array}_at", code), dims) if dims else Tensor(code)

    def place(self, index: Expr, dims: tuple[str, ...], frame: Frame) -> str | None:
        """An index that is read off an array, as the class in `y[t]`; None for one made of indices and sizes."""
        if not self.is_value(index, frame):
            return None
        found = aligned(self.value(index, frame), dims)
        if isinstance(index, Ref) and index.name in self.program.index_names and index.name in self.program.leaves:
            return f"{found.at(SUM)} - 1"
        return f"np.rint({found.code}).astype(int) - 1"

    def meshed(self, dims: tuple[str, ...], frame: Frame, used: Iterable[str]) -> None:
        """Index arrays that count from 1, one axis each."""
        found = [self.spell.index(index) for index in dims]
        ends = [(self.whole(frame.axes[i][0]), self.whole(_more(frame.axes[i][1]))) for i in dims]
        if self.mesh == (wanted := (tuple(found), tuple(ends))):
            return
        self.mesh = wanted
        if len(found) == 1:
            self.line(f"{found[0]} = np.arange({ends[0][0]}, {ends[0][1]})")
        else:
            self.line(f"{', '.join(found)} = np.ogrid[{', '.join(f'{low}:{high}' for low, high in ends)}]")


def _more(high: Expr) -> Expr:
    """The number behind the last of a range."""
    return (linear(high) + linear(num(1))).expr()


def _number(value: Fraction) -> Tensor:
    """A number as Python writes it: as a decimal where that is exact and short, else as a quotient."""
    sign, positive = ("-" if value < 0 else ""), abs(value)
    level = SIGN if value < 0 else ATOM
    if value.denominator == 1:
        return Tensor(f"{value}.0" if positive < 10**15 else f"{float(value)!r}", (), level)
    if Fraction(text := repr(float(positive))) == positive and len(text) <= 12:
        return Tensor(sign + text, (), level)
    return Tensor(f"{value.numerator} / {value.denominator}", (), PRODUCT)
