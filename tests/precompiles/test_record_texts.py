"""The plain text and the sketch of text records, read on chain as the workers read them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precompiles import attribution_interface as interface
from precompiles import gas
from precompiles.attribution_sketches import MAXIMUM_SHINGLES
from precompiles.checks import INVALID_ARGUMENT
from precompiles.contract import PrecompileRevertError
from precompiles.minhash import ascii_words, shingle_count, sketch_of_words
from precompiles.record_texts import MAGIC, MAXIMUM_PIECES, MAXIMUM_TEXT_BYTES, plain_text
from workers.datasets import text
from workers.datasets.minhash import shingles, text_sketch, words

CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda each: bool(each.strip()))
ASCII = st.text(st.characters(codec="ascii"), max_size=200)
TURNS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3)


def record_of(form: str, some: list[str], turns: list[tuple[str, str]]) -> dict[str, Any]:
    """A record of each form out of the same texts."""
    messages = [{"role": "user", "content": each} for turn in turns for each in turn]
    asked = [*messages, {"role": "user", "content": some[1]}]
    forms: dict[str, dict[str, Any]] = {
        "text": {"text": some[0]},
        "alpaca": {"instruction": some[0], "output": some[1]},
        "alpaca with all": {
            "instruction": some[0],
            "input": some[1],
            "output": some[2],
            "system": some[3],
            "history": [list(turn) for turn in turns],
        },
        "messages": {"messages": [*asked, {"role": "assistant", "content": some[2]}]},
        "preference": {"prompt": some[0], "chosen": some[1] + "+", "rejected": some[1]},
        "preference over turns": {"prompt": asked, "chosen": some[2], "rejected": some[2] + "-"},
    }
    return forms[form]


FORMS = ["text", "alpaca", "alpaca with all", "messages", "preference", "preference over turns"]


def content_of(fields: dict[str, Any]) -> bytes:
    return text.MAGIC + text.text_record(fields).content


@settings(max_examples=200)
@given(st.sampled_from(FORMS), st.lists(TEXTS, min_size=4, max_size=4), TURNS)
def test_the_plain_text_is_the_workers(form: str, some: list[str], turns: list[tuple[str, str]]) -> None:
    record = text.text_record(record_of(form, some, turns))
    assert plain_text(MAGIC + record.content) == record.plain().encode()


@settings(max_examples=200)
@given(ASCII)
def test_the_sketch_is_the_workers(some: str) -> None:
    found = ascii_words(some.encode())
    assert found == [each.encode() for each in words(some)]
    assert shingle_count(found) >= len(shingles(some))
    assert sketch_of_words(found) == text_sketch(some)


def test_one_byte_beyond_ascii_is_named() -> None:
    with pytest.raises(PrecompileRevertError) as refused:
        ascii_words("four é".encode())
    assert refused.value.data == interface.UNSUPPORTED_TEXT(5).data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MAGIC,
        MAGIC + b"{}",
        MAGIC + b'{"text": "a"}',
        MAGIC + b'{"text":"a"} ',
        MAGIC + b'{"text":"a"',
        MAGIC + b'{"text":"a\n"}',
        MAGIC + b'{"text":"\\u0041"}',
        MAGIC + b'{"text":"\\u00',
        MAGIC + b'{"text":"\\/"}',
        MAGIC + b'{"text":"a","text":"b"}',
        MAGIC + b'{"output":"a","instruction":"b"}',
        MAGIC + b'{"messages":[]}',
        MAGIC + b'{"messages":[' + b'{"content":"a","role":"b"},' * MAXIMUM_PIECES + b"]}",
        MAGIC + b'{"text":"' + b"a" * MAXIMUM_TEXT_BYTES + b'"}',
        b"OLTX\x02" + b'{"text":"a"}',
    ],
)
def test_what_is_no_text_record_is_refused(content: bytes) -> None:
    with pytest.raises(PrecompileRevertError) as refused:
        plain_text(content)
    assert refused.value.data == INVALID_ARGUMENT(b"content").data


def test_the_largest_sketch_fits_a_forced_deposit() -> None:
    """Bytes, shingles and calldata at their bounds stay below 16 Mgas together."""
    price = gas.ATTRIBUTION["challengeSketch"]
    calldata_bytes = MAXIMUM_TEXT_BYTES + 257 + 32 * (3 * 32 + 40)
    counts = (calldata_bytes // 32, 4, MAXIMUM_TEXT_BYTES + 257, 96, MAXIMUM_SHINGLES)
    assert calldata_bytes <= 120_000
    assert price.total(counts) + 21_000 + 16 * calldata_bytes <= 16_000_000
