"""Text records: four forms, one encoding, and reasons for what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.commitments import merkle_proof, merkle_root
from genesis.types import Address
from workers.datasets.contribution import record_layers, summarize
from workers.datasets.kinds import decode_records, sketches_of_records
from workers.datasets.records import Record
from workers.datasets.text import (
    Message,
    content_hash,
    decode_text_jsonl,
    encode_text_jsonl,
    text_record,
)
from workers.errors import InvalidInputError
from workers.text.export import text_parts

TURNS: list[tuple[dict[str, Any], tuple[Message, ...], str]] = [
    ({"text": "a b"}, (), "a b"),
    (
        {"instruction": "Add", "input": "1 2", "output": "3", "system": "You add", "history": [["hi", "ho"]]},
        (
            Message("system", "You add"),
            Message("user", "hi"),
            Message("assistant", "ho"),
            Message("user", "Add\n\n1 2"),
        ),
        "3",
    ),
    (
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        (Message("user", "q"),),
        "a",
    ),
    ({"prompt": "q", "chosen": "good", "rejected": "bad"}, (Message("user", "q"),), "good"),
    (
        {"prompt": [{"role": "user", "content": "q"}], "chosen": "good", "rejected": "bad"},
        (Message("user", "q"),),
        "good",
    ),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@pytest.mark.parametrize(("value", "before", "response"), TURNS)
def test_each_form_is_a_conversation(
    value: dict[str, Any], before: tuple[Message, ...], response: str
) -> None:
    record = text_record(value)
    assert record.turns() == (before, response)
    assert record.fields() == value
    assert decode_text_jsonl(encode_text_jsonl([record])) == [record]


@given(question=TEXTS, answer=TEXTS)
def test_the_encoding_comes_back(question: str, answer: str) -> None:
    records = [
        text_record({"instruction": question, "output": answer}),
        text_record({"text": answer, "parents": ["17/3"]}),
    ]
    assert decode_text_jsonl(encode_text_jsonl(records)) == records
    assert content_hash(records[0]) != content_hash(records[1])


def test_key_order_and_empty_options_do_not_change_the_hash() -> None:
    first = text_record({"instruction": "a", "output": "b", "input": "", "system": None, "history": []})
    second = text_record({"output": "b", "instruction": "a"})
    assert content_hash(first) == content_hash(second)


def test_the_parents_are_no_part_of_the_content() -> None:
    plain, derived = text_record({"text": "a"}), text_record({"text": "a", "parents": ["17/3"]})
    assert content_hash(plain) == content_hash(derived)
    assert len(derived.parents) == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "object"),
        ({}, "keys"),
        ({"text": "a", "extra": 1}, "keys"),
        ({"text": 1}, "must be text"),
        ({"text": "  "}, "empty"),
        ({"text": "\ud800"}, "surrogate"),
        ({"instruction": "a", "output": ""}, "empty"),
        ({"instruction": "a", "output": "b", "history": [["x"]]}, "history"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "a"}]}, "assistant"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "role"),
        ({"messages": [{"role": "assistant", "content": "a", "name": "x"}]}, "exactly"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, "same"),
        ({"prompt": [{"role": "assistant", "content": "x"}], "chosen": "a", "rejected": "b"}, "user"),
        ({"text": "a", "parents": ["0x11"]}, "contribution/record"),
        ({"text": "x" * (1 << 20)}, "longer"),
    ],
)
def test_malformed_records_say_why(value: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        text_record(value)


def test_the_line_is_named() -> None:
    with pytest.raises(InvalidInputError, match="line 2"):
        decode_text_jsonl(b'{"text":"a"}\n{"text":""}\n')


def test_a_contribution_of_texts_is_committed_like_any_other() -> None:
    owner = Address(b"\x07" * 20)
    data = encode_text_jsonl(text_parts(5, 1).parts[0])
    summary = summarize(data, chain_id=31338, datanet_id=4, contributor=owner)
    layers = record_layers(data, chain_id=31338, datanet_id=4, contributor=owner)
    assert summary.records == 5
    assert summary.root == merkle_root(layers[0])
    assert len(merkle_proof(layers, 3)) >= 2
    lines = [json.loads(line) for line in data.splitlines()]
    assert all(line["messages"][0]["content"].startswith(("What does ", "What is ")) for line in lines)


def test_kinds_are_told_by_the_first_line_and_not_mixed() -> None:
    vectors = decode_records(b'{"features":[1,2],"label":0}\n')
    texts = decode_records(b'{"text":"a"}\n')
    assert isinstance(vectors[0], Record)
    with pytest.raises(InvalidInputError, match="vectors and texts"):
        sketches_of_records([*vectors, *texts])
    with pytest.raises(InvalidInputError, match="line 2"):
        decode_records(b'{"text":"a"}\n{"features":[1],"label":0}\n')
    with pytest.raises(InvalidInputError, match="line 1"):
        decode_records(b"PAR1")
