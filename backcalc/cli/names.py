"""Lists of names as they are typed after an option."""

from __future__ import annotations

import re
from collections.abc import Iterable


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """Splits at commas outside brackets, so that an element of a matrix stays one name.

    >>> split_names(["w1, W[1,2]", "b"])
    ('w1', 'W[1,2]', 'b')
    """
    return tuple(name for value in values for part in re.split(r",(?![^\[]*\])", value) if (name := part.strip()))
