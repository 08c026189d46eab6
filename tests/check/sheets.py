"""Work handed in on the homework sheets, its formulas and numbers in words of our own, a verdict for every link.

Every line is a chain; behind it stand the verdicts of its links, with the code of the diagnosis where one is known.
"""

from __future__ import annotations

RIGHT, WRONG = "right", "wrong"

SHEET_000 = """
Problem 1.                                                   |
z1 = w3*q1 + w4*q2                                           | right
z2 = w5*q1 + w6*q2                                           | right
q1 = max(0, w1*x1 + w2*x2)                                   | right
q2 = max(0, w1*x2 + w2*x3)                                   | right
So the value y1 = 0.5                                        | right
dJ/dy1 = -1/y1 = -2                                          | right right
dJ/dy2 = -1/y2 = -2                                          | wrong:no-path follows:carried-forward
dy1/dz1 = y1*(1-y1) = -6                                     | right wrong:substituted
dy2/dz2 = y2*(1-y2) = -6                                     | right wrong:substituted
dy1/dz2 = -y1*y2                                             | right
-6*1 + -6*1 = -12                                            | right
delta w1 = 0                                                 | right
Problem 2.                                                   |
conv1.weights = 6*(5*5)                                      | right
conv1.connections = 6*(5*5)*28*28                            | right
pool1.weights = 6                                            | wrong:pooling-weights
pool1.connections = 6*(2*2)*14*14                            | convention:pooling
conv2.weights = 6*(3*5*5+1) + 6*(4*5*5+1) + 3*(4*5*5+1) + (6*5*5+1)                  | wrong:connection-table
conv2.connections = 10*10*(6*(3*5*5+1) + 6*(4*5*5+1) + 3*(4*5*5+1) + (6*5*5+1))      | wrong:connection-table
pool2.weights = 16                                           | wrong:pooling-weights
pool2.connections = 16*(2*2)*5*5                             | convention:pooling
fc1.weights = 120*(5*5*16)                                   | right
fc1.connections = 120*(5*5*16)                               | right
fc2.weights = 120*84                                         | right
fc2.connections = 120*84                                     | right
fc3.weights = 84*10                                          | right
fc3.connections = 84*10                                      | right
Problem 3.                                                   |
v[i,j] = gamma[j]*(u[i,j] - mu[j])/sqrt(var[j] + eps) + beta[j]                      | right
h[i,j] = sigmoid(v[i,j]) = 1/(1 + e^(-v[i,j]))               | right right
y[i,j] = w[j]*h[i,j]                                         | right
dJ/dv[i,j] = dJ/dy[i,j]*w[j]*h[i,j]*(1 - h[i,j])             | right
dJ/dgamma[j] = sum(i=1..N, dJ/dv[i,j]*(u[i,j] - mu[j])/sqrt(var[j] + eps))           | right
dJ/dbeta[j] = sum(i=1..N, dJ/dv[i,j])                        | right
"""

SHEET_001_002 = """
# wide                                                       |
params = 784*256 + 256 + 256*10 + 10 = 203530                | right right
# deep                                                       |
params = 203170                                              | wrong:wrong-width
# colour                                                     |
params = 3072*128 + 128 + 128*64 + 64 + 64*10 + 10 = 402250  | right right
# soft                                                       |
y[i] = e^a[i]/sum(k, e^a[k])                                 | right
dy1/da1 = y1*(1 - y1)                                          | right
dy1/da2 = -y1*y2                                             | right
dE/dy[i] = -t[i]/y[i]                                        | right
dE/da[i] = -t[i]*(1 - y[i]) + sum(j != i, t[j]*y[i]) = -t[i] + y[i]*sum(j != i, t[j]) | right wrong
= y[i] - t[i]                                                | right:wrong-step
# sig                                                        |
y[i] = 1/(1 + e^(-a[i]))                                     | right
E = -sum(i=1..3, t[i]*log(y[i]) + (1 - t[i])*log(1 - t[i]))  | wrong:other-name
dy1/da1 = y1*(1 - y1)                                          | right
dE/da[i] = dE/dy[i]*y[i]*(1 - y[i]) = y[i] - t[i]            | right right
dE/dy[i] = -t[i]/y[i] + (1 - t[i])/(1 - y[i]) = (y[i] - t[i])/(y[i]*(1 - y[i]))      | right right
dE/da[i] = y[i] - t[i]                                       | right
# lin                                                        |
dE/dy[i] = y[i] - t[i]                                       | right
dE/da[i] = y[i] - t[i]                                       | right
# two                                                        |
L = 0.1332476222330792                                       | right
dL/dW_a = [[0.00244596, -0.00030765, -0.00034768], [0.00262019, -0.00024188, -0.000372]] | wrong:transposed
dL/dW_z = [0.02216011, 0.02433097, 0.01797174]               | right:notation
dL/db_a = [0.00492577, -0.00058023, -0.00065977]             | right
dL/db_z = 0.029249230265318685                               | right
"""

SHEET_003 = """
Q1.                                                          |
wn*(w*x + b) + bn = wn*w*x + (wn*b + bn)                     | right
Q2.                                                          |
z1 = w1*x1 + w2*x2 = 1.368                                   | right right
z2 = w3*x3 + w4*x4 = -1.432                                  | right right
z3 = sigmoid(z1) = 0.7971                                    | right right
z4 = sigmoid(z2) = 0.1928                                    | right right
z5 = w5*z3 + w6*z4 = 0.5991                                  | right right
yhat = sigmoid(z5) = 0.6455                                  | right follows:rounded-too-early
dL/dyhat = 2*abs(y - yhat) = 0.291                           | right:only-here right
2*(0.6455 - 0.5) = 0.291                                     | right
dyhat/dz5 = 0.6455*(1 - 0.6455) = 0.2288                     | right right
dL/dz5 = 0.2288*0.291 = 0.0666                               | right right
dz5/dz4 = w6                                                 | right
dL/dz4 = 0.0666*(-0.2) = -0.0133                             | right right
dz4/dz2 = z4*(1 - z4) = 0.1556                               | right right
dL/dz2 = 0.1556*(-0.0133) = -0.0021                          | right right
dz2/dw3 = x3                                                 | right
dL/dw3 = x3*z4*(1 - z4)*2*w6*abs(y - yhat)*yhat*(1 - yhat) = 0.0006                  | right:only-here right
new w3 = w3 - eta*dL/dw3                                     | right
Q3.                                                          |
4*4*50 = 800                                                 | right
800 + 799 = 1599                                             | right
(12 + 2*1 - 4)/2 + 1 = 6                                     | right
6*6 = 36                                                     | right
conv.flops = 20*36*1599 = 1151280                            | right right
(6 - 3)/1 + 1 = 4                                            | right
4*4*20 = 320                                                 | right
3*3 - 1 = 8                                                  | right
pool.flops = 320*8 = 2560                                    | right right
flops = 20*36*1599 + 320*8 = 1153840                         | right right
Q4.                                                          |
conv1.params = (5*5*1 + 1)*6 = 156                           | right right
conv2.params = (5*5*6 + 1)*16 = 2416                         | right right
fc1.params = 5*5*16*120                                      | wrong:mixed-convention
fc2.params = 120*84 = 10080                                  | wrong:mixed-convention follows:mixed-convention
fc3.params = 84*10                                           | wrong:mixed-convention
params = 61492                                               | follows:carried-forward
Q5.                                                          |
dL/dz = L*(1 - L)                                            | right
dL/dx1 = dL/dz*w1 = w1*L*(1 - L)                             | right right
Q6.                                                          |
((1 + e^(-2*x))*(2*e^(-2*x)) + (1 - e^(-2*x))*2*e^(-2*x))/(1 + 2*e^(-2*x) + e^(-4*x)) = 1 - tanh(x)^2 | right
4*e^(-2*x)/(1 + 2*e^(-2*x) + e^(-4*x)) = 1 - tanh(x)^2       | right
2*sigmoid(2*x) - 1 = (1 - e^(-2*x))/(1 + e^(-2*x)) = tanh(x) | right right
1 - tanh(x)^2 = 4*sigmoid(2*x) - 4*sigmoid(2*x)^2            | right
"""


def handed_in(sheet: str) -> tuple[str, list[str]]:
    """The submission, and the verdict of every link with its code, in order."""
    lines = [line.rpartition("|") for line in sheet.strip().split("\n")]
    verdicts = [verdict for _, _, after in lines for verdict in after.split()]
    return "\n".join(before.rstrip() for before, _, _ in lines) + "\n", verdicts
