"""viem 2.57 against the running network: contracts, fees, transaction types, subscriptions, the OP Stack."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from tests.clients.accounts import COIN, endow_on_l1
from tests.clients.programs import require_npm, run_script
from tests.integration.network import DevNode

pytestmark = pytest.mark.npm

GWEI = 10**9
TOO_LONG = {"name": "TextTooLong", "args": ["65", "64"]}
BY_ZERO = "Division or modulo by zero (e.g. `5 / 0` or `23 % 0`)."


@pytest.fixture(autouse=True)
def _packages() -> None:
    require_npm()


def test_contract(request_base: dict[str, Any], account: LocalAccount) -> None:
    found = run_script("viem_contract", request_base)
    assert found["deployed"] == {"status": "success", "owner": account.address, "balance": "7"}
    assert found["simulated"] == "2"
    assert (found["written"]["status"], found["written"]["type"]) == ("success", "eip1559")
    assert int(found["written"]["l1Fee"]) > 0
    assert found["named"] == [{"text": "second", "own": True}]
    assert found["logsInBlock"] == 1
    assert found["refusals"]["custom"] == found["refusals"]["estimate"] == TOO_LONG
    assert found["refusals"]["string"]["reason"] == "only the owner resets"
    assert found["refusals"]["panic"]["reason"] == BY_ZERO
    assert found["refusals"]["silent"]["reason"] == "execution reverted"
    assert found["multicall"] == [
        {"status": "success", "result": "2"},
        {"status": "success", "result": "second"},
        {"status": "failure", "error": BY_ZERO},
    ]
    assert (found["historicCount"], found["slot"], found["overridden"]) == ("1", "2", "77")
    assert found["block"]["types"][0] == "deposit"
    assert found["block"]["holds"]
    assert found["codeEqual"]


def test_transactions_and_fees(request_base: dict[str, Any]) -> None:
    found = run_script("viem_transactions", request_base)
    assert int(found["fees"]["maxFeePerGas"]) >= int(found["baseFee"])
    assert 0 < int(found["fees"]["maxPriorityFeePerGas"]) < 100 * GWEI
    assert found["historyLengths"] == [4, 3, 3]
    assert found["transferGas"] == "21000"
    for name, number in (("legacy", "0x0"), ("eip2930", "0x1"), ("eip1559", "0x2"), ("eip7702", "0x4")):
        expected = {"status": "success", "receiptType": name, "type": name, "typeHex": number}
        assert found["types"][name] == expected
    assert found["delegated"]["code"] == found["delegated"]["expected"]
    assert found["delegated"]["limit"] == "64"
    assert found["refusals"] == {
        "nonce": "NonceTooLowError",
        "funds": "InsufficientFundsError",
        "fundsAtEstimate": "InsufficientFundsError",
        "gas": "IntrinsicGasTooLowError",
    }
    assert found["replacement"] == {"reason": "repriced", "second": True}
    [entry] = found["accessList"]
    assert entry["storageKeys"] == ["0x" + "00" * 32]


def test_watching_by_polling_and_by_websocket(request_base: dict[str, Any]) -> None:
    found = run_script("viem_watch", request_base)
    for told in (found["polled"], found["pushed"]):
        assert told == {
            "linked": True,
            "blocks": True,
            "texts": ["watched"],
            "own": True,
            "pending": True,
            "errors": [],
        }


def test_op_stack_round_trip(
    dev_node: DevNode, l1: Web3, request_base: dict[str, Any], account: LocalAccount
) -> None:
    endow_on_l1(l1, dev_node.config["contracts"]["open_token"], account)
    found = run_script("viem_op_stack", request_base)
    two = str(2 * COIN)
    assert found["deposit"] == {"status": "success", "type": "deposit", "mint": two, "received": two}
    assert found["called"] == {"status": "success", "from": account.address.lower(), "logs": 1}
    assert found["failed"] == "reverted"
    fees = found["fees"]
    assert int(fees["estimate"]["l1"]) == pytest.approx(int(fees["paid"]["l1"]), rel=0.01)
    paid_wei = int(fees["paid"]["l1"]) + int(fees["paid"]["l2"])
    # The base fee may move by an eighth and more between the estimate and the block that takes the call.
    assert int(fees["estimate"]["total"]) == pytest.approx(paid_wei, rel=0.3)
    assert found["output"]["covers"]
    assert (found["proven"], found["finalized"]) == ("success", "success")
    assert found["statuses"] == ["waiting-to-prove", "ready-to-prove", "ready-to-finalize", "finalized"]
    assert int(found["received"]) >= COIN


def test_signatures_of_local_keys_and_of_the_nodes_accounts(request_base: dict[str, Any]) -> None:
    found = run_script("viem_wallet", request_base)
    assert found["recovered"]
    assert found["lengths"] == [132, 132, 66]
    assert found["verified"] == [True, True, True, True, False]
    assert found["sentByNode"] == ["success", True]
    assert found["atOnce"] == ["success", 66]
    assert found["prepared"] == {"type": "eip1559", "chainId": 31338, "gas": "21000"}


def test_batches_filters_simulations_and_overrides(request_base: dict[str, Any]) -> None:
    found = run_script("viem_reading", request_base)
    assert found["batch"] == {"requests": 1, "answers": 50}
    assert found["multicall"] == [1, "1", "64"]
    filters = found["filters"]
    assert (filters["events"], filters["again"], filters["all"]) == (["filtered"], 0, 1)
    assert filters["blocks"]
    assert filters["pending"]
    assert (filters["gone"], found["unknown"]) == ([True, False], "filter not found")
    [funded], written = (block["calls"] for block in found["simulated"])
    assert funded[0] == "success"
    assert written[:2] == [["success", "3", None], ["success", "3", None]]
    assert written[2][0] == "failure"
    assert found["simulated"][1]["timestamp"] == "2000000000"
    assert found["moved"] == {"statuses": ["success"] * 2, "changes": [["ETH", "-5"]]}
    overrides = found["overrides"]
    assert (int(overrides["code"], 16), int(overrides["number"], 16)) == (42, 123_456)
    assert (overrides["estimate"], overrides["state"], overrides["past"]) == ("21000", "77", "1")
    assert (found["poor"], found["blobBaseFee"], found["confirmations"]) == (
        "InsufficientFundsError",
        "1",
        True,
    )


def test_what_is_not_there_is_told_by_name(request_base: dict[str, Any]) -> None:
    found = run_script("viem_missing", request_base)
    assert found == {
        "name": "ChainDoesNotSupportContract",
        "block": "BlockNotFoundError",
        "transaction": "TransactionNotFoundError",
        "receipt": "TransactionReceiptNotFoundError",
        "contract": "ContractFunctionZeroDataError",
        "method": ["MethodNotFoundRpcError", -32601],
    }
