import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import InvalidInputError
from workers.influence.spans import Span, SpanIndex, doubled_suffix_array, suffix_array

TEXTS = st.lists(st.text("ab", max_size=12).map(str.encode), min_size=1, max_size=5)


@given(st.text("abc\0", min_size=1, max_size=60))
def test_suffixes_are_in_order(text: str) -> None:
    data = text.encode()
    expected = sorted(range(len(data)), key=lambda place: data[place:])
    assert suffix_array(data).tolist() == expected
    assert doubled_suffix_array(data).tolist() == expected


@given(TEXTS, st.text("ab", max_size=14).map(str.encode))
def test_spans_are_the_maximal_matches(texts: list[bytes], response: bytes) -> None:
    index = SpanIndex(texts)
    found = index.spans(response, 3)
    matches: list[tuple[int, int]] = []
    for start in range(len(response)):
        lengths = [
            n
            for n in range(3, len(response) - start + 1)
            if any(response[start : start + n] in t for t in texts)
        ]
        if lengths and start + max(lengths) > max((s + n for s, n in matches), default=0):
            matches.append((start, max(lengths)))
    assert [(span.start, span.length) for span in found] == matches
    for span in found:
        passage = response[span.start : span.start + span.length]
        assert texts[span.record][span.offset : span.offset + span.length] == passage
        assert span.count == index.count(passage) >= 1


def test_credit_goes_to_the_longest_cover() -> None:
    index = SpanIndex([b"the quick brown fox jumps", b"over the lazy dog today"])
    response = b"a quick brown fox over the lazy cat"
    assert index.spans(response) == [Span(1, 17, 0, 3, 1), Span(18, 14, 1, 0, 1)]
    earned = index.credits(response)
    assert set(earned) == {0, 1}
    assert earned[0] > earned[1] > 0
    assert index.credits(b"nothing") == {}


def test_no_text_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        SpanIndex([])
