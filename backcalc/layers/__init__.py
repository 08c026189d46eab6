"""The layers and losses that networks are made of, by the name they have in files.

>>> KINDS["conv2d"].main, LOSSES["nll"].__name__
('filters', 'NegativeLogLikelihood')
"""

from __future__ import annotations

from collections.abc import Mapping

from backcalc.layers.base import Cost, Layer, LayerEquations, Parameter, Samples, Shape, ShapeError, Window
from backcalc.layers.lazy import Lazy
from backcalc.layers.loss import Loss, LossEquation, Target

KINDS: Mapping[str, type[Layer]] = Lazy(
    {
        "dense": "dense.Dense",
        "conv1d": "conv.Conv1d",
        "conv2d": "conv.Conv2d",
        "conv3d": "conv.Conv3d",
        "conv_transpose1d": "conv_transpose.ConvTranspose1d",
        "conv_transpose2d": "conv_transpose.ConvTranspose2d",
        "locally_connected2d": "local.LocallyConnected2d",
        "maxpool1d": "pool.MaxPool1d",
        "maxpool2d": "pool.MaxPool2d",
        "avgpool1d": "pool.AvgPool1d",
        "avgpool2d": "pool.AvgPool2d",
        "subsample2d": "pool.Subsample2d",
        "global_avgpool": "adaptive.GlobalAvgPool",
        "adaptive_avgpool2d": "adaptive.AdaptiveAvgPool2d",
        "upsample2d": "maps.Upsample2d",
        "flatten": "shape.Flatten",
        "reshape": "shape.Reshape",
        "transpose": "shape.Transpose",
        "slice": "shape.Slice",
        "split": "split.Split",
        "channel_shuffle": "maps.ChannelShuffle",
        "normalise": "normalise.Normalise",
        "relu": "activation.Relu",
        "relu6": "activation.Relu6",
        "leaky_relu": "activation.LeakyRelu",
        "elu": "activation.Elu",
        "gelu": "activation.Gelu",
        "silu": "activation.Silu",
        "hard_sigmoid": "activation.HardSigmoid",
        "hard_swish": "activation.HardSwish",
        "softplus": "activation.Softplus",
        "sigmoid": "activation.Sigmoid",
        "tanh": "activation.Tanh",
        "scaled_tanh": "activation.ScaledTanh",
        "softmax": "softmax.Softmax",
        "log_softmax": "softmax.LogSoftmax",
        "linear": "activation.Linear",
        "sign": "activation.Sign",
        "rbf": "rbf.Rbf",
        "rnn": "recurrent.Rnn",
        "lstm": "recurrent.Lstm",
        "gru": "recurrent.Gru",
        "mixture": "mixture.Mixture",
        "add": "merge.Add",
        "multiply": "merge.Multiply",
        "concat": "merge.Concat",
        "matmul": "matmul.Matmul",
        "batchnorm": "norm.BatchNorm",
        "layernorm": "norm.LayerNorm",
        "groupnorm": "norm.GroupNorm",
        "rmsnorm": "norm.RmsNorm",
        "dropout": "noise.Dropout",
        "gaussian_noise": "noise.GaussianNoise",
        "embedding": "embedding.Embedding",
        "positional": "embedding.Positional",
        "class_token": "embedding.ClassToken",
        "attention": "attention.Attention",
        "rotary": "rotary.Rotary",
        "relative_bias": "relative_bias.RelativeBias",
        "layer_scale": "residual.LayerScale",
        "stochastic_depth": "residual.StochasticDepth",
        "formula": "own.Formula",
        "unknown": "unknown.Unknown",
    }
)
LOSSES: Mapping[str, type[Loss]] = Lazy(
    {
        "nll": "loss_likelihood.NegativeLogLikelihood",
        "cross_entropy": "loss_likelihood.CrossEntropy",
        "nll_logits": "loss_likelihood.NegativeLogLikelihoodLogits",
        "cross_entropy_logits": "loss_likelihood.CrossEntropyLogits",
        "mse": "loss.MeanSquare",
        "sse": "loss.SumOfSquares",
        "rmse": "loss.RootMeanSquare",
        "mae": "loss.MeanAbsolute",
        "huber": "loss.Huber",
        "bce": "loss_likelihood.BinaryCrossEntropy",
        "bce_logits": "loss_likelihood.BinaryCrossEntropyLogits",
        "kl": "loss_likelihood.KullbackLeibler",
        "hinge": "loss_margin.Hinge",
        "perceptron": "loss_margin.Perceptron",
    }
)

__all__ = [
    "KINDS",
    "LOSSES",
    "Cost",
    "Layer",
    "LayerEquations",
    "Loss",
    "LossEquation",
    "Parameter",
    "Samples",
    "Shape",
    "ShapeError",
    "Target",
    "Window",
]
