"""A second file for the tests of the box: it leaves a process. No file of its name is collected by itself."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.boxed


def test_begins_afresh_and_leaves_a_process() -> None:
    assert "of_the_other_file" not in sys.modules
    print("here", os.readlink("/proc/self/ns/pid"))
    subprocess.run(["setsid", "--fork", "sleep", "60000"], check=True)
