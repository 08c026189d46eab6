"""Networks in numbers: forward and backward passes over arrays, training, data sets.

Everything here computes with NumPy, which is imported in this room alone.
"""
