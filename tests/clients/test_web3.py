"""web3.py 8 against the running L2: deploy, call, logs, estimates, reverts, subscriptions."""

import asyncio
import json
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3, Web3
from web3.exceptions import (
    ContractCustomError,
    ContractLogicError,
    ContractPanicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.middleware import SignAndSendRawMiddlewareBuilder
from web3.providers.persistent import WebSocketProvider
from web3.types import FilterParams, LogsSubscriptionArg

from genesis.addresses import GAS_PRICE_ORACLE, L1_BLOCK, SEQUENCER_FEE_VAULT
from genesis.predeploys import ARTIFACTS as PREDEPLOYS
from tests.clients.accounts import COIN, fresh_account
from tests.clients.notebook import ABI, BYTECODE
from tests.integration.network import DevNode

Client = Any
"""web3.py's own objects: its parameter types are stricter than what it takes."""
RECEIPT_PATIENCE_S = 30
STRANGER = "0x1111111111111111111111111111111111111111"
SUBSCRIPTION_PATIENCE_S = 20


@pytest.fixture(scope="module")
def w3(l2: Web3, account: LocalAccount) -> Client:
    """A client whose transactions web3.py fills in, signs and sends itself."""
    client = Web3(l2.provider)
    client.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    client.eth.default_account = account.address
    return client


def mined(w3: Client, transaction_hash: Any) -> Any:
    return w3.eth.wait_for_transaction_receipt(transaction_hash, RECEIPT_PATIENCE_S, poll_latency=0.1)


@pytest.fixture(scope="module")
def notebook(w3: Client) -> Client:
    receipt = mined(
        w3, w3.eth.contract(abi=ABI, bytecode=BYTECODE).constructor("first").transact({"value": 7})
    )
    assert receipt["status"] == 1
    assert w3.eth.get_balance(receipt["contractAddress"]) == 7
    return w3.eth.contract(receipt["contractAddress"], abi=ABI)


def test_deployed_contract_is_called(w3: Client, notebook: Client, account: LocalAccount) -> None:
    assert notebook.functions.owner().call() == account.address
    assert notebook.functions.texts(1).call() == "first"
    assert len(w3.eth.get_code(notebook.address)) > 500


def test_transaction_and_its_receipt_agree_with_their_block(w3: Client, notebook: Client) -> None:
    receipt = mined(w3, notebook.functions.write("receipt").transact())
    block = w3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    transaction = w3.eth.get_transaction(receipt["transactionHash"])
    assert receipt["blockHash"] == transaction["blockHash"] == block["hash"]
    assert block["transactions"][receipt["transactionIndex"]] == transaction
    assert transaction["type"] == receipt["type"] == 2
    assert block["baseFeePerGas"] <= receipt["effectiveGasPrice"] <= transaction["maxFeePerGas"]
    assert w3.to_checksum_address(SEQUENCER_FEE_VAULT) == block["miner"]


def test_block_opens_with_the_l1_attributes(w3: Client) -> None:
    deposit = w3.eth.get_block("latest", full_transactions=True)["transactions"][0]
    assert deposit["type"] == 0x7E
    assert deposit["from"] == "0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001"
    assert deposit["to"] == w3.to_checksum_address(L1_BLOCK)
    assert w3.eth.get_transaction_receipt(deposit["hash"])["status"] == 1


def test_sender_pays_gas_and_l1_fee_and_no_more(w3: Client, notebook: Client, account: LocalAccount) -> None:
    before = w3.eth.get_balance(account.address)
    receipt = mined(w3, notebook.functions.write("what it costs").transact())
    after = w3.eth.get_balance(account.address, receipt["blockNumber"])
    l1_fee_wei = int(receipt["l1Fee"], 16)
    assert l1_fee_wei > 0
    assert before - after == receipt["gasUsed"] * receipt["effectiveGasPrice"] + l1_fee_wei


def test_an_account_can_be_emptied_but_for_the_l1_fee(w3: Client, l2: Web3) -> None:
    leaving = fresh_account(l2, 1)
    oracle_abi = json.loads((PREDEPLOYS / "GasPriceOracle.json").read_text())["abi"]
    oracle = w3.eth.contract(w3.to_checksum_address(GAS_PRICE_ORACLE), abi=oracle_abi)
    price_wei = 2 * w3.eth.gas_price
    l2_fee_wei = 21_000 * price_wei
    transfer = {"to": STRANGER, "gas": 21_000, "gasPrice": price_wei, "nonce": 0, "chainId": w3.eth.chain_id}

    def signed(value_wei: int) -> Any:
        return leaving.sign_transaction(transfer | {"value": value_wei}).raw_transaction

    with pytest.raises(Web3RPCError, match="insufficient funds for gas"):
        w3.eth.send_raw_transaction(signed(COIN - l2_fee_wei))
    reserve_wei = 2 * oracle.functions.getL1FeeUpperBound(len(signed(1))).call()
    receipt = mined(w3, w3.eth.send_raw_transaction(signed(COIN - l2_fee_wei - reserve_wei)))
    assert receipt["status"] == 1
    assert w3.eth.get_balance(leaving.address) == reserve_wei - int(receipt["l1Fee"], 16)


def test_logs_by_event_by_range_by_topic_and_by_filter(
    w3: Client, notebook: Client, account: LocalAccount
) -> None:
    created = notebook.events.Noted.create_filter(from_block="latest")
    receipt = mined(w3, notebook.functions.write("logged").transact())
    [event] = notebook.events.Noted().process_receipt(receipt)
    assert event["args"] == {"author": account.address, "number": event["args"]["number"], "text": "logged"}
    here = {"from_block": receipt["blockNumber"], "to_block": receipt["blockNumber"]}
    assert notebook.events.Noted().get_logs(**here) == [event]
    named = {"author": account.address, "number": event["args"]["number"]}
    assert notebook.events.Noted().get_logs(from_block=0, argument_filters=named) == [event]
    assert notebook.events.Noted().get_logs(from_block=0, argument_filters=named | {"number": 10**9}) == []
    by_block: FilterParams = {"blockHash": receipt["blockHash"], "address": notebook.address}
    assert [log["logIndex"] for log in w3.eth.get_logs(by_block)] == [event["logIndex"]]
    assert event in created.get_new_entries()
    assert w3.eth.uninstall_filter(created.filter_id)


def test_estimate_is_enough_and_least(w3: Client, notebook: Client) -> None:
    call = notebook.functions.write("estimated")
    gas = call.estimate_gas()
    assert mined(w3, call.transact({"gas": gas}))["status"] == 1
    again = notebook.functions.write("estimated").estimate_gas()
    assert mined(w3, call.transact({"gas": again - 1}))["status"] == 0


def test_custom_error_is_decoded(notebook: Client) -> None:
    with pytest.raises(ContractCustomError) as caught:
        notebook.functions.write("x" * 65).call()
    data = bytes.fromhex(str(caught.value.data)[2:])
    assert data[:4] == Web3.keccak(text="TextTooLong(uint256,uint256)")[:4]
    assert notebook.w3.codec.decode(["uint256", "uint256"], data[4:]) == (65, 64)


def test_revert_reasons_panics_and_silence(notebook: Client) -> None:
    elsewhere = {"from": STRANGER}
    with pytest.raises(ContractLogicError, match="only the owner resets"):
        notebook.functions.reset().call(elsewhere)
    with pytest.raises(ContractLogicError, match="only the owner resets"):
        notebook.functions.reset().estimate_gas(elsewhere)
    with pytest.raises(ContractPanicError, match="Division by zero"):
        notebook.functions.divide(1, 0).call()
    with pytest.raises(ContractLogicError, match="execution reverted"):
        notebook.functions.refuse().call()


def test_refusals_are_told_apart(w3: Client, account: LocalAccount) -> None:
    with pytest.raises(Web3RPCError, match="nonce too low"):
        w3.eth.send_transaction({"to": account.address, "nonce": 0, "gas": 21_000})
    with pytest.raises(Web3RPCError, match="insufficient funds for gas"):
        w3.eth.send_transaction({"to": account.address, "value": 10**24, "gas": 21_000})
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction_receipt("0x" + "00" * 32)


def test_deposits_come_from_l1_only(w3: Client) -> None:
    attributes = w3.eth.get_block("latest")["transactions"][0]
    raw = w3.eth.get_raw_transaction(attributes)
    assert raw[0] == 0x7E
    with pytest.raises(Web3RPCError, match="transaction type not supported"):
        w3.eth.send_raw_transaction(raw)


def test_state_overrides_and_history(w3: Client, notebook: Client) -> None:
    receipt = mined(w3, notebook.functions.write("one more").transact())
    count = notebook.functions.count().call()
    assert notebook.functions.count().call(block_identifier=receipt["blockNumber"] - 1) < count
    override = {notebook.address: {"stateDiff": {"0x" + "00" * 32: "0x" + (77).to_bytes(32).hex()}}}
    assert notebook.functions.count().call(state_override=override) == 77
    assert int.from_bytes(w3.eth.get_storage_at(notebook.address, 0)) == count


def test_heads_are_in_order(w3: Client) -> None:
    finalized, safe, latest = (w3.eth.get_block(tag)["number"] for tag in ("finalized", "safe", "latest"))
    assert finalized <= safe <= latest
    assert w3.eth.get_block("pending")["number"] >= latest


def test_fees_are_what_the_next_block_takes(w3: Client) -> None:
    history = w3.eth.fee_history(4, "latest", [25, 75])
    assert len(history["baseFeePerGas"]) == 5
    assert len(history["reward"]) == len(history["gasUsedRatio"]) == 4
    assert w3.eth.gas_price >= w3.eth.max_priority_fee
    assert w3.eth.get_block(history["oldestBlock"])["baseFeePerGas"] == history["baseFeePerGas"][0]


def test_proof_leads_to_the_state_root(w3: Client, notebook: Client) -> None:
    number = w3.eth.block_number
    proof = w3.eth.get_proof(notebook.address, [0], number)
    assert w3.keccak(proof["accountProof"][0]) == w3.eth.get_block(number)["stateRoot"]
    count = notebook.functions.count().call(block_identifier=number)
    assert int.from_bytes(proof["storageProof"][0]["value"]) == count


async def test_subscriptions_over_websocket(
    dev_node: DevNode, w3: Client, notebook: Client, account: LocalAccount
) -> None:
    url = dev_node.url("rpc").replace("http", "ws")
    wanted: LogsSubscriptionArg = {"address": notebook.address}
    async with asyncio.timeout(SUBSCRIPTION_PATIENCE_S), AsyncWeb3(WebSocketProvider(url)) as socket:
        heads = await socket.eth.subscribe("newHeads")
        logs = await socket.eth.subscribe("logs", wanted)
        pending = await socket.eth.subscribe("newPendingTransactions")
        sent = await asyncio.to_thread(notebook.functions.write("told at once").transact)
        told: dict[str, list[Any]] = {heads: [], logs: [], pending: []}
        async for message in socket.socket.process_subscriptions():
            told[message["subscription"]].append(message["result"])
            if len(told[heads]) >= 2 and told[logs]:
                break
        assert sent in told[pending]
        assert told[logs][0]["transactionHash"] == sent
        first, second = told[heads][:2]
        assert second["parentHash"] == first["hash"]
        assert await socket.eth.unsubscribe(heads)
        assert (await socket.eth.get_transaction_receipt(sent))["from"] == account.address
