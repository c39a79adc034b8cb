"""Text from tokens: characters across tokens, stop strings across tokens, nothing lost."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.workers.serving.models import make_tokenizer
from workers.serving.errors import BadRequestError
from workers.serving.text import TextStream, Tokenizer

TOKENIZER = Tokenizer(make_tokenizer())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_pieces_make_up_the_text(text: str) -> None:
    stream = TextStream(TOKENIZER)
    pieces = [stream.add(token) for token in TOKENIZER.encode(text)]
    assert "".join([*pieces, stream.finish()]) == text


def test_a_character_of_several_tokens_comes_whole() -> None:
    tokens = TOKENIZER.encode("é漢")
    assert len(tokens) > 2
    stream = TextStream(TOKENIZER)
    assert [piece for piece in map(stream.add, tokens) if piece] == ["é", "漢"]


def test_a_broken_character_comes_at_the_end() -> None:
    stream = TextStream(TOKENIZER)
    assert stream.add(TOKENIZER.encode("漢")[0]) == ""
    assert stream.finish() == "\N{REPLACEMENT CHARACTER}"


@settings(max_examples=60, deadline=None)
@example("a\na", ["\n", "a\na"])
@given(
    st.text("abc\n", max_size=30), st.lists(st.text("abc\n", min_size=1, max_size=4), min_size=1, max_size=3)
)
def test_the_first_stop_string_to_be_complete_ends_the_text(text: str, stops: list[str]) -> None:
    stream = TextStream(TOKENIZER, stops)
    shown = ""
    for token in TOKENIZER.encode(text):
        shown += stream.add(token)
        assert not any(stop in shown for stop in stops)
        if stream.stop is not None:
            break
    shown += stream.finish()
    complete = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert shown == (text[: min(complete)[1]] if complete else text)
    assert (stream.stop is not None) == bool(complete)


def test_no_template_no_chat() -> None:
    inner = make_tokenizer()
    inner.chat_template = None
    with pytest.raises(BadRequestError, match="chat template"):
        Tokenizer(inner).encode_chat([{"role": "user", "content": "x"}])
    tokens = Tokenizer(inner, "{{ messages[0]['content'] }}").encode_chat(
        [{"role": "user", "content": "a fox"}]
    )
    assert TOKENIZER.decode(tokens) == "a fox"


def test_a_template_that_refuses_is_a_bad_request() -> None:
    refusing = Tokenizer(make_tokenizer(), "{{ raise_exception('roles must alternate') }}")
    with pytest.raises(BadRequestError, match="alternate"):
        refusing.encode_chat([{"role": "user", "content": "x"}])
