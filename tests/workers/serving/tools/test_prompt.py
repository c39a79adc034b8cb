"""Tools in a prompt: by the template that knows them, as text where it knows none."""

from typing import Any

import pytest

from tests.workers.serving.models import CHAT_TEMPLATE, make_tokenizer
from tests.workers.serving.tool_speaker import CALLED, QUESTION, RESULT, TEMPLATE, WEATHER, call_text
from workers.serving.http.messages import plain_message
from workers.serving.text import Tokenizer
from workers.serving.tools.calls import CallStream
from workers.serving.tools.prompt import in_words

SYSTEM = {"role": "system", "content": "Be brief."}
CONVERSATION = [plain_message(message) for message in (QUESTION, CALLED, RESULT)]


def test_calls_and_results_are_said_in_words() -> None:
    question, called, result = in_words(CONVERSATION, [])
    assert question == QUESTION
    assert called == {"role": "assistant", "content": call_text('{"city": "Oslo"}')}
    assert result == {"role": "user", "content": "<tool_response>\nsnow\n</tool_response>"}


def test_what_is_said_in_words_is_read_as_the_call_it_was() -> None:
    stream = CallStream()
    said = stream.add(in_words(CONVERSATION, [])[1]["content"])
    assert [(call.name, call.arguments) for call in said.calls] == [("weather", '{"city": "Oslo"}')]


@pytest.mark.parametrize("messages", [[QUESTION], [SYSTEM, QUESTION]])
def test_tools_stand_in_the_system_message(messages: list[dict[str, Any]]) -> None:
    said = in_words(messages, [WEATHER])
    assert [message["role"] for message in said] == ["system", "user"]
    assert ("Be brief." in said[0]["content"]) == (len(messages) == 2)
    for part in ('"name": "weather"', "The weather of a city.", '{"name": its name, "arguments": {its'):
        assert part in said[0]["content"]


@pytest.mark.parametrize(
    ("template", "knows"),
    [
        (CHAT_TEMPLATE, False),
        (TEMPLATE, True),
        ("{{ raise_exception('no') }}", False),
        ("{% if tools %}{{ raise_exception('no tools') }}{% endif %}x", False),
    ],
)
def test_a_template_shows_whether_it_knows_tools(template: str, knows: bool) -> None:
    assert Tokenizer(make_tokenizer(), template).knows_tools is knows


def test_a_template_gets_arguments_as_an_object() -> None:
    tokenizer = Tokenizer(make_tokenizer(), TEMPLATE)
    rendered = tokenizer.decode(tokenizer.encode_chat(CONVERSATION, tools=[WEATHER]))
    assert call_text('{"city": "Oslo"}') in rendered
    assert "<tools>weather;" in rendered
