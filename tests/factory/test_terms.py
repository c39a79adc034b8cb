"""What stands in the way of a training is said before it starts."""

from dataclasses import replace

import pytest

from openledger_node.factory.terms import DatanetTerms, Verdict, fitting, judged, model_licence

FREE = DatanetTerms(3, 1, "Docs", "cc-by-4.0", 0, True, 0, 2, 10, 0)


def test_open_data_under_a_known_licence_is_free_of_remarks() -> None:
    assert judged(FREE).problems == judged(FREE).warnings == ()


@pytest.mark.parametrize(
    ("licence", "problem"), [("cc-by-nc-4.0", "commercial"), ("CC-BY-ND-4.0", "adaptations")]
)
def test_licences_that_forbid_it_are_problems(licence: str, problem: str) -> None:
    found = judged(replace(FREE, licence=licence))
    assert len(found.problems) == 1
    assert problem in found.problems[0]


@pytest.mark.parametrize(
    ("licence", "warning"),
    [("", "no licence"), ("cc-by-sa-4.0", "same licence"), ("house-rules", "not known")],
)
def test_licences_to_read_are_warnings(licence: str, warning: str) -> None:
    found = judged(replace(FREE, licence=licence))
    assert found.problems == ()
    assert warning in found.warnings[0]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"usage": 2, "may_use": False, "usage_price_wei": 7}, "datanet buy 3"),
        ({"usage": 1, "may_use": False}, "has not granted"),
        ({"missing_files": 1}, "1 of 2"),
        ({"records": 0}, "no records"),
    ],
)
def test_usage_and_missing_data_are_problems(changes: dict[str, int], problem: str) -> None:
    found = judged(replace(FREE, **changes))  # type: ignore[arg-type]  # fields by name
    assert problem in found.problems[0]


def test_a_model_has_the_one_licence_of_its_data_or_another() -> None:
    assert model_licence(("MIT", "mit")) == "mit"
    assert model_licence(("mit", "cc-by-4.0")) == model_licence(("",)) == "other"


def test_only_pairs_can_be_learnt_as_preferences() -> None:
    verdict = Verdict(("a problem",), ())
    mixed = {4: "preference", 7: "alpaca"}
    assert fitting(verdict, "preference", {4: "preference"}) == verdict
    problems = fitting(verdict, "preference", mixed).problems
    assert problems[0] == "a problem"
    assert "contribution 7" in problems[1]
    assert "preset preference" in fitting(verdict, "response", mixed).warnings[0]
    assert fitting(verdict, "response", {7: "text"}) == verdict
