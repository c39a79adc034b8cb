"""The list of parents in a contribution's file has one form, and no other is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.parents import MAXIMUM_PARENTS, ParentRecord
from workers.datasets.kinds import names_parents
from workers.datasets.parents import names_of, parse_parents
from workers.datasets.records import Record, encode_jsonl
from workers.errors import InvalidInputError

NUMBERS = st.integers(0, 10**18)


@given(st.sets(st.tuples(NUMBERS, NUMBERS), max_size=MAXIMUM_PARENTS))
def test_round_trip(named: set[tuple[int, int]]) -> None:
    names = [f"{contribution}/{place}" for contribution, place in sorted(named)]
    assert names_of(parse_parents(names)) == names


@pytest.mark.parametrize(
    "values",
    [
        "1/2",
        {"1/2": 1},
        [12],
        [None],
        ["1"],
        ["1/"],
        ["/2"],
        ["01/2"],
        ["1/02"],
        ["-1/2"],
        ["1/2 "],
        ["1/2\n"],
        ["1/٣"],
        ["1/2", "1/2"],
        ["1/3", "1/2"],
        ["2/0", "1/9"],
        ["0x" + "11" * 32],
        ["9" * 20 + "/1"],
        [f"1/{place}" for place in range(MAXIMUM_PARENTS + 1)],
    ],
)
def test_another_form_is_refused(values: object) -> None:
    with pytest.raises(InvalidInputError, match="parent"):
        parse_parents(values)


PLAIN = encode_jsonl([Record(b"\1\2", 0)])


@pytest.mark.parametrize(
    ("file", "names"),
    [
        (PLAIN, False),
        (PLAIN + encode_jsonl([Record(b"\1\3", 1, (ParentRecord(1, 0).word,))]), True),
        (b'{"features":[1,2],"label":0,"parents":[]}', False),
        (rb'{"features":[1,2],"label":0,"\u0070arents":["1/0"]}', True),
        ('{"features":[1,2],"label":0,"parents":["1/0"]}'.encode("utf-16-le"), True),
        (b'{"text":"of parents"}', False),
        (b'{"parents" : ["1/0"], "text":"a"}', True),
    ],
)
def test_no_spelling_hides_parents(file: bytes, names: bool) -> None:
    assert names_parents(file) == names
