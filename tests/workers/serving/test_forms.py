"""Answers of a given form: whatever a random model says keeps to it, and nobody else in the batch notices."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Literal

import pydantic
import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.models import VOCABULARY, make_tokenizer
from tests.workers.serving.test_engine import alone, build, finish, start
from tests.workers.serving.test_http import client_of, options
from workers.serving.engine.sequence import TokenOutput
from workers.serving.errors import BadRequestError
from workers.serving.forms import FormGuide, Forms, choice_form, expression_form, json_form
from workers.serving.server import Server
from workers.serving.text import Tokenizer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
        "kind": {"enum": ["fox", "dog"]},
    },
    "required": ["count", "kind"],
    "additionalProperties": False,
}
END = 1


class Animal(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    count: int = pydantic.Field(ge=0, le=99)
    kind: Literal["fox", "dog"]


@pytest.fixture(scope="module")
def forms() -> Forms:
    return Forms(Tokenizer(make_tokenizer()), VOCABULARY, frozenset({END}))


@pytest.fixture
async def server(shelf: Shelf) -> AsyncIterator[Server]:
    server = await Server.open(options(shelf), shelf.store)
    yield server
    await server.close()


def text_of(tokens: list[int]) -> str:
    return str(make_tokenizer().decode([token for token in tokens if token != END]))


def test_a_random_model_keeps_to_a_schema(shelf: Shelf, forms: Forms) -> None:
    engine, _library = build(shelf, lanes=12)
    asked = {"max_tokens": 200, "temperature": 2.0}
    runs = [start(engine, [5, 6], shelf.hashes["some"], seed=seed, **asked) for seed in range(12)]
    for run in runs:
        run.sequence.guide = forms.guide(json_form(SCHEMA))
    finish(engine)
    for run in runs:
        found = json.loads(text_of(run.tokens))
        assert set(found) == {"count", "kind"}
        assert 0 <= found["count"] <= 99
        assert found["kind"] in {"fox", "dog"}
        assert isinstance(run.events[-1], TokenOutput)
        assert run.events[-1].finish == "stop"


def test_choices_and_expressions_are_whole(shelf: Shelf, forms: Forms) -> None:
    engine, _library = build(shelf)
    choices = ["yes", "no", 'Grüße "世界"\n', "nothing"]
    asked = [choice_form(choices), expression_form("[0-9]{3}-[a-f]+x")] * 4
    runs = [
        start(engine, [5, number], temperature=2.0, seed=number, max_tokens=100)
        for number in range(len(asked))
    ]
    for run, form in zip(runs, asked, strict=True):
        run.sequence.guide = forms.guide(form)
    finish(engine)
    texts = [text_of(run.tokens) for run in runs]
    assert all(text in choices for text in texts[::2])
    assert all(re.fullmatch("[0-9]{3}-[a-f]+x", text) for text in texts[1::2])


def test_a_form_in_the_batch_changes_nobody_else(shelf: Shelf, forms: Forms) -> None:
    engine, _library = build(shelf)
    guided = [start(engine, [9, number], temperature=1.0, seed=number, max_tokens=20) for number in range(2)]
    for run in guided:
        run.sequence.guide = forms.guide(expression_form("[a-z]{12}"))
    free = [start(engine, [9, number], temperature=1.0, seed=number, logprobs=0) for number in range(2)]
    finish(engine)
    assert [run.tokens for run in free] == [
        alone(shelf, [9, number], "", temperature=1.0, seed=number) for number in range(2)
    ]
    assert all(re.fullmatch("[a-z]{12}", text_of(run.tokens)) for run in guided)


def test_log_probabilities_are_the_models_own(shelf: Shelf, forms: Forms) -> None:
    engine, _library = build(shelf)
    free = start(engine, [5, 6], max_tokens=1, logprobs=3)
    guided = start(engine, [5, 6], max_tokens=1, logprobs=3)
    guided.sequence.guide = forms.guide(choice_form(["zebra"]))
    finish(engine)
    first, other = free.events[0], guided.events[0]
    assert isinstance(first, TokenOutput)
    assert isinstance(other, TokenOutput)
    assert first.alternatives == other.alternatives
    assert other.logprob is not None
    assert other.logprob < 0.0


def test_a_guide_is_copied_at_its_place(forms: Forms) -> None:
    guide = forms.guide(choice_form(["ab", "ac"]))
    tokens = [make_tokenizer().encode(letter)[0] for letter in "abc"]
    guide.take(tokens[0])
    other = guide.copy()
    guide.take(tokens[1])
    assert guide.has_ended
    assert not other.has_ended
    assert other.allowed()[tokens].tolist() == [False, True, True]


def test_a_token_that_breaks_the_form_ends_its_request_alone(shelf: Shelf, forms: Forms) -> None:
    engine, _library = build(shelf)
    broken, whole = start(engine, [5, 6]), start(engine, [5, 7])
    guide: FormGuide = forms.guide(choice_form(["yes"]))
    guide.take(make_tokenizer().encode("n")[0])
    broken.sequence.guide = guide
    finish(engine)
    assert isinstance(broken.events[-1], BadRequestError)
    assert "form" in str(broken.events[-1])
    assert whole.tokens == alone(shelf, [5, 7], "")


def test_what_cannot_be_compiled_has_a_reason(forms: Forms) -> None:
    for form in (
        expression_form("[0-9"),
        expression_form("(a|b){2,1}"),
        json_form({"type": "nonsense"}),
        json_form({"$ref": "file:///etc/passwd"}),
        json_form({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json_form(
            {"allOf": [{"anyOf": [{"properties": {f"{i}{j}": {}}} for j in range(8)]} for i in range(8)]}
        ),
        expression_form("(" * 5_000 + "a" + ")" * 5_000),
    ):
        with pytest.raises(BadRequestError, match="form of the answer") as refused:
            forms.guide(form)
        assert len(str(refused.value)) < 300


async def test_openais_client_parses_what_it_asked_for(server: Server, shelf: Shelf) -> None:
    models = ["base", f"sha256:{shelf.hashes['everything']}"]
    async with client_of(server) as client:
        answers = await asyncio.gather(
            *(
                client.chat.completions.parse(
                    model=model,
                    messages=[{"role": "user", "content": "how many?"}],
                    response_format=Animal,
                    max_tokens=200,
                    temperature=1.5,
                    seed=seed,
                )
                for model in models
                for seed in range(3)
            )
        )
    assert all(isinstance(answer.choices[0].message.parsed, Animal) for answer in answers)
    assert {answer.choices[0].finish_reason for answer in answers} <= {"stop", "length"}


@pytest.mark.parametrize(
    "form",
    [
        {"guided_choice": ["yes", "no"]},
        {"guided_regex": "yes|no"},
        {"guided_json": {"enum": ["yes", "no"]}},
        {"structured_outputs": {"choice": ["yes", "no"]}},
        {"structured_outputs": {"regex": "yes|no", "json": None}},
    ],
)
async def test_vllms_ways_to_ask_for_a_form(server: Server, form: dict[str, Any]) -> None:
    async with client_of(server) as client:
        asked: dict[str, Any] = {"model": "base", "prompt": "well?", "max_tokens": 12, "extra_body": form}
        whole = (await client.completions.create(**asked, seed=1)).choices[0]
        pieces = [chunk async for chunk in await client.completions.create(**asked, seed=1, stream=True)]
    assert whole.text.strip('"') in {"yes", "no"}
    assert whole.finish_reason == "stop"
    assert whole.model_extra is not None
    assert whole.model_extra["stop_reason"] is None
    assert "".join(chunk.choices[0].text for chunk in pieces if chunk.choices) == whole.text


async def test_any_json_object(server: Server) -> None:
    async with client_of(server) as client:
        answer = await client.chat.completions.create(
            model="base",
            messages=[{"role": "user", "content": "x"}],
            response_format={"type": "json_object"},
            max_tokens=150,
            temperature=0,
        )
    text = answer.choices[0].message.content or ""
    assert text.startswith("{")
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(text), dict)
