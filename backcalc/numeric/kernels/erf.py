"""The error function, which NumPy does not have.

Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969).
"""

from __future__ import annotations

import numpy as np

from backcalc.numeric.kernels.base import Array

_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
_FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)


def erf(x: Array) -> Array:
    """The error function, right to the last digits of double precision.

    >>> import math
    >>> x = np.linspace(-7, 7, 2001)
    >>> bool(abs(erf(x) - [math.erf(u) for u in x]).max() < 3e-16)
    True
    """
    size = np.abs(x)
    near, far = size <= 0.46875, size > 4
    inner = np.where(near, x, 0)
    result = inner * _quotient(_NEAR, inner * inner)
    outer = np.minimum(np.where(near, 1, size), 27)  # beyond that all digits are those of 1
    middle = _quotient(_MIDDLE, np.minimum(outer, 4))
    inverse = 1 / (outer * outer)
    tail = (1 / np.sqrt(np.pi) - inverse * _quotient(_FAR, np.where(far, inverse, 0.0625))) / outer
    complement = np.exp(-outer * outer) * np.where(far, tail, middle)
    whole: Array = np.where(near, result, np.sign(x) * (1 - complement)).astype(x.dtype)
    return whole


def _quotient(coefficients: tuple[tuple[float, ...], tuple[float, ...]], u: Array) -> Array:
    """One polynomial over another, the highest powers first."""
    over, under = (np.polyval(part, u) for part in coefficients)
    quotient: Array = over / under
    return quotient
