"""Blocks that repeat: their names, their wiring, their own weights, and that they are what one would write out."""

from __future__ import annotations

import backcalc
from backcalc.formula.print_text import to_text
from backcalc.net import load_network

RESIDUAL = """\
input: 3
layers:
  - repeat:
      name: block
      times: 2
      layers:
        - dense: {name: z, units: 3, bias: false, weights: [[w, 1, 0], [0, v, w], [1, 0, 2]]}
        - tanh
        - add: {name: s, inputs: [block, tanh_1]}
  - multiply: {name: y, inputs: [block, x]}
loss: sse
"""


def lines(text: str) -> list[str]:
    return [f"{to_text(line.left)} = {to_text(line.body)}" for line in load_network(text).program.equations]


def test_a_block_is_its_copies_written_out() -> None:
    block = (
        "  - repeat:\n      name: block\n      times: 2\n      layers:\n"
        "        - dense: {name: z, units: 3}\n        - tanh: {name: h}\n"
        "        - add: {name: s, inputs: [block, h]}\n"
    )
    written = (
        "  - dense: {name: z_1, units: 3}\n  - tanh: {name: h_1}\n  - add: {name: s_1, inputs: [x, h_1]}\n"
        "  - dense: {name: z_2, units: 3}\n  - tanh: {name: h_2}\n  - add: {name: s_2, inputs: [s_1, h_2]}\n"
    )
    last = "  - multiply: {name: y, inputs: [%s, x]}\nloss: sse\n"
    assert lines(f"input: 3\nlayers:\n{block}{last % 'block'}") == lines(f"input: 3\nlayers:\n{written}{last % 's_2'}")
    network = load_network(f"input: 3\nlayers:\n{block}{last % 'block'}")
    assert network.parameters == ("W_z_1", "b_z_1", "W_z_2", "b_z_2")
    assert backcalc.grad(network, view="index").passed


def test_own_names_are_each_copys_own() -> None:
    text = RESIDUAL.replace("tanh_1]", "z]")
    assert load_network(text).parameters == ("w_1", "v_1", "w_2", "v_2")
    assert lines(text)[0].endswith("[[w_1, 1, 0], [0, v_1, w_1], [1, 0, 2]]")


def test_layers_without_a_name_are_counted_on() -> None:
    text = "input: 3\nlayers: [relu, repeat: {times: 3, layers: [relu, tanh]}, relu]\n"
    names = [node.name for node in load_network(text).nodes]
    assert names == ["relu_1", "relu_2", "tanh_1", "relu_3", "tanh_2", "relu_4", "tanh_3", "relu_5"]


def test_nested_blocks_name_the_outer_copy_first() -> None:
    text = (
        "input: 2\nlayers:\n  - repeat:\n      name: a\n      times: 2\n      layers:\n"
        "        - repeat: {name: b, times: 3, layers: [tanh: {name: h}, add: {name: s, inputs: [a, b, h]}]}\n"
        "        - multiply: {name: m, inputs: [b, h_2]}\n"
    )
    nodes = {node.name: node.inputs for node in load_network(text).nodes}
    assert list(nodes) == [
        *("h_1_1", "s_1_1", "h_1_2", "s_1_2", "h_1_3", "s_1_3", "m_1"),
        *("h_2_1", "s_2_1", "h_2_2", "s_2_2", "h_2_3", "s_2_3", "m_2"),
    ]
    assert nodes["s_1_1"] == ("x", "x", "h_1_1")
    assert nodes["s_1_3"] == ("x", "s_1_2", "h_1_3")
    assert nodes["s_2_1"] == ("m_1", "m_1", "h_2_1")
    assert nodes["m_2"] == ("s_2_3", "h_2_2")


def test_times_may_be_a_size() -> None:
    text = "sizes: {L: 4}\ninput: 2\nlayers: [repeat: {times: L, layers: [dense: {name: z, units: 2}]}]\n"
    table = backcalc.count(text)
    assert [row.name for row in table.rows] == ["z_1", "z_2", "z_3", "z_4"]
    assert table.totals.params == 4 * 6
