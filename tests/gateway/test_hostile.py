"""Whatever is sent to the gateway: a 4xx answer in JSON, no trace in the log, and nothing billed or lost."""

import asyncio
import base64
import itertools
import logging
import random
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER
from openledger_node.gateway import door, http
from openledger_node.gateway.settling import SettlingRule
from tests.gateway.conftest import Running
from tests.gateway.test_inference import features, header
from tests.jobs.economy import Economy, InlinePool

UNKNOWN = "0x" + "09" * 32
GETS = (
    "/v1/models/model-99",
    "/v1/models/%00",
    "/v1/models/model-1/price?tokens_in=-1",
    "/v1/models/model-1/price?tokens_in=99999999999999999999999",
    "/v1/models/model-99999999999999999999999999/price",
    "/v1/channels/0x12",
    "/v1/channels/zz",
    f"/v1/channels/{UNKNOWN}",
    f"/v1/channels/{UNKNOWN}/receipts/-1",
    f"/v1/channels/{UNKNOWN}/receipts/99999999999999999999",
    f"/v1/channels/{UNKNOWN}/receipts/0",
    "/v1/attributions/nothing",
    f"/v1/attributions/{UNKNOWN}-0",
    f"/v1/attributions/{UNKNOWN}-99999999999999999999999",
    "/api/settlements/nothing",
    "/api/jobs/nothing",
    "/api/jobs/nothing/events",
    "/artifacts/short",
    "/artifacts/" + "g" * 64,
    "/artifacts/" + "0" * 64,
    "/artifacts/..%2F..%2Fworker.token",
    "/no/such/page",
)
POSTS = (
    "/v1/classify",
    "/v1/embeddings",
    f"/v1/channels/{UNKNOWN}/voucher",
    f"/api/channels/{UNKNOWN}/settle",
    "/api/jobs",
    "/api/datasets",
)
BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"7",
    b"\xff\xfe\x00",
    b'{"model": null, "input": null}',
    b'{"model": 7, "input": "abc"}',
    b'{"model": "model-1", "input": [[1], [2]]}',
    b'{"model": "model-1", "input": [1e3]}',
    b'{"model": "model-1", "input": [true]}',
    b'{"model": ["model-1"], "input": [1]}',
    b'{"kind": ["train"], "request": {}}',
    b'{"kind": "train", "request": null}',
    b'{"kind": "train", "request": {"dataset": []}}',
    b'{"kind": "ping", "request": {"surprise": 1}}',
    b'{"artifact": 1, "datanet_id": "1", "contributor": null}',
    b'{"artifact": "0", "datanet_id": 1, "contributor": "0x"}',
    b'{"artifact": "' + b"0" * 64 + b'", "datanet_id": -1, "contributor": "0x' + b"11" * 20 + b'"}',
    b'{"model": "all-minilm-l6-v2", "input": "x", "encoding_format": ["float"]}',
    b'{"hold_post_s": -1}',
    b'{"hold_post_s": "soon"}',
    b'{"hold_post_s": 1e99}',
    b'{"channelId": "' + UNKNOWN.encode() + b'", "receiptCount": 1}',
    b"[" * 50_000,
    b'{"a":' * 50_000,
    b'{"model": "' + b"m" * 3_000_000 + b'", "input": [1]}',
)
NAMES = (
    "model",
    "input",
    "kind",
    "request",
    "artifact",
    "datanet_id",
    "contributor",
    "channelId",
    "receiptCount",
    "cumulativeFee",
    "receiptsRoot",
    "signature",
    "hold_post_s",
)


async def refusal(response: aiohttp.ClientResponse) -> str:
    """The message of a 4xx answer, which must be JSON in OpenAI's shape."""
    text = await response.text()
    assert 400 <= response.status < 500, f"{response.status}: {text}"
    error = orjson.loads(text)["error"]
    assert error["message"]
    assert "Traceback" not in text
    return str(error["message"])


def assert_nothing_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_no_wrong_address_gets_more_than_a_4xx(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session:
        for path in GETS:
            async with session.get(running.url + path) as response:
                await refusal(response)
    assert_nothing_logged(caplog)


async def test_no_wrong_body_gets_more_than_a_4xx_and_nothing_is_lost(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    purchases = await running.purchases()
    await purchases.classify(features(running.economy))
    async with aiohttp.ClientSession() as session:
        for path, body in itertools.product(POSTS, BODIES):
            async with session.post(running.url + path, data=body) as response:
                await refusal(response)
    assert_nothing_logged(caplog)
    await purchases.classify(features(running.economy, 1))
    await purchases.acknowledge()
    state = await running.http.get(f"/v1/channels/0x{purchases._terms.channel_id.hex()}")
    assert state["receiptCount"] == "2"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(running: Running, method: str) -> None:
    async with aiohttp.ClientSession() as session, session.request(method, f"{running.url}/v1/classify") as r:
        await refusal(r)
        assert r.status == 405


async def test_a_body_in_many_pieces_is_read_whole(running: Running) -> None:
    """`model` comes last, after more than one read of the socket."""
    body = orjson.dumps({"input": [255] * 65_536, "model": "model-1"})
    assert len(body) > 1 << 18
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/v1/classify", data=body) as response,
    ):
        assert response.status == 402, await response.text()


async def test_a_giant_body_is_refused_while_it_arrives(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async def giant() -> Any:
        for _ in range(64):
            yield b"[" * (1 << 20)

    async with aiohttp.ClientSession() as session:
        for path in POSTS:
            for body in (giant(), b"[" * (8 << 20)):
                try:
                    async with session.post(running.url + path, data=body) as response:
                        await refusal(response)
                        assert response.status == 413
                except aiohttp.ClientOSError:
                    continue  # the gateway hung up before all was sent
    assert_nothing_logged(caplog)


async def test_a_body_that_does_not_arrive_is_given_up(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PATIENCE_S", 0.2)
    address = running.url.removeprefix("http://").split(":")
    for path in ("/v1/classify", "/v1/chat/completions", "/api/jobs"):
        reader, writer = await asyncio.open_connection(address[0], int(address[1]))
        writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{{".encode())
        async with asyncio.timeout(10):
            answer = await reader.read(1 << 16)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not arrive" in answer
        writer.close()


async def test_connections_without_a_request_crowd_nobody_out(
    tmp_path: Path, economy: Economy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", 4)
    monkeypatch.setattr(door, "IDLE_S", 0.4)
    running = Running(economy, tmp_path / "node", InlinePool(economy.store), SettlingRule())
    await running.start()
    host, port = running.url.removeprefix("http://").split(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{running.url}/v1/models") as full:
            assert full.status == 503
        async with asyncio.timeout(10):
            assert [await reader.read() for reader, _ in idle] == [b""] * 4
        async with session.get(f"{running.url}/v1/models") as answer:
            assert answer.status == 200
    for _, writer in idle:
        writer.close()
    await running.stop()


async def test_a_slow_body_that_arrives_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PATIENCE_S", 0.4)
    monkeypatch.setattr(http, "SLOWEST_BYTES_S", 10)

    async def slow() -> Any:
        for piece in (b'{"model": "model-1",', b' "input": ', b"[5]", b"}"):
            yield piece
            await asyncio.sleep(0.2)

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/v1/classify", data=slow()) as no,
    ):
        assert no.status == 402


async def test_odd_headers_are_refused(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    purchases = await running.purchases()
    good = header(purchases)
    body = {"model": "model-1", "input": features(running.economy)}
    odd: list[dict[str, str]] = [
        {VOUCHER_HEADER: ""},
        {VOUCHER_HEADER: "é"},
        {VOUCHER_HEADER: "A" * 7_000},
        {VOUCHER_HEADER: base64.urlsafe_b64encode(b"[" * 1_000).decode()},
        {VOUCHER_HEADER: base64.urlsafe_b64encode(b"{}").decode()},
        {VOUCHER_HEADER: base64.urlsafe_b64encode(b'{"channelId": 5}').decode()},
        {**good, KEY_HEADER: "k" * 201},
    ]
    async with aiohttp.ClientSession() as session:
        for headers in odd:
            async with session.post(f"{running.url}/v1/classify", json=body, headers=headers) as response:
                await refusal(response)
        async with session.get(
            f"{running.url}/api/jobs/nothing/events", headers={"Last-Event-ID": "-1"}
        ) as response:
            await refusal(response)
    assert_nothing_logged(caplog)
    await purchases.classify(features(running.economy))


def random_value(dice: random.Random, depth: int = 0) -> Any:
    """Any JSON value, nested at most three deep."""
    leaves = (None, True, -1, 0, 2**63, -(2**63), 1e308, "", "0x", "model-1", "é", "0" * 64, UNKNOWN)
    kind = dice.random()
    if depth == 3 or kind < 0.6:
        return dice.choice(leaves)
    members = [random_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    return members if kind < 0.8 else {dice.choice(NAMES): member for member in members}


async def test_no_object_gets_more_than_a_4xx(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(1)
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            path = dice.choice(POSTS)
            body = orjson.dumps({name: random_value(dice) for name in dice.sample(NAMES, 4)})
            async with session.post(running.url + path, data=body) as response:
                await refusal(response)
    assert_nothing_logged(caplog)


async def test_a_datanet_that_cannot_be_is_refused(running: Running) -> None:
    artifact = running.economy.store.put(b'{"text": "words of a text"}\n')
    body = {"artifact": artifact, "datanet_id": -1, "contributor": "0x" + "11" * 20}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/api/datasets", json=body) as no,
    ):
        assert "is not a Datanet's number" in await refusal(no)
