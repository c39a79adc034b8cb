"""viem's test client against a plain development chain, in both of its modes."""

from typing import Any

import pytest

from tests.rpc.asking import Ask, post
from tests.rpc.running_node import KEYS, RunningNode, address_of

ALICE = "0x" + address_of(KEYS[1]).hex()
UNLOCKED = "0x" + address_of(KEYS[0]).hex()
WHALE = "0x" + "de" * 20
NOBODY = "0x" + "ee" * 20
ETHER = 10**18
MODES = pytest.mark.parametrize("mode", ["anvil", "hardhat"])

pytestmark = pytest.mark.usefixtures("snapshot")


def mined(ask: Ask, sent: str) -> Any:
    assert sent.startswith("0x"), sent
    ask("evm_mine")
    return ask("eth_getTransactionReceipt", sent)


@MODES
def test_any_account_sends_without_its_key(ask: Ask, mode: str) -> None:
    transfer = {"from": WHALE, "to": NOBODY, "value": hex(ETHER)}
    assert ask("eth_sendTransaction", transfer)["message"] == "unknown account"
    ask(f"{mode}_setBalance", WHALE, hex(5 * ETHER))
    assert ask(f"{mode}_impersonateAccount", WHALE) is None
    receipt = mined(ask, ask("eth_sendTransaction", transfer))
    assert (receipt["from"], receipt["status"]) == (WHALE, "0x1")
    assert ask("eth_getTransactionByHash", receipt["transactionHash"])["from"] == WHALE
    traced = ask("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
    assert traced["from"] == WHALE
    assert ask(f"{mode}_stopImpersonatingAccount", WHALE) is None
    assert ask("eth_sendTransaction", transfer)["message"] == "unknown account"


def test_a_contract_is_impersonated_too(ask: Ask) -> None:
    ask("anvil_setBalance", WHALE, hex(5 * ETHER))
    ask("anvil_setCode", WHALE, "0x00")
    ask("anvil_impersonateAccount", WHALE)
    for kind in ({"gasPrice": hex(10**10)}, {"gasPrice": hex(10**10), "accessList": []}, {}):
        receipt = mined(
            ask, ask("eth_sendTransaction", {"from": WHALE, "to": NOBODY, "gas": "0x5208"} | kind)
        )
        assert receipt["status"] == "0x1"


def test_every_account_is_impersonated_at_once(ask: Ask) -> None:
    ask("anvil_setBalance", WHALE, hex(5 * ETHER))
    ask("anvil_autoImpersonateAccount", True)
    assert mined(ask, ask("eth_sendTransaction", {"from": WHALE, "to": NOBODY}))["status"] == "0x1"
    ask("anvil_autoImpersonateAccount", False)
    ask("anvil_stopImpersonatingAccount", WHALE)
    assert ask("eth_sendTransaction", {"from": WHALE, "to": NOBODY})["message"] == "unknown account"


def test_an_unsigned_transaction_is_taken(ask: Ask) -> None:
    ask("anvil_setBalance", WHALE, hex(5 * ETHER))
    receipt = mined(ask, ask("eth_sendUnsignedTransaction", {"from": WHALE, "to": NOBODY, "value": "0x1"}))
    assert receipt["from"] == WHALE


@MODES
def test_pooled_transactions_are_dropped(ask: Ask, mode: str) -> None:
    first = ask("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY})
    second = ask("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY})
    assert ask(f"{mode}_dropTransaction", first) is True
    assert ask(f"{mode}_dropTransaction", first) is False
    assert ask("eth_getTransactionByHash", first) is None
    assert ask("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    ask("anvil_removePoolTransactions", UNLOCKED)
    assert ask("eth_getTransactionByHash", second) is None
    ask("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY})
    ask("anvil_dropAllTransactions")
    assert ask("txpool_status") == {"pending": "0x0", "queued": "0x0"}


@MODES
def test_a_state_is_dumped_and_loaded(ask: Ask, mode: str) -> None:
    ask(f"{mode}_setBalance", WHALE, "0x1")
    dumped = ask(f"{mode}_dumpState")
    ask(f"{mode}_setBalance", WHALE, "0x2")
    ask("evm_mine")
    assert ask(f"{mode}_loadState", dumped) is True
    assert ask("eth_getBalance", WHALE, "latest") == "0x1"
    assert ask(f"{mode}_loadState", "0x1234")["code"] == -32000
    assert ask(f"{mode}_loadState", dumped[:-64] + "00" * 32)["code"] == -32000


def test_a_snapshot_remembers_what_was_set_outside_of_blocks(ask: Ask) -> None:
    ask("anvil_setBalance", WHALE, "0x7")
    identity = ask("evm_snapshot")
    ask("anvil_setBalance", WHALE, "0x8")
    assert ask("evm_revert", identity) is True
    assert ask("eth_getBalance", WHALE, "latest") == "0x7"


def test_ganache_names(ask: Ask) -> None:
    ask("evm_setAccountBalance", WHALE, "0x7")
    ask("evm_setAccountNonce", WHALE, "0x3")
    ask("evm_setAccountCode", WHALE, "0x6001")
    ask("evm_setAccountStorageAt", WHALE, "0x1", "0x2")
    ask("anvil_addBalance", WHALE, "0x3")
    assert ask("eth_getBalance", WHALE, "latest") == "0xa"
    assert ask("eth_getTransactionCount", WHALE, "latest") == "0x3"
    assert ask("eth_getCode", WHALE, "latest") == "0x6001"
    assert int(ask("eth_getStorageAt", WHALE, "0x1", "latest"), 16) == 2


def test_the_next_block_gets_a_time(ask: Ask) -> None:
    ask("evm_mine")
    head_s = int(ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    wanted_s = ask("anvil_nodeInfo")["currentBlockTimestamp"] + 10_000_000
    assert wanted_s == head_s + 10_000_000
    ask("evm_setNextBlockTimestamp", hex(wanted_s))
    ask("evm_mine")
    assert int(ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16) - wanted_s in (0, 1)
    ask("evm_mine", {"timestamp": wanted_s + 100})
    assert int(ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16) - wanted_s in (100, 101)
    assert ask("evm_setNextBlockTimestamp", hex(wanted_s))["code"] == -32602, "the past"


@MODES
def test_blocks_are_mined_with_and_without_an_interval(ask: Ask, mode: str) -> None:
    before = int(ask("eth_blockNumber"), 16)
    assert ask(f"{mode}_mine", "0x2", "0x0") is None
    assert ask(f"{mode}_mine", "0x2", "0x3c") is None
    last, previous = (ask("eth_getBlockByNumber", hex(before + 4 - i), False) for i in range(2))
    assert int(last["timestamp"], 16) - int(previous["timestamp"], 16) in (60, 61)


def test_every_transaction_gets_its_block(ask: Ask, node: RunningNode) -> None:
    assert ask("evm_setAutomine", True) is None
    assert ask("anvil_getAutomine") is True
    raw = ask("eth_signTransaction", {"from": UNLOCKED, "to": NOBODY})["raw"]
    receipt = ask("eth_sendRawTransactionSync", raw, 5_000)
    assert receipt["status"] == "0x1"
    assert ask("evm_setAutomine", False) is None
    assert ask("hardhat_getAutomine") is False


@MODES
def test_the_next_block_gets_a_base_fee(ask: Ask, mode: str) -> None:
    assert ask(f"{mode}_setNextBlockBaseFeePerGas", "0x11170") is True
    assert int(ask("eth_baseFee"), 16) == 70_000
    assert ask("eth_getBlockByNumber", "pending")["baseFeePerGas"] == "0x11170"
    assert ask("eth_feeHistory", "0x1", "latest", [])["baseFeePerGas"][-1] == "0x11170"
    fees = {"maxFeePerGas": "0x11170", "maxPriorityFeePerGas": "0x0"}
    free = {"from": UNLOCKED, "to": NOBODY, "gas": "0x5208"} | fees
    receipt = mined(ask, ask("eth_sendTransaction", free))
    assert receipt["effectiveGasPrice"] == "0x11170"
    assert ask("eth_getBlockByNumber", "latest")["baseFeePerGas"] == "0x11170"
    ask("evm_mine")
    assert ask("eth_getBlockByNumber", "latest")["baseFeePerGas"] != "0x11170"


def test_a_base_fee_keeps_out_who_pays_less(ask: Ask) -> None:
    ask("anvil_setNextBlockBaseFeePerGas", hex(10**11))
    sent = ask("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY, "maxFeePerGas": hex(10**10)})
    ask("evm_mine")
    assert ask("eth_getTransactionReceipt", sent) is None
    ask("anvil_dropTransaction", sent)


def test_blocks_get_a_miner_a_limit_and_a_random_number(ask: Ask) -> None:
    usual = ask("eth_getBlockByNumber", "latest")
    random = "0x" + "ab" * 32
    assert ask("hardhat_setCoinbase", WHALE) is True
    assert ask("evm_setBlockGasLimit", hex(9_000_000)) is True
    assert ask("hardhat_setPrevRandao", random) is True
    ask("evm_mine")
    block = ask("eth_getBlockByNumber", "latest")
    assert (block["miner"], int(block["gasLimit"], 16), block["mixHash"]) == (WHALE, 9_000_000, random)
    ask("evm_mine")
    block = ask("eth_getBlockByNumber", "latest")
    assert (block["miner"], int(block["gasLimit"], 16)) == (WHALE, 9_000_000)
    assert block["mixHash"] != random
    ask("anvil_setCoinbase", usual["miner"])
    ask("anvil_setBlockGasLimit", usual["gasLimit"])
    assert ask("evm_setBlockGasLimit", "0x1")["code"] == -32602


def test_reset_goes_back_to_genesis() -> None:
    own = RunningNode().start()
    try:
        own.mine(3)

        def asked(method: str, *parameters: Any) -> Any:
            return post(own.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})[
                "result"
            ]

        asked("anvil_setBalance", WHALE, "0x5")
        asked("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY})
        own.mine()
        asked("eth_sendTransaction", {"from": UNLOCKED, "to": NOBODY})
        assert asked("anvil_reset", {"forking": {"blockNumber": None}}) is True
        assert asked("eth_blockNumber") == "0x0"
        assert asked("eth_getBalance", WHALE, "latest") == "0x0"
        assert asked("txpool_status") == {"pending": "0x0", "queued": "0x0"}
        own.mine()
        assert asked("eth_getTransactionCount", UNLOCKED, "latest") == "0x0"
    finally:
        own.stop()


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("hardhat_reset", {"forking": {"jsonRpcUrl": "http://localhost"}}),
        ("anvil_setMinGasPrice", "0x1"),
        ("anvil_setRpcUrl", "http://localhost"),
    ],
)
def test_what_cannot_be_done_says_why(ask: Ask, method: str, value: Any) -> None:
    answer = ask(method, value)
    assert answer["code"] == -32000
    assert answer["message"].startswith("not supported: ")


def test_what_changes_nothing_is_taken(ask: Ask) -> None:
    assert ask("hardhat_setLoggingEnabled", True) is None
    assert ask("anvil_removeBlockTimestampInterval") is True
    assert ask("anvil_setBlockTimestampInterval", 5)["code"] == -32602
    assert ask("hardhat_metadata")["chainId"] == 31337
