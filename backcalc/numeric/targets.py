"""From labels to what a loss compares with, and metrics: accuracy of classes, errors of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from backcalc.layers.base import show_shape
from backcalc.layers.loss import OneClass
from backcalc.layers.loss_margin import Margin
from backcalc.net.errors import did_you_mean, said
from backcalc.numeric.data import Data
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.run import Objective
from backcalc.numeric.settings import TrainingError


def encoded(objective: Objective, data: Data, y: Array, dtype: np.dtype[np.floating]) -> Array:
    """The labels as the loss reads them, an axis of trials in front where the data have one.

    Classes, from 0, become classes from 1, signs, or one-hot vectors; numbers stay. Raises TrainingError.
    """
    loss, shape = objective.loss, objective.shape
    lead = y.shape[: 1 + data.stacked]
    if not data.classes:
        if isinstance(loss, OneClass) and not (isinstance(loss, Margin) and shape == (1,)):
            message = f"the loss {type(loss).kind} needs classes, but {data.name} has numbers as its target"
            raise TrainingError(message + _as_words(y))
        flat = y.reshape(*lead, -1)
        if flat.shape[-1] != np.prod(shape):
            numbers = f"{flat.shape[-1]} number{'s' * (flat.shape[-1] != 1)} a sample"
            message = f"{data.name} has {numbers} as its target, but the output is {show_shape(shape)}"
            raise TrainingError(message + (_as_words(y) if flat.shape[-1] == 1 else ""))
        signs = isinstance(loss, OneClass)
        return flat.reshape(lead if signs else (*lead, *shape)).astype(dtype)
    count = len(data.classes)
    if shape == (1,) and count <= 2:
        signed = 2 * y - 1 if isinstance(loss, Margin) else y[..., None]
        return np.asarray(signed, dtype)
    if shape[-1:] != (count,) or len(shape) != 1:
        raise TrainingError(f"{data.name} has {count} classes, but the output of the network is {show_shape(shape)}")
    if isinstance(loss, OneClass):
        return (y + 1).astype(dtype)
    return np.eye(count, dtype=dtype)[y.astype(np.intp)]


def _as_words(y: Array) -> str:
    """How numbers that may be meant as classes are written as such."""
    is_whole = (y == np.rint(y)).all() and y.min() >= 0
    return "; if they are classes, write them as words in a table, `c0` for 0" if is_whole else ""


def accuracy(output: Array, target: Array) -> Array:
    """Of every trial the share of the samples whose largest output is that of the right class."""
    right = target.argmax(axis=-1) if target.ndim == output.ndim else target.astype(np.intp) - 1
    share: Array = (output.argmax(axis=-1) == right).mean(axis=1)
    return share


def binary_accuracy(output: Array, target: Array) -> Array:
    """Of every trial the share of the samples whose one output is on the right side of one half."""
    share: Array = ((output[..., 0] > 0.5) == (target[..., 0] > 0.5)).mean(axis=1)
    return share


def sign_accuracy(output: Array, target: Array) -> Array:
    """Of every trial the share of the samples whose one output is on the right side of 0."""
    signs = target.reshape(output.shape[:2])
    share: Array = ((output[..., 0] > 0) == (signs > 0.5 * (signs.min() >= 0))).mean(axis=1)
    return share


def mse(output: Array, target: Array) -> Array:
    """Of every trial the mean squared error over outputs and samples."""
    error = output - target.reshape(output.shape)
    error *= error
    mean: Array = error.reshape(len(output), -1).mean(axis=1)
    return mean


def mae(output: Array, target: Array) -> Array:
    """Of every trial the mean absolute error over outputs and samples."""
    mean: Array = np.abs(output - target.reshape(output.shape)).reshape(len(output), -1).mean(axis=1)
    return mean


METRICS: Mapping[str, Callable[[Array, Array], Array]] = {
    "accuracy": accuracy,
    "binary accuracy": binary_accuracy,
    "sign accuracy": sign_accuracy,
    "mse": mse,
    "mae": mae,
}
"""The metrics by name."""


def metric_for(objective: Objective, data: Data, wanted: str | None, *, probabilities: bool) -> str:
    """The metric that fits: accuracy of classes, else the mean squared error.

    One output is compared with one half where it is a probability, else with 0. Raises TrainingError where the metric
    that is wanted is none.
    """
    if wanted is not None and wanted not in METRICS:
        help = did_you_mean(wanted, METRICS, f"they are {said(list(METRICS), 'and')}")
        raise TrainingError(f"unknown metric `{wanted}`; {help}", "metric")
    if wanted is not None:
        _check_fit(wanted, objective, data)
        return wanted
    if not data.classes and not isinstance(objective.loss, Margin):
        return "mse"
    if objective.shape == (1,):
        return "binary accuracy" if probabilities else "sign accuracy"
    return "accuracy"


def _check_fit(metric: str, objective: Objective, data: Data) -> None:
    """Raises TrainingError where a metric does not fit what the network puts out, or what it is compared with."""
    one, classes = objective.shape == (1,), isinstance(objective.loss, OneClass) and objective.shape != (1,)
    if metric == "accuracy" and (one or not data.classes):
        reason = f"compares classes, but the output is {show_shape(objective.shape)}" if one else "needs classes"
    elif metric in ("binary accuracy", "sign accuracy") and not one:
        reason = f"needs one output, but there are {show_shape(objective.shape)}"
    elif metric in ("mse", "mae") and classes:
        reason = f"compares numbers, but the target of the loss {type(objective.loss).kind} is a class"
    else:
        return
    raise TrainingError(f"the metric `{metric}` {reason}; leave it out, and the one that fits is taken", "metric")
