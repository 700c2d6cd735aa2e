"""More honest solutions in many hands, one for each way of storing, scaling, dropping and calling that differs.

Beside `honest_styles`: those are the usual ones, these are what the judging once tripped over or might trip over. Each
is right, and keeps every point. Those that use more of `nn` than 4(a) allows lose that rule's point, and no other.
"""

import pytest

from autograder.core.records import Report, Status
from autograder.grading import grade_many
from tests.grader import layers_alone
from tests.grader.attention_styles import ATTENTIONS, MORE_OF_NN
from tests.grader.encoder_styles import ENCODERS
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS

pytestmark = pytest.mark.slow

STYLES = [
    *(("4a", style, text) for style, text in (ATTENTIONS | MORE_OF_NN).items()),
    *(("4b", style, text) for style, text in ENCODERS.items()),
]


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    """For every style: the tests of its question that did not pass, with what was said."""
    folder = tmp_path_factory.mktemp("styles")
    paths = []
    for i, (question, _, text) in enumerate(STYLES):
        path = folder / str(i) / "hw6.py"
        path.parent.mkdir()
        other = LAYERS["plain GELU"] if question == "4a" else ATTENTION["plain"]
        path.write_text(IMPORTS + text + other, encoding="utf-8")
        paths.append(path)
    reports = grade_many(paths, layers_alone.options(folder))
    return {(q, style): _lost(report, q) for (q, style, _), report in zip(STYLES, reports)}


def _lost(report: Report, question: str) -> dict[str, str]:
    judged = [t for t in report.tests if t.number.startswith(question)]
    assert judged, report.staff_notes
    return {t.number: f"{t.feedback.lines()} {t.staff}" for t in judged if t.status is not Status.PASSED}


@pytest.mark.parametrize("style", ATTENTIONS)
def test_an_unusual_but_right_attention_keeps_every_point(
    lost: dict[tuple[str, str], dict[str, str]], style: str
) -> None:
    assert lost["4a", style] == {}


@pytest.mark.parametrize("style", MORE_OF_NN)
def test_what_4a_does_not_allow_of_nn_costs_that_point_alone(
    lost: dict[tuple[str, str], dict[str, str]], style: str
) -> None:
    assert lost["4a", style].keys() == {"4a.2"}


@pytest.mark.parametrize("style", ENCODERS)
def test_an_unusual_but_right_layer_keeps_every_point(lost: dict[tuple[str, str], dict[str, str]], style: str) -> None:
    assert lost["4b", style] == {}
