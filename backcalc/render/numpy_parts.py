"""What generated NumPy code calls things, and what goes in and comes out."""

from __future__ import annotations

from backcalc.derive.derivation import Derivation
from backcalc.derive.gradient import Gradient


def has_loss(part: Derivation) -> bool:
    """Whether what is differentiated is the loss of the network, a number."""
    return part.loss == part.network.loss and not part.network.given and not part.program.shapes.get(part.loss, ())


def answer_key(part: Derivation, gradient: Gradient) -> str:
    """What a gradient is called in the answer: `W`, or `dy/dx` where it is not one of the loss."""
    return gradient.adjoint.of if part.loss == part.network.loss else gradient.adjoint.name


def leaves_of(derivation: Derivation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names in `params` and those in `batch`."""
    program, network = derivation.program, derivation.network
    asked = {gradient.adjoint.of for part in derivation.parts for gradient in part.gradients}
    trained = [n for n in program.leaves if n in (network.parameters if network.nodes else asked)]
    trained = [name for name in trained if name not in program.index_names]
    return tuple(trained), tuple(name for name in program.leaves if name not in trained)


def harmless(text: str) -> str:
    """Words of a file as they may stand in a docstring or a comment of the code.

    >>> print(harmless('a net' + chr(34) * 3 + chr(10) + 'import os'))
    a net''' import os
    """
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain.replace("\\", "/").replace('"', "'")


def quoted(name: str) -> str:
    """A name as a Python string."""
    return f'"{name}"' if "'" in name else repr(name).replace("'", '"')
