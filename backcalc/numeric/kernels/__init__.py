"""A plain forward and backward pass for every kind of layer, and every loss: the reference.

>>> from backcalc.net import load_network
>>> node = load_network({"input": 3, "layers": ["relu"]}).nodes[0]
>>> type(kernel_of(node, ((3,),))).__name__
'ReluKernel'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backcalc.layers import Layer, Shape
from backcalc.layers import activation as activations
from backcalc.layers.adaptive import AdaptiveAvgPool2d, GlobalAvgPool
from backcalc.layers.attention import Attention
from backcalc.layers.conv import Conv1d, Conv2d, Conv3d
from backcalc.layers.conv_transpose import ConvTranspose1d, ConvTranspose2d
from backcalc.layers.dense import Dense
from backcalc.layers.embedding import ClassToken, Embedding, Positional
from backcalc.layers.local import LocallyConnected2d
from backcalc.layers.maps import ChannelShuffle, Upsample2d
from backcalc.layers.matmul import Matmul
from backcalc.layers.merge import Add, Concat, Multiply
from backcalc.layers.mixture import Mixture
from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.layers.norm import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from backcalc.layers.normalise import Normalise
from backcalc.layers.own import Formula
from backcalc.layers.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Subsample2d
from backcalc.layers.rbf import Rbf
from backcalc.layers.recurrent import Gru, Lstm, Rnn
from backcalc.layers.relative_bias import RelativeBias
from backcalc.layers.residual import LayerScale, StochasticDepth
from backcalc.layers.rotary import Rotary
from backcalc.layers.shape import Flatten, Reshape, Slice, Transpose
from backcalc.layers.softmax import LogSoftmax, Softmax
from backcalc.layers.split import Split
from backcalc.net import Node
from backcalc.numeric.kernels import activation, attention, conv, embedding, merge, noise, norm, pool, shape
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, NotTrainable, Pass, Result
from backcalc.numeric.kernels.dense import DenseKernel, RbfKernel
from backcalc.numeric.kernels.equations import EquationsKernel
from backcalc.numeric.kernels.loss import LOSS_KERNELS, LossKernel
from backcalc.numeric.kernels.recurrent import GruKernel, LstmKernel, RnnKernel
from backcalc.numeric.kernels.softmax import LogSoftmaxKernel, SoftmaxKernel

KERNELS: Mapping[type[Layer], type[Kernel[Any]]] = {
    Dense: DenseKernel,
    Rbf: RbfKernel,
    Conv1d: conv.ConvKernel,
    Conv2d: conv.ConvKernel,
    Conv3d: conv.ConvKernel,
    ConvTranspose1d: conv.TransposedKernel,
    ConvTranspose2d: conv.TransposedKernel,
    LocallyConnected2d: conv.LocalKernel,
    MaxPool1d: pool.MaxPoolKernel,
    MaxPool2d: pool.MaxPoolKernel,
    AvgPool1d: pool.AveragePoolKernel,
    AvgPool2d: pool.AveragePoolKernel,
    Subsample2d: pool.SubsampleKernel,
    GlobalAvgPool: pool.GlobalAverageKernel,
    AdaptiveAvgPool2d: pool.AdaptiveKernel,
    Upsample2d: shape.UpsampleKernel,
    Flatten: shape.ReshapeKernel,
    Reshape: shape.ReshapeKernel,
    Transpose: shape.TransposeKernel,
    Slice: shape.SliceKernel,
    Split: shape.SliceKernel,
    ChannelShuffle: shape.ShuffleKernel,
    Normalise: merge.NormaliseKernel,
    activations.Relu: activation.ReluKernel,
    activations.Relu6: activation.Relu6Kernel,
    activations.LeakyRelu: activation.LeakyReluKernel,
    activations.Elu: activation.EluKernel,
    activations.Gelu: activation.GeluKernel,
    activations.Silu: activation.SiluKernel,
    activations.HardSigmoid: activation.HardSigmoidKernel,
    activations.HardSwish: activation.HardSwishKernel,
    activations.Softplus: activation.SoftplusKernel,
    activations.Sigmoid: activation.SigmoidKernel,
    activations.Tanh: activation.TanhKernel,
    activations.ScaledTanh: activation.ScaledTanhKernel,
    activations.Linear: activation.LinearKernel,
    activations.Sign: activation.SignKernel,
    Softmax: SoftmaxKernel,
    LogSoftmax: LogSoftmaxKernel,
    Rnn: RnnKernel,
    Lstm: LstmKernel,
    Gru: GruKernel,
    Mixture: EquationsKernel,
    Add: merge.AddKernel,
    Multiply: merge.MultiplyKernel,
    Concat: merge.ConcatKernel,
    Matmul: EquationsKernel,
    BatchNorm: norm.BatchNormKernel,
    LayerNorm: norm.FeatureNormKernel,
    RmsNorm: norm.FeatureNormKernel,
    GroupNorm: norm.GroupNormKernel,
    Dropout: noise.DropoutKernel,
    GaussianNoise: noise.GaussianNoiseKernel,
    StochasticDepth: noise.StochasticDepthKernel,
    Embedding: embedding.EmbeddingKernel,
    Positional: embedding.PositionalKernel,
    ClassToken: embedding.ClassTokenKernel,
    Attention: attention.AttentionKernel,
    Rotary: attention.RotaryKernel,
    RelativeBias: attention.RelativeBiasKernel,
    LayerScale: merge.LayerScaleKernel,
    Formula: EquationsKernel,
}
"""The kernel of every kind of layer that has equations."""


def kernel_of(node: Node, arriving: tuple[Shape, ...]) -> Kernel[Any]:
    """The kernel of a layer in its place, which reads arrays of those shapes. Raises NotTrainable."""
    kernel = KERNELS.get(type(node.layer))
    if kernel is None:
        raise NotTrainable(f"layer `{node.name}` ({node.layer.kind}) has no equations here, so it cannot be computed")
    return kernel(node, arriving)


__all__ = [
    "KERNELS",
    "LOSS_KERNELS",
    "Array",
    "Gradients",
    "Kernel",
    "LossKernel",
    "NotTrainable",
    "Pass",
    "Result",
    "kernel_of",
]
