"""What a model says, as words and calls: in whatever pieces its text comes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.serving.tools.calls import CLOSING, OPENING, CallPiece, CallStream, merged

Found = tuple[str, list[tuple[str, str]]]


def call(name: str, arguments: str) -> str:
    return f'{OPENING}\n{{"name": "{name}", "arguments": {arguments}}}\n{CLOSING}'


def split(pieces: list[str], *, is_cut: bool = False) -> Found:
    """Content, and name and arguments of each call."""
    stream, content, calls = CallStream(), "", list[CallPiece]()
    for piece in pieces:
        said = stream.add(piece)
        content, calls = content + said.content, [*calls, *said.calls]
    said = stream.finish(is_cut=is_cut)
    whole = merged([*calls, *said.calls])
    assert [each.index for each in whole] == list(range(len(whole)))
    assert len({each.id for each in whole}) == len(whole)
    return content + said.content, [(each.name, each.arguments) for each in whole]


NESTED = '{"a": {"b": ["}", "\\"]</tool_call>"]}, "c": -1.5e3}'


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        ("Only words, 2 < 3.", "Only words, 2 < 3.", []),
        (call("f", "{}"), "", [("f", "{}")]),
        ("Let me see.\n" + call("f", NESTED), "Let me see.\n", [("f", NESTED)]),
        (call("f", "{}") + "\n" + call("g", '{"x": 1}'), "", [("f", "{}"), ("g", '{"x": 1}')]),
        (call("f", "{}") + " \n done", "done", [("f", "{}")]),
        ('<tool_call>{"arguments":{"x":1},"name":"f"}</tool_call>', "", [("f", '{"x": 1}')]),
        ('<tool_call>{"name":"f","arguments":"{\\"x\\":1}"}</tool_call>', "", [("f", '{"x":1}')]),
        ('<tool_call>{"name":"f"}</tool_call>', "", [("f", "{}")]),
        ("<tool_call>not JSON</tool_call> and", "<tool_call>not JSON</tool_call> and", []),
        ('<tool_call>{"name": 5}</tool_call>', '<tool_call>{"name": 5}</tool_call>', []),
        ("<tool_call>", "<tool_call>", []),
        ("a <tool", "a <tool", []),
        ('<tool_call>{"name": "f", "arguments": {"x": 1</tool_call>!', "!", [("f", '{"x": 1')]),
        ('<tool_call>{"name": "f", "arguments": {}', "", [("f", "{}")]),
        ('<tool_call>{"arguments": {}, "name": "f"}', "", [("f", "{}")]),
    ],
)
def test_words_and_calls_are_told_apart(text: str, content: str, calls: list[tuple[str, str]]) -> None:
    assert split([text]) == (content, calls)
    assert split(list(text)) == (content, calls)


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        ("words <tool_c", "words ", []),
        ('words <tool_call>{"name": "f"', "words ", []),
        ('<tool_call>{"name": "f", "arguments": {"x": [1,', "", [("f", '{"x": [1,')]),
        (call("f", "{}")[:-3], "", [("f", "{}")]),
    ],
)
def test_an_answer_that_is_cut_shows_no_half_tags(
    text: str, content: str, calls: list[tuple[str, str]]
) -> None:
    assert split([text], is_cut=True) == (content, calls)
    assert split(list(text), is_cut=True) == (content, calls)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
words = st.text(alphabet="ab <>/{}\n", max_size=8)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(words, st.sampled_from(["f", "g"]), st.dictionaries(st.text(max_size=4), json_values))
    ),
    words,
    st.data(),
)
def test_the_pieces_make_no_difference(
    said: list[tuple[str, str, dict[str, object]]], ending: str, data: st.DataObject
) -> None:
    text = "".join(before + call(name, json.dumps(values)) for before, name, values in said) + ending
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    found = split(pieces)
    assert found == split([text])
    assert [(name, json.loads(arguments)) for name, arguments in found[1]] == [
        (name, values) for _before, name, values in said
    ]


def test_arguments_come_before_the_call_is_over() -> None:
    stream = CallStream()
    said = stream.add('<tool_call>\n{"name": "f", "arguments": {"x": "lo')
    assert [(each.name, each.arguments) for each in said.calls] == [("f", '{"x": "lo')]
    said = stream.add("ng")
    assert [(each.index, each.id, each.name, each.arguments) for each in said.calls] == [(0, "", "", "ng")]
    assert stream.completed == 0
    stream.add('"}}\n</tool_call>')
    assert stream.completed == 1
