"""What the RPC adds on a rollup: deposits, L1 fees, supply, and reads of the precompiles."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from eth_account import Account

from genesis.addresses import DATANET_REGISTRY, GOVERNANCE_TIMELOCK, INFERENCE_METERING
from genesis.alloc import l2_allocation
from genesis.keccak import keccak256
from genesis.networks import DEV, L2_BLOCK_GAS_LIMIT
from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT, ROLLUP_FEES, ChainSpec
from genesis.types import ZERO_HASH, Address, Hash32, Wei
from openledger_node.chain.chain import Chain
from openledger_node.client.economy import DATANETS, STAKING
from openledger_node.client.predeploys import AGENTS, GOVERNOR, TOKENS, VOTES
from openledger_node.clock import SystemClock
from openledger_node.evm.records import BlockInputs
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.pool_service import PoolService
from openledger_node.rpc.ports import Json
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.genesis_storage import initial_storage
from rollup_bridge.deposits.l1_attributes import L1Attributes, l1_attributes_transaction
from rollup_bridge.deposits.transaction import Deposit, encode_deposit
from tests.rpc.running_node import KEYS, RICH_WEI, address_of

SPEC = ChainSpec(
    chain_id=DEV.l2_chain_id, is_rollup=True, block_gas_limit=L2_BLOCK_GAS_LIMIT, fees=ROLLUP_FEES
)
ALICE, BOB = address_of(KEYS[0]), address_of(KEYS[1])
START_S = 1_700_000_000
ORIGIN = Hash32(b"\x11" * 32)

Ask = Callable[..., Coroutine[Any, Any, Any]]


class FakeRollup:
    """Answers that name the question."""

    async def sync_status(self) -> Json:
        return {"asked": "sync"}

    async def output_at_block(self, number: int) -> Json:
        return {"asked": number}

    async def safe_head_at_l1_block(self, number: int) -> Json:
        return {"asked": number}

    async def rollup_config(self) -> Json:
        return {"asked": "config"}

    async def withdrawal_proof(self, transaction_hash: Hash32) -> Json:
        return {"asked": transaction_hash.hex()}


class Bench:
    def __init__(self) -> None:
        alloc = l2_allocation({ALICE: Wei(RICH_WEI)}, initial_storage(DEV_POLICY, GOVERNANCE_TIMELOCK), "dev")
        self.chain = Chain.open(SPEC, MemoryKeyValue(), alloc, START_S)
        self.pool = PoolService(self.chain, SystemClock(), feeds := Feeds())
        self.pool.start()
        context = RpcContext(self.chain, self.pool, feeds, client_version="test", rollup=FakeRollup())
        self.dispatcher = Dispatcher(build_methods(context), RpcLimits())
        self.nonce = 0

    async def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = json.loads(await self.dispatcher.answer(json.dumps(body)) or b"null")
        return answer["error"] if "error" in answer else answer["result"]

    async def send(self, to: Address, data: bytes = b"", value: int = 0) -> str:
        """Sign as Alice, send, build a block; the transaction's hash."""
        fields = {
            "type": 2,
            "chainId": SPEC.chain_id,
            "nonce": self.nonce,
            "to": to,
            "data": data,
            "value": value,
            "gas": 5_000_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**6,
        }
        self.nonce += 1
        raw = bytes(Account.from_key(KEYS[0]).sign_transaction(fields).raw_transaction)
        sent = await self.ask("eth_sendRawTransaction", "0x" + raw.hex())
        self.build(raw)
        return str(sent)

    def build(self, *raws: bytes) -> None:
        header = self.chain.head.header
        attributes = L1Attributes(
            base_fee_scalar=DEV.base_fee_scalar,
            blob_base_fee_scalar=DEV.blob_base_fee_scalar,
            sequence_number=header.number,
            timestamp_s=START_S,
            number=5,
            base_fee_wei=10**9,
            blob_base_fee_wei=1,
            hash=ORIGIN,
            batcher=BOB,
            prev_randao=ZERO_HASH,
        )
        inputs = BlockInputs(
            timestamp_s=header.timestamp_s + 1,
            prev_randao=ZERO_HASH,
            fee_recipient=Address(bytes(20)),
            gas_limit=L2_BLOCK_GAS_LIMIT,
            parent_beacon_block_root=ZERO_HASH,
            transactions=(l1_attributes_transaction(attributes), *raws),
        )
        self.chain.import_block(inputs)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.dispatcher.close()
    made.pool.stop()


async def test_a_transaction_shows_what_its_l1_data_cost(bench: Bench) -> None:
    receipt = await bench.ask("eth_getTransactionReceipt", await bench.send(BOB, value=1))
    assert receipt["status"] == "0x1"
    assert int(receipt["l1Fee"], 16) > 0
    assert int(receipt["l1GasPrice"], 16) == 10**9
    assert int(receipt["l1BaseFeeScalar"], 16) == DEV.base_fee_scalar
    assert {"l1GasUsed", "l1BlobBaseFee", "l1BlobBaseFeeScalar"} <= set(receipt)


async def test_the_l1_fee_counts_when_a_transaction_is_admitted(bench: Bench) -> None:
    await bench.send(BOB, value=10**15)
    key = Account.from_key(KEYS[1])
    base = {"type": 2, "chainId": SPEC.chain_id, "nonce": 0, "to": ALICE, "gas": 21_000}
    prices = {"maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 10**6}
    everything = {"value": 10**15 - 21_000 * 2 * 10**9}
    raw = key.sign_transaction(base | prices | everything).raw_transaction
    error = await bench.ask("eth_sendRawTransaction", "0x" + raw.hex())
    assert error["message"].startswith("insufficient funds for gas * price + value")


async def test_deposits(bench: Bench) -> None:
    deposit = Deposit(Hash32(b"\x22" * 32), BOB, ALICE, 500, 200, 50_000, is_system=False, data=b"")
    bench.build(encode_deposit(deposit))
    block = await bench.ask("eth_getBlockByNumber", "latest", True)
    attributes, shown = block["transactions"]
    assert attributes["type"] == shown["type"] == "0x7e"
    assert attributes["from"] == "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001"
    assert shown["sourceHash"] == "0x" + "22" * 32
    assert (shown["mint"], shown["value"]) == ("0x1f4", "0xc8")
    assert "isSystemTx" not in shown
    receipt = await bench.ask("eth_getTransactionReceipt", shown["hash"])
    assert (receipt["depositNonce"], receipt["depositReceiptVersion"]) == ("0x0", "0x1")
    assert "l1Fee" not in receipt
    assert await bench.ask("eth_getBalance", "0x" + BOB.hex()) == hex(300)


async def test_deposits_do_not_enter_by_rpc(bench: Bench) -> None:
    deposit = Deposit(ZERO_HASH, BOB, ALICE, 10**30, 0, 50_000, is_system=False, data=b"")
    error = await bench.ask("eth_sendRawTransaction", "0x" + encode_deposit(deposit).hex())
    assert (error["code"], error["message"]) == (-32000, "transaction type not supported")


async def test_a_mint_shows_in_the_supply(bench: Bench) -> None:
    before = await bench.ask("openledger_supply")
    bench.build(encode_deposit(Deposit(ZERO_HASH, BOB, ALICE, 500, 0, 50_000, is_system=False, data=b"")))
    after = await bench.ask("openledger_supply", "latest")
    assert int(after["total"], 16) - int(before["total"], 16) == 500 == int(after["minted"], 16)
    assert (await bench.ask("openledger_supply", "0xffff"))["code"] == -32000


async def test_rollup_methods_go_through_the_port(bench: Bench) -> None:
    assert await bench.ask("optimism_syncStatus") == {"asked": "sync"}
    assert await bench.ask("openledger_syncStatus") == {"asked": "sync"}
    assert await bench.ask("optimism_outputAtBlock", "0x5") == {"asked": 5}
    assert await bench.ask("optimism_outputAtBlock", "latest") == {"asked": 0}
    assert await bench.ask("optimism_safeHeadAtL1Block", "0x7") == {"asked": 7}
    assert await bench.ask("optimism_rollupConfig") == {"asked": "config"}
    assert await bench.ask("optimism_version") == "test"
    assert await bench.ask("openledger_getWithdrawalProof", "0x" + "ab" * 32) == {"asked": "ab" * 32}


async def test_policy_and_split(bench: Bench) -> None:
    policy = await bench.ask("openledger_getPolicy")
    assert policy["version"] == "0x1"
    assert int(policy["parameters"]["platformPpm"], 16) == DEV_POLICY.platform_ppm
    split = await bench.ask("openledger_previewSplit", hex(1_000_003))
    assert sum(int(part, 16) for name, part in split.items() if name != "gross") == 1_000_003
    assert await bench.ask("openledger_getPolicy", 7) is None


async def test_a_datanet_is_read_once_it_is_there(bench: Bench) -> None:
    assert await bench.ask("openledger_getDatanet", 1) is None
    calldata = DATANETS.calldata("createDatanet", "digits", "sha256:00", ZERO_HASH, ZERO_HASH, 0, 0)
    sent = await bench.send(DATANET_REGISTRY, calldata)
    assert (await bench.ask("eth_getTransactionReceipt", sent))["status"] == "0x1"
    datanet = await bench.ask("openledger_getDatanet", "0x1")
    assert datanet["owner"] == "0x" + ALICE.hex()
    assert datanet["versions"] == "0x0"


async def test_unknown_records_are_null_and_money_is_zero(bench: Bench) -> None:
    for method in (
        "getContribution",
        "getModel",
        "getFeatureIndex",
        "getSettlement",
        "getPost",
        "getLineage",
    ):
        assert await bench.ask(f"openledger_{method}", 9) is None, method
    assert await bench.ask("openledger_getVersion", 1, 1) is None
    assert await bench.ask("openledger_getChannel", "0x" + "00" * 32) is None
    rewards = await bench.ask("openledger_getRewards", "0x" + ALICE.hex())
    assert set(rewards.values()) == {"0x0"}
    validator = await bench.ask("openledger_getValidator", "0x" + ALICE.hex())
    assert validator["provider"]["active"] == "0x0"
    await bench.send(STAKING.address, STAKING.calldata("stake", 1), 5)
    validator = (await bench.ask("openledger_getValidator", "0x" + ALICE.hex()))["validator"]
    assert (validator["active"], validator["ownActive"], validator["commission"]) == ("0x5", "0x5", "0x0")
    assert await bench.ask("eth_getCode", "0x" + INFERENCE_METERING.hex()) == "0x60006000fd"


async def test_votes_agents_and_tokens(bench: Bench) -> None:
    alice = "0x" + ALICE.hex()
    for method, *arguments in (("getRequest", 1), ("getProposal", "0x1"), ("getGrant", 1), ("getAgent", 1)):
        assert await bench.ask(f"openledger_{method}", *arguments) is None, method
    assert await bench.ask("openledger_getProviders") == []
    assert await bench.ask("openledger_getProvider", alice) is None
    assert await bench.ask("openledger_getAssetToken", 3, 1) is None
    await bench.send(VOTES.address, VOTES.calldata("depositFor", ALICE), 7 * OPEN_UNIT)
    votes = await bench.ask("openledger_getVotes", alice)
    assert (int(votes["votes"], 16), votes["delegate"]) == (7 * OPEN_UNIT, alice)
    await bench.send(AGENTS.address, AGENTS.calldata("register", "agent.json"))
    agent = await bench.ask("openledger_getAgent", 1)
    assert (agent["owner"], agent["uri"], agent["profile"]["modelId"]) == (alice, "agent.json", "0x0")
    await bench.send(TOKENS.address, TOKENS.calldata("create", 3, 1, "Agent", "AGT", 1_000))
    token = await bench.ask("openledger_getAssetToken", 3, 1)
    assert (token["symbol"], token["totalSupply"]) == ("AGT", hex(1_000))


async def test_a_proposal(bench: Bench) -> None:
    await bench.send(VOTES.address, VOTES.calldata("depositFor", ALICE), 7 * OPEN_UNIT)
    calls = [BOB], [0], [b""]
    await bench.send(GOVERNOR.address, GOVERNOR.calldata("propose", *calls, "nothing"))
    described = keccak256(b"nothing")
    asked = {
        "to": "0x" + GOVERNOR.address.hex(),
        "data": "0x" + GOVERNOR.calldata("hashProposal", *calls, described).hex(),
    }
    proposal_id = hex(int(await bench.ask("eth_call", asked), 16))
    proposal = await bench.ask("openledger_getProposal", proposal_id)
    assert (proposal["state"], proposal["proposer"], proposal["for"]) == (
        "pending",
        "0x" + ALICE.hex(),
        "0x0",
    )
    assert int(proposal["voteEnd"], 16) > int(proposal["voteStart"], 16)


async def test_revert_of_a_precompile_has_code_3_and_data(bench: Bench) -> None:
    call = {"to": "0x" + DATANET_REGISTRY.hex(), "data": "0x" + DATANETS.calldata("getDatanet", 9).hex()}
    error = await bench.ask("eth_call", call)
    assert error["code"] == 3
    selector = next(key for key, item in DATANETS.interface.errors.items() if item.name == "DatanetNotFound")
    assert error["data"].startswith("0x" + selector.hex())


async def test_traces_name_calls_of_precompiles(bench: Bench) -> None:
    created = DATANETS.calldata("createDatanet", "digits", "sha256:00", ZERO_HASH, ZERO_HASH, 0, 0)
    sent = await bench.send(DATANET_REGISTRY, created)
    trace = await bench.ask("debug_traceTransaction", sent, {"tracer": "callTracer"})
    named = trace["precompile"]
    assert named["contract"] == "DatanetRegistry"
    assert named["method"].startswith("createDatanet(")
    assert named["arguments"]["name"] == "digits"
    missing = {"to": "0x" + DATANET_REGISTRY.hex(), "data": "0x" + DATANETS.calldata("getDatanet", 9).hex()}
    failed = await bench.ask("debug_traceCall", missing, "latest", {"tracer": "callTracer"})
    assert failed["precompile"]["error"]["name"] == "DatanetNotFound"
    assert failed["precompile"]["arguments"] == {"datanetId": "0x9"}
    unknown = await bench.ask(
        "debug_traceCall", missing | {"data": "0x12345678"}, "latest", {"tracer": "callTracer"}
    )
    assert unknown["precompile"] == {"contract": "DatanetRegistry", "method": None}
    malformed = missing | {"data": missing["data"][:10]}
    torn = await bench.ask("debug_traceCall", malformed, "latest", {"tracer": "callTracer"})
    assert torn["precompile"]["arguments"] is None


async def test_traces_of_other_calls_have_no_extra_fields(bench: Bench) -> None:
    sent = await bench.send(BOB, value=1)
    trace = await bench.ask("debug_traceTransaction", sent, {"tracer": "callTracer"})
    assert "precompile" not in trace


async def test_the_configuration_has_our_precompiles_too(bench: Bench) -> None:
    current = (await bench.ask("eth_config"))["current"]
    assert current["precompiles"]["DatanetRegistry"] == "0x" + DATANET_REGISTRY.hex()
    assert "DEPOSIT_CONTRACT_ADDRESS" not in current["systemContracts"]


async def test_blob_transactions_are_refused(bench: Bench) -> None:
    filled = await bench.ask("eth_fillTransaction", {"to": "0x" + BOB.hex(), "blobVersionedHashes": []})
    assert filled["code"] == -32602
