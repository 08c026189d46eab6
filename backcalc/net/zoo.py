"""The built-in networks, and what papers and other programs publish of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).with_name("zoo")

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "lenet5": "LeNet-5 as it is built today: 28×28 input, first convolution padded, ReLU and max pooling",
        "lenet5-1998": "LeNet-5 of LeCun et al. (1998): 32×32 input, subsampling, connection table of C3, RBF output",
        "digits-mlp": "784-16-16-10 with sigmoids, for handwritten digits",
        "alexnet": "AlexNet in one tower (Krizhevsky 2014)",
        "alexnet-2012": "AlexNet of the paper: two groups (Krizhevsky, Sutskever, Hinton 2012)",
        "vgg11": "VGG with 11 layers of weights (Simonyan, Zisserman 2015)",
        "vgg11_bn": "VGG-11 with batch norm",
        "vgg13": "VGG with 13 layers of weights",
        "vgg13_bn": "VGG-13 with batch norm",
        "vgg16": "VGG with 16 layers of weights",
        "vgg16_bn": "VGG-16 with batch norm",
        "vgg19": "VGG with 19 layers of weights",
        "vgg19_bn": "VGG-19 with batch norm",
        "resnet18": "ResNet with 18 layers, basic blocks (He et al. 2016)",
        "resnet34": "ResNet with 34 layers, basic blocks",
        "resnet50": "ResNet with 50 layers, bottlenecks with the stride on the 3×3 convolution (v1.5)",
        "resnet50-2015": "ResNet-50 of the paper: the stride on the first 1×1 convolution",
        "resnet101": "ResNet with 101 layers (v1.5)",
        "resnet152": "ResNet with 152 layers (v1.5)",
        "resnext50_32x4d": "ResNeXt-50 with 32 groups (Xie et al. 2017)",
        "wide_resnet50_2": "ResNet-50 with bottlenecks twice as wide (Zagoruyko, Komodakis 2016)",
        "googlenet": "GoogLeNet with batch norm (Szegedy et al. 2015)",
        "inception_v3": "Inception v3, 299×299 input (Szegedy et al. 2016)",
        "mobilenet_v1": "MobileNet (Howard et al. 2017)",
        "mobilenet_v2": "MobileNet v2: inverted residuals (Sandler et al. 2018)",
        "mobilenet_v3_small": "MobileNet v3, small (Howard et al. 2019)",
        "mobilenet_v3_large": "MobileNet v3, large",
        "densenet121": "DenseNet with 121 layers (Huang et al. 2017)",
        "densenet169": "DenseNet with 169 layers",
        "densenet201": "DenseNet with 201 layers",
        "squeezenet1_0": "SqueezeNet (Iandola et al. 2016)",
        "squeezenet1_1": "SqueezeNet 1.1, which pools earlier",
        "shufflenet_v2_x1_0": "ShuffleNet v2 (Ma et al. 2018)",
        "mnasnet1_0": "MnasNet B1 (Tan et al. 2019)",
        "efficientnet_b0": "EfficientNet-B0 (Tan, Le 2019)",
        "convnext_tiny": "ConvNeXt, tiny (Liu et al. 2022)",
        "regnet_y_400mf": "RegNetY-400MF (Radosavovic et al. 2020)",
        "vit_b_16": "Vision transformer, base, patches of 16×16 (Dosovitskiy et al. 2021)",
        "vit_b_32": "Vision transformer, base, patches of 32×32",
        "swin_t": "Swin transformer, tiny: attention within windows (Liu et al. 2021)",
        "gpt2": "GPT-2, 12 blocks, 1024 tokens (Radford et al. 2019)",
        "gpt2-medium": "GPT-2, 24 blocks",
        "gpt2-large": "GPT-2, 36 blocks",
        "gpt2-xl": "GPT-2, 48 blocks",
        "bert-base": "BERT, 12 blocks, with its pooler, 512 tokens (Devlin et al. 2019)",
        "bert-large": "BERT, 24 blocks",
        "llama-2-7b": "Llama 2, 32 blocks, 4096 tokens (Touvron et al. 2023)",
        "llama-3-8b": "Llama 3, 32 blocks, 8 heads of keys and values (Grattafiori et al. 2024)",
        "mistral-7b": "Mistral, 32 blocks, attention to the last 4096 tokens (Jiang et al. 2023)",
        "mixtral-8x7b": "Mixtral: 8 experts a block, of which 2 answer for a token (Jiang et al. 2024)",
        "unet": "U-Net with padded convolutions (Ronneberger et al. 2015)",
    }
)
"""Name to what it is, in one line."""


@dataclass(frozen=True, slots=True)
class Published:
    """A number that somebody printed of a network: `what` it is, the `number` as printed, and the `source`.

    `what` is `params`, `active`, `total`, `macs` or `connections`; `params LAYER` and `connections LAYER` of one layer;
    `field LAYER`, `jump LAYER` and `padding LAYER`, the receptive field behind that layer, how many cells neighbours
    are apart there, and how many cells before the input the first begins; `macs T=128` are those with that size put in.
    """

    network: str
    what: str
    number: str
    source: str

    def agrees(self, counted: int) -> bool:
        """Whether the number counted is the one printed, to all digits that are printed, rounded or cut off.

        >>> Published("resnet50", "macs", "4.089e9", "").agrees(4_089_184_256)
        True
        >>> Published("resnet50", "macs", "4.0e9", "").agrees(3_857_973_248)
        False
        """
        digits, _, exponent = self.number.partition("e")
        whole, _, decimals = digits.partition(".")
        last = 10 ** (int(exponent or "0") - len(decimals))
        printed = int(whole + decimals)
        return printed in (counted // last, (2 * counted + last) // (2 * last))


def names() -> tuple[str, ...]:
    """The names of the built-in networks.

    >>> names()[:2]
    ('lenet5', 'lenet5-1998')
    """
    return tuple(NETWORKS)


def nearest_name(word: str) -> str | None:
    """The built-in network that is spelled like the word, but for case and for `-`, `_` and blanks.

    >>> nearest_name("ResNet-50"), nearest_name("VGG 16")
    ('resnet50', 'vgg16')
    """
    wanted = _plain(word)
    return next((name for name in NETWORKS if _plain(name) == wanted), None)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def published() -> Iterator[Published]:
    """What is published of the built-in networks, in the order of the file `published.csv`."""
    import csv

    with (_FOLDER / "published.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Published(row["network"], row["what"], row["number"], row["source"])


def functions(name: str) -> frozenset[str]:
    """The kinds of layers that torchvision's program of a built-in network computes by functions, not by modules.

    >>> sorted(functions("inception_v3"))
    ['avgpool2d']
    """
    import csv

    with (_FOLDER / "functions.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["kind"] for row in csv.DictReader(file) if row["network"] == name)


def zoo_text(name: str) -> str:
    """The file of a built-in network, as text."""
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
