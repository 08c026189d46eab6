"""A .json file: a Keras model, or the config.json of a Hugging Face model, as its keys tell."""

from __future__ import annotations

from pathlib import Path

from backcalc.readers.bounded import LARGEST_JSON, parsed_json, read_bytes, refuse


def read_json_file(path: Path) -> str:
    """The net.yaml text of a .json file. Raises InputError."""
    document = parsed_json(read_bytes(path, LARGEST_JSON), str(path))
    if isinstance(document, dict) and "model_type" in document:
        from backcalc.readers.huggingface import read_config

        return read_config(document, path)
    if isinstance(document, dict) and "class_name" in document and "config" in document:
        from backcalc.readers.keras_model import keras_draft

        version = document.get("keras_version")
        return keras_draft(document, path, f"Keras {version}" if isinstance(version, str) else "Keras").text()
    help = "a Keras model has `class_name` and `config`, a Hugging Face configuration has `model_type`"
    refuse(str(path), "this JSON is neither a Keras model nor a Hugging Face configuration", help)
