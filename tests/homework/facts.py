"""The answers that the sheets' derivation and counting problems have: the tests' own copy, each with its tolerance.

Every number was found in two independent ways before it came here: exactly or with 30 to 50 digits by SymPy and mpmath,
and in double precision by another program's automatic differentiation, finite differences or brute-force counting.
`where` is the test that asserts the fact; what no test here asserts stands in `LEFT_OUT` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Fact:
    """A number, an array or, for a general formula, a text in the language of the formulas."""

    value: Any
    where: str
    tolerance: float = 0


def fact(key: str) -> Any:
    """The value of a fact."""
    return FACTS[key].value


def check(key: str, ours: object) -> None:
    """Fails unless what we found is the fact, to its tolerance."""
    known = FACTS[key]
    _compare(key, ours, known.value, known.tolerance)


def _compare(place: str, ours: Any, theirs: Any, tolerance: float) -> None:
    if isinstance(theirs, Mapping):
        assert ours.keys() == theirs.keys(), place
        for name, value in theirs.items():
            _compare(f"{place}.{name}", ours[name], value, tolerance)
    elif isinstance(theirs, tuple):
        assert len(ours) == len(theirs), place
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True), start=1):
            _compare(f"{place}[{number}]", one, other, tolerance)
    elif isinstance(theirs, int | str) and not tolerance:
        assert ours == theirs, place
    else:
        assert ours == pytest.approx(theirs, abs=tolerance, rel=0), place


SHEET_000: Mapping[str, Fact] = {
    "000.Q1.p": Fact((1.5, 0.5), "test_the_shared_kernel"),
    "000.Q1.z": Fact((2, 2), "test_the_shared_kernel"),
    "000.Q1.y": Fact((0.5, 0.5), "test_the_shared_kernel"),
    "000.Q1.J": Fact(0.6931471805599453, "test_the_shared_kernel", 1e-12),
    "000.Q1.dJ_dy": Fact((-2, 0), "test_the_shared_kernel"),
    "000.Q1.softmax_jacobian": Fact(((0.25, -0.25), (-0.25, 0.25)), "test_the_softmax_of_the_shared_kernel"),
    "000.Q1.dJ_dz": Fact((-0.5, 0.5), "test_the_shared_kernel"),
    "000.Q1.dJ_dq": Fact((0, 0), "test_the_shared_kernel"),
    "000.Q1.dJ_dw": Fact((0, 0, -0.75, -0.25, 0.75, 0.25), "test_the_shared_kernel", 1e-12),
    "000.Q1.delta_w1": Fact(0, "test_the_shared_kernel"),
    "000.Q1.variant_w5_half.dJ_dw1": Fact(-0.0802053252061518, "test_the_shared_kernel_with_other_weights", 1e-12),
    "000.Q1.variant_w3_2_w6_-1.dJ_dw1": Fact(-0.189645450053109, "test_the_shared_kernel_with_other_weights", 1e-12),
    "000.Q2.weights": Fact((150, 0, 2400, 0, 48000, 10080, 840), "test_lenet_without_biases"),
    "000.Q2.weights_total": Fact(61470, "test_lenet_without_biases"),
    "000.Q2.connections": Fact((117600, 4704, 240000, 1600, 48000, 10080, 840), "test_lenet_with_pooling_connections"),
    "000.Q2.connections_total_conv_fc": Fact(416520, "test_lenet_without_biases"),
    "000.Q2.connections_total_incl_pool": Fact(422824, "test_lenet_with_pooling_connections"),
    "000.Q2.conv1_connections_excl_padding": Fact(107736, "test_lenet_without_padding_connections"),
    "000.Q2.with_bias_params": Fact(61706, "test_lenet_with_biases"),
    "000.Q2.student_sum_weights": Fact(60608, "test_modern_layers_around_the_table_of_1998"),
    "000.Q2.student_sum_connections": Fact(334424, "test_modern_layers_around_the_table_of_1998"),
    "000.Q2.C3_1998_table_no_bias": Fact(1500, "test_lenet_with_a_connection_table"),
    "000.Q3.dbeta": Fact("{c}*sum(i=1..N, {delta})", "test_batch_norm_in_general"),
    "000.Q3.dgamma": Fact("{c}*sum(i=1..N, ({delta})*{hat}[i,j])", "test_batch_norm_in_general"),
    "000.Q3.mini.dgamma_1over2N": Fact(-0.05287709278426672, "test_batch_norm_of_two_samples", 1e-12),
    "000.Q3.mini.dgamma_1overN_or_half": Fact(-0.10575418556853344, "test_batch_norm_of_two_samples", 1e-12),
    "000.Q3.mini.dgamma_sum": Fact(-0.2115083711370669, "test_batch_norm_of_two_samples", 1e-12),
    "000.Q3.mini.dbeta": Fact(0, "test_batch_norm_of_two_samples"),
    "000.Q3.mini_d00.dgamma_dbeta_1over2N": Fact(
        (0.045428873836474204, 0.09830596662074093), "test_batch_norm_of_two_samples_with_equal_targets", 1e-12
    ),
    "000.Q4.params_u": Fact((193, 583, 1173, 1963, 2953, 4143, 5533, 7123, 8913, 10903), "test_iris_widths"),
    "000.Q4.params_u_one_hidden": Fact((83, 163, 243, 323, 403, 483, 563, 643, 723, 803), "test_iris_widths"),
    "000.Q5.params": Fact((156, 2416, 48120, 10164, 850), "test_lenet_with_biases"),
    "000.Q5.params_total": Fact(61706, "test_lenet_with_biases"),
}

SHEET_001: Mapping[str, Fact] = {
    "001.P1.L": Fact(0.1332476222330792, "test_the_loss_of_a_thousand_samples", 1e-15),
    "001.P1.dW1": Fact(
        (
            (0.0024459584849, 0.0026201934201),
            (-0.00030764566614, -0.000241875023),
            (-0.00034768167796, -0.00037199639138),
        ),
        "test_the_gradients_of_a_thousand_samples",
        1e-12,
    ),
    "001.P1.db1": Fact(
        (0.004925766628, -0.00058022868434, -0.00065976509496), "test_the_gradients_of_a_thousand_samples", 1e-12
    ),
    "001.P1.dW2": Fact(
        (0.022160112629, 0.024330972928, 0.017971741371), "test_the_gradients_of_a_thousand_samples", 1e-11
    ),
    "001.P1.db2": Fact(0.029249230265318685, "test_the_gradients_of_a_thousand_samples", 1e-15),
    "001.P1.sanity": Fact(
        {
            "sum_X": 1005.4065460042369,
            "sum_Y": 500,
            "Y10": (1, 0, 0, 0, 1, 0, 1, 0, 0, 0),
            "X0": (0.791725038083, 0.528894919753),
        },
        "test_the_values_are_those_of_the_seed",
        1e-9,
    ),
    "001.P2.params": Fact((393344, 8256, 650), "test_the_network_for_colour_images"),
    "001.P2.total": Fact(402250, "test_the_network_for_colour_images"),
    "001.P2.MiB": Fact(1.5344619750976562, "test_the_network_for_colour_images", 1e-12),
    "001.P2.formula": Fact(
        {"[3, 32, 32]": 402250, "[3, 64, 64]": 1581898, "[1, 28, 28]": 109386}, "test_only_the_first_layer_grows"
    ),
}

SHEET_002: Mapping[str, Fact] = {
    "002.wide": Fact(203530, "test_the_networks_for_digits"),
    "002.deep": Fact(203580, "test_the_networks_for_digits"),
    "002.deep_no_bias": Fact(203164, "test_the_networks_for_digits"),
    "002.AE": Fact(201616, "test_the_networks_for_digits"),
    "002.no_such_net": Fact(0, "test_no_two_hidden_layers_have_203170_parameters"),
    "002.dE_da": Fact("y[j] - t[j]", "test_outputs_and_their_losses"),
    "002.code_ratio": Fact({"linear": 5, "softmax": 1, "sigmoid": 5}, "test_means_over_samples_and_outputs", 1e-12),
    "002.elided_backward": Fact(
        {
            "h1": "sum(k=1..5, dE/da2[n,k]*W_a2[k,j])",
            "a1": "dE/dh1[n,j]*(a1[n,j] > 0)",
            "b_a1": "sum(n=1..N, dE/da1[n,j])",
            "W_a1": "sum(n=1..N, x[n,k]*dE/da1[n,j])",
        },
        "test_the_backward_pass_of_a_mini_batch",
    ),
}

SHEET_003: Mapping[str, Fact] = {
    "003.P1Q1.M": Fact("W_n ... W_1", "test_linear_layers_are_one"),
    "003.P1Q1.m": Fact("sum(k, W_n ... W_{k+1} b_k)", "test_linear_layers_are_one"),
    "003.P1Q1.rank": Fact(2, "test_linear_layers_are_one"),
    "003.P1Q2.z1": Fact(1.368, "test_six_weights_forward"),
    "003.P1Q2.z2": Fact(-1.432, "test_six_weights_forward"),
    "003.P1Q2.z3": Fact(0.797056831289, "test_six_weights_forward", 1e-11),
    "003.P1Q2.z4": Fact(0.19278725233, "test_six_weights_forward", 1e-11),
    "003.P1Q2.z5": Fact(0.599088014565, "test_six_weights_forward", 1e-11),
    "003.P1Q2.yhat": Fact(0.645447630626, "test_six_weights_forward", 1e-11),
    "003.P1Q2.L": Fact(0.0211550132546, "test_six_weights_forward", 1e-12),
    "003.P1Q2.dL_dyhat": Fact(0.290895261251, "test_six_weights_backward", 1e-11),
    "003.P1Q2.dyhat_dz5": Fact(0.228844986745, "test_six_weights_backward", 1e-11),
    "003.P1Q2.dL_dz5": Fact(0.0665699222053, "test_six_weights_backward", 1e-12),
    "003.P1Q2.dL_dz4": Fact(-0.0133139844411, "test_six_weights_backward", 1e-12),
    "003.P1Q2.dL_dz3": Fact(0.0532559377642, "test_six_weights_backward", 1e-12),
    "003.P1Q2.z4(1-z4)": Fact(0.155620327669, "test_six_weights_backward", 1e-11),
    "003.P1Q2.dL_dz2": Fact(-0.0020719266213, "test_six_weights_backward", 1e-12),
    "003.P1Q2.dL_dz1": Fact(0.00861453345228, "test_six_weights_backward", 1e-13),
    "003.P1Q2.dL_dw": Fact(
        (
            0.00775308010705,
            -0.00947598679751,
            0.000621577986389,
            -0.00165754129704,
            0.0530600112521,
            0.0128338323898,
        ),
        "test_six_weights_backward",
        1e-12,
    ),
    "003.P1Q2.dL_dw3": Fact(0.000621577986389, "test_six_weights_backward", 1e-13),
    "003.P1Q3.mul_per_app": Fact(800, "test_convolution_and_pooling"),
    "003.P1Q3.add_per_app": Fact(799, "test_convolution_and_pooling"),
    "003.P1Q3.flop_per_app": Fact(1599, "test_convolution_and_pooling"),
    "003.P1Q3.applications": Fact(720, "test_convolution_and_pooling"),
    "003.P1Q3.conv": Fact(1151280, "test_convolution_and_pooling"),
    "003.P1Q3.pool": Fact(2560, "test_convolution_and_pooling"),
    "003.P1Q3.total_no_bias": Fact(1153840, "test_convolution_and_pooling"),
    "003.P1Q3.total_with_bias_adds": Fact(1154560, "test_convolution_with_biases"),
    "003.P1Q3.bias_parameters": Fact(20, "test_convolution_with_biases"),
    "003.P1Q3.weights": Fact(16000, "test_convolution_with_biases"),
    "003.P1Q3.params": Fact(16020, "test_convolution_with_biases"),
    "003.P1Q3.macs": Fact(576000, "test_convolution_with_biases"),
    "003.P1Q3.skip_padding_conv": Fact(967280, "test_convolution_without_the_products_of_the_padding"),
    "003.P1Q4.with_bias": Fact((156, 2416, 48120, 10164, 850), "test_lenet_on_larger_images"),
    "003.P1Q4.total_with_bias": Fact(61706, "test_lenet_on_larger_images"),
    "003.P1Q4.no_bias": Fact((150, 2400, 48000, 10080, 840), "test_lenet_on_larger_images"),
    "003.P1Q4.total_no_bias": Fact(61470, "test_lenet_on_larger_images"),
    "003.P1Q4.student_total": Fact(61492, "test_lenet_on_larger_images"),
    "003.P1Q4.lecun1998_trainable": Fact(60000, "test_lenet_of_1998"),
    "003.P1Q4.lecun1998_connections": Fact(340908, "test_lenet_of_1998"),
    "003.P1Q5": Fact("w1*L*(1 - L)", "test_a_logistic_neuron"),
    "003.P1Q6.deriv": Fact(
        ("1 - tanh(x)^2", "4*sigmoid(2*x)*(1 - sigmoid(2*x))", "4*exp(-2*x)/(1 + exp(-2*x))^2"),
        "test_the_derivative_of_tanh",
    ),
    "003.P1Q6.crossover": Fact(1.66288589105862, "test_where_tanh_and_the_logistic_function_are_equally_steep", 1e-12),
    "003.A2.params": Fact(
        {"100": 236310, "500": 1181510, "1000": 2363010, "500-500": 1432010}, "test_the_networks_for_letters"
    ),
    "003.A2.loss_floor": Fact(1.46115017173447, "test_a_softmax_of_a_softmax", 1e-12),
    "003.A2.loss_ceiling": Fact(2.46115017173447, "test_a_softmax_of_a_softmax", 1e-12),
    "003.A2.loss_uniform": Fact(2.30258509299405, "test_a_softmax_of_a_softmax", 1e-12),
    "003.A2.loss_predicted_from_acc": Fact(
        {"task2": 1.56655, "task3": 1.56875, "task4": 1.57715, "task5": 1.58225}, "test_a_softmax_of_a_softmax", 1e-5
    ),
}

SHEET_004: Mapping[str, Fact] = {
    "004.P1.rule_a0": Fact("w{i} + 1/10*t*x[{i}]*(t*y[1] < 0)", "test_the_rules_in_general"),
    "004.P1.rule_a1": Fact("w{i} + 1/10*t*x[{i}]*(t*y[1] < 1)", "test_the_rules_in_general"),
    "004.P1.w_a0": Fact((0.09828205396492784, -0.09308898741461144), "test_a_thousand_epochs", 1e-12),
    "004.P1.acc_a0": Fact(0.978, "test_a_thousand_epochs"),
    "004.P1.pop_acc_a0": Fact(0.973580799643394, "test_a_thousand_epochs", 1e-12),
    "004.P1.w_a1": Fact((12.800798851030114, -11.972843917633629), "test_a_thousand_epochs", 1e-9),
    "004.P1.acc_a1": Fact(0.971, "test_a_thousand_epochs"),
    "004.P1.pop_acc_a1": Fact(0.9676600287594608, "test_a_thousand_epochs", 1e-10),
    "004.P1.seed10": Fact(
        {
            "w_a0": (0.4819608035820812, -0.44865122915731237),
            "acc_a0": 0.969,
            "w_a1": (12.711591717676617, -12.07702576564564),
            "acc_a1": 0.975,
        },
        "test_a_thousand_epochs_of_other_points",
        1e-9,
    ),
    "004.P2.1.params": Fact(130010, "test_deep_and_narrow_stacks"),
    "004.P2.2.params": Fact(60, "test_deep_and_narrow_stacks"),
    "004.P3.layers": Fact(
        {
            "conv1": 156,
            "bn1": (12, 12),
            "conv2": 2416,
            "bn2": (32, 32),
            "conv3": 7800,
            "bn3": (240, 240),
            "dense84": 40404,
            "bn4": (168, 168),
            "dense10": 850,
        },
        "test_the_layers_of_the_small_lenet",
    ),
    "004.P3.2.total": Fact((52530, 52078, 452), "test_five_small_lenets"),
    "004.P3.3.total": Fact((52534, 52080, 454), "test_five_small_lenets"),
    "004.P3.4.total": Fact(51626, "test_five_small_lenets"),
    "004.P3.5.total": Fact((52534, 52080, 454), "test_five_small_lenets"),
    "004.P3.shapes": Fact(
        ("24x24x6", "12x12x6", "8x8x16", "4x4x16", "2x2x120", "480", "84", "10"), "test_the_layers_of_the_small_lenet"
    ),
    "004.P4.combos": Fact(
        {"one": 6, "two": 25, "three": 112, "all": 143, "trained": 26}, "test_the_combinations_of_widths"
    ),
    "004.P4.params_bn_all": Fact(
        {(16,): 129, (512,): 4097, (16, 16): 465, (256, 256): 68865, (16, 16, 16): 801, (128, 128, 256): 52225},
        "test_published_counts",
    ),
    "004.P4.params_as_printed": Fact(
        {(16,): 65, (512,): 2049, (16, 16): 401, (256, 256): 67841, (16, 16, 16): 737, (128, 128, 256): 51713},
        "test_published_counts",
    ),
}

FACTS: Mapping[str, Fact] = {**SHEET_000, **SHEET_001, **SHEET_002, **SHEET_003, **SHEET_004}

_TRAINING = "a training run: how many batches, how well it ends"
_MEASURED = "measured on random draws, which are not part of the answer"
_WORDS = "words, no number or formula"

LEFT_OUT: Mapping[str, str] = {
    "000.Q4.steps": _TRAINING,
    "000.Q4.student_correct_count": _TRAINING,
    "000.Q4.reference": _TRAINING,
    "000.Q5.student_sum_correct": _TRAINING,
    "001.P2.steps": _TRAINING,
    "002.eps_effect": _MEASURED,
    "003.P1Q6.range_tanh": "the range of a function is no derivative and no count",
    "003.A2.T1.total": "the size of a data set",
    "004.P2.1.relu_ratio": "a second moment at initialisation, an expected value over random weights",
    "004.P2.1.glorot_he_std": "initialisation",
    "004.P2.1.standin": _TRAINING,
    "004.P2.2.born_dead": "a probability over random weights",
    "004.P2.2.exact_zero_after_1_epoch": _TRAINING,
    "004.P2.2.constant_after_1_epoch": _TRAINING,
    "004.P2.2.steps": _TRAINING,
    "004.P2.2.mse": "integrals over the inputs",
    "004.P2.2.after_50_epochs": _TRAINING,
    "004.P2.3.exact_zero": _TRAINING,
    "004.P2.3.range_lt_1e-3": _TRAINING,
    "004.P2.3.range_lt_1e-6": _TRAINING,
    "004.P2.3.exactly_constant_float32": _TRAINING,
    "004.P2.3.after_50_epochs": _TRAINING,
    "004.P3.1.bn": _WORDS,
    "004.P3.steps": _TRAINING,
    "004.P3.4.bug": _WORDS,
    "004.P4.min": "the surface is made of sines, which the language does not have",
    "004.P4.baselines": _TRAINING,
    "004.P4.rmse": _TRAINING,
}
