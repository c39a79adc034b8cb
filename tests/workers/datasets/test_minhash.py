"""MinHash sketches: pinned, near-duplicates are similar by the protocol's rule, others are not."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.datasets.minhash import FUNCTIONS, OFFSET, shingles, text_sketch, text_sketches, words
from workers.datasets.sketch import Sketch, similar
from workers.text.export import text_parts

SIMILARITY_PPM = 990_000


def is_similar(first: Sketch, second: Sketch) -> bool:
    a, b = first.astype(np.int64), second.astype(np.int64)
    return similar(int(a @ b), int(a @ a), int(b @ b), SIMILARITY_PPM)


def test_the_rule_is_pinned() -> None:
    sketch = text_sketch("The quick brown fox jumps over the lazy dog.")
    assert len(sketch) == 1 + FUNCTIONS
    assert sketch[0] == OFFSET
    assert set(sketch[1:]) == {1, 255}
    assert (
        hashlib.sha256(sketch).hexdigest()
        == "3667871d6e8f628b59f0d588a7668e4e0ce7089d02934243004c97737f802d50"
    )


def test_words_are_folded_and_punctuation_is_not_read() -> None:
    assert words("\uff34he “STRASSE”, straße - 3,5!") == ["the", "strasse", "strasse", "3", "5"]
    assert text_sketch("Hello, World: again!") == text_sketch("hello world  AGAIN")
    assert shingles("one two") == {"one two"}
    assert shingles("--") == {""}


def test_small_edits_of_real_texts_are_near_duplicates_and_others_are_not() -> None:
    texts = [record.plain() for part in text_parts(28, 1).parts for record in part]
    texts = [text for text in texts if len(words(text)) > 40]
    edited = [text.replace(" the ", " this ", 1) + " Indeed." for text in texts]
    sketches, copies = text_sketches(texts), text_sketches(edited)
    caught = [is_similar(first, second) for first, second in zip(sketches, copies, strict=True)]
    assert np.mean(caught) > 0.8
    crossed = [
        is_similar(sketches[i], sketches[j])
        for i in range(len(texts))
        for j in range(i)
        if texts[i] != texts[j]
    ]
    assert np.mean(crossed) < 0.01


@pytest.mark.parametrize(("changed", "expected"), [(1, True), (40, False), (100, False)])
def test_the_threshold_is_four_shingles_in_five(changed: int, expected: bool) -> None:
    original = [f"w{number}" for number in range(600)]
    copy = [*original[: 600 - 3 * changed], *(f"x{number}" for number in range(3 * changed))]
    first, second = text_sketches([" ".join(original), " ".join(copy)])
    assert is_similar(first, second) is expected


@given(st.text(max_size=200))
def test_a_text_is_similar_to_itself_and_sketched_alone_or_in_a_row_alike(text: str) -> None:
    sketch = text_sketches(["other", text])[1]
    assert sketch.tobytes() == text_sketch(text)
    assert is_similar(sketch, sketch)
