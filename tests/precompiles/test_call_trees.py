"""Random call trees in real blocks: precompiles and their twins, in two chains of the same engine, agree.

A tree's inner nodes are Multicall3's `aggregate3Value` calling itself, so that calls are nested and reentered
with value; some subtrees end in a call that must not fail and does, which takes back all they did; some views
are called statically. Compared: return data, logs, whole storages by their roots, balances.
DELEGATECALL is refused natively (`tests/evm/test_precompile_host.py`), which code in the EVM cannot do.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.account import GenesisAccount
from genesis.addresses import (
    DATANET_REGISTRY,
    INFERENCE_METERING,
    L1_BLOCK,
    MODEL_REGISTRY,
    MULTICALL3,
    POLICY,
    PRECOMPILE_STUB_CODE,
    PRECOMPILES,
    STAKING,
)
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from genesis.predeploys import ARTIFACTS
from genesis.types import Address, Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.chain import Chain
from openledger_node.chain.genesis import genesis_block
from openledger_node.chain.natives import native_precompiles
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import CallRequest
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.genesis_storage import initial_storage
from tests.evm import world
from tests.precompiles.artifacts import twin_code
from tests.precompiles.calls import UNIT, calldata
from tests.precompiles.world import TIMELOCK, TWINS

SPEC = replace(world.ROLLUP, block_gas_limit=10**10)
GAS = 5 * 10**9
SENDER = world.ALICE.address
AGGREGATE = keccak256(b"aggregate3Value((address,bool,uint256,bytes)[])")[:4]
STATIC = Address(b"\x71" * 20)
VIEWS = ("getDatanet", "position")
"""What a static call may do; of others only the failure is alike, not its data (`test_twins`)."""
Leaf = tuple[Address, int, bytes]


def static_code() -> bytes:
    """Forwards what follows the first word, the target, by STATICCALL, and returns or reverts alike."""
    parts = [
        "6020360360206000",  # size, 32, 0
        "37",  # calldatacopy(0, 32, size)
        "60006000",  # output size, output offset
        "60203603",  # input size
        "6000",  # input offset
        "600035",  # target
        "5a",  # gas
        "fa",  # staticcall
        "3d60006000 3e".replace(" ", ""),  # returndatacopy(0, 0, size)
    ]
    body = bytes.fromhex("".join(parts))
    jump = len(body) + 3 + 4
    return body + bytes((0x60, jump, 0x57)) + bytes.fromhex("3d6000fd") + bytes.fromhex("5b3d6000f3")


def chain_of(code: Callable[[Address], bytes], natives: Mapping[Address, Any]) -> Chain:
    """A chain whose precompiles' addresses hold this code."""
    storage = initial_storage(DEV_POLICY, TIMELOCK)
    alloc = {
        **world.allocation(),
        MULTICALL3: GenesisAccount(nonce=1, code=read_artifact(ARTIFACTS, "Multicall3").deployed_bytecode),
        STATIC: GenesisAccount(nonce=1, code=static_code()),
        L1_BLOCK: GenesisAccount(nonce=1, code=read_artifact(ARTIFACTS, "L1Block").deployed_bytecode),
    }
    for address in PRECOMPILES:
        words = storage.get(address, {})
        alloc[address] = GenesisAccount(nonce=1, code=code(address), storage=words)
    alloc[SENDER] = GenesisAccount(balance_wei=10**26)
    store = MemoryKeyValue()
    blocks = BlockStore(store, SPEC.chain_id)
    Chain.open(SPEC, store, alloc, world.GENESIS_TIME_S)
    engine = Engine(SPEC, store, blocks, natives)
    return Chain(engine, store, blocks, genesis_block(SPEC, alloc, world.GENESIS_TIME_S).block, 0)


class Trees:
    """Draws call trees; ids are small, so that calls meet what earlier ones made."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def tree(self, depth: int) -> Leaf:
        """Target, value and calldata of a call that may hold others."""
        kind = self.random.random()
        if depth == 0 or kind < 0.3:
            return self._leaf()
        calls = [self.tree(depth - 1) for _ in range(self.random.randrange(1, 5))]
        flags = [True] * len(calls)
        if self.random.random() < 0.25:
            calls.append((world.REVERT_ADDRESS, 0, b"no"))
            flags.append(False)
        packed = [
            (f"0x{target.hex()}", flag, value, data)
            for (target, value, data), flag in zip(calls, flags, strict=True)
        ]
        arguments = encode(["(address,bool,uint256,bytes)[]"], [packed])
        return MULTICALL3, sum(value for _, value, _ in calls), AGGREGATE + arguments

    def _leaf(self) -> Leaf:
        target, name, arguments, value = self._call()
        data = calldata(target, name, *arguments)
        if name in VIEWS and self.random.random() < 0.5:
            return STATIC, 0, bytes(12) + target + data
        if self.random.random() < 0.1:
            return target, value, data[: self.random.randrange(len(data))]
        return target, value, data

    def _call(self) -> tuple[Address, str, tuple[Any, ...], int]:
        random = self.random
        some = random.randrange(1, 4)
        word = Hash32(random.randbytes(32))
        account = random.choice((MULTICALL3, SENDER, STAKING, Address(bytes(20))))
        text = b"x" * random.choice((0, 40))
        calls: tuple[tuple[Address, str, tuple[Any, ...], int], ...] = (
            (DATANET_REGISTRY, "createDatanet", (b"n", text, word, word, 0, random.randrange(3)), 0),
            (DATANET_REGISTRY, "setCurator", (some, account, True), 0),
            (DATANET_REGISTRY, "contribute", (some, word, 3, 9), random.choice((UNIT, UNIT, 0))),
            (DATANET_REGISTRY, "reveal", (some, text), 0),
            (DATANET_REGISTRY, "review", (some, True, 1), 0),
            (DATANET_REGISTRY, "publishVersion", (some,), 0),
            (DATANET_REGISTRY, "cancel", (some,), 0),
            (DATANET_REGISTRY, "withdrawBond", (some,), 0),
            (DATANET_REGISTRY, "getDatanet", (some,), 0),
            (MODEL_REGISTRY, "registerModel", (word, 0, word, (), (), text), 0),
            (MODEL_REGISTRY, "setPrice", (some, UNIT, UNIT), 0),
            (MODEL_REGISTRY, "commitFeatureIndex", (some, word, word, word, word, 3, 2, 4, text), 0),
            (MODEL_REGISTRY, "transferModel", (some, account), 0),
            (STAKING, "stake", (random.randrange(4),), random.choice((0, UNIT, 200 * UNIT))),
            (STAKING, "requestUnstake", (2, UNIT), 0),
            (STAKING, "withdraw", (2,), 0),
            (STAKING, "claimRewards", (account,), 0),
            (STAKING, "position", (MULTICALL3, 2), 0),
            (INFERENCE_METERING, "openChannel", (MULTICALL3, some, SENDER), 50 * UNIT),
            (INFERENCE_METERING, "announceProvider", (text, word), 0),
            (INFERENCE_METERING, "setOffer", (some, True), 0),
            (INFERENCE_METERING, "requestInference", (some, MULTICALL3, word, 60, 0, 0, text), 9 * UNIT),
            (INFERENCE_METERING, "withdrawEarnings", (account,), 0),
            (POLICY, "scheduleFork", (word, 2**40), 0),
        )
        return random.choice(calls)


class Twins:
    """Both chains, driven alike."""

    def __init__(self, seed: int) -> None:
        self.trees = Trees(Random(seed))
        self.native = chain_of(lambda _: PRECOMPILE_STUB_CODE, native_precompiles())
        self.twins = chain_of(lambda address: twin_code(TWINS[address]), {})
        self.succeeded = 0

    def step(self, source: int) -> None:
        """One tree in a block of its own on both."""
        target, value_wei, data = self.trees.tree(3)
        request = CallRequest(SENDER, target, GAS, value_wei, data)
        answers = []
        for chain in (self.native, self.twins):
            answer = chain.snapshot().call(request)
            logs = tuple((each.address, each.topics, each.data) for each in answer.logs)
            deposit = world.deposit(SENDER, target, value_wei=value_wei, gas=GAS, data=data, source=source)
            chain.import_block(world.inputs(chain, deposit, gas_limit=SPEC.block_gas_limit))
            answers.append((answer.error, answer.output, logs, self._state(chain)))
        assert answers[0] == answers[1], (target.hex(), data.hex())
        self.succeeded += answers[0][0] is None

    def _state(self, chain: Chain) -> list[tuple[bytes, int]]:
        accounts = [chain.snapshot().account(each) for each in (*PRECOMPILES, MULTICALL3, SENDER)]
        return [(each.storage_root, each.balance_wei) for each in accounts]


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_call_trees_end_alike(seed: int) -> None:
    pair = Twins(seed)
    for source in range(1, 30):
        pair.step(source)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_call_trees_end_alike_for_long(seed: int) -> None:
    pair = Twins(seed)
    for source in range(1, 400):
        pair.step(source)
    assert pair.succeeded > 100
