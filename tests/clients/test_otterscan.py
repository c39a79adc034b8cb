"""What Otterscan's pages ask of a running L2, and whether what they are told has the shape they read.

Source: Otterscan documentation, "Custom JSON-RPC methods", level 8.
"""

from typing import Any

import pytest

from tests.clients.programs import require_npm, run_script

pytestmark = pytest.mark.npm

DEPOSIT_TYPE = 0x7E
OLDEST_LEVEL = 5
WRITTEN, REFUSED, CREATED = range(3)


@pytest.fixture(scope="module")
def found(request_base: dict[str, Any]) -> Any:
    require_npm()
    return run_script("otterscan", request_base)


def test_it_connects(found: Any) -> None:
    is_head, transactions, level = found["start"]
    assert is_head
    assert transactions is None
    assert level >= OLDEST_LEVEL
    assert found["newest"] == [0, -1, -2]
    assert found["finalized"]


def test_block_page(found: Any) -> None:
    details = found["details"]
    assert details["equal"]
    assert (details["bloom"], details.get("transactions")) == (None, None)
    assert details["issuance"] == {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"}
    assert details["fees"]
    assert found["page"]["count"] == details["count"] == len(found["page"]["receipts"])
    assert found["page"]["receipts"] == [[None, None]] * details["count"]


def test_a_page_of_transactions_has_deposits_and_ours(found: Any) -> None:
    assert found["page"]["first"] == [DEPOSIT_TYPE, 10, 1]
    [[type_, own, selector, status, l1_fee]] = found["own"]
    assert (type_, own, status, l1_fee) == (2, True, 1, True)
    assert len(selector) == len("0x12345678")


def test_transaction_page_and_its_tabs(found: Any) -> None:
    assert found["transaction"] == [True, 1]
    assert found["operations"] == []
    [[kind, depth, sender, to, value, _selector, output]] = found["trace"]
    assert (kind, depth, sender, to, value) == ("CALL", 0, found["wallet"], found["address"], "0")
    assert output == ["2"]
    assert found["errors"] == ["0x", "TextTooLong", ["65", "64"]]


def test_address_page(found: Any) -> None:
    assert found["isContract"] is True
    assert found["creator"] == [True, True]
    assert found["history"] == [[REFUSED, WRITTEN, CREATED], True, True, 3]
    assert found["older"] == [[CREATED], False, True]
    assert found["newer"] == [[REFUSED], True, False]
    assert found["first"] == [[REFUSED, WRITTEN, CREATED], True, True]
    assert found["token"] == "CALL_EXCEPTION"


def test_nonces_lead_from_one_transaction_to_the_next(found: Any) -> None:
    assert found["nonces"] == [True, None]
