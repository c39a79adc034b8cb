"""The web3.py module against the precompiles: a provider that answers `eth_call` from the native machine."""

import re
from dataclasses import astuple
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from web3 import AsyncWeb3, Web3
from web3.exceptions import ContractCustomError
from web3.method import Method
from web3.providers import AsyncBaseProvider, BaseProvider

from genesis.addresses import INFERENCE_METERING
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Address
from openledger_node.sdk import (
    OpenLedger,
    RetrievalShare,
    challenge_commitment,
    claim_order_digest,
    index_challenge_commitment,
    receipts_root,
    retrieval_voucher_digest,
    voucher_digest,
)
from openledger_node.sdk.methods import OpenLedgerMethods
from openledger_node.sdk.module import PREDEPLOYS
from precompiles.abis import CLIENT_NAMES
from tests.precompiles.calls import UNIT, Account
from tests.precompiles.evidence import receipts_tree
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import Call, NativeMachine
from tests.rpc.test_documentation import documented

SENDER = Account(1).address


def answer(machine: NativeMachine, method: str, params: Any) -> dict[str, Any]:
    """JSON-RPC's answer to the few methods that reading takes."""
    if method != "eth_call":
        result = {"eth_chainId": hex(DEV_L2_CHAIN_ID)}[method]
        return {"jsonrpc": "2.0", "id": 1, "result": result}
    target = Address(bytes.fromhex(params[0]["to"][2:]))
    outcome = machine.call(Call(SENDER, target, bytes.fromhex(params[0]["data"][2:]), is_static=True))
    data = f"0x{(outcome.data or b'').hex()}"
    if outcome.succeeded:
        return {"jsonrpc": "2.0", "id": 1, "result": data}
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "execution reverted", "data": data}}


class SyncProvider(BaseProvider):
    def __init__(self, machine: NativeMachine) -> None:
        super().__init__()
        self.machine = machine

    def make_request(self, method: Any, params: Any) -> Any:
        return answer(self.machine, method, params)


class AsyncProvider(AsyncBaseProvider):
    def __init__(self, machine: NativeMachine) -> None:
        super().__init__()
        self.machine = machine

    async def make_request(self, method: Any, params: Any) -> Any:
        return answer(self.machine, method, params)


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.channel_id = scene.channel()
    return scene


def test_reads_by_name(scene: Scene) -> None:
    w3 = Web3(SyncProvider(scene.native), external_modules={"openledger": (OpenLedger,)})
    openledger: OpenLedger = w3.openledger  # type: ignore[attr-defined] # attached by name
    parameters = openledger.policy.functions.getParameters(1).call()
    assert parameters[4] == DEV_POLICY.contribution_bond_wei
    assert openledger.models.functions.getModel(scene.model_id).call()[5] == UNIT
    with pytest.raises(ContractCustomError):
        openledger.models.functions.getModel(99).call()


async def test_the_same_on_async_web3(scene: Scene) -> None:
    w3 = AsyncWeb3(AsyncProvider(scene.native), external_modules={"openledger": (OpenLedger,)})
    openledger: OpenLedger = w3.openledger  # type: ignore[attr-defined] # attached by name
    channel = await openledger.metering.functions.getChannel(scene.channel_id).call()
    assert channel[8] == 100 * UNIT


def test_every_contract_is_there(scene: Scene) -> None:
    w3 = Web3(SyncProvider(scene.native), external_modules={"openledger": (OpenLedger,)})
    openledger: OpenLedger = w3.openledger  # type: ignore[attr-defined] # attached by name
    for name, address in {**CLIENT_NAMES, **{n: a for n, (a, _) in PREDEPLOYS.items()}}.items():
        assert bytes.fromhex(getattr(openledger, name).address[2:]) == address
    assert openledger.asset_token("0x" + "11" * 20).functions.claimable
    assert openledger.agent_account("0x" + "11" * 20).functions.execute


def test_what_is_signed_is_what_the_precompiles_take(scene: Scene) -> None:
    """A voucher made with the package alone settles."""
    receipts = [((i + 1).to_bytes(32, "big"), fee) for i, fee in enumerate(FEES_WEI)]
    root, total, left, left_sum, right, right_sum = receipts_root(scene.channel_id, receipts, DEV_L2_CHAIN_ID)
    assert root == receipts_tree(scene.channel_id, FEES_WEI).root.hash
    digest = voucher_digest(scene.channel_id, len(receipts), total, root, DEV_L2_CHAIN_ID)
    signature = scene.key.sign(digest)
    children = (left, left_sum, right, right_sum)
    arguments = (scene.channel_id, len(receipts), total, root, signature, *children, HASH, b"uri")
    scene.do(scene.provider, INFERENCE_METERING, "settle", *arguments)


def test_shares_are_signed_as_typed_data() -> None:
    """The digest is what eth-account makes of the declared types."""
    shares = [RetrievalShare(5, version, 7, HASH, 8) for version in (6, 9)]
    names = ("datanetId", "version", "contributors", "root", "amount")
    message = encode_typed_data(
        domain_data={
            "name": "OpenLedger Inference Metering",
            "version": "1",
            "chainId": DEV_L2_CHAIN_ID,
            "verifyingContract": f"0x{INFERENCE_METERING.hex()}",
        },
        message_types={
            "RetrievalVoucher": [
                {"name": "channelId", "type": "bytes32"},
                {"name": "firstReceipt", "type": "uint256"},
                {"name": "receiptCount", "type": "uint256"},
                {"name": "receiptsRoot", "type": "bytes32"},
                {"name": "shares", "type": "RetrievalShare[]"},
            ],
            "RetrievalShare": [
                {"name": name, "type": "bytes32" if name == "root" else "uint256"} for name in names
            ],
        },
        message_data={
            "channelId": HASH,
            "firstReceipt": 2,
            "receiptCount": 3,
            "receiptsRoot": HASH,
            "shares": [dict(zip(names, astuple(share), strict=True)) for share in shares],
        },
    )
    digest = retrieval_voucher_digest(HASH, 2, 3, HASH, shares, DEV_L2_CHAIN_ID)
    assert digest == keccak256(b"\x19" + message.version + message.header + message.body)


def test_commitments_differ_by_what_they_bind() -> None:
    one, other = Account(1).address, Account(2).address
    values = {
        challenge_commitment(1, one, HASH),
        challenge_commitment(2, one, HASH),
        challenge_commitment(1, other, HASH),
        index_challenge_commitment(1, one, HASH),
        claim_order_digest(1, 0, one, other, 5, 1),
        claim_order_digest(1, 0, one, other, 5, 2),
    }
    assert len(values) == 6


class Recorder(BaseProvider):
    """Answers with what it was asked."""

    def make_request(self, method: Any, params: Any) -> Any:
        return {"jsonrpc": "2.0", "id": 1, "result": {"method": method, "params": list(params)}}


class AsyncRecorder(AsyncBaseProvider):
    """The same, awaited."""

    async def make_request(self, method: Any, params: Any) -> Any:
        return Recorder().make_request(method, params)


ASKED = {"method": "openledger_getVersion", "params": ["0x1", "0x2"]}


def test_every_method_of_the_node_is_there() -> None:
    named = {
        f"openledger_{re.sub('_(.)', lambda found: found[1].upper(), name)}"
        for name, member in vars(OpenLedgerMethods).items()
        if isinstance(member, Method)
    }
    assert named == {name for name in documented() if name.startswith("openledger_")}


def test_methods_are_called_plainly() -> None:
    w3 = Web3(Recorder(), external_modules={"openledger": (OpenLedger,)})
    assert w3.openledger.get_version(1, 2) == ASKED  # type: ignore[attr-defined] # attached at run time
    asked = w3.openledger.get_channel(b"\x01" * 32)  # type: ignore[attr-defined] # attached at run time
    assert asked["params"] == ["0x" + "01" * 32]


async def test_methods_are_awaited_on_async_web3() -> None:
    w3: Any = AsyncWeb3(AsyncRecorder(), external_modules={"openledger": (OpenLedger,)})
    assert await w3.openledger.get_version(1, 2) == ASKED
