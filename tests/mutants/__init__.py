"""Mutants: each takes one guard away, and the tests that stand for its attack must turn red.

A test that stays green without the guard proves nothing. ``python -m tests.mutants [number…]``
tries them all, or those of some attacks, on a copy of the tree; it is no part of the suite, which
only checks that every guard named here still is where the table says.
"""
