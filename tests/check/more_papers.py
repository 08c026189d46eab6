"""Further work as it is handed in: formulas with the signs of their sheets, and what is said between them.

The formulas and numbers are those of the sheets, faulty signs included; the sentences are our own. `rulings.py` says
where each claim stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backcalc.check import check
from backcalc.check.result import Submission
from backcalc.check.submission import read_text

from .papers import count, net

SIGNS = """\
# The shared kernel

1. The slopes of the softmax are $$\\dfrac{\\partial}{\\partial z_i}y_l = \\begin{cases} y_l(1-y_l), \
if \\space i = l \\\\ -y_ly_i, if \\space i \\space \\neq l\\end{cases}$$ and with them \
$$\\dfrac{\\partial y_1}{\\partial z_1} = y_1(1-y_1)=-6 \\\\ \\dfrac{\\partial y_2}{\\partial z_2} = y_2(1-y_2) = -6$$
2. The logarithm is natural, we assume the base to be $e$ so \
$$\\dfrac{\\partial J}{\\partial y_2} = - \\dfrac{1}{y_2} = -2$$

# Normalised batches

1. $$y_j^{(i)} = w_j h_j^{(i)}$$
2. $$\\dfrac{\\partial L}{\\hat z_1} = \\dfrac{\\partial L}{\\partial \\hat y_1} \\cdot \
\\dfrac{\\partial y_1}{\\partial \\hat z_1}$$
3. From $\\hat z_1 = \\gamma_1 (\\dfrac{z_1 - \\mu_1}{\\sqrt{\\sigma_1^2 + \\epsilon}}) + \\beta_1$ we have \
$$\\dfrac{\\partial \\hat z_1}{\\partial \\gamma_1} = \\dfrac{z_1 - \\mu_1}{\\sqrt{\\sigma_1^2 + \\epsilon}}$$
4. $$\\dfrac{\\partial L}{\\partial \\beta_1} = \\sum_{i=1}^N \\dfrac{\\partial L}{\\partial \\hat z_1}$$

# Several labels

$$sigmoid(a_i) = \\frac{1}{1 + e^{-a_i}}$$

$$E = -\\sum_{i}^{n} t_{i} \\log y_{i} + (1 - t_{i}) \\log(1 - t_{i})$$

$$\\frac{\\partial E}{\\partial y_i} = \\frac{-t_i}{y_i} + \\frac{1 - t_i}{1 - y_i}$$
$$= \\frac{y_i - t_i}{y_i(1 - y_i)}$$

# One label

$$softmax(a_i) = \\frac{e^{a_i}}{\\sum_i e^{a_i}}$$

$$\\frac{\\partial y_i}{\\partial a_j} = \\begin{cases} y_i (1 - y_i), i = j \\\\ -y_i y_j, & i \\neq j \\end{cases}$$

$$\\frac{\\partial E}{\\partial a_i} = \\frac{\\partial E}{\\partial y_i} \\frac{\\partial y_i}{\\partial a_i} + \
\\sum_{j \\neq i} \\frac{\\partial E}{\\partial y_j} \\frac{\\partial y_j}{\\partial a_i}$$

$$= -t_i (1 - y_i) + \\sum_{j \\neq i} t_j y_i$$

$$= -t_i + y_i \\sum_{j \\neq i} t_j = y_i - t_i$$

# As a program

`grad_a2 = (y - t) / n`

`grad_b2 = np.ones((n, 1)).T.dot(grad_a2)`

`grad_W2 = h1.T.dot(grad_a2)`

$$W_{t+1}^{(2)} = W_t^{(2)} - \\eta \\frac{\\partial E}{\\partial W^{(2)}}$$

# Squares

`loss = 0.5 * np.square(y - t).mean()`

# Layers without activation

$$f = wx + b$$

$$\\begin{aligned} f &= w_n(wx + b) + b_n \\\\ &= w_nwx + (w_nb + b_n) \\\\ &= mx + a \\text{ where } \
m = w_nw, a = w_nb + b_n \\end{aligned}$$

# Hyperbolic tangent

$$\\begin{aligned} \\frac{d}{dx} \\tanh(x) &= \\frac{(1+e^{-2x})(2e^{-2x}) - (1-e^{-2x})(-2e^{-2x})}\
{1 + 2 \\cdot e^{-2x} + e^{-4x}} \\\\
&= \\frac{4e^{-2x}}{1 + 2e^{-2x} + e^{-4x}} \\\\
&= 1 - \\tanh^2(x) \\end{aligned}$$

$$\\begin{aligned} \\frac{d}{dx} \\tanh(x) &= 1 - \\tanh^2(x) = 1 - [2\\sigma(2x) - 1]^2 \\\\
&= 4\\sigma(2x) - 4\\sigma^2(2x) \\end{aligned}$$

# Counting colours

A layer has `inputs * neurons + neurons(bias)` parameters.
"""

SOFTMAX = """\
name: softmax outputs of n samples
sizes: {n: null, H: null, K: null}
equations: |
  a2[i,j] = sum(k=1..H, h1[i,k]*W2[k,j]) + b2[j]
  y[i,j]  = exp(a2[i,j])/sum(k=1..K, exp(a2[i,k]))
  E       = -1/n*sum(i=1..n, sum(j=1..K, t[i,j]*log(y[i,j])))
update: {sgd: {rate: 1/100}}
find: [W2, b2]
"""
SQUARES = """\
name: squares of n samples
sizes: {n: null, K: null}
equations: |
  y[i,j]  = a2[i,j]
  loss    = 1/(2*n*K)*sum(i=1..n, sum(j=1..K, (y[i,j] - t[i,j])^2))
find: [a2]
"""

SAID = """\
# Colour pictures

There are 60,000 colour pictures of 32 by 32 pixels in 10 classes.

```
flat = pictures.reshape(len(pictures), -1)  # 50000*1
scaled = flat / 255.0
run = net.fit(x, y, validation_split=0.2, epochs=20)
first = net.predict(raw[:50])
```

The height and width of a picture change the number of parameters here, in the first layer.

```
Sum: 1.00
1000/1000 [=====] - 1s 1ms/step - loss: 1.2801 - accuracy: 0.5429
accuracy on the test set: 0.4846000075340271
```

# The modern network

- mean accuracy of the 10 runs: 0.9915199935436249

# Digits

We train with 60,000 digits and test with 10,000.

```
net = Network(784, 256, 10, last="softmax")
```

# Outputs

With sigmoids a sample may have several labels: 0.5, 0.1, 0.8, 0.2 and 0.3 add up to 1.9.
With a softmax it has one label: 0.1, 0.2, 0.4, 0.2 and 0.1 add up to 1.
The logarithm is natural, its base is taken to be $e$.
# Layers without activation

We find by induction that f is linear. The number of layers makes no difference to what can be computed.

# Filters

Every pixel of the 6×6×20 outputs may have a bias of its own.

# One neuron

Each input has 1 weight here, and the formula does without the value of $x_1$.

# Hyperbolic tangent

(a) The outputs lie in $(-1, 1)$, and those of the logistic function in $(0, 1)$.
(b) For probabilities we take the sigmoid; tanh where the sign matters, since it keeps the sign.
Training with tanh takes less time, its derivatives are higher.

# Letters

There are 15000 images for training, 1000 for validation and 2724 for testing; batches of 32 are small, it takes longer.
Pictures are mirrored and get other colours at random, ToTensor() is needed and Normalize() makes training faster.

```
# 2352 numbers a picture
# right where the largest log probability is
```

There is a softmax behind the output layer, the loss is `CrossEntropyLoss` and the optimizer `SGD`.
After 2 epochs in a row with a higher validation loss we stop. Of the rates 0.1, 0.05, 0.03, 0.01, 0.005 the first wins.
On the test set: loss 1.5706202945345125, accuracy 89.46 %.
On the test set: loss 1.5748151756068158, accuracy 89.24 %.
With 1000 units the loss is 1.5828, with 500 units 1.5863, with 100 units 1.5982: more units, less loss.
Training ends at epoch 6. Two layers of 500 units have a validation loss of 1.5587, a little less than one.
On the test set: loss 1.5820134526307363, accuracy 88.40 %, about the same.
With dropout the training loss is higher, 1.5654 in place of 1.5394, since dropout keeps the model from overfitting.
On the test set: loss 1.581805121355995, accuracy 87.89 %.

# Perceptron

```
array([0.09828205]), array([-0.09308899])
Accuracy: 0.978
array([12.80079885]), array([-11.97284392])
Accuracy: 0.971
```

```
result['AUC'] = labels == predicted
```

The first rule is more accurate, 0.978 against 0.971; the gradient of the hinge loss does not always help.
Points spread evenly along the boundary and close to it would make the result stable.

# Narrow layers

For sigmas 0.01, 0.14 and 0.28 the gradients of the first layers are close to 0 where sigma is.
Sigmoid and tanh have vanishing gradients less often than relu. Glorot weights improve relu, He weights do so, too.

```
collapsed: 91
```

91 collapsed models of 1000 are close to 90% as published.

```
start = HeNormal(seed=seed)
if np.all(out == 0):
```

```
collapsed: 0
```

With the leaky unit none of the 1000 models collapses.

# LeNet with norms

Genes that have to work with others that are drawn at random get robust. The distribution of the inputs of a layer \
changes while it is trained; a norm makes every input standard normal.

```
# LeNet-5 with a norm behind every layer
938/938 [=====] - 14s 14ms/step - loss: 0.1688 - accuracy: 0.9500
norms = [2, 5, 8, 11]
values = np.concatenate(norm.get_weights())
norms = [0, 2, 5, 8, 11]
```

A norm of the inputs changes little: 0.9866 in place of 0.9893. On the 7th epoch the loss goes up a little.
The parameters of the norms of input and hidden layers have other scales.

```
with_dropout = net_with_norms.fit(x, y, epochs=10, batch_size=64)
```

With dropout in place of norms it converges in 1 epoch, and ends with about the same accuracy and loss.
With both it is much worse, 0.9850.

# Surface

```
first = -(x2+47)*np.sin(np.sqrt(np.abs(x1/2 + (x2+47))))
noise = np.random.normal(scale=np.sqrt(0.3))
26 models trained
optimiser = SGD(nesterov=True)
random.seed = seed
```

With more parameters or units we expect a lower RMSE. From 1 layer to 2 layers the RMSE is much lower.
From 2 layers to 3 layers it is hardly lower. I should plot the list of three layers and not that of two.
The line of three layers should be below that of two layers. The training time does not grow in the same way.
"""


def further_papers(folder: Path) -> dict[str, Submission]:
    """Both papers checked, each against a key of its own."""
    for name, text in (("one-label", SOFTMAX), ("squares", SQUARES)):
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    aliases = {"grad_a2": "dE/da2", "grad_b2": "dE/db2", "grad_W2": "dE/dW2"}
    stack = ["w_n*(w*x + b) + b_n = w_n*w*x + (w_n*b + b_n)"]
    tangent = ["diff(tanh(x), x) = 4*sigmoid(2*x) - 4*sigmoid(2*x)^2"]
    names = {"z": "u", "z_hat": "v", "L": "J", "y_hat": "y"}
    keys: dict[str, list[dict[str, Any]]] = {
        "signs": [
            net("The shared kernel", "shared-kernel", "delta w1", q1="h[1]", q2="h[2]"),
            net("Normalised batches", "batch-norm-one-to-one", "dJ/dgamma", **names),
            net("Several labels", "output-sigmoid", "dE/da"),
            net("One label", "output-softmax", "dE/da"),
            {"id": "As a program", "net": str(folder / "one-label.yaml"), "ask": ["dE/dW2"], "aliases": aliases},
            {"id": "Squares", "net": str(folder / "squares.yaml"), "ask": ["dloss/da2"]},
            {"id": "Layers without activation", "claims": stack},
            {"id": "Hyperbolic tangent", "claims": tangent},
            count("Counting colours", "colour-mlp", "params"),
        ],
        "said": [
            count("Colour pictures", "colour-mlp", "params"),
            count("The modern network", "lenet-without-biases", "params"),
            count("Digits", "digits-wide", "params"),
            net("Outputs", "output-softmax", "dE/da"),
            {"id": "Layers without activation", "claims": stack},
            count("Filters", "conv-pool-flops", "biases"),
            net("One neuron", "logistic-neuron", "dL/dx1"),
            {"id": "Hyperbolic tangent", "claims": tangent},
            count("Letters", "letters-mlp", "params"),
            net("Perceptron", "perceptron", "J"),
            count("Narrow layers", "narrow-relu", "params"),
            count("LeNet with norms", "lenet-batch-norm", "params"),
            count("Surface", "surface-mlp", "params"),
        ],
    }
    texts = {"signs": SIGNS, "said": SAID}
    return {
        name: check({"problems": problems}, [read_text(texts[name], suffix=".md")]).submissions[0]
        for name, problems in keys.items()
    }
