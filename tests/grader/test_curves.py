"""Curves as pictures: what stands in the SVG, and that no value and no name can break it."""

from __future__ import annotations

import math
import sys
import xml.etree.ElementTree as tree

import pytest

from autograder.report.curves import Band, Curve, png, svg, ticks

NS = "{http://www.w3.org/2000/svg}"
FALLING = Curve("training set", (2.3, 0.6, 0.3))


def points(text: str) -> list[tuple[float, float]]:
    return [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in tree.fromstring(text).iter(f"{NS}circle")]


def test_a_falling_curve_goes_to_the_right_and_downwards_in_proportion_to_its_values() -> None:
    (x1, y1), (x2, y2), (x3, y3) = points(svg([FALLING]))
    assert x1 < x2 < x3 and y1 < y2 < y3
    assert (y2 - y1) / (y3 - y2) == pytest.approx((2.3 - 0.6) / (0.6 - 0.3), rel=0.01)


@pytest.mark.parametrize(
    "values",
    [
        (),
        (1.0,),
        (1.0, 1.0),
        (0.0, 0.0),
        (math.nan, 1.0),
        (math.inf, -math.inf),
        (1e308, -1e308, 1.0),
        (1e-300, 2e-300),
        (-5.0, -3.0),
    ],
)
def test_no_value_breaks_the_picture_and_only_what_can_be_drawn_is(values: tuple[float, ...]) -> None:
    text = svg([Curve("loss", values)])
    drawn = points(text)
    assert len(drawn) == sum(math.isfinite(value) and abs(value) < 1e12 for value in values)
    assert all(0 <= x <= 640 and 0 <= y <= 400 for x, y in drawn)
    assert "nan" not in text and "inf" not in text.replace("information", "")


def test_a_gap_is_not_bridged() -> None:
    paths = [p.get("d", "") for p in tree.fromstring(svg([Curve("loss", (3.0, math.nan, 2.0, 1.0))])).iter(f"{NS}path")]
    assert [path.count("M") for path in paths if path.startswith("M") and "H" not in path] == [2]


def test_names_are_text_whatever_is_in_them() -> None:
    name = "a\"<script>alert(1)</script>&'"
    root = tree.fromstring(svg([Curve(name, (1.0, 2.0))], [Band(name, (1.0,), (2.0,))], title=name, x=name, y=name))
    assert sum(element.text == name for element in root.iter(f"{NS}text")) == 5
    assert {element.tag for element in root.iter()} <= {
        f"{NS}{tag}" for tag in ("svg", "rect", "text", "line", "path", "circle", "polygon")
    }


def test_a_band_lies_between_its_two_rows() -> None:
    root = tree.fromstring(svg([Curve("loss", (2.0, 1.0))], [Band("reference", (1.5, 0.5), (2.5, 1.5))]))
    [band] = root.iter(f"{NS}polygon")
    heights = [float(pair.split(",")[1]) for pair in band.get("points", "").split()]
    curve = [y for _, y in points(svg([Curve("loss", (2.0, 1.0))], [Band("reference", (1.5, 0.5), (2.5, 1.5))]))]
    assert heights[0] < curve[0] < heights[3] and heights[1] < curve[1] < heights[2]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.1, 0.13), (-3, 7), (0, 2.3), (1e-9, 2e-9), (0, 1e11)])
def test_ticks_are_few_and_round_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6 and low - 1e-9 * abs(high) <= found[0] and found[-1] <= high * (1 + 1e-9)
    step = found[1] - found[0]
    assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)


def test_a_png_has_the_signature_of_one_and_the_same_curves_give_the_same_bytes() -> None:
    pytest.importorskip("matplotlib")
    first = png([FALLING], title="loss")
    assert first is not None and first.startswith(b"\x89PNG\r\n\x1a\n") and first == png([FALLING], title="loss")


def test_without_matplotlib_there_is_no_png(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert png([FALLING]) is None
