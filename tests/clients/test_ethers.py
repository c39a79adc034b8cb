"""ethers 6.17 against the running L2."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.clients.programs import require_npm, run_script

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
