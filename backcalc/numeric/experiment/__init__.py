"""Experiments: a sweep over values of a network, its data or its training, every arm repeated with seeds of its own."""

from __future__ import annotations

from backcalc.numeric.experiment.arms import Experiment
from backcalc.numeric.experiment.read import read_experiment
from backcalc.numeric.experiment.results import Results
from backcalc.numeric.experiment.sweep import Told, run
from backcalc.numeric.experiment.workers import WorkerError

__all__ = ["Experiment", "Results", "Told", "WorkerError", "read_experiment", "run"]
