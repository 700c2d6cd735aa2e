"""Judging a module whose layers have unknown names: cases, weights, roles, comparison. Pure functions of tensors.

Runs in the trusted room only, on what the child returned. Knows no solution: the reference is passed in by the tests.
"""
