"""ethers 6.17 against the running L2."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.clients.accounts import PAYER
from tests.clients.programs import require_npm, run_script
from tests.integration.network import DevNode

pytestmark = pytest.mark.npm


@pytest.fixture(scope="module")
def found(request_base: dict[str, Any]) -> Any:
    """What the one script saw."""
    require_npm()
    return run_script("ethers", request_base)


def test_contract_is_deployed_written_and_found_in_logs(found: Any, account: LocalAccount) -> None:
    assert (found["owner"], found["balance"], found["status"]) == (account.address, "7", 1)
    assert found["events"] == [{"text": "second", "own": True}]
    assert found["holds"]
    assert found["network"] == "31338"


def test_refusals_are_decoded(found: Any) -> None:
    refusals = found["refusals"]
    for name in ("custom", "atEstimate"):
        assert (refusals[name]["code"], refusals[name]["name"]) == ("CALL_EXCEPTION", "TextTooLong")
        assert refusals[name]["args"] == ["65", "64"]
    assert refusals["string"]["reason"] == "only the owner resets"
    assert refusals["panic"]["reason"] == "Panic due to DIVIDE_BY_ZERO(18)"
    assert refusals["silent"]["reason"] == "require(false)"
    assert refusals["nonce"]["code"] == "NONCE_EXPIRED"
    assert refusals["funds"]["code"] == "INSUFFICIENT_FUNDS"


def test_transactions_and_fees(found: Any) -> None:
    fees = found["fees"]
    assert 0 < int(fees["tip"]) <= int(fees["gasPrice"]) <= int(fees["maxFeePerGas"])
    assert found["received"] == "10"
    assert found["types"] == [2, 0, 2]
    assert found["rawIsOurs"]


def test_deposit_keeps_its_own_fields(found: Any) -> None:
    assert found["deposit"] == {"type": "0x7e", "source": 66}


def test_hundred_calls_in_one_batch(found: Any) -> None:
    assert found["counts"] == ["2"]


def test_websocket_tells_events_and_blocks(found: Any, account: LocalAccount) -> None:
    assert found["event"] == {"author": account.address, "number": "3", "text": "heard"}
    assert found["written"] == 1
    assert found["heads"]


@pytest.fixture(scope="module")
def more(request_base: dict[str, Any], dev_node: DevNode) -> Any:
    require_npm()
    unlocked = dev_node.config["available_accounts"][PAYER]
    return run_script("ethers_more", request_base | {"unlocked": unlocked}) | {"unlocked": unlocked}


def test_the_nodes_account_signs_and_sends(more: Any) -> None:
    assert more["signed"] == {"message": True, "typed": True, "local": True}
    assert more["byNode"] == [1, more["unlocked"]]


def test_events_come_by_filters_over_http(more: Any) -> None:
    assert more["heard"] == ["heard"]


def test_access_lists_and_delegations(more: Any) -> None:
    assert more["listed"] == [1, 1, 1]
    assert more["delegated"] == [4, 1, True]
    assert more["reverted"] == ["CALL_EXCEPTION", 0]
    assert more["confirmations"]


def test_what_is_not_there(more: Any) -> None:
    assert more["names"] == ["UNSUPPORTED_OPERATION"] * 2
    assert (more["empty"], more["method"]) == ("BAD_DATA", "UNSUPPORTED_OPERATION")
    assert more["nothing"] == [None, None, "0x"]
