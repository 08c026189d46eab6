"""The matrix forms of a whole derivation: of the forward pass, the derivatives and the update rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.derive.matrix_read import MatrixForm, matrix_form
from backcalc.formula.program import Equation
from backcalc.formula.tree import Expr, Table


@dataclass(frozen=True, slots=True)
class MatrixView:
    """A form for every equation of forward pass and derivatives, by name, and one for every array that is updated."""

    forms: Mapping[str, MatrixForm]
    updates: Mapping[str, MatrixForm]

    @property
    def proved(self) -> tuple[MatrixForm, ...]:
        """Those that have a matrix form."""
        return tuple(form for form in (*self.forms.values(), *self.updates.values()) if form.node is not None)


def matrix_view(derivation: Derivation) -> MatrixView:
    """Reads the matrix forms off the closed index formulas; each is proved equal to its formula, or left out.

    >>> import backcalc
    >>> net = {"shapes": {"W": ["M", "K"], "x": ["K"]}, "equations": "z = W @ x\\nJ = sumsq(z)", "find": ["W"]}
    >>> view = matrix_view(backcalc.grad(net, view="index"))
    >>> from backcalc.render.matrix_print import matrix_unicode
    >>> matrix_unicode(view.forms["dJ/dW"].node)
    '∂J/∂z xᵀ'
    """
    program = derivation.adjoint_program()
    shapes = dict(program.shapes)
    updates = {
        gradient.adjoint.of: matrix_form(gradient.adjoint.of, gradient.adjoint.indices, change.formula, shapes)
        for gradient in derivation.gradients
        for change in derivation.updates
        if change.name == gradient.asked and gradient.place is None
    }
    return MatrixView({equation.name: _form(equation, shapes) for equation in program.equations}, updates)


def adjoint_form(derivation: Derivation, adjoint: Adjoint) -> MatrixForm:
    """The matrix form of one derivative."""
    shapes = derivation.adjoint_program().shapes
    if adjoint.name not in shapes:  # nothing leads from it to the loss
        return MatrixForm(adjoint.name, adjoint.indices, adjoint.closed, None)
    return matrix_form(adjoint.name, adjoint.indices, adjoint.closed, shapes)


def _form(equation: Equation, shapes: Mapping[str, tuple[Expr, ...]]) -> MatrixForm:
    if isinstance(equation.body, Table):
        return MatrixForm(equation.name, equation.indices, equation.body, None, "its entries have names of their own")
    return matrix_form(equation.name, equation.indices, equation.body, shapes)
