"""`backcalc convert FILE`."""

from __future__ import annotations

import click

from backcalc.cli.common import Answer, command


@command("convert", formats=("yaml",))
@click.argument("file", metavar="FILE", type=click.Path())
def convert(file: str, form: str) -> Answer:
    """Writes the network of another program's FILE as net.yaml.

    FILE is a Keras model (.keras, or its .json), an ONNX model (.onnx), a program that PyTorch exported (.pt2), or the
    config.json of a Hugging Face model. Comments say what was changed on the way; weights are not read.

    \b
    Examples:
      backcalc convert model.onnx
      backcalc convert model.keras --output net.yaml
    """
    from backcalc.readers import converted

    return Answer(converted(file))
