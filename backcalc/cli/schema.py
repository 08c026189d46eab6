"""`backcalc schema`."""

from __future__ import annotations

from backcalc.cli.common import Answer, command, to_json


@command("schema", formats=("json", "text"))
def schema(form: str) -> Answer:
    """Prints the JSON Schema of net.yaml, for editors.

    It is the same document in either format.

    \b
    Example, and the first line of a net.yaml that uses it:
      backcalc schema --output net.schema.json
      # yaml-language-server: $schema=./net.schema.json
    """
    from backcalc.net.schema import schema as net_schema

    return Answer(to_json(net_schema()))
