"""Vectors by OpenAI's client, from the real model."""

import openai
import pytest

from openledger_node.client.gateway import GatewayError
from openledger_node.gateway.embedding_calls import shortened
from openledger_node.gateway.embedding_routes import EMBEDDING_MODEL
from tests.gateway.conftest import Running

TEXTS = ["a cat sleeps on the sofa", "a kitten naps on the couch", "the parliament votes on the budget"]


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_vectors_are_near_where_meanings_are(running: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client:
        made = await client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
        floats = await client.embeddings.create(
            model=EMBEDDING_MODEL, input=TEXTS[0], encoding_format="float", dimensions=64
        )
    cat, kitten, budget = (each.embedding for each in made.data)
    assert [each.index for each in made.data] == [0, 1, 2]
    assert (len(cat), made.usage.prompt_tokens) == (384, sum(made.usage.model_dump().values()) // 2)
    assert cosine(cat, kitten) > 0.6
    assert cosine(cat, budget) < 0.2
    assert len(floats.data[0].embedding) == 64
    assert cosine(floats.data[0].embedding, floats.data[0].embedding) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": "gpt"}, 404),
        ({"model": "model-999"}, 404),
        ({"model": "model-1"}, 400),  # a classifier
        ({"input": []}, 400),
        ({"input": [[1, 2]]}, 400),
        ({"input": ""}, 400),
        ({"dimensions": 0}, 400),
        ({"encoding_format": "hex"}, 400),
    ],
)
async def test_what_is_wrong_is_refused(running: Running, change: dict[str, object], status: int) -> None:
    body = {"model": EMBEDDING_MODEL, "input": "text"} | change
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/embeddings", body)
    assert caught.value.status == status


async def test_a_text_that_is_too_long_is_refused_and_not_cut(running: Running) -> None:
    with pytest.raises(GatewayError, match="the model reads 256"):
        await running.http.post("/v1/embeddings", {"model": EMBEDDING_MODEL, "input": "word " * 300})


def test_a_shortened_vector_has_unit_length() -> None:
    assert shortened((3.0, 4.0, 12.0), 2) == [0.6, 0.8]
