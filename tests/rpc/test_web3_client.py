"""The node as web3.py sees it: deploy, call, logs, estimates, reverts; over HTTP and WebSocket."""

import json
from importlib.resources import files
from typing import Any

import pytest
from eth_account import Account
from web3 import AsyncWeb3, Web3
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError
from web3.providers.persistent import WebSocketProvider

from tests.rpc.running_node import FAUCET_KEY, KEYS, RICH_WEI, RunningNode, address_of

ALICE, BOB = Account.from_key(KEYS[1]), Account.from_key(KEYS[2])
Client = Any
"""web3.py's own objects: its parameter types are stricter than what it takes."""
TOKEN = json.loads((files("rollup_bridge") / "contracts/artifacts/OpenToken.json").read_text())


@pytest.fixture(scope="module")
def w3(node: RunningNode) -> Client:
    return Web3(Web3.HTTPProvider(node.url))


def send(node: RunningNode, w3: Client, account: Any, transaction: Any) -> Any:
    """Fill in what a wallet fills in, sign, send, mine, and give the receipt."""
    filled = {
        "from": account.address,
        "nonce": w3.eth.get_transaction_count(account.address, "pending"),
        "chainId": w3.eth.chain_id,
        "maxFeePerGas": 3 * w3.eth.gas_price,
        "maxPriorityFeePerGas": w3.eth.max_priority_fee,
    } | transaction
    if "gas" not in filled:
        filled["gas"] = w3.eth.estimate_gas(filled)
    transaction_hash = w3.eth.send_raw_transaction(account.sign_transaction(filled).raw_transaction)
    node.mine()
    return w3.eth.wait_for_transaction_receipt(transaction_hash, timeout=5, poll_latency=0.01)


@pytest.fixture(scope="module")
def token(node: RunningNode, w3: Client) -> Client:
    factory = w3.eth.contract(abi=TOKEN["abi"], bytecode=TOKEN["bytecode"])
    receipt = send(node, w3, ALICE, {"data": factory.constructor(ALICE.address).data_in_transaction})
    assert receipt["status"] == 1
    return w3.eth.contract(receipt["contractAddress"], abi=TOKEN["abi"])


def test_web3_knows_who_answers(w3: Client) -> None:
    assert w3.is_connected(show_traceback=True)
    assert w3.eth.chain_id == 31337
    assert w3.net.version == "31337"
    assert w3.client_version == "openledger-node/test"


def test_genesis_and_head(node: RunningNode, w3: Client) -> None:
    assert w3.eth.get_block(0)["hash"] == node.chain.genesis.header.hash
    node.mine(2)
    head = w3.eth.get_block("latest", full_transactions=True)
    assert head["number"] == w3.eth.block_number
    assert w3.eth.get_block(head["hash"])["number"] == head["number"]
    assert w3.eth.get_block("pending")["number"] == head["number"] + 1
    assert w3.eth.get_block("finalized")["number"] <= head["number"]


def test_web3_sends_value(node: RunningNode, w3: Client) -> None:
    target = w3.to_checksum_address("0x" + "77" * 20)
    receipt = send(node, w3, ALICE, {"to": target, "value": 12345})
    assert receipt["gasUsed"] == 21_000
    assert w3.eth.get_balance(target) == 12345
    assert w3.eth.get_balance(target, receipt["blockNumber"] - 1) == 0
    found = w3.eth.get_transaction(receipt["transactionHash"])
    assert found["blockNumber"] == receipt["blockNumber"]
    assert found["from"] == ALICE.address
    assert "l1Fee" not in receipt


def test_token_calls_and_logs(node: RunningNode, w3: Client, token: Client) -> None:
    assert token.functions.symbol().call() == "OPEN"
    receipt = send(
        node, w3, ALICE, {"to": token.address, "data": token.encode_abi("transfer", [BOB.address, 5])}
    )
    [event] = token.events.Transfer().process_receipt(receipt)
    assert event["args"]["value"] == 5
    logs = token.events.Transfer.get_logs(from_block=0, argument_filters={"to": BOB.address})
    assert [item["args"]["value"] for item in logs] == [5]
    assert token.functions.balanceOf(BOB.address).call() == 5
    assert token.functions.balanceOf(BOB.address).call(block_identifier=receipt["blockNumber"] - 1) == 0


def test_custom_error_is_decoded(w3: Client, token: Client) -> None:
    poor = w3.to_checksum_address("0x" + "99" * 20)
    with pytest.raises(ContractCustomError) as caught:
        token.functions.transfer(BOB.address, 1).call({"from": poor})
    selector = w3.keccak(text="ERC20InsufficientBalance(address,uint256,uint256)")[:4]
    assert str(caught.value.data).startswith("0x" + selector.hex())


def test_revert_string_of_call_and_estimate(w3: Client) -> None:
    reason = bytes.fromhex("08c379a0") + (32).to_bytes(32) + (4).to_bytes(32) + b"nope".ljust(32, b"\0")
    # Init code that reverts with `reason`, appended as data.
    code = bytes.fromhex("6064601060003960646000fd").ljust(16, b"\0") + reason
    for attempt in (w3.eth.call, w3.eth.estimate_gas):
        with pytest.raises(ContractLogicError, match="execution reverted: nope"):
            attempt({"from": ALICE.address, "data": code})


def test_estimate_is_enough_and_least(node: RunningNode, w3: Client, token: Client) -> None:
    call = {
        "from": ALICE.address,
        "to": token.address,
        "data": token.encode_abi("transfer", [BOB.address, 1]),
    }
    gas = w3.eth.estimate_gas(call)
    assert send(node, w3, ALICE, call | {"gas": gas})["status"] == 1
    assert send(node, w3, ALICE, call | {"gas": gas - 1})["status"] == 0


def test_refused_transactions_use_the_words_wallets_know(w3: Client) -> None:
    base = {
        "to": BOB.address,
        "gas": 21_000,
        "chainId": 31337,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "value": 0,
    }
    cases = [
        ({"nonce": 0}, "nonce too low"),
        ({"nonce": 100, "value": RICH_WEI}, "insufficient funds for gas"),
        ({"nonce": 100, "gas": 20_999}, "intrinsic gas too low"),
        ({"nonce": 100, "gas": 40_000_000}, "exceeds block gas limit"),
    ]
    for change, words in cases:
        raw = ALICE.sign_transaction(base | change).raw_transaction
        with pytest.raises(Web3RPCError, match=words):
            w3.eth.send_raw_transaction(raw)


def test_pool_shows_and_replaces(node: RunningNode, w3: Client) -> None:
    nonce = w3.eth.get_transaction_count(BOB.address)
    base = {"to": ALICE.address, "gas": 21_000, "chainId": 31337, "nonce": nonce, "value": 1}
    low = base | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    first = w3.eth.send_raw_transaction(BOB.sign_transaction(low).raw_transaction)
    assert w3.eth.get_transaction(first)["blockHash"] is None
    assert w3.eth.get_transaction_count(BOB.address, "pending") == nonce + 1
    with pytest.raises(Web3RPCError, match="already known"):
        w3.eth.send_raw_transaction(BOB.sign_transaction(low).raw_transaction)
    slightly = base | {"maxFeePerGas": 10**10 + 1, "maxPriorityFeePerGas": 10**9 + 1}
    with pytest.raises(Web3RPCError, match="replacement transaction underpriced"):
        w3.eth.send_raw_transaction(BOB.sign_transaction(slightly).raw_transaction)
    high = base | {"maxFeePerGas": 2 * 10**10, "maxPriorityFeePerGas": 2 * 10**9}
    second = w3.eth.send_raw_transaction(BOB.sign_transaction(high).raw_transaction)
    node.mine()
    assert w3.eth.get_transaction_receipt(second)["status"] == 1
    assert w3.eth.get_transaction_count(BOB.address) == nonce + 1


def test_unlocked_account_signs(node: RunningNode, w3: Client) -> None:
    [unlocked] = w3.eth.accounts
    transaction_hash = w3.eth.send_transaction({"from": unlocked, "to": BOB.address, "value": 3})
    node.mine()
    assert w3.eth.get_transaction_receipt(transaction_hash)["status"] == 1
    with pytest.raises(Web3RPCError, match="unknown account"):
        w3.eth.send_transaction({"from": ALICE.address, "to": BOB.address, "value": 3})


def test_fee_history(node: RunningNode, w3: Client) -> None:
    node.mine(3)
    history = w3.eth.fee_history(3, "latest", [10, 90])
    assert len(history["baseFeePerGas"]) == 4
    assert len(history["gasUsedRatio"]) == 3
    assert all(len(row) == 2 for row in history["reward"])
    assert "reward" not in w3.eth.fee_history(1, "latest")


def test_proof_of_a_balance(w3: Client, token: Client) -> None:
    proof = w3.eth.get_proof(token.address, [0], "latest")
    assert len(proof["storageProof"]) == 1
    assert w3.keccak(proof["accountProof"][0]) == w3.eth.get_block("latest")["stateRoot"]


def test_web3_polls_filters(node: RunningNode, w3: Client, token: Client) -> None:
    blocks = w3.eth.filter("latest")
    events = w3.eth.filter({"address": token.address})
    send(node, w3, ALICE, {"to": token.address, "data": token.encode_abi("transfer", [BOB.address, 2])})
    assert len(blocks.get_new_entries()) == 1
    assert len(events.get_new_entries()) == 1
    assert events.get_new_entries() == []
    assert w3.eth.uninstall_filter(blocks.filter_id)


def test_web3_traces_a_transaction(node: RunningNode, w3: Client, token: Client) -> None:
    receipt = send(
        node, w3, ALICE, {"to": token.address, "data": token.encode_abi("transfer", [BOB.address, 1])}
    )
    request = w3.provider.make_request
    trace = request(
        "debug_traceTransaction", [receipt["transactionHash"].to_0x_hex(), {"tracer": "callTracer"}]
    )
    assert trace["result"]["type"] == "CALL"
    steps = request("debug_traceTransaction", [receipt["transactionHash"].to_0x_hex()])
    assert steps["result"]["failed"] is False


def test_access_list(w3: Client, token: Client) -> None:
    call = {
        "from": ALICE.address,
        "to": token.address,
        "data": token.encode_abi("transfer", [BOB.address, 1]),
    }
    created = w3.eth.create_access_list(call)
    assert [entry["address"] for entry in created["accessList"]] == [token.address]
    assert len(created["accessList"][0]["storageKeys"]) == 2


def test_faucet_and_time(node: RunningNode, w3: Client) -> None:
    target = "0x" + "ab" * 20
    request = w3.provider.make_request
    assert "result" in request("openledger_fundAddress", [target])
    before = w3.eth.get_block("latest")["timestamp"]
    request("evm_increaseTime", [3600])
    request("evm_mine", [])
    assert w3.eth.get_balance(w3.to_checksum_address(target)) == 100 * 10**18
    assert w3.eth.get_block("latest")["timestamp"] >= before + 3600
    assert w3.eth.get_balance(w3.to_checksum_address(address_of(FAUCET_KEY))) < RICH_WEI


async def test_websocket_subscriptions(node: RunningNode) -> None:
    async with AsyncWeb3(WebSocketProvider(node.ws_url)) as w3:
        assert await w3.eth.chain_id == 31337
        await w3.eth.subscribe("newHeads")
        node.mine(2)
        numbers = []
        async for message in w3.socket.process_subscriptions():
            numbers.append(message["result"]["number"])
            if len(numbers) == 2:
                break
        assert numbers[1] == numbers[0] + 1 == await w3.eth.block_number
