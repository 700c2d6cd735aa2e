"""Magics are made harmless line for line: what is Python stays, what is not never runs, and no line moves."""

from __future__ import annotations

import ast

import pytest

from autograder.handin.files.magics import plain_python

PLAIN = [
    "x = (a\n     % b)\ny = [1,\n!= 2]",
    "s = '''\n%matplotlib inline\n!ls\n'''\n",
    "# !pip install torch\nx = 1",
    "x = 5 % 3\ny = a != b",
    "\n\n\nx = 1\n\n",
    'f"{x!r} {y:%d}"',
    "class A:\n    '''what?'''\n    def f(self): return 1",
    "x = 1 \\\n  % 2",
    "d = {'a': '!ls'}\nprint('100%')",
    "@property\ndef f(self): pass",
    "assert x == '%time'",
    "",
]


@pytest.mark.parametrize("source", PLAIN)
def test_plain_python_passes_unchanged(source: str) -> None:
    assert plain_python(source) == source


# (as typed, as read)
CHANGED = [
    ("%matplotlib inline\nx = 1", "pass\nx = 1"),
    ("!pip install einops\nimport einops", "pass\nimport einops"),
    ("!pip install a \\\n  b\nx = 1", "pass\n\nx = 1"),
    ("!echo \"it's (\nx = 1", "pass\nx = 1"),
    ("files = !ls\nx = 1", "files = None\nx = 1"),
    ("t = %timeit -o f()\nx = 1", "t = None\nx = 1"),
    ("%time x = 1", "x = 1"),
    ("?foo\nfoo?\nfoo.bar??\nx = 1", "pass\npass\npass\nx = 1"),
    ("%%time\nx = 1\ny = 2", "\nx = 1\ny = 2"),
    ("\n%%capture out\n%%time\nx = 1", "\n\n\nx = 1"),
    ("%%timeit -n 1\nclass A: pass", "\nclass A: pass"),
    ("%%some_extension\nx = 1", "\nx = 1"),
    ("%%bash\nrm -rf x\necho hi", "\n\n"),
    ("%%writefile hw6.py\nclass A: pass", "\n"),
    ("%%html\n<b>hi</b>", "\n"),
    (">>> a = 1\n... \n>>> b = 2", "a = 1\n\nb = 2"),
    ("In [3]: x = 1\n   ...: y = 2", "x = 1\ny = 2"),
    ("  x = 1\n  y = 2", "x = 1\ny = 2"),
    (
        "try:\n    import e\nexcept ImportError:\n    !pip install e\n    import e",
        "try:\n    import e\nexcept ImportError:\n    pass\n    import e",
    ),
    ("get_ipython().system('pip install a')\nx = 1", "pass\nx = 1"),
    ("get_ipython().run_cell_magic(\n  'bash',\n  '',\n  'ls')\nx = 1", "pass\n\n\n\nx = 1"),
    ("pip install einops\nx = 1", "pass\nx = 1"),
    ("x = 1\n%cd /content\n!ls\ny = 2", "x = 1\npass\npass\ny = 2"),
    ("if True:\n    %cd x\n    y = 2", "if True:\n    pass\n    y = 2"),
]


# Python, though a sign of IPython's stands behind an equals sign, in a text.
KEPT = [
    'print("x = %d" % x)',
    "print('loss = %.4f' % loss)",
    'log.info("heads * dim_head = %d, projected to %d", a, b)',
    "raise ValueError('dim = %d is odd' % dim)",
    'print("a", b, "it\'s = %s" % c)',
    "print(\"d['k'] = %r\" % d)",
    'assert ok, "y = !"',
    'x["a"] = "b = %s" % y',
    'text = "wow = !important"',
    'f("""x = %d""" % x)',
    "print('=%d' % x)",
    'warn("call = get_ipython().system")',
    "y = x%2",
    "x = y %z",
]


@pytest.mark.parametrize("line", KEPT)
@pytest.mark.parametrize("around", ["{}", "def f(x):\n    {}\n    return x", "!ls\n{}", "%time a = 1\nif a:\n    {}"])
def test_a_text_with_a_sign_behind_an_equals_sign_stays(line: str, around: str) -> None:
    assert line in plain_python(around.format(line))


@pytest.mark.parametrize("typed, read", CHANGED)
def test_a_magic_becomes_nothing_and_no_line_moves(typed: str, read: str) -> None:
    assert plain_python(typed) == read
    ast.parse(read)


@pytest.mark.parametrize(
    "broken", ["x = (\n!ls\ny = 1", "class A:\n\tx = 1\n  y = 2\n!ls\nz = 1", "s = '''\n!ls", "def f(:\n    %cd x\n!ls"]
)
def test_broken_cells_keep_their_number_of_lines(broken: str) -> None:
    assert plain_python(broken).count("\n") == broken.count("\n")


def test_a_magic_in_a_cell_that_is_broken_elsewhere_is_still_made_harmless() -> None:
    assert plain_python("x = = 1\n!ls\ny = 1").split("\n")[1:] == ["pass", "y = 1"]
