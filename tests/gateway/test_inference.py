"""Buying inference over HTTP: every refusal costs nothing, every answer is billed once."""

from dataclasses import replace

import aiohttp
import pytest

from genesis.shares import receipt_fee
from genesis.typed_data import Voucher
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER, Purchases
from openledger_node.client.sender import Sender
from openledger_node.client.vouchers import encode_voucher, sign_voucher
from openledger_node.jobs.ports import WorkerFailedError
from tests.gateway.conftest import Running
from tests.jobs.economy import (
    CHAIN_ID,
    CUSTOMER,
    DEPOSIT_WEI,
    INPUT_PRICE_WEI,
    OUTPUT_PRICE_WEI,
    Economy,
)

FEE_WEI = receipt_fee(64, 1, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)


def features(economy: Economy, number: int = 0) -> list[int]:
    return list(economy.trained.queries[number])


def header(purchases: Purchases, **changes: object) -> dict[str, str]:
    """The next call's voucher header, with fields of the voucher changed."""
    tree = purchases.tree
    terms = purchases._terms
    said = Voucher(terms.channel_id, tree.count, tree.total_fee_wei + FEE_WEI, tree.root().hash)
    changed = replace(said, **changes)  # type: ignore[arg-type] # tests change fields by name
    return {VOUCHER_HEADER: encode_voucher(sign_voucher(changed, dev_account(CUSTOMER), CHAIN_ID))}


async def test_answers_are_bought_and_acknowledged(running: Running) -> None:
    purchases = await running.purchases()
    for number in range(4):
        answer = await purchases.classify(features(running.economy, number))
        assert answer["x_openledger"]["fee"] == str(FEE_WEI)
        assert answer["usage"] == {"prompt_tokens": 64, "completion_tokens": 1, "total_tokens": 65}
        probabilities = answer["data"][0]["probs"]
        assert answer["data"][0]["label"] == str(probabilities.index(max(probabilities)))
    await purchases.acknowledge()
    state = await running.http.get(f"/v1/channels/0x{purchases._terms.channel_id.hex()}")
    assert (state["receiptCount"], state["feesSoFar"]) == ("4", str(4 * FEE_WEI))
    assert state["receiptsRoot"] == f"0x{purchases.tree.root().hash.hex()}"


async def test_without_a_voucher_the_answer_is_the_price(running: Running) -> None:
    body = {"model": "model-1", "input": features(running.economy)}
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", body)
    assert (caught.value.status, caught.value.reason) == (402, "missing_voucher")
    terms = caught.value.body["x_openledger"]["terms"]
    assert terms["maximumFee"] == str(FEE_WEI)
    assert terms["provider"] == f"0x{running.economy.provider.hex()}"
    assert terms == await running.http.get("/v1/models/model-1/price")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cumulative_fee_wei": FEE_WEI - 1}, "insufficient_voucher"),
        ({"cumulative_fee_wei": DEPOSIT_WEI + 1}, "above_deposit"),
        ({"receipt_count": 1}, "wrong_count"),
        ({"receipts_root": bytes(32)}, "wrong_root"),
        ({"channel_id": b"\x09" * 32}, "unknown_channel"),
    ],
)
async def test_a_voucher_that_does_not_fit_is_refused(
    running: Running, changes: dict[str, object], reason: str
) -> None:
    purchases = await running.purchases()
    body = {"model": "model-1", "input": features(running.economy)}
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", body, header(purchases, **changes))
    assert (caught.value.status, caught.value.reason) == (402, reason)
    state = await running.http.get(f"/v1/channels/0x{purchases._terms.channel_id.hex()}")
    assert state["receiptCount"] == "0"


async def test_a_used_voucher_does_not_pay_again(running: Running) -> None:
    purchases = await running.purchases()
    used = header(purchases)
    await purchases.classify(features(running.economy))
    body = {"model": "model-1", "input": features(running.economy, 1)}
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", body, used)
    assert caught.value.reason == "wrong_count"
    assert caught.value.body["x_openledger"]["terms"]["receiptCount"] == "1"


async def test_a_repeated_key_brings_back_the_answer_and_bills_once(running: Running) -> None:
    purchases = await running.purchases()
    body = {"model": "model-1", "input": features(running.economy)}
    headers = header(purchases) | {KEY_HEADER: "call-1"}
    first = await running.http.post("/v1/classify", body, headers)
    await running.restart()
    again = await running.http.post("/v1/classify", body, headers)
    assert again == first
    state = await running.http.get(f"/v1/channels/0x{purchases._terms.channel_id.hex()}")
    assert state["receiptCount"] == "1"


async def test_a_key_is_for_one_request(running: Running) -> None:
    purchases = await running.purchases()
    headers = header(purchases) | {KEY_HEADER: "call-1"}
    await running.http.post("/v1/classify", {"model": "model-1", "input": features(running.economy)}, headers)
    with pytest.raises(GatewayError) as caught:
        await running.http.post(
            "/v1/classify", {"model": "model-1", "input": features(running.economy, 1)}, headers
        )
    assert caught.value.status == 409


async def test_a_stranger_cannot_fetch_an_answer_by_its_key(running: Running) -> None:
    purchases = await running.purchases()
    body = {"model": "model-1", "input": features(running.economy)}
    headers = header(purchases) | {KEY_HEADER: "call-1"}
    await running.http.post("/v1/classify", body, headers)
    terms = purchases._terms
    said = Voucher(terms.channel_id, 0, FEE_WEI, purchases.tree.root().hash)
    stolen = {VOUCHER_HEADER: encode_voucher(sign_voucher(said, dev_account(3), CHAIN_ID))}
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", body, stolen | {KEY_HEADER: "call-1"})
    assert caught.value.reason == "bad_signature"


async def test_receipts_survive_a_restart(running: Running) -> None:
    purchases = await running.purchases()
    await purchases.classify(features(running.economy))
    await running.restart()
    purchases._gateway = running.http
    await purchases.classify(features(running.economy, 1))
    assert purchases.tree.count == 2


async def test_a_worker_that_fails_costs_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    purchases = await running.purchases()
    real, calls = running.pool.run, 0

    async def fail_once(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise WorkerFailedError("crashed", "out of memory", retryable=True)
        return await real(*arguments)  # type: ignore[arg-type] # passed through

    monkeypatch.setattr(running.pool, "run", fail_once)
    answer = await purchases.classify(features(running.economy))
    assert calls == 2
    assert answer["x_openledger"]["count"] == 1


async def test_a_closing_channel_buys_nothing_but_takes_acknowledgements(running: Running) -> None:
    purchases = await running.purchases()
    await purchases.classify(features(running.economy))
    channel_id = purchases._terms.channel_id
    await Sender(Ethereum(running.economy.node), dev_account(CUSTOMER)).transact(
        METERING, "requestClose", channel_id
    )
    await running.http.get(f"/v1/channels/0x{channel_id.hex()}")
    with pytest.raises(GatewayError) as caught:
        await purchases.classify(features(running.economy, 1))
    assert caught.value.reason == "channel_closing"
    await purchases.acknowledge()


@pytest.mark.parametrize("value", [None, [], [256], [-1], [1.5], ["1"], [[1], [2]], "text"])
async def test_input_that_is_no_list_of_bytes_is_refused(running: Running, value: object) -> None:
    purchases = await running.purchases()
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", {"model": "model-1", "input": value}, header(purchases))
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["model-9", "gpt", "", "model-x"])
async def test_unknown_models_are_not_found(running: Running, name: str) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/v1/classify", {"model": name, "input": [1]})
    assert caught.value.status == 404


async def test_models_have_openais_shape(running: Running) -> None:
    listed = await running.http.get("/v1/models")
    assert listed["object"] == "list"
    (model,) = listed["data"]
    assert {"id", "object", "created", "owned_by"} <= set(model)
    assert await running.http.get("/v1/models/model-1") == model


async def test_a_body_that_is_not_json_is_a_bad_request(running: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/v1/classify", data=b"{nope") as response,
    ):
        assert response.status == 400
        assert (await response.json())["error"]["type"] == "invalid_request_error"
