"""One derivation in every view that it can be written in, each with its own verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backcalc.derive.derivation import Derivation, derive
from backcalc.derive.question import DerivationError
from backcalc.derive.written import View

VIEWS: tuple[View, ...] = ("scalar", "index", "matrix")


@dataclass(frozen=True, slots=True)
class Views:
    """The derivation by view, in the order of VIEWS; `missing` says of the others why they cannot be written."""

    found: Mapping[View, Derivation]
    missing: Mapping[View, str]


def views(derivation: Derivation) -> Views:
    """The same derivation in its own view and the others, verified where it is.

    >>> import backcalc
    >>> net = {"equations": "J = sum(i=1..N, (w*x[i] - 1)^2)", "sizes": {"N": None}, "find": ["w"]}
    >>> found = views(backcalc.grad(net))
    >>> list(found.found), found.missing
    (['index', 'matrix'], {'scalar': 'the range of a sum is symbolic'})
    """
    found: dict[View, Derivation] = {derivation.view: derivation}
    missing: dict[View, str] = {}
    for view in VIEWS:
        if view in found:
            continue
        by_index = found.get("index")
        try:
            found[view] = _in_matrices(by_index) if view == "matrix" and by_index else _anew(derivation, view)
        except DerivationError as error:
            missing[view] = _reason(str(error))
    return Views({view: found[view] for view in VIEWS if view in found}, missing)


def _anew(derivation: Derivation, view: View) -> Derivation:
    words = dict.fromkeys(gradient.asked for part in derivation.parts for gradient in part.gradients)
    other = derive(derivation.network, tuple(words), view)
    if not derivation.verified:
        return other
    from backcalc.verify import verified

    return verified(other)


def _in_matrices(derivation: Derivation) -> Derivation:
    """The derivation by index with its formulas in matrices: the same checks hold, and one more is made."""
    return replace(_formed(derivation), further=tuple(map(_formed, derivation.further)))


def _formed(part: Derivation) -> Derivation:
    from backcalc.verify.matrix_forms import check_forms

    formed = replace(part, view="matrix")
    return replace(formed, verified=(*part.verified, check_forms(formed))) if part.verified else formed


def _reason(message: str) -> str:
    """What stands between the view and the way out."""
    return message.partition(": ")[2].partition("; use ")[0]
