"""The language of equations: one small tree, a reader with budgets, and printers for text, Unicode and LaTeX.

>>> from backcalc.formula.read import read_expression
>>> from backcalc.formula.print_unicode import to_unicode
>>> to_unicode(read_expression("sum(k=1..3, W[j,k]*x[k]) + b[j]"))
'Σ_{k=1..3} W[j,k]·x[k] + b[j]'
"""
