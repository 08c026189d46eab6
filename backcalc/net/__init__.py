"""Files that state a network or a set of equations, read and checked.

>>> load_network("lenet5").nodes[-1].output_shape
(10,)
"""

from backcalc.net.errors import InputError, Problem
from backcalc.net.network import Network, Node, Update
from backcalc.net.read import find_names, load_network

__all__ = ["InputError", "Network", "Node", "Problem", "Update", "find_names", "load_network"]
