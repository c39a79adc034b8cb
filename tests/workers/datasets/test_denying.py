"""What a curator's list names goes, however it is written; expressions cannot hold a worker up."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.datasets.cleaning import DROP, clean
from workers.datasets.denying import MASK_TEXT, NAME, deny_list
from workers.errors import InvalidInputError

PEOPLE = "\ufeff# people\nAda\nAda Lovelace\nMüller\nO'Brien\n\n/proj-\\d+/\n/secret\\w*/i\n".encode()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ADA lovelace met ada.", f"{MASK_TEXT} met {MASK_TEXT}."),
        ("Ada\n  Lovelace, Ada-Lovelace", f"{MASK_TEXT}, {MASK_TEXT}"),
        ("Adam and Nada stay", "Adam and Nada stay"),
        ("Ada never knew Lovelace", f"{MASK_TEXT} never knew Lovelace"),
        ("Ada ..... Lovelace", f"{MASK_TEXT} ..... Lovelace"),
        (unicodedata.normalize("NFD", "MÜLLER"), MASK_TEXT),
        ("o\u2019brien", MASK_TEXT),
        ("proj-17 PROJ-17 Secrets", f"{MASK_TEXT} PROJ-17 {MASK_TEXT}"),
        ("", ""),
    ],
)
def test_phrases_and_expressions(text: str, masked: str) -> None:
    assert deny_list(PEOPLE).mask(text) == (masked, masked.count(MASK_TEXT))


@given(st.text(max_size=60))
def test_what_names_nobody_stays_as_it_is(text: str) -> None:
    assert deny_list(b"zzzyzx qqxq\n").mask(text) == (text, 0)


def test_every_text_of_a_record_is_looked_at_and_drops_it_when_told() -> None:
    row = {"messages": [{"role": "user", "content": "I am Ada"}], "parents": ["Ada"]}
    found = clean(row, [("email", "mask")], deny_list(PEOPLE))
    assert found.value == {
        "messages": [{"role": "user", "content": f"I am {MASK_TEXT}"}],
        "parents": ["Ada"],
    }
    assert (found.found, found.dropped_by) == ({NAME: 1}, "")
    assert clean(row, [], deny_list(PEOPLE), DROP).dropped_by == NAME
    assert clean({"text": "nobody"}, [], deny_list(PEOPLE), DROP).dropped_by == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"# only a remark\n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"fine\n/[a/\n", "line 2"),
        (b"/a*/\n", "everywhere"),
        (b"/open\n", "line 1"),
        (b"C++\n", "expression"),
        (b"x" * 1_001, "longer than 1000"),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        deny_list(data)


def test_an_expression_that_would_run_for_ever_is_stopped_and_named() -> None:
    started_s = time.monotonic()
    with pytest.raises(InvalidInputError, match="line 2"):
        deny_list(b"Ada\n/(?:a|a|aa)+$/\n").mask("a" * 60 + "b")
    assert time.monotonic() - started_s < 10


def test_many_names_cost_no_more_than_one() -> None:
    names = "\n".join(f"name{number} family{number}" for number in range(10_000)).encode()
    found = deny_list(names)
    started_s = time.process_time()
    assert found.mask("name7 family7 and others " * 400)[1] == 400
    assert time.process_time() - started_s < 0.5
