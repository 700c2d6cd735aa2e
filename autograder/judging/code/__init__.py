"""Judging modules by numbers: cases, weights, roles, comparison."""
