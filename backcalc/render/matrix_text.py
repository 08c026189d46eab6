"""The matrix view of a derivation as text: shapes, forward pass, each derivative as index formula and as matrices."""

from __future__ import annotations

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.derive.gradient import Gradient
from backcalc.derive.matrix import Apply, Named, Node, Product, Scale, Unit, is_scalar, shaped
from backcalc.derive.matrix_algebra import walk_nodes
from backcalc.derive.matrix_read import MatrixForm
from backcalc.derive.matrix_view import matrix_view
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Expr, Ref
from backcalc.render.grad_brief import one_line
from backcalc.render.grad_text import Printer
from backcalc.render.layout import WIDTH, heading, paragraph
from backcalc.render.matrix_print import matrix_unicode

_SIGNS = (
    ("⊙", "⊙ multiplies entry by entry"),
    ("⊘", "⊘ divides entry by entry"),
    ("^⊙", "A^⊙2 squares every entry"),
    ("𝟙", "𝟙 is the column of ones, as long as its place asks"),
    ("rowsum(", "rowsum(A) = A 𝟙"),
    ("rowmax(", "rowmax(A) is the column of the largest entry of each row"),
    ("‖", "‖A‖² is the sum of the squares of all entries"),
    ("tr(", "tr(A) is the sum of the diagonal"),
    ("diag(", "diag(v) is the matrix with v on its diagonal, diag(A) the diagonal of A as a column"),
    ("softmax(", "softmax is taken along each row, or along a column"),
    ("einsum(", 'einsum("ij,jk->ik", A, B) sums over the indices that stand before -> alone'),
)


def render(derivation: Derivation, steps: str = "full", digits: int | None = None, width: int = WIDTH) -> str:
    """The whole derivation within `width` columns; `brief` keeps of the way only index formula and matrix form."""
    return "\n".join([*MatrixPrinter(derivation, steps == "full", digits, width).all(), ""])


class MatrixPrinter(Printer):
    """The index view's text, with the matrix form beside every formula."""

    def __init__(self, derivation: Derivation, full: bool, digits: int | None, width: int) -> None:
        super().__init__(derivation, full, digits, width)
        self.view = matrix_view(derivation)
        self.texts = {text: form for form in self.view.updates.values() for text in (form.formula, _target(form))}

    def math(self, expr: Expr) -> str:
        """A formula; an update rule in its matrix form."""
        form = self.texts.get(expr)
        if form is None or form.node is None:
            return super().math(expr)
        return matrix_unicode(form.node) if expr == form.formula else to_unicode(Ref(form.of))

    def title(self, written: list[str]) -> list[str]:
        return [*super().title(written), *self.shapes("\n".join(written))]

    def symbols(self) -> list[str]:
        """Nothing: the shapes stand in a section of their own."""
        return []

    # -- shapes and layout ------------------------------------------------------------------------

    def shapes(self, text: str) -> list[str]:
        """Every array once, with its shape, and what one has to know to read the formulas."""
        shapes = self.derivation.program.shapes
        arrays = [Named(name, sizes) for name, sizes in shapes.items() if name != self.unstated]
        cells = [f"{to_unicode(Ref(array.name))}: {shaped(array)}" for array in arrays if array.sizes]
        cells += [f"{to_unicode(Ref(array.name))}: a number" for array in arrays if not array.sizes]
        lines = heading("Shapes and layout")
        room = max(map(len, cells)) + 3
        columns = max(1, (self.width - 2) // room)
        for start in range(0, len(cells), columns):
            lines.append("  " + "".join(cell.ljust(room) for cell in cells[start : start + columns]).rstrip())
        lines += paragraph(f"{self.layout()}.", 2, self.width)
        used = [said for sign, said in _SIGNS if sign in text]
        nodes = [node for form in self.view.proved if form.node is not None for node in walk_nodes(form.node)]
        if any(isinstance(node, Apply) and not is_scalar(node) for node in nodes):
            used.append("functions apply to every entry")
        if any(isinstance(node, Unit) for node in nodes):
            used.append("e₁ is the column with a 1 in row 1 and 0 elsewhere")
        if used:
            lines += paragraph(f"{'; '.join(used)}.", 2, self.width)
        return [*lines, ""]

    def layout(self) -> str:
        network, program = self.derivation.network, self.derivation.program
        said = ["The first index is the row, the second the column; a vector is a column"]
        if any(len(program.shapes[name]) > len(shape) for name, shape in network.inputs.items()):
            said.append("each row of a batch is a sample")
        if any(node.layer.kind in ("dense", "attention") for node in network.nodes):
            said.append("rows of a weight matrix are output units")
        return "; ".join([*said, f"∂{self.derivation.loss}/∂A has the shape of A"])

    # -- forward and backward ---------------------------------------------------------------------

    def definition(self, name: str) -> list[str]:
        form = self.view.forms[name]
        if form.node is None:
            return [*super().definition(name), *self.without(form)]
        before = super().definition(name) if self.full and form.indices else []
        return [*before, *self.formed(to_unicode(Ref(name)), form.node, 2)]

    def index_block(self, number: int, adjoint: Adjoint) -> list[str]:
        form = self.view.forms[adjoint.name]
        opening = self.opening(number, adjoint)
        left = to_unicode(Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices)))
        lines = self.way(adjoint) if self.full else self.equation(left, [to_unicode(adjoint.closed)], 3)
        lines += self.without(form) if form.node is None else self.formed(to_unicode(Ref(adjoint.name)), form.node, 3)
        lines += self.backward_array(adjoint)
        return one_line(opening, lines, self.width) if self.brief else [*opening, *lines]

    def without(self, form: MatrixForm) -> list[str]:
        return paragraph(f"(no matrix form: {form.reason})", 5, self.width) if form.reason else []

    def formed(self, left: str, node: Node, indent: int) -> list[str]:
        """The matrix form, with the shapes of its factors where it is a product."""
        lines = self.equation(left, [matrix_unicode(node)], indent)
        shapes = _shapes(node)
        if len(lines[-1]) + len(shapes) + 3 <= self.width:
            return [*lines[:-1], f"{lines[-1]}   {shapes}".rstrip()]
        return [*lines, f"{' ' * (indent + len(left) + 3)}{shapes}"]

    # -- answers ----------------------------------------------------------------------------------

    def gradient(self, gradient: Gradient) -> list[str]:
        form = self.view.forms.get(gradient.adjoint.name)
        if gradient.place is not None or form is None or form.node is None:
            return super().gradient(gradient)
        left = to_unicode(Ref(gradient.adjoint.name))
        return [
            *self.equation(left, [matrix_unicode(form.node)]),
            *self.array(Ref(gradient.adjoint.name), gradient.value),
        ]


def _target(form: MatrixForm) -> Expr:
    """The array that an update rule changes, at its indices."""
    return Ref(form.of, tuple(Ref(index) for index in form.indices))


def _shapes(node: Node) -> str:
    """`(4×N)(N×3) = 4×3` for a product, `4×3` for anything else, nothing for a number."""
    if is_scalar(node):
        return ""
    inner = node.of if isinstance(node, Scale) else node
    if not isinstance(inner, Product):
        return shaped(node)
    return "".join(f"({shaped(factor)})" for factor in inner.factors) + f" = {shaped(node)}"
