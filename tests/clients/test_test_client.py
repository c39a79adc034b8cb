"""viem's test client in both modes, on chains of its own: what each action changed, or why it is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openledger_node.client.account import dev_private_key
from tests.clients.accounts import COIN
from tests.clients.notebook import ABI, BYTECODE
from tests.clients.programs import require_npm, run_script
from tests.integration.network import DevNode
from tests.integration.services import ethereum

pytestmark = pytest.mark.npm

SENDER = 3
WHALE = "0x00000000000000000000000000000000000a11ce"


@pytest.fixture(
    scope="module",
    params=["ethereum", pytest.param("rollup", marks=pytest.mark.slow)],
)
def chain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A chain that nothing else uses: on the L2, most of this detaches it from its L1."""
    require_npm()
    directory: Path = tmp_path_factory.mktemp("test-client")
    asked = {"key": "0x" + dev_private_key(SENDER).hex(), "abi": ABI, "bytecode": BYTECODE}
    if request.param == "ethereum":
        with ethereum(directory, "--l1.block-time", "1") as url:
            yield asked | {"url": url, "l1Url": url}
        return
    node = DevNode(directory)
    try:
        node.start()
        yield asked | {"url": node.url("rpc"), "l1Url": node.url("l1"), "blockTimeS": 1}
    finally:
        node.close()


@pytest.fixture(scope="module", params=["anvil", "hardhat"])
def found(chain: dict[str, Any], request: pytest.FixtureRequest) -> Any:
    """What one script saw of every action, in one mode."""
    return run_script("viem_test_client", chain | {"mode": request.param}) | {"mode": request.param}


def test_blocks_and_time(found: Any) -> None:
    assert found["mining"] == {"still": "0", "mined": "3", "resumed": True}
    assert found["automine"] == [True, "success", False]
    time = found["time"]
    assert time["increased"]
    assert int(time["exact"]) in (0, 1)
    assert int(time["interval"]) - time["wanted"] in (0, 1)


def test_accounts_are_changed_and_stay_changed(found: Any) -> None:
    assert found["accounts"] == {
        "count": "123",
        "copied": "64",
        "balance": str(5 * COIN),
        "nonce": 9,
        "kept": ["123", str(5 * COIN)],
    }


def test_accounts_send_without_their_keys(found: Any) -> None:
    impersonation = found["impersonation"]
    assert impersonation["stranger"] == impersonation["stopped"] == "unknown account"
    assert impersonation["payment"] == ["success", WHALE, 9]
    assert impersonation["unsigned"] == WHALE
    if found["mode"] == "anvil":
        assert (impersonation["automatic"], impersonation["over"]) == ("success", "unknown account")


def test_snapshots_and_dumps(found: Any) -> None:
    snapshot = found["snapshot"]
    assert (snapshot["head"], snapshot["again"]) == (True, False)
    assert snapshot["loaded"] == [True, snapshot["balance"]]
    assert int(snapshot["balance"]) > 4 * COIN
    assert "could not be found" in snapshot["undone"]


def test_the_pool_is_seen_and_emptied(found: Any) -> None:
    pool = found["pool"]
    assert pool["status"] == {"pending": 2, "queued": 0}
    assert (pool["content"], pool["lines"]) == ([0, 1], [True, True])
    assert pool["after"] == {"pending": 0, "queued": 1}
    assert "could not be found" in pool["gone"]
    assert pool["empty"] == {"pending": 0, "queued": 0}


def test_blocks_are_steered(found: Any) -> None:
    assert found["steering"] == {
        "baseFee": ["70000", False],
        "coinbase": [True, True],
        "gasLimit": ["20000000", "20000000"],
    }


def test_reset_is_for_a_chain_without_an_l1(found: Any, chain: dict[str, Any]) -> None:
    if "blockTimeS" in chain:
        assert "the chain belongs to an L1" in found["reset"]
    else:
        assert found["reset"] == ["0", "0", {"pending": 0, "queued": 0}]


def test_what_the_chain_cannot_do_says_why(found: Any) -> None:
    for why in found["refusals"].values():
        assert why.startswith("not supported: ")
