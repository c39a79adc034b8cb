"""web3.py's own module suites against two chains: plain Ethereum by itself, and the L2 of the shared network.

What an L2 cannot show is in `NOT_ON_ROLLUP`, with the reason; the same case passes on plain Ethereum.
Not covered: the admin module, which geth serves for its peers and we serve nowhere.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from ens.utils import normalize_name  # type: ignore[import-untyped]  # web3.py ships it without types
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3
from web3._utils.module_testing.eth_module import AsyncEthModuleTest, EthModuleTest
from web3._utils.module_testing.go_ethereum_debug_module import (
    GoEthereumAsyncDebugModuleTest,
    GoEthereumDebugModuleTest,
)
from web3._utils.module_testing.go_ethereum_txpool_module import (
    GoEthereumAsyncTxPoolModuleTest,
    GoEthereumTxPoolModuleTest,
)
from web3._utils.module_testing.net_module import AsyncNetModuleTest, NetModuleTest
from web3._utils.module_testing.persistent_connection_provider import PersistentConnectionProviderTest
from web3._utils.module_testing.utils import RequestMocker
from web3._utils.module_testing.web3_module import AsyncWeb3ModuleTest, Web3ModuleTest
from web3.exceptions import Web3RPCError
from web3.providers.persistent import WebSocketProvider

from openledger_node.client.account import dev_private_key
from tests.clients.web3_story import CONTRACTS, Story, tell
from tests.integration.network import DevNode
from tests.integration.services import ask, ethereum

pytestmark = pytest.mark.xdist_group("network")

CHAINS = ("ethereum", "rollup")
NEEDS_PENDING = ("replace_transaction", "modify_transaction", "get_transaction_receipt_unmined")
MINES_ITSELF = ("already_mined",)
FIRST_IS_DEPOSIT = "the first transaction of every L2 block is the deposit of L1 attributes"
NOT_ALONE = "the shared network has logs of its own before those of the suite"
NOT_ON_ROLLUP = {
    "empty_block": FIRST_IS_DEPOSIT,
    "getTransactionByBlock": FIRST_IS_DEPOSIT,
    "transaction_receipt_mined": FIRST_IS_DEPOSIT,
    "transaction_receipt_with_log_entry": FIRST_IS_DEPOSIT,
    "eth_get_logs": NOT_ALONE,
}
THEIR_CHAIN_ID = "the case wants the chain id of web3.py's own geth; test_web3.py has it with ours"
SUITES_CHAIN_ID = (
    "test_eth_chain_id",
    "test_async_eth_chain_id",
    "test_eth_send_raw_transaction",
    "test_async_eth_send_raw_transaction",
    "test_asyncio_gather_for_multiple_requests_matches_the_responses",
)
NO_NAMES = "web3.py 8.0.0 accepts pyunormalize 18, whose normalisation of names it cannot call"
ASYNC_TYPED_DATA = "web3.py 8.0.0 does not walk a dictionary among the parameters of an asynchronous client"


def names_work() -> bool:
    """Whether the installed libraries can normalise a name at all, which happens before any request."""
    try:
        return str(normalize_name("name.eth")) == "name.eth"
    except AttributeError:
        return False


def cannot_be_judged(name: str, chain: str) -> str | None:
    """Why a case is skipped, if it is."""
    if name in SUITES_CHAIN_ID:
        return THEIR_CHAIN_ID
    if re.search(r"_ens(_|$)", name) and not names_work():
        return NO_NAMES
    if chain == "rollup":
        return next((why for part, why in NOT_ON_ROLLUP.items() if part in name), None)
    return None


TOO_FEW_PEOPLE: dict[str, Any] = {
    "types": {
        "EIP712Domain": [{"name": "name", "type": "string"}],
        "Person": [{"name": "name", "type": "string"}],
        "Mail": [{"name": "to", "type": "Person[2]"}],
    },
    "primaryType": "Mail",
    "domain": {"name": "Ether Mail"},
    "message": {"to": [{"name": "Bob"}]},
}


@pytest.fixture(scope="module", params=CHAINS)
def chain(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def story(
    chain: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """The chain with what the suites look for on it."""
    if chain == "ethereum":
        with ethereum(tmp_path_factory.mktemp("ethereum"), "--l1.block-time", "1") as url:
            yield tell(url)
    else:
        node: DevNode = request.getfixturevalue("dev_node")
        yield tell(node.url("rpc"))


@pytest.fixture(autouse=True)
def _judged(chain: str, request: pytest.FixtureRequest) -> None:
    reason = cannot_be_judged(request.node.originalname, chain)
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _nothing_waits(story: Story) -> None:
    """A transaction that an earlier case left in the pool is mined first, as it would be by the next."""
    if ask(story.url, "txpool_status") != {"pending": "0x0", "queued": "0x0"}:
        ask(story.url, "evm_mine")


@pytest.fixture(autouse=True)
def _pending(story: Story, request: pytest.FixtureRequest) -> Iterator[None]:
    """No blocks while a test looks at a transaction that waits."""
    name = request.node.originalname
    if not any(part in name for part in NEEDS_PENDING) or any(part in name for part in MINES_ITSELF):
        yield
        return
    ask(story.url, "evm_setIntervalMining", 0)
    try:
        yield
    finally:
        ask(story.url, "evm_setIntervalMining", 1)


@pytest.fixture(scope="module")
def w3(story: Story) -> Web3:
    return Web3(Web3.HTTPProvider(story.url))


@pytest.fixture
async def async_w3(story: Story) -> AsyncIterator[Any]:
    provider = AsyncHTTPProvider(story.url)
    yield AsyncWeb3(provider)
    await provider.disconnect()


def _fact(read: Callable[[Story], Any]) -> Any:
    """A fixture under the name it is given to."""

    @pytest.fixture(scope="module")
    def fact(story: Story) -> Any:
        return read(story)

    return fact


def _contract(name: str) -> tuple[Any, Any]:
    """Fixtures of one contract, for a synchronous and for an asynchronous client."""

    def at(client: Any, story: Story) -> Any:
        address = client.to_checksum_address(story.addresses[name])
        return client.eth.contract(address, abi=CONTRACTS[name]["abi"])

    @pytest.fixture(scope="module")
    def plain(w3: Web3, story: Story) -> Any:
        return at(w3, story)

    @pytest.fixture
    def asynchronous(async_w3: Any, story: Story) -> Any:
        return at(async_w3, story)

    return plain, asynchronous


math_contract, async_math_contract = _contract("math")
emitter_contract, async_emitter_contract = _contract("emitter")
revert_contract, async_revert_contract = _contract("revert")
storage_contract, async_storage_contract = _contract("storage")
panic_errors_contract, async_panic_errors_contract = _contract("panic_errors")
offchain_lookup_contract, async_offchain_lookup_contract = _contract("offchain_lookup")
math_contract_address = async_math_contract_address = _fact(lambda story: story.addresses["math"])
emitter_contract_address = async_emitter_contract_address = _fact(lambda story: story.addresses["emitter"])
keyfile_account_address = async_keyfile_account_address = _fact(lambda story: story.account)
keyfile_account_address_dual_type = _fact(lambda story: story.account)
async_keyfile_account_address_dual_type = _fact(lambda story: story.account)
math_contract_deploy_txn_hash = _fact(lambda story: story.math_deployed)
txn_hash_with_log = _fact(lambda story: story.logged)
mined_txn_hash = _fact(lambda story: story.mined)
block_with_txn = async_block_with_txn = _fact(lambda story: story.block_with_transaction)
block_with_txn_with_log = async_block_with_txn_with_log = _fact(lambda story: story.block_with_log)
empty_block = async_empty_block = _fact(lambda story: story.empty_block)
skip_if_testrpc = async_skip_if_testrpc = _fact(lambda _story: lambda _client: None)
request_mocker = _fact(lambda _story: RequestMocker)


@pytest.fixture
def keyfile_account_pkey(request: pytest.FixtureRequest) -> str:
    """An account for each class: what a delegation leaves in its storage would mislead the next."""
    return Web3.to_hex(dev_private_key(request.cls.signer))


class OurVersion:
    def _check_web3_client_version(self, client_version: str) -> Any:
        assert client_version.startswith("openledger-node/v")


class TestEth(EthModuleTest):
    signer = 7

    def test_invalid_eth_sign_typed_data(self, w3: Any, story: Story) -> None:  # type: ignore[override]  # ours
        """The suite wants an error of web3.py's own, from the time when the client signed such data."""
        with pytest.raises(Web3RPCError, match=r"Expected 2 items for array type Person\[2\], got 1 items"):
            w3.eth.sign_typed_data(story.account, TOO_FEW_PEOPLE)


class AsyncEth(AsyncEthModuleTest):
    @pytest.mark.skip(ASYNC_TYPED_DATA)
    async def test_eth_sign_typed_data(self) -> None:
        pass

    @pytest.mark.skip(ASYNC_TYPED_DATA)
    async def test_invalid_eth_sign_typed_data(self) -> None:
        pass


class TestAsyncEth(AsyncEth):
    signer = 6


class TestNet(NetModuleTest):
    pass


class TestAsyncNet(AsyncNetModuleTest):
    pass


class TestWeb3(OurVersion, Web3ModuleTest):
    pass


class TestAsyncWeb3(OurVersion, AsyncWeb3ModuleTest):
    pass


class TestDebug(GoEthereumDebugModuleTest):
    pass


class TestAsyncDebug(GoEthereumAsyncDebugModuleTest):
    pass


class TestTxPool(GoEthereumTxPoolModuleTest):
    pass


class TestAsyncTxPool(GoEthereumAsyncTxPoolModuleTest):
    pass


class OverWebSocket:
    @pytest.fixture
    async def async_w3(self, story: Story) -> AsyncIterator[Any]:
        async with AsyncWeb3(WebSocketProvider(story.url.replace("http", "ws"))) as client:
            yield client


class TestSubscriptions(OverWebSocket, PersistentConnectionProviderTest):
    pass


@pytest.mark.slow
class TestEthOverWebSocket(OverWebSocket, AsyncEth):
    signer = 5
