"""Work as it is handed in, in prose, lists and tables: the claims of the sheets in words and layouts of our own.

Behind every paper stand its claims in order: the line, a piece of the claim, its verdict, and the code of its cause.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backcalc.check import check
from backcalc.check.result import Submission
from backcalc.check.submission import read_text

SHARED = """\
# Answers

1. The small network with a shared kernel
    1. Forward: $$z_1 = w_3 q_1+ w_4 q_2 \\\\ z_2 = w_5 q_1+ w_6 q_2$$ with $$q_1 = max(0, w_1x_1 + w_2x_2)$$
    2. Then the $y_1$ is 0.5 and $$\\dfrac{\\partial J}{\\partial y_2} = - \\dfrac{1}{y_2} = -2$$
    3. $$\\dfrac{\\partial y_1}{\\partial z_1} = y_1(1-y_1)=-6$$
    4. As $-6(1) + -6(1) = -12<0$ the derivative of $q_1$ is 0, so $w_1$ won't change.

2. Counting
    1. First layer: convolution
        * output size = $28 \\times 28$
        * the total number of weights is $ 6 \\times ( 5 \\times 5 ) $
        * number of connections = $6 \\times (5 \\times 5) \\times 28 \\times 28$
    2. Second layer: sampling
        * output size = $ 6 \\times 14 \\times 14 $
        * sampling size = $2 \\times 2$
        * number of weights = 6
        * number of connections = $6 \\times (2 \\times 2) \\times 14 \\times 14$
    3. Third layer: convolution
        * output size = $ 16 \\times (14 - 5 + 1) \\times (14 - 5 + 1) $
        * number of weights = $ 6 ï¼ˆ3 \\times 25+1ï¼‰+6 (4 \\times 25+1)+3 (4 \\times 25+1)+(6 \\times 25+1)$
        * number of connections = $100 [6 (3 \\times 25+1)+9 (4 \\times 25+1)+(6 \\times 25+1)]$
    4. Fifth layer: convolution over everything that is left
        * output size = $120 \\times (5-5+1) \\times (5-5+1)$
        * number of weights = $120 \\times (5 \\times 5 \\times 16)$
    5. Seventh layer: fully connected
        * number of weights = $84 \\times 10$
        * number of connections = 840

3. Batch normalisation
    1. $$z_{j}^{(i)} = \\sum_k^{N} w_{jk}^{(i)}x_k^{(i)}$$
    2. $$\\hat z_{j}^{(i)} = \\gamma_j (\\dfrac{z_j^{(i)} - \\mu_j}{\\sqrt{\\sigma_j^2 + \\epsilon}}) + \\beta_j$$
    3. $$h_j^{(i)} = \\sigma(\\hat z_j^{(i)}) = \\dfrac{1}{1+e^{-\\hat z_j^{(i)}}}$$
    4. $$\\dfrac{\\partial L}{\\partial \\gamma_1} = \\sum_{i=1}^N \\dfrac{\\partial L}{\\partial \\hat z_1} \
\\cdot \\dfrac{z_1 - \\mu_1}{\\sqrt{\\sigma_1^2 + \\epsilon}}$$
    5. $$\\dfrac{\\partial \\hat z_1}{\\partial \\beta_1} = 1$$

4. Training
    * output:
    ```
    Average accuracy: 77.63333 %
    ```
"""

SHARED_CLAIMS = (
    (4, "z_1 =", "right", ""),
    (4, "z_2 =", "right", ""),
    (4, "q_1 =", "right", ""),
    (5, "y_1 = 0.5", "right", ""),
    (5, "partial y_2", "wrong", "no-path"),
    (5, "= -2", "follows", "carried-forward"),
    (6, "y_1(1-y_1)", "right", ""),
    (6, "=-6", "wrong", "substituted"),
    (7, "Delta w_1 = 0", "right", ""),
    (7, "= -12", "right", ""),
    (7, "-12<0", "right", ""),
    (7, "diff(h[1], q[1]) = 0", "wrong", "gated-by-gradient"),
    (11, "28", "right", ""),
    (12, "5", "right", ""),
    (13, "28", "right", ""),
    (15, "14", "right", ""),
    (16, "2", "right", ""),
    (17, "6", "wrong", "pooling-weights"),
    (18, "14", "convention", "pooling"),
    (20, "16", "right", ""),
    (21, "25+1", "wrong", "connection-table"),
    (22, "100", "wrong", "connection-table"),
    (24, "120", "right", ""),
    (25, "16", "right", ""),
    (27, "84", "right", ""),
    (28, "840", "right", ""),
    (31, "sum_k", "wrong", "index"),
    (32, "gamma_j", "right", ""),
    (33, "sigma", "right", ""),
    (33, "dfrac", "right", ""),
    (34, "gamma_1", "right", "notation"),
    (35, "beta_1", "right", "notation"),
    (40, "77.6", "right", ""),
)

PRINTED = """\
## Part 1: gradients from scratch

```
0.1332476222330792
```

```
{'W1': array([[ 0.00244596, -0.00030765, -0.00034768],
              [ 0.00262019, -0.00024188, -0.000372  ]]),
 'W2': array([0.02216011, 0.02433097, 0.01797174]),
 'b1': array([ 0.00492577, -0.00058023, -0.00065977]),
 'b2': 0.029249230265318685}
```

The loss should be close to $L = 0.133$ and `'b1': array([ 0.00492, -0.000581, -0.00066])`.

## Preparing the data

```
flat images shape: (50000, 3072)
training images shape: (40000, 3073)
```

## Part 2: the classifier

Layer (type)	Output Shape	Param #
dense (Dense)	(None, 128)	393344
dense_1 (Dense)	(None, 64)	8256
dense_2 (Dense)	(None, 11)	650

Total params: 402250 (1.53 MB)
Non-trainable params: 0 (0.00 Byte)
"""

PRINTED_CLAIMS = (
    (4, "0.1332476222330792", "right", ""),
    (8, "W1 =", "wrong", "transposed"),
    (10, "W2 =", "right", "notation"),
    (11, "b1 =", "right", ""),
    (12, "b2 =", "right", ""),
    (15, "L = 0.133", "right", ""),
    (15, "b1 =", "undecided", "open"),
    (20, "50000", "right", ""),
    (21, "40000", "wrong", "wrong"),
    (27, "128", "right", ""),
    (27, "393344", "right", ""),
    (28, "64", "right", ""),
    (28, "8256", "right", ""),
    (29, "11", "wrong", "shape"),
    (29, "650", "right", ""),
    (31, "402250", "right", ""),
    (31, "1.53", "right", ""),
    (32, "0", "right", ""),
)

TABLE = """\
Part 1 Q2:

$$z_1 = 1.368, \\quad z_2 = -1.432, \\quad z_5 = 0.5991, \\quad \\hat{y} = 0.6455$$

$$\\frac{\\partial L}{\\partial \\hat{y}} = 2 \\| y - \\hat{y} \\| = 0.291$$

Part 1 B3

Here the filter size is $4 \\times 4 \\times 50$.
One application takes $4 \\times 4 \\times 50 = 800$ multiplications and $800 - 1 = 799$ additions. In total 1599 FLOP
The output size is $(12 + 2 - 4)/2 + 1 = 6$, and there are 20 filters $\\Rightarrow 20 \\times 36 \\times 1599$ FLOP
Total # of FLOP = $20 \\times 36 \\times 1599 + 320 \\times 8 = 1153840$ FLOP without bias
So # of bias = $6 \\times 6 \\times 20 = 720$
Total # of FLOP = $1153840 + 720 = 1154560$ FLOP with bias

Part 1 Q4

Size / operation	Filter	Depth	# of parameter
$32 \\times 32 \\times 1$
convolution	5×5	6	$(5 \\times 5 \\times 1 + 1) \\cdot 6 = 156$
$28 \\times 28 \\times 6$
subsampling	2×2	6
convolution	5×5	16	$(5 \\times 5 \\times 6 + 1) \\times 16 = 2416$
subsampling	2×2	16
FC			$5 \\times 5 \\times 16 \\times 120 = 48000$
FC			$120 \\times 84 = 10080$
FC			84×10

Total # of parameter = 61492
"""

TABLE_CLAIMS = (
    (3, "z_1", "right", ""),
    (3, "z_2", "right", ""),
    (3, "z_5", "right", ""),
    (3, "hat", "follows", "rounded-too-early"),
    (5, "hat", "right", "only-here"),
    (5, "0.291", "right", ""),
    (9, "50", "right", ""),
    (10, "800", "right", ""),
    (10, "799", "right", ""),
    (10, "1599", "right", ""),
    (11, "= 6", "right", ""),
    (11, "20", "right", ""),
    (11, "1599", "right", ""),
    (12, "FLOP", "right", ""),
    (12, "1153840", "right", ""),
    (13, "6", "wrong", "bias-a-position"),
    (13, "720", "follows", "carried-forward"),
    (14, "1153840", "right", ""),
    (14, "1154560", "right", ""),
    (20, "cdot 6", "right", ""),
    (20, "156", "right", ""),
    (21, "28", "right", ""),
    (23, "16", "right", ""),
    (23, "2416", "right", ""),
    (25, "120", "wrong", "mixed-convention"),
    (25, "48000", "follows", "mixed-convention"),
    (26, "84", "wrong", "mixed-convention"),
    (26, "10080", "follows", "mixed-convention"),
    (27, "84", "wrong", "mixed-convention"),
    (29, "61492", "follows", "carried-forward"),
)

FURTHER = """\
## Counting

1. Fourth layer: sampling
    * output size = $16 \\times 5 \\times 5$
2. Sixth layer: fully connected
    * number of weights = $120 \\times 84$

## Preparing the data

```
training images shape: (40000, 3072)
```

## The classifier

Layer (type)	Output Shape	Param #
dense (Dense)	(None, 128)	393344
dense_1 (Dense)	(None, 64)	8256
dense_2 (Dense)	(None, 10)	650
"""

EXPERIMENTS = """\
# Problem 1

```
model.fit(x, y, epochs=10)
938/938 [=====] - 14s 14ms/step - loss: 0.1688 - accuracy: 0.9500
```

Of 1000 trials 91 collapsed, which is close to 90 %. The layers keep about 0.7 of the gradient each.

# Problem 2

We train 26 models with 16 to 512 units a layer; from one layer to two the error falls from 297 to 224.
With 3 layers of 16 units and 801 parameters it is 148, with two layers and 68865 parameters 178.
Two hidden layers have fewer weights than one of 4097 parameters. It stops early at epoch 6 after 2 epochs more.
"""
"""Prose and printed progress: numbers everywhere, none of which the key can judge."""

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = """\
name: batch normalisation after a linear layer
sizes: {N: null, K: null}
equations: |
  u[i,j]  = sum(k=1..K, W[j,k]*x[i,k])
  mu[j]   = 1/N*sum(i=1..N, u[i,j])
  var[j]  = 1/N*sum(i=1..N, (u[i,j] - mu[j])^2)
  v[i,j]  = gamma[j]*(u[i,j] - mu[j])/sqrt(var[j] + eps) + beta[j]
  h[i,j]  = sigmoid(v[i,j])
  J       = 1/2*sum(i=1..N, sum(j, (h[i,j] - d[i,j])^2))
find: [gamma, beta]
"""


def count(id: str, name: str, asked: str, bias: bool = True) -> dict[str, Any]:
    return {"id": id, "count": str(EXAMPLES / f"{name}.yaml"), "ask": [asked], "bias": bias}


def net(id: str, name: str, asked: str, **aliases: str) -> dict[str, Any]:
    return {"id": id, "net": str(EXAMPLES / f"{name}.yaml"), "ask": [asked], "aliases": aliases}


def checked_papers(folder: Path) -> dict[str, Submission]:
    """Every paper checked against a key of its own."""
    path = folder / "samples.yaml"
    path.write_text(SAMPLES, "utf-8")
    samples = {
        "id": 3,
        "net": str(path),
        "ask": ["dJ/dgamma"],
        "aliases": {"z": "u", "z_hat": "v", "L": "J", "w_jk": "W"},
    }
    weights = {"W1": "W_a", "b1": "b_a", "W2": "W_z", "b2": "b_z"}
    data = {"flat images shape": {"value": [50000, 3072]}, "training images shape": {"value": [40000, 3072]}}
    keys = {
        "shared": [
            net("1", "shared-kernel", "delta w1", q1="h[1]", q2="h[2]"),
            count("2", "lenet-without-biases", "weights", bias=False),
            samples,
            {"id": 4, "answers": {"accuracy": {"value": 0.795, "tolerance": 0.039}}},
        ],
        "printed": [
            net("Part 1", "two-three-one", "dL/dW_a", **weights),
            {"id": "Preparing the data", "answers": data},
            count("Part 2", "colour-mlp", "params"),
        ],
        "table": [
            net("Q2", "six-weights", "dL/dw3"),
            count("Q3", "conv-pool-flops", "flops", bias=False),
            count("Q4", "lenet-32", "params"),
        ],
        "further": [
            count("Counting", "lenet-without-biases", "weights", bias=False),
            {"id": "Preparing the data", "answers": data},
            count("The classifier", "colour-mlp", "params"),
        ],
    }
    texts = {"shared": SHARED, "printed": PRINTED, "table": TABLE, "further": FURTHER}
    return {
        name: check({"problems": problems}, [read_text(texts[name], suffix=".md")]).submissions[0]
        for name, problems in keys.items()
    }
