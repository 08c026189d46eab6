"""The directive `generated`: a part of the reference that is written from the program when the pages are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import written
from commands import Running
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

PARTS: Mapping[str, Callable[[], str]] = {
    part.__name__: part
    for part in (
        written.commands,
        written.functions,
        written.file,
        written.layers,
        written.losses,
        written.updates,
        written.key,
        written.conventions,
        written.zoo,
    )
}


class Generated(Running):
    """Shows one of the parts."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        part = self.arguments[0]
        if part not in PARTS:
            raise self.fail(f"there is no part {part}; there are {', '.join(PARTS)}")
        try:
            return self.rendered(PARTS[part]())
        except LookupError as error:
            raise self.fail(str(error)) from error


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
