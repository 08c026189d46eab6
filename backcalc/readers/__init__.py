"""Files of other programs as networks: Keras, ONNX, exported PyTorch, Hugging Face.

Each reader writes a net.yaml text, so that what is counted is what `backcalc convert` shows.
"""

from backcalc.readers.files import ENDINGS, Module, converted, is_foreign, read_file

__all__ = ["ENDINGS", "Module", "converted", "is_foreign", "read_file"]
