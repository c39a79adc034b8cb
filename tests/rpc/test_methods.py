"""Answers of the node itself, as raw JSON-RPC: shapes, tags, error codes."""

from typing import Any

import pytest
from eth_account import Account

from genesis.keccak import keccak256
from tests.rpc.asking import Ask, post
from tests.rpc.running_node import KEYS, RunningNode, address_of

ALICE = "0x" + address_of(KEYS[1]).hex()
BOB = "0x" + address_of(KEYS[2]).hex()
UNLOCKED = "0x" + address_of(KEYS[0]).hex()
NOBODY = "0x" + "ee" * 20
NO_HASH = "0x" + "ee" * 32
RETURN_SLOT_0 = "0x60005460005260206000f3"


def bump(ask: Ask, counter: str) -> Any:
    sent = ask("eth_sendTransaction", {"from": UNLOCKED, "to": counter})
    ask("evm_mine")
    return ask("eth_getTransactionReceipt", sent)


def test_unknown_things_are_null(ask: Ask) -> None:
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockReceipts"):
        assert ask(method, NO_HASH) is None
    assert ask("eth_getBlockByHash", NO_HASH, False) is None
    assert ask("eth_getBlockByNumber", "0xffffff", False) is None
    assert ask("eth_getBlockTransactionCountByNumber", "0xffffff") is None
    assert ask("eth_getTransactionByBlockNumberAndIndex", "0x0", "0x0") is None


def test_state_of_an_unknown_block_is_an_error(ask: Ask) -> None:
    for block in ("0xffffff", {"blockHash": NO_HASH}, {"blockNumber": "0xffffff"}):
        assert ask("eth_getBalance", ALICE, block)["code"] == -32000
    assert ask("eth_call", {"to": ALICE}, "0xffffff")["code"] == -32000


@pytest.mark.parametrize("tag", ["latest", "earliest", "pending", "safe", "finalized"])
def test_every_tag_reads_everywhere(ask: Ask, tag: str) -> None:
    assert ask("eth_getBalance", ALICE, tag).startswith("0x")
    assert ask("eth_getTransactionCount", ALICE, tag) == "0x0"
    assert ask("eth_getCode", ALICE, tag) == "0x"
    assert ask("eth_getStorageAt", ALICE, "0x0", tag) == "0x" + "00" * 32
    assert ask("eth_call", {"to": ALICE}, tag) == "0x"
    assert ask("eth_estimateGas", {"to": ALICE}, tag) == "0x5208"
    assert ask("eth_getBlockByNumber", tag, True)["number"].startswith("0x")
    assert ask("eth_getBlockReceipts", tag) is not None


def test_a_block_by_hash_object(ask: Ask, counter: str) -> None:
    before = ask("eth_getBlockByNumber", "latest", False)["hash"]
    bump(ask, counter)
    now = ask("eth_getStorageAt", counter, "0x0", "latest")
    then = ask("eth_getStorageAt", counter, "0x0", {"blockHash": before, "requireCanonical": True})
    assert int(now, 16) == int(then, 16) + 1
    assert ask("eth_getStorageAt", counter, "0x0", before) == then


def test_logs_by_range_by_hash_and_their_errors(ask: Ask, counter: str) -> None:
    receipt = bump(ask, counter)
    number, block_hash = receipt["blockNumber"], receipt["blockHash"]
    by_range = ask("eth_getLogs", {"fromBlock": number, "toBlock": number, "address": counter})
    assert by_range == ask("eth_getLogs", {"blockHash": block_hash}) == receipt["logs"]
    assert len(by_range) == 1
    assert set(by_range[0]) == {
        *("address", "topics", "data", "blockNumber", "blockHash", "blockTimestamp"),
        *("transactionHash", "transactionIndex", "logIndex", "removed"),
    }
    codes = [
        ask("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"})["code"],
        ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0xffffff"})["code"],
        ask("eth_getLogs", {"blockHash": block_hash, "fromBlock": "0x1"})["code"],
        ask("eth_getLogs", {"blockHash": NO_HASH})["code"],
    ]
    assert codes == [-32602, -32602, -32602, -32000]


def test_call_overrides(ask: Ask, counter: str) -> None:
    call = {"to": NOBODY}
    state = {NOBODY: {"code": RETURN_SLOT_0, "stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "2a"}}}
    assert int(ask("eth_call", call, "latest", state), 16) == 42
    number = {NOBODY: {"code": "0x4360005260206000f3"}}
    assert int(ask("eth_call", call, "latest", number, {"number": "0x1234"}), 16) == 0x1234
    rich = ask(
        "eth_estimateGas",
        {"from": NOBODY, "to": ALICE, "value": "0x1"},
        "latest",
        {NOBODY: {"balance": "0x1"}},
    )
    assert rich == "0x5208"
    assert "insufficient funds" in ask("eth_call", {"from": NOBODY, "to": ALICE, "value": "0x1"})["message"]


def test_endless_code_ends_at_the_gas_cap_or_the_clock(ask: Ask) -> None:
    endless = {NOBODY: {"code": "0x5b600056"}}
    assert ask("eth_call", {"to": NOBODY, "gas": "0xf4240"}, "latest", endless)["message"] == "out of gas"


def test_raw_encodings_hash_to_what_they_are(ask: Ask, counter: str) -> None:
    receipt = bump(ask, counter)
    block = ask("eth_getBlockByNumber", receipt["blockNumber"], False)
    raw_header = bytes.fromhex(ask("debug_getRawHeader", receipt["blockNumber"])[2:])
    assert "0x" + keccak256(raw_header).hex() == block["hash"]
    raw = bytes.fromhex(ask("debug_getRawTransaction", receipt["transactionHash"])[2:])
    assert "0x" + keccak256(raw).hex() == receipt["transactionHash"]
    assert len(ask("debug_getRawBlock", receipt["blockNumber"])) == 2 + 2 * int(block["size"], 16)
    assert len(ask("debug_getRawReceipts", receipt["blockNumber"])) == 1
    assert ask("debug_getRawBlock", "2")["code"] == -32602


def test_every_kind_of_trace_is_answered(ask: Ask, counter: str) -> None:
    receipt = bump(ask, counter)
    steps = ask("debug_traceTransaction", receipt["transactionHash"])
    assert steps["structLogs"][0]["op"] == "PUSH1"
    [whole] = ask("debug_traceBlockByNumber", receipt["blockNumber"], {"tracer": "callTracer"})
    assert whole["txHash"] == receipt["transactionHash"]
    assert whole["result"]["to"] == counter
    call = ask("debug_traceCall", {"to": counter}, "latest", {"tracer": "prestateTracer"})
    assert counter in call
    assert ask("debug_traceTransaction", NO_HASH)["code"] == -32000
    assert ask("debug_traceBlockByNumber", "0x0")["code"] == -32000
    assert ask("debug_traceTransaction", receipt["transactionHash"], {"tracer": "mine"})["code"] == -32602


def test_the_deepest_call_runs_and_is_traced(ask: Ask) -> None:
    calls_itself = {NOBODY: {"code": "0x5f5f5f5f5f305af1600160005500"}}
    call = {"to": NOBODY, "gas": hex(50_000_000)}
    assert ask("eth_call", call, "latest", calls_itself) == "0x"
    trace = ask("debug_traceCall", call, "latest", {"tracer": "callTracer", "stateOverrides": calls_itself})
    depth = 0
    while "calls" in trace:
        [trace], depth = trace["calls"], depth + 1
    assert depth > 300


def test_pool_by_sender_and_nonce(ask: Ask, node: RunningNode) -> None:
    nonce = int(ask("eth_getTransactionCount", BOB, "latest"), 16)
    for gap in (0, 2):
        fields = {
            "to": address_of(KEYS[1]),
            "gas": 21_000,
            "gasPrice": 10**10,
            "nonce": nonce + gap,
            "chainId": 31337,
        }
        raw = Account.from_key(KEYS[2]).sign_transaction(fields | {"value": 0}).raw_transaction
        assert ask("eth_sendRawTransaction", "0x" + raw.hex()).startswith("0x")
    assert ask("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    content = ask("txpool_contentFrom", BOB)
    assert list(content["pending"]) == [str(nonce)]
    assert list(content["queued"]) == [str(nonce + 2)]
    [sender] = ask("txpool_content")["pending"]
    assert sender.lower() == BOB
    assert "21000 gas" in ask("txpool_inspect")["queued"][sender][str(nonce + 2)]
    pending = ask("eth_getBlockByNumber", "pending", True)
    assert [item["nonce"] for item in pending["transactions"]] == [hex(nonce)]
    assert pending["hash"] is None
    assert ask("eth_getBlockTransactionCountByNumber", "pending") == "0x1"
    at = ("pending", "0x0")
    assert ask("eth_getTransactionByBlockNumberAndIndex", *at) == pending["transactions"][0]
    raw_ready = ask("eth_getRawTransactionByBlockNumberAndIndex", *at)
    assert raw_ready == ask("eth_getRawTransactionByHash", pending["transactions"][0]["hash"])
    assert ask("eth_getTransactionByBlockNumberAndIndex", "pending", "0x1") is None
    assert ask("eth_getBlockReceipts", "pending")["code"] == -32000
    assert ask("eth_getHeaderByNumber", "pending")["hash"] is None
    node.mine()
    assert ask("txpool_status") == {"pending": "0x0", "queued": "0x1"}


def test_bad_transactions(ask: Ask) -> None:
    assert ask("eth_sendRawTransaction", "0x")["code"] == -32000
    assert ask("eth_sendRawTransaction", "0x01ff")["code"] == -32000
    assert ask("eth_sendRawTransaction", "ff")["code"] == -32602
    assert ask("eth_sendRawTransaction", "0x7e" + "c0")["code"] == -32000
    other_chain = Account.from_key(KEYS[2]).sign_transaction(
        {"to": address_of(KEYS[1]), "gas": 21_000, "gasPrice": 10**10, "nonce": 0, "chainId": 5, "value": 0}
    )
    assert "chain id" in ask("eth_sendRawTransaction", "0x" + other_chain.raw_transaction.hex())["message"]


def test_accounts_are_changed_outside_of_blocks(ask: Ask, node: RunningNode, snapshot: None) -> None:
    assert ask("anvil_setBalance", NOBODY, "0x64") is None
    assert ask("anvil_setCode", NOBODY, RETURN_SLOT_0) is None
    assert ask("anvil_setStorageAt", NOBODY, "0x0", "0x" + "00" * 31 + "07") is True
    assert ask("hardhat_setNonce", NOBODY, "0x9") is None
    assert ask("eth_getBalance", NOBODY) == "0x64"
    assert ask("eth_getTransactionCount", NOBODY) == "0x9"
    assert int(ask("eth_call", {"to": NOBODY}), 16) == 7
    ask("evm_mine")
    assert ask("eth_getBalance", NOBODY) == "0x64"
    assert node.chain.detached


def test_snapshots_nest_and_are_used_once(ask: Ask) -> None:
    start = ask("eth_blockNumber")
    outer, inner = ask("evm_snapshot"), None
    ask("evm_mine")
    inner = ask("evm_snapshot")
    ask("anvil_mine", 3)
    assert ask("evm_revert", outer) is True
    assert ask("eth_blockNumber") == start
    assert ask("evm_revert", inner) is False
    assert ask("evm_revert", outer) is False


def test_transactions_of_reverted_blocks_return_to_the_pool(ask: Ask) -> None:
    identity = ask("evm_snapshot")
    sent = ask("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY, "value": "0x1"})
    ask("evm_mine")
    assert ask("eth_getTransactionReceipt", sent) is not None
    assert ask("evm_revert", identity) is True
    assert ask("eth_getTransactionReceipt", sent) is None
    assert ask("eth_getTransactionByHash", sent)["blockHash"] is None
    ask("evm_mine")
    assert ask("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_signing(ask: Ask) -> None:
    signature = ask("eth_sign", UNLOCKED, "0x1234")
    assert len(signature) == 132
    assert ask("personal_sign", "0x1234", UNLOCKED) == signature
    assert ask("eth_sign", ALICE, "0x1234")["message"] == "unknown account"
    signed = ask("eth_signTransaction", {"from": UNLOCKED, "to": NOBODY})
    assert signed["tx"]["to"] == NOBODY
    assert signed["tx"]["gasPrice"] is None
    assert "from" not in signed["tx"], "geth shows the transaction on its own"
    typed = {
        "types": {
            "EIP712Domain": [{"name": "name", "type": "string"}],
            "M": [{"name": "a", "type": "uint256"}],
        },
        "primaryType": "M",
        "domain": {"name": "t"},
        "message": {"a": 1},
    }
    assert len(ask("eth_signTypedData_v4", UNLOCKED, typed)) == 132
    assert ask("eth_signTypedData_v4", UNLOCKED, {"primaryType": "M"})["code"] == -32602


def test_blocks_that_left_the_chain_are_found_unless_that_matters(ask: Ask) -> None:
    identity = ask("evm_snapshot")
    ask("evm_mine")
    left = ask("eth_getBlockByNumber", "latest", False)["hash"]
    assert ask("evm_revert", identity) is True
    ask("evm_mine")
    ask("evm_increaseTime", 5)
    reads = [("eth_getBalance", [BOB]), ("eth_getBlockReceipts", [])]
    for method, params in reads:
        assert "error" not in ask(method, *params, {"blockHash": left})
        refused = ask(method, *params, {"blockHash": left, "requireCanonical": True})
        assert (refused["code"], refused["message"]) == (-32000, "hash is not currently canonical")
    unknown = {"blockHash": "0x" + "01" * 32, "requireCanonical": True}
    assert ask("eth_getBlockReceipts", unknown) is None
    assert ask("eth_getBalance", BOB, unknown)["message"] == "header for hash not found"


def test_a_witness_names_the_parent_and_is_addressed_by_content(ask: Ask, counter: str) -> None:
    block = ask("eth_getBlockByNumber", "latest", False)
    witness = ask("debug_executionWitness", block["number"])
    assert witness == ask("debug_executionWitness", block["hash"])
    assert witness["headers"][0]["hash"] == block["parentHash"]
    root = bytes.fromhex(witness["headers"][0]["stateRoot"][2:])
    assert keccak256(bytes.fromhex(witness["state"][0][2:])) == root
    assert witness["keys"] == []
    assert ask("debug_executionWitness", "0x0")["code"] == -32000
    assert ask("debug_executionWitness", "0xffff")["message"] == "block not found"


def test_headers_are_blocks_without_bodies(ask: Ask) -> None:
    block = ask("eth_getBlockByNumber", "latest", False)
    header = ask("eth_getHeaderByNumber", block["number"])
    assert header == ask("eth_getHeaderByHash", block["hash"])
    assert header == {name: block[name] for name in header}
    assert set(block) - set(header) == {"size", "transactions", "uncles", "withdrawals"}
    assert ask("eth_getHeaderByNumber", "0xffff") is None
    assert ask("eth_getHeaderByNumber", hex(2**63))["code"] == -32602


def test_proofs_name_each_key_in_its_own_form(ask: Ask, counter: str) -> None:
    full = "0x" + "00" * 31 + "0A"
    proof = ask("eth_getProof", counter, ["0x0a", "a", full, "0x0"], "latest")
    assert [item["key"] for item in proof["storageProof"]] == ["0xa", "0xa", full.lower(), "0x0"]


def test_impossible_calls_are_named(ask: Ask, counter: str) -> None:
    blob = "0x01" + "00" * 31
    cases = [
        ({"to": counter, "blobVersionedHashes": []}, "missing blob hashes"),
        ({"blobVersionedHashes": [blob]}, "type create"),
        ({"to": counter, "authorizationList": []}, "empty auth list"),
        ({"authorizationList": []}, "cannot be used to create"),
        ({"to": counter, "chainId": "0x1"}, "does not match"),
    ]
    for call, words in cases:
        error = ask("eth_call", call)
        assert (error["code"], words in error["message"]) == (-32000, True), error


def test_estimates_are_bounded_by_what_can_be_paid(ask: Ask, counter: str) -> None:
    assert ask("eth_estimateGas", {"to": counter, "gas": "0x10"}) == ask("eth_estimateGas", {"to": counter})
    poor = {"from": "0x" + "a7" * 20, "to": counter, "gasPrice": "0x77359400"}
    assert ask("eth_estimateGas", poor)["message"] == "insufficient funds for transfer"
    little = ask("eth_estimateGas", poor, "latest", {poor["from"]: {"balance": "0x77359400"}})
    assert little["message"] == "gas required exceeds allowance (1)"


def test_fee_history_bounds(ask: Ask) -> None:
    head = int(ask("eth_blockNumber"), 16)
    assert len(ask("eth_feeHistory", "0xffff", "latest", [])["gasUsedRatio"]) == head + 1
    assert ask("eth_feeHistory", "0x1", hex(head + 5), [])["code"] == -32000
    for percentiles in ([50, 10], [10, 10], [101], [-1], list(range(101))):
        assert ask("eth_feeHistory", "0x1", "latest", percentiles)["code"] == -32000
    for junk in (["50"], [True], [None], "50"):
        assert ask("eth_feeHistory", "0x1", "latest", junk)["code"] == -32602
    assert ask("eth_blobBaseFee") == "0x1"


def test_batch_over_http(node: RunningNode) -> None:
    batch = [{"jsonrpc": "2.0", "id": i, "method": "eth_blockNumber"} for i in range(100)]
    assert [item["id"] for item in post(node.url, batch)] == list(range(100))


def test_every_namespace_is_listed(ask: Ask) -> None:
    assert set(ask("rpc_modules")) >= {"eth", "net", "web3", "txpool", "debug", "rpc", "evm", "anvil"}
    assert "optimism" not in ask("rpc_modules")


def test_a_node_says_what_it_is(ask: Ask) -> None:
    assert ask("anvil_nodeInfo")["environment"]["chainId"] == 31337
    assert ask("web3_sha3", "0x") == "0x" + keccak256(b"").hex()
    assert ask("eth_syncing") is False
    assert ask("eth_accounts") == [UNLOCKED]
