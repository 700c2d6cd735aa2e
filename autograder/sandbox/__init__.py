"""The trusted side of the wall: starts the zygote, locks each child down, talks to it, ends it.

Nothing here knows the assignment: no reference, no expected value. `zygote` and `lockdown` run before the student's
code does, in the process that will run it; `room` and `wire` run in the trusted room.
"""
