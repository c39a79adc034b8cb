"""The server over HTTP with the `openai` client: the dialect, and what happens when things go wrong."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.dialect import CHECKS, Dialect
from workers.serving.server import Server, ServerOptions

LONG: dict[str, Any] = {"max_tokens": 200, "extra_body": {"ignore_eos": True}}


def options(shelf: Shelf, **changes: Any) -> ServerOptions:
    return ServerOptions(
        shelf.base,
        "base",
        **{"threads": 1, "lanes": 4, "slots": 4, "adapter_folders": shelf.adapters, **changes},
    )


@pytest.fixture
async def server(shelf: Shelf) -> AsyncIterator[Server]:
    server = await Server.open(options(shelf), shelf.store)
    yield server
    await server.close()


def client_of(server: Server, key: str = "none") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


async def post(server: Server, path: str, body: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.post(server.url + path, data=body) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else text


@pytest.mark.parametrize("kind", ["base", "everything"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_check_of_vllms_dialect_holds(
    server: Server, shelf: Shelf, kind: str, check: Callable[[Dialect], Awaitable[None]]
) -> None:
    model = "base" if kind == "base" else f"sha256:{shelf.hashes[kind]}"
    await check(Dialect(server.url, model))


async def test_mixed_requests_at_once_are_each_their_own(server: Server, shelf: Shelf) -> None:
    client = client_of(server)
    models = ["base", *(f"sha256:{folder}" for folder in shelf.hashes.values())]
    asked: dict[str, Any] = {"prompt": [9, 8, 7], "max_tokens": 8, "temperature": 0}
    together = await asyncio.gather(
        *(client.completions.create(model=model, **asked) for model in models for _ in range(4))
    )
    alone = [await client.completions.create(model=model, **asked) for model in models for _ in range(4)]
    assert [one.choices[0].text for one in together] == [one.choices[0].text for one in alone]
    assert len({one.choices[0].text for one in together}) == len(models)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "n": 17}, "n"),
        ({"prompt": "x", "temperature": -1}, "temperature"),
        ({"prompt": "x", "top_p": 0}, "top_p"),
        ({"prompt": "x", "stop": [""]}, None),
        ({"prompt": "x", "logit_bias": {"5": 101.0}}, "logit_bias"),
        ({"prompt": "x", "logit_bias": {"100000": 1.0}}, "logit_bias"),
        ({"prompt": "x", "logit_bias": {"cat": 1.0}}, "logit_bias.cat.[key]"),
        ({"prompt": "x", "presence_penalty": 2.1}, "presence_penalty"),
        ({"prompt": "x", "frequency_penalty": -2.1}, "frequency_penalty"),
        ({"prompt": "x", "repetition_penalty": 0}, "repetition_penalty"),
        ({"prompt": "x", "min_p": 1.1}, "min_p"),
        ({"prompt": "x", "guided_regex": "[0-9"}, "guided_regex"),
        ({"prompt": "x", "guided_choice": []}, "guided_choice"),
        ({"prompt": "x", "guided_choice": ["a"], "guided_json": {}}, "guided_json"),
        ({"prompt": "x", "guided_regex": "a" * 70_000}, "guided_regex"),
        ({"prompt": "x", "guided_regex": "a", "min_tokens": 2}, "min_tokens"),
        ({"prompt": "x", "structured_outputs": {"grammar": "root ::= x"}}, "structured_outputs"),
        ({"prompt": "x", "structured_outputs": {"json": {}, "regex": "a"}}, "structured_outputs"),
        ({"prompt": "x", "guided_json": "{"}, "guided_json"),
        ({"prompt": "x", "guided_json": {"$ref": "http://127.0.0.1/"}}, "guided_json"),
        ('{"prompt": "x", "guided_json": ' + '{"allOf":[' * 490 + "1" + "]}" * 490 + "}", "guided_json"),
        ('{"prompt": "x", "guided_json": ' + '{"items":' * 900 + "1" + "}" * 900 + "}", "guided_json"),
        ({"prompt": "x", "best_of": 2}, "best_of"),
        ({"prompt": "x", "suffix": "y"}, "suffix"),
        ({"prompt": "x", "use_beam_search": True}, "use_beam_search"),
        ({"prompt": "x", "echo": True}, "echo"),
        ({"prompt": ["x", "y"]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": [100_000]}, "prompt"),
        ({"prompt": "x", "max_tokens": 10**6}, "prompt"),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens"),
        ({}, "prompt"),
        ([], None),
        ("{", None),
    ],
)
async def test_bad_requests_have_reasons(server: Server, body: Any, parameter: str | None) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    status, answer = await post(server, "/v1/completions", sent)
    assert status == 400
    assert answer["error"]["type"] == "BadRequestError"
    assert answer["error"]["param"] == parameter
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", {"type": "xml"}),
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "a"}}),
        ("n", 17),
        ("top_logprobs", 2),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]),
    ],
)
async def test_what_a_chat_cannot_have_is_refused_by_name(server: Server, field: str, value: Any) -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1, field: value}
    status, answer = await post(server, "/v1/chat/completions", json.dumps(body))
    assert status == 400
    assert (answer["error"]["type"], answer["error"]["param"]) == ("BadRequestError", field)


async def test_penalties_and_biases_change_the_answer(server: Server) -> None:
    client = client_of(server)
    asked: dict[str, Any] = {"model": "base", "prompt": "x", "max_tokens": 24, "temperature": 0}
    asked["extra_body"] = {"return_token_ids": True, "ignore_eos": True}

    async def tokens(**more: Any) -> list[int]:
        answer = await client.completions.create(**asked, **more)
        return list(answer.choices[0].model_dump()["token_ids"])

    plain = await tokens()
    assert await tokens(presence_penalty=0, frequency_penalty=0, logit_bias={}) == plain
    assert plain[0] not in await tokens(logit_bias={str(plain[0]): -100})
    assert await tokens(logit_bias={"77": 100}) == [77] * 24
    varied = await tokens(logit_bias={"77": 100, "78": 99}, frequency_penalty=2)
    assert set(varied) == {77, 78}


async def test_a_client_that_goes_away_ends_its_generation(server: Server) -> None:
    async with client_of(server) as client:
        stream = await client.completions.create(model="base", prompt="x", stream=True, **LONG)
        await anext(aiter(stream))
        await stream.close()
    whole = asyncio.create_task(client_of(server).completions.create(model="base", prompt="x", **LONG))
    await asyncio.sleep(0.05)
    whole.cancel()
    async with asyncio.timeout(10):
        while server.generator.engine.open_sequences:
            await asyncio.sleep(0.01)
    assert server.generator.open_requests == 0
    assert server.generator.engine.statistics().generated_tokens < 380


async def test_a_full_queue_says_when_to_come_back(shelf: Shelf) -> None:
    server = await Server.open(options(shelf, queue=2), shelf.store)
    client = client_of(server)
    streams = [
        await client.completions.create(model="base", prompt="x", stream=True, **LONG) for _ in range(2)
    ]
    with pytest.raises(openai.RateLimitError) as refused:
        await client.completions.create(model="base", prompt="x")
    assert int(refused.value.response.headers["Retry-After"]) >= 1
    for stream in streams:
        await stream.close()
    await server.close()


async def test_draining_finishes_what_runs(shelf: Shelf) -> None:
    server = await Server.open(options(shelf), shelf.store)
    client = client_of(server)
    running = asyncio.create_task(client.completions.create(model="base", prompt="x", **LONG))
    while not server.generator.engine.statistics().running:
        await asyncio.sleep(0.005)
    closing = asyncio.create_task(server.close(drain_timeout_s=20))
    await asyncio.sleep(0)
    with pytest.raises(openai.InternalServerError, match="shutting down"):
        await client.completions.create(model="base", prompt="x")
    answer = await running
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 200
    await closing


async def test_operators_name_adapters(server: Server, shelf: Shelf, tmp_path: Path) -> None:
    load: dict[str, Any] = {"lora_name": "mine", "lora_path": f"sha256:{shelf.hashes['some']}"}
    assert (await post(server, "/v1/load_lora_adapter", json.dumps(load)))[0] == 200
    assert (await post(server, "/v1/load_lora_adapter", json.dumps(load)))[0] == 400
    folder = {"lora_name": "local", "lora_path": str(shelf.adapters / "attention"), "pin": True}
    assert (await post(server, "/v1/load_lora_adapter", json.dumps(folder)))[0] == 200
    names = {model.id for model in (await client_of(server).models.list()).data}
    assert {"base", "mine", "local"} <= names
    for name in ("mine", "local"):
        await client_of(server).completions.create(model=name, prompt="x", max_tokens=2)
    assert (await post(server, "/v1/unload_lora_adapter", '{"lora_name": "mine"}'))[0] == 200
    assert (await post(server, "/v1/unload_lora_adapter", '{"lora_name": "mine"}'))[0] == 404
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x04pickled")
    outside = {"lora_name": "bad", "lora_path": str(tmp_path)}
    assert (await post(server, "/v1/load_lora_adapter", json.dumps(outside)))[0] == 400


async def test_a_bad_adapter_leaves_the_engine_alone(server: Server, shelf: Shelf) -> None:
    folder = shelf.adapters / "pickled"
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 4}')
    (folder / "adapter_model.safetensors").write_bytes(b"\x80\x04\x95 pickled")
    body = json.dumps({"lora_name": "bad", "lora_path": str(folder)})
    status, answer = await post(server, "/v1/load_lora_adapter", body)
    assert status == 400
    assert answer["error"]["type"] == "AdapterRefusedError"
    assert (await client_of(server).completions.create(model="base", prompt="x", max_tokens=2)).choices
    assert server.generator.engine.is_healthy


async def test_a_step_that_fails_fails_its_batch_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(server)
    model = server.generator.engine.engine._model
    broken = lambda *arguments: (_ for _ in ()).throw(RuntimeError("out of memory"))  # noqa: E731
    monkeypatch.setattr(model, "forward", broken)
    with pytest.raises(openai.InternalServerError, match="out of memory"):
        await client.completions.create(model="base", prompt="x", max_tokens=2)
    monkeypatch.undo()
    assert (await client.completions.create(model="base", prompt="x", max_tokens=2)).choices
    assert server.generator.engine.is_healthy


async def test_the_api_key_is_asked_for(shelf: Shelf) -> None:
    server = await Server.open(options(shelf, api_key="secret"), shelf.store)
    with pytest.raises(openai.AuthenticationError):
        await client_of(server).models.list()
    assert (await client_of(server, "secret").models.list()).data
    await Dialect(server.url, "base").health()
    await server.close()


async def test_the_command_serves_and_drains(shelf: Shelf) -> None:
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("openledger-node"), "worker", "--serve", str(shelf.base)),
        *("--listen", "127.0.0.1:0", "--artifacts", str(shelf.store.directory), "--threads", "1"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        line = (await process.stdout.readline()).decode()
    url = line.split()[-1]
    assert line.startswith("OpenLoRA serves base at http://127.0.0.1:")
    await Dialect(url, f"sha256:{shelf.hashes['some']}").streams_are_the_answer()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        assert await process.wait() == 0
