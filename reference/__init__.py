"""The reference solutions: read by the trusted room alone, and only after the student's process has been forked off."""
