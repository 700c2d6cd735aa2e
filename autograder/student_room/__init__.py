"""The student's room: the only code of ours that runs beside theirs.

It builds what it is told to build and sends back raw tensors. It holds no reference, no hidden test, no expected value
and no verdict, and it imports the standard library, numpy, torch, einops and itself: nothing of the trusted room.
"""
