"""Settings for all tests of the grader itself."""

from hypothesis import settings

# The same examples every time: what fails here fails for everybody. No deadline: test machines are shared and slow.
settings.register_profile("grader", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("grader")
