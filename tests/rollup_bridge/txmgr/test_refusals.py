import pytest

from rollup_bridge.txmgr.refusals import Refusal, classify


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("already known", Refusal.KNOWN),
        ("transaction already imported", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x…", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value", Refusal.FUNDS),
        ("txpool is full", Refusal.BUSY),
        ("invalid sender", Refusal.OTHER),
    ],
)
def test_what_nodes_say(message: str, refusal: Refusal) -> None:
    assert classify(message) is refusal
