"""Other notebook programs' files: marimo, MyST, Quarto, R Markdown; lines stay those of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.handin.files.fenced import fenced_python
from autograder.handin.files.marimo import plain_marimo
from tests.grader.submission_samples import BOTH, LAYER, SHA, notebook
from tests.grader.test_handed_in_ways import handed

HEAD = 'import marimo\n\n__generated_with = "0.9.14"\napp = marimo.App(width="medium")\n\n\n'


def cell(body: str, arguments: str = "", returns: str = "", mark: str = "@app.cell") -> str:
    indented = "".join(f"    {line}" if line.strip() else line for line in body.splitlines(keepends=True))
    return f"{mark}\ndef _({arguments}):\n{indented}    return {returns}\n\n\n"


IMPORTS, HEADS = "import torch\nfrom torch import nn\n", SHA.partition("\n\n\n")[2]
LAYERS = LAYER.partition("\n\n\n")[2]
# what is left as it is
PLAIN = {
    "a script": BOTH,
    "one that speaks of marimo": "# not marimo.App\n" + BOTH,
    "an app of another library": "app = flask.App()\n" + BOTH,
    "what cannot be parsed": HEAD + "class (",
}


@pytest.mark.parametrize("name", PLAIN)
def test_another_script_is_left_alone(name: str) -> None:
    assert plain_marimo(PLAIN[name]) == () or "class SingleHeadAttention" in "".join(plain_marimo(PLAIN[name]))


MARIMO = {
    "cells": HEAD + cell(IMPORTS, "", "nn, torch") + cell(HEADS, "nn", "(SingleHeadAttention,)") + cell(LAYERS, "nn"),
    "another order": HEAD + cell(LAYERS, "nn") + cell(HEADS, "nn") + cell(IMPORTS, "", "nn, torch"),
    "marks with arguments": HEAD + cell(IMPORTS + HEADS + LAYERS, mark="@app.cell(hide_code=True)"),
    "a setup block": HEAD
    + "with app.setup:\n    from torch import nn\n\n\n"
    + "@app.class_definition\n"
    + HEADS
    + "\n\n@app.class_definition(hide_code=True)\n"
    + LAYERS,
    "a base class in a later cell": HEAD
    + cell(LAYERS.replace("nn.Module", "Base"), "Base")
    + cell("class Base(nn.Module):\n    pass\n\n\n" + HEADS, "nn", "Base, SingleHeadAttention")
    + cell(IMPORTS, "", "nn, torch"),
}


@pytest.mark.parametrize("name", MARIMO)
def test_the_classes_of_a_marimo_notebook_are_found_where_they_stand(tmp_path: Path, name: str) -> None:
    text = MARIMO[name] + 'if __name__ == "__main__":\n    app.run()\n'
    found = handed(tmp_path, {"hw6.py": text})
    assert set(found.programs) == {"4a", "4b"} and not found.absent
    for program in found.programs.values():
        assert "marimo" not in program.text and "@app" not in program.text
        compile(program.text, "x", "exec")
        for line, place in zip(program.text.splitlines(), program.places):
            assert line.strip() == text.splitlines()[place.line - 1].strip()
        order = [program.text.find(words) for words in ("from torch", "class Base", f"class {program.class_name}")]
        assert [at for at in order if at >= 0] == sorted(at for at in order if at >= 0)


MYST = "---\nkernelspec:\n  name: python3\n---\n\n# 4(a)\n\n"
FENCED = {
    "MyST": MYST + "```{code-cell} ipython3\n:tags: [hide-input]\n\n" + SHA + "```\n\ntext\n\n```{code-cell}\n" + LAYER + "```\n",
    "MyST with options": "```{code-cell} ipython3\n---\ntags: [x]\n---\n" + BOTH + "```\n",
    "Quarto": "```{python}\n#| echo: false\n" + BOTH + "```\n",
    "R Markdown": "```{r}\nclass <- 1\n```\n\n```{python attention, echo=FALSE}\n" + BOTH + "```\n",
    "Markdown": "~~~~ python\n%matplotlib inline\n" + BOTH + "~~~~\n",
    "Pandoc": "``` {.python .cell-code}\n" + BOTH + "```\n",
    "a block that breaks off": "```python\nprint((\n```\n\n```python\n" + BOTH + "```\n",
    "in a list": "- a\n  ```python\n" + "".join(f"  {line}\n" for line in BOTH.splitlines()) + "  ```\n",
}  # fmt: skip
ENDINGS = ("md", "qmd", "Rmd")


@pytest.mark.parametrize("name", FENCED)
def test_the_code_between_fences_is_read_where_it_stands(tmp_path: Path, name: str) -> None:
    text = FENCED[name]
    for ending in ENDINGS:
        found = handed(tmp_path / ending, {f"hw6.{ending}": text, "README.md": "# my homework\n"})
        assert set(found.programs) == {"4a", "4b"} and not found.absent
        for program in found.programs.values():
            for line, place in zip(program.text.splitlines(), program.places):
                assert line.strip() == text.splitlines()[place.line - 1].strip()


def test_words_between_fences_and_other_languages_are_no_code() -> None:
    assert fenced_python("```r\nx\n```\n```\nclass A: pass\n```\n    python\n") == ()
    assert fenced_python("```{code-cell} r\nx\n```\n```pythonic\nx\n```\n") == ()


def test_text_beside_a_notebook_with_the_classes_is_not_read(tmp_path: Path) -> None:
    found = handed(tmp_path, {"vit.ipynb": notebook(SHA), "notes.md": FENCED["Quarto"]})
    assert found.file == "vit.ipynb" and set(found.programs) == {"4a"}


@pytest.mark.parametrize(
    "name", ["hw6.json", "hw6", "hw6.ipynb (1)", "hw6.ipynb.bak", "notebook.txt", "hw6.ipynb.download"]
)
def test_a_notebook_of_any_name_is_read_where_there_is_no_other_work(tmp_path: Path, name: str) -> None:
    found = handed(tmp_path, {name: notebook(BOTH), "answers.toml": "[q2a]\nparameters = 1\n"})
    assert found.file == name and set(found.programs) == {"4a", "4b"}


def test_what_stands_in_for_a_notebook_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    found = handed(tmp_path, {"hw6.ipynb": notebook(BOTH)[:-30], "hw6.md": FENCED["MyST"]})
    assert found.file == "hw6.md"
    assert any("breaks off" in one.message and "graded in its place" in one.message for one in found.findings)


PRE = "<pre><span></span>{}</pre>"
COLOURED = BOTH.replace("class ", '<span class="k">class</span> ').replace(
    "ViTLayer", '<span class="nc">ViTLayer</span>'
)
PAGES = {
    "nbconvert": '<div class="jp-CodeMirrorEditor"><div class="highlight hl-ipython3">' + PRE.format(COLOURED) + "</div></div>"
    '<div class="jp-RenderedText jp-OutputArea-output" data-mime-type="text/plain"><pre>loss 0.5 &lt; 1</pre></div>'
    '<div class="jp-RenderedImage jp-OutputArea-output"><img src="data:image/png;base64,AA=="></div>',
    "Quarto": '<div class="sourceCode cell-code"><pre class="sourceCode python code-with-copy"><code class="sourceCode python">'
    + COLOURED + '</code></pre></div><div class="cell-output cell-output-stdout"><pre><code>loss 0.5 &lt; 1</code></pre>'
    '<p><img src="x.png"></p></div>',
    "Jupyter Book": '<div class="highlight-ipython3 notranslate"><div class="highlight">' + PRE.format(COLOURED) + "</div></div>"
    '<div class="cell_output docutils container"><div class="highlight-none"><pre>loss 0.5 &lt; 1</pre></div><img src="x"></div>',
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_an_export_as_a_web_page_is_read_where_there_is_nothing_else(tmp_path: Path, name: str) -> None:
    page = f"<!DOCTYPE html><html><script>class ViTLayer</script><body><h1>HW6</h1>{PAGES[name]}</body></html>"
    found = handed(tmp_path / "1", {"hw6.html": page})
    assert found.file == "hw6.html" and set(found.programs) == {"4a", "4b"} and len(found.cells) == 1
    assert found.cells[0].outputs.strip() == "loss 0.5 < 1" and found.cells[0].images == 1
    assert "<" not in found.programs["4a"].text
    assert any("export as a web page" in one.message for one in found.findings)
    assert handed(tmp_path / "2", {"my.ipynb": notebook(BOTH), "hw6.html": page}).file == "my.ipynb"


def test_another_web_page_is_no_export(tmp_path: Path) -> None:
    found = handed(
        tmp_path, {"hw6.html": "<!DOCTYPE html><html><body><pre>class ViTLayer(nn.Module):</pre></body></html>"}
    )
    assert not found.programs and "web page" in found.problem
