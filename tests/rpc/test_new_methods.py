"""Simulations, filled transactions, receipts waited for, configuration and OpenRPC, as raw JSON-RPC."""

import threading
from typing import Any

import pytest

from openledger_node.evm.transactions import decode_transaction
from tests.rpc.asking import Ask
from tests.rpc.running_node import KEYS, SPEC, RunningNode, address_of

UNLOCKED = "0x" + address_of(KEYS[0]).hex()
ALICE = "0x" + address_of(KEYS[1]).hex()
NOBODY = "0x" + "ee" * 20
POOR = "0x" + "99" * 20

pytestmark = pytest.mark.usefixtures("snapshot")


# --- eth_simulateV1: the engine's own rules are tested there ----------------------------------------------


def simulate(ask: Ask, *blocks: Any, **options: Any) -> Any:
    return ask("eth_simulateV1", {"blockStateCalls": list(blocks), **options}, "latest")


def test_a_simulated_block_has_a_blocks_fields_and_its_calls(ask: Ask) -> None:
    call = {"from": ALICE, "to": NOBODY, "value": "0x5"}
    (made,) = simulate(ask, {"calls": [call]}, returnFullTransactions=True, traceTransfers=True)
    real = ask("eth_getBlockByNumber", "latest", True)
    assert made.keys() - {"calls"} == real.keys()
    (transaction,) = made["transactions"]
    assert (transaction["from"], transaction["type"], transaction["hash"]) == (
        ALICE,
        "0x2",
        made["calls"][0]["logs"][0]["transactionHash"],
    )
    assert made["calls"][0]["status"] == "0x1"
    (hashes,) = simulate(ask, {"calls": [call]})
    assert hashes["transactions"] == [transaction["hash"]]
    assert hashes["hash"] == made["hash"]


@pytest.mark.parametrize(
    ("code", "block", "options"),
    [
        (-38010, {"calls": [{"from": UNLOCKED, "to": NOBODY, "nonce": "0x0"}] * 2}, {"validation": True}),
        (-38011, {"calls": [{"from": UNLOCKED, "to": NOBODY, "nonce": "0xfff"}]}, {"validation": True}),
        (-38012, {"calls": [{"from": UNLOCKED, "maxFeePerGas": "0x1"}]}, {"validation": True}),
        (-38013, {"calls": [{"from": UNLOCKED, "to": NOBODY, "gas": "0x1"}]}, {}),
        (-38014, {"calls": [{"from": POOR, "to": NOBODY, "value": "0x1"}]}, {}),
        (-38015, {"calls": [{"from": POOR, "to": NOBODY, "gas": "0xffffffffff"}]}, {}),
        (-38020, {"blockOverrides": {"number": "0x0"}}, {}),
        (-38021, {"blockOverrides": {"time": "0x0"}}, {}),
        (-38025, {"calls": [{"from": UNLOCKED, "input": "0x" + "00" * 49_153}]}, {}),
        (-38026, {"blockOverrides": {"number": "0xffffff"}}, {}),
        (-32000, {"stateOverrides": {NOBODY: {"movePrecompileToAddress": POOR}}}, {}),
        (-32000, {"stateOverrides": {NOBODY: {"state": {}, "stateDiff": {}}}}, {}),
        (-32602, {"calls": [{"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}]}, {}),
        (-32602, {"calls": [{"gasPrice": "0x1", "maxFeePerGas": "0x2"}]}, {}),
        (-32602, {"calls": "all"}, {}),
        (-32602, {"blockOverrides": {"withdrawals": [{}]}}, {}),
        (-32603, {"calls": [{"blobVersionedHashes": [], "to": NOBODY}]}, {}),
        (-32000, {"calls": [{"chainId": "0x1"}]}, {}),
    ],
)
def test_codes_of_what_is_refused(ask: Ask, code: int, block: Any, options: Any) -> None:
    if options:
        block = block | {"blockOverrides": {"baseFeePerGas": "0x2"}}
        block = {**block, "calls": [{"maxFeePerGas": "0x2"} | call for call in block["calls"]]}
    answer = simulate(ask, block, **options)
    assert isinstance(answer, dict), answer
    assert answer["code"] == code, answer


def test_requests_that_are_no_simulation(ask: Ask) -> None:
    requests: list[Any] = [
        {},
        {"blockStateCalls": []},
        {"blockStateCalls": {}},
        [],
        {"blockStateCalls": [[]]},
    ]
    for bad in requests:
        assert ask("eth_simulateV1", bad)["code"] == -32602
    assert ask("eth_simulateV1", {"blockStateCalls": [{}]}, "0xffffff")["code"] == -32000
    assert len(ask("eth_simulateV1", {"blockStateCalls": [{}]})) == 1


def test_failures_of_calls_have_codes_of_their_own(ask: Ask) -> None:
    message = "08c379a0" + f"{32:064x}" + f"{3:064x}" + b"why".hex().ljust(64, "0")
    size = len(message) // 2
    revert = f"0x60{size:02x}600c60003960{size:02x}6000fd" + message
    overrides = {NOBODY: {"code": revert}, POOR: {"code": "0xfe"}}
    calls = [{"to": NOBODY}, {"to": POOR, "gas": "0x7530"}]
    (made,) = simulate(ask, {"stateOverrides": overrides, "calls": calls})
    reverted, halted = made["calls"]
    assert reverted["error"] == {"code": 3, "message": "execution reverted: why", "data": "0x" + message}
    assert halted["error"] == {"code": -32015, "message": "invalid opcode: INVALID"}
    assert (reverted["returnData"], halted["status"]) == ("0x", "0x0")


# --- transactions -----------------------------------------------------------------------------------------


def test_what_a_client_leaves_out_is_filled_in(ask: Ask) -> None:
    filled = ask("eth_fillTransaction", {"from": ALICE, "to": NOBODY, "value": "0x1"})["tx"]
    assert (filled["type"], filled["gas"], filled["to"]) == ("0x2", "0x5208", NOBODY)
    assert int(filled["maxFeePerGas"], 16) > int(filled["maxPriorityFeePerGas"], 16)
    assert filled["nonce"] == ask("eth_getTransactionCount", ALICE, "pending")
    assert int(filled["chainId"], 16) == SPEC.chain_id


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"gasPrice": "0x77359400"}, "0x0"),
        ({"gasPrice": "0x77359400", "accessList": []}, "0x1"),
        ({"accessList": []}, "0x2"),
        ({"authorizationList": []}, "0x4"),
    ],
)
def test_given_fields_decide_the_type(ask: Ask, given: Any, kind: str) -> None:
    filled = ask(
        "eth_fillTransaction", {"from": ALICE, "to": NOBODY, "gas": "0x5208", "nonce": "0x7"} | given
    )
    assert (filled["tx"]["type"], filled["tx"]["nonce"]) == (kind, "0x7")


def test_what_can_be_no_transaction_is_not_filled(ask: Ask) -> None:
    assert ask("eth_fillTransaction", {"from": ALICE})["code"] == -32602
    assert ask("eth_fillTransaction", {"from": ALICE, "to": NOBODY, "chainId": "0x1"})["code"] == -32000
    assert ask("eth_fillTransaction", {"from": ALICE, "blobVersionedHashes": []})["code"] == -32602


def test_signing_fills_the_same(ask: Ask) -> None:
    authorization = {
        "chainId": "0x0", "address": POOR, "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1",
    }  # fmt: skip
    signed = ask(
        "eth_signTransaction",
        {"from": UNLOCKED, "to": NOBODY, "gas": "0x186a0", "authorizationList": [authorization]},
    )
    read = decode_transaction(bytes.fromhex(signed["raw"][2:]), SPEC.chain_id)
    assert (read.type, "0x" + read.sender.hex(), len(read.authorizations)) == (4, UNLOCKED, 1)


def test_a_receipt_is_waited_for(ask: Ask, node: RunningNode) -> None:
    raw = ask("eth_signTransaction", {"from": UNLOCKED, "to": NOBODY})["raw"]
    miner = threading.Timer(0.3, node.mine)
    miner.start()
    receipt = ask("eth_sendRawTransactionSync", raw)
    miner.join()
    assert receipt == ask("eth_getTransactionReceipt", receipt["transactionHash"])


def test_a_receipt_that_does_not_come_is_an_error_with_the_hash(ask: Ask) -> None:
    raw = ask("eth_signTransaction", {"from": UNLOCKED, "to": NOBODY})["raw"]
    answer = ask("eth_sendRawTransactionSync", raw, 100)
    assert answer["code"] == 4
    assert ask("eth_getTransactionByHash", answer["data"])["blockHash"] is None
    assert ask("eth_sendRawTransactionSync", "0x02")["code"] == -32000


def test_access_lists_name_accounts_that_do_not_exist_too(ask: Ask, counter: str) -> None:
    assert ask("eth_createAccessList", {"to": counter})["accessList"] == [
        {"address": counter, "storageKeys": ["0x" + "00" * 32]}
    ]
    asks_balance = {NOBODY: {"code": "0x73" + "12" * 20 + "3100"}}
    listed = ask("eth_createAccessList", {"to": NOBODY}, "latest", asks_balance)
    assert listed["accessList"] == [{"address": "0x" + "12" * 20, "storageKeys": []}]
    asks_precompile = {NOBODY: {"code": "0x73" + "00" * 19 + "043100"}}
    assert ask("eth_createAccessList", {"to": NOBODY}, "latest", asks_precompile)["accessList"] == []
    reverting = ask("eth_createAccessList", {"to": NOBODY}, "latest", {NOBODY: {"code": "0x5f545f5ffd"}})
    assert reverting["error"] == "execution reverted"
    assert reverting["accessList"][0]["address"] == NOBODY


def test_creations_list_slots_of_the_contract_they_make(ask: Ask) -> None:
    listed = ask("eth_createAccessList", {"from": ALICE, "input": "0x5f54505f5ff3"})
    assert len(listed["accessList"]) == 1
    assert listed["accessList"][0]["storageKeys"] == ["0x" + "00" * 32]


def test_calls_see_blob_hashes_and_overridden_blob_fees(ask: Ask) -> None:
    show_hash, show_fee = "0x5f495f5260205ff3", "0x4a5f5260205ff3"
    blob_hash = "0x01" + "22" * 31
    call = {"to": NOBODY, "blobVersionedHashes": [blob_hash]}
    assert ask("eth_call", call, "latest", {NOBODY: {"code": show_hash}}) == blob_hash
    assert int(ask("eth_call", call, "latest", {NOBODY: {"code": show_fee}}), 16) == 0, "free, as gas is"
    plain = {"to": NOBODY}
    assert int(ask("eth_call", plain, "latest", {NOBODY: {"code": show_fee}}), 16) == 1
    override = {"blobBaseFee": "0x9"}
    assert int(ask("eth_call", plain, "latest", {NOBODY: {"code": show_fee}}, override), 16) == 9
    assert ask("eth_call", {"to": NOBODY, "blobVersionedHashes": ["0x" + "00" * 32]})["code"] == -32000


# --- the node ---------------------------------------------------------------------------------------------


def test_the_configuration_names_fork_precompiles_and_contracts(ask: Ask) -> None:
    config = ask("eth_config")
    assert (config["next"], config["last"]) == (None, None)
    current = config["current"]
    assert current["blobSchedule"] == {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716}
    assert current["precompiles"]["BLS12_MAP_FP2_TO_G2"] == "0x" + "11".rjust(40, "0")
    assert set(current["systemContracts"]) == {"BEACON_ROOTS_ADDRESS", "HISTORY_STORAGE_ADDRESS"}
    assert (current["activationTime"], len(current["forkId"])) == (0, 10)


def test_the_document_describes_every_method(ask: Ask) -> None:
    document = ask("rpc.discover")
    assert document["openrpc"].startswith("1.")
    methods = {method["name"]: method for method in document["methods"]}
    assert {"eth_call", "ots_getApiLevel", "debug_traceCall", "rpc_modules"} <= methods.keys()
    get_balance = methods["eth_getBalance"]["params"]
    assert [item["required"] for item in get_balance] == [True, False]
    assert get_balance[0]["schema"]["pattern"] == "^0x[0-9a-fA-F]{40}$"
    names = [item["name"] for item in methods["eth_call"]["params"]]
    assert len(names) == len(set(names)), "names are different, as the specification asks"


def test_there_are_no_ommers_after_the_merge(ask: Ask) -> None:
    assert ask("eth_getUncleCountByBlockNumber", "latest") == "0x0"
    assert ask("eth_getUncleByBlockNumberAndIndex", "latest", "0x0") is None
    assert ask("eth_getUncleCountByBlockNumber", "0xffffff") is None
    assert ask("debug_getBadBlocks") == []


def test_pending_logs_are_refused(ask: Ask) -> None:
    for method in ("eth_getLogs", "eth_newFilter"):
        assert ask(method, {"fromBlock": "pending"})["code"] == -32000
        assert ask(method, {"fromBlock": "0x5", "toBlock": "0x1"})["code"] == -32602
