"""What was said, as receipts have it: words and calls, of chats and plain completions."""

import pytest

from openledger_node.client.answers import said_text

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": "ü"}'}}
WRITTEN = '<tool_call>{"name": "f", "arguments": {"x": "ü"}}</tool_call>'


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"text": "plain"}, "plain"),
        ({"message": {"content": "words"}}, "words"),
        ({"message": {"content": "words", "tool_calls": []}}, "words"),
        ({"message": {"content": None, "tool_calls": [CALL]}}, WRITTEN),
        ({"message": {"content": "words", "tool_calls": [CALL, CALL]}}, "words" + WRITTEN * 2),
        ({"message": {"content": None}}, ""),
    ],
)
def test_the_text_is_words_and_calls(choice: dict[str, object], text: str) -> None:
    assert said_text(choice) == text
