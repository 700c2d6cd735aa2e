"""Question 4(c) judged from a real training: what is drawn, what is measured, what it says. Pure functions of tensors.

Runs in the trusted room only. The student's room trains and gets the training labels; what it reports about its own
losses is advisory, and the labels of the digits that decide stay here.
"""
