"""Native precompiles and their Solidity twins answer every call alike.

Equal: return data, logs, revert data, every storage word of all seven addresses, balances. Not equal: gas. Of
calls inside STATICCALL, where a twin notices a write only when it happens, only that both fail.
"""

from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import PRECOMPILES, TREASURY
from genesis.types import ZERO_ADDRESS, Address
from precompiles.abi import AbiType, encode_parameters
from precompiles.contract import Method
from precompiles.table import CONTRACTS
from precompiles.views.staking import delegation_trace
from tests.precompiles.calls import UNIT, Account
from tests.precompiles.compiled_twins import CompiledTwinMachine
from tests.precompiles.economy import Economy
from tests.precompiles.memory import ODD_WORDS, TEST_POLICY
from tests.precompiles.world import TIMELOCK, Call, NativeMachine, TwinMachine

_LINES = (
    9,
    10,
    15,
    16,
    64,
    255,
    256,
    1_024,
    4_096,
    10_000,
    65_536,
    10**6,
    2**32,
    10**27,
    2**121,
    2**153,
    2**255,
)
LIMITS = tuple(line + beyond for line in _LINES for beyond in (0, 1))
"""Where some check draws its line, and one beyond."""
FUNDS_WEI = 1_000_000 * UNIT


class Pair:
    """Both machines, driven by the same calls."""

    def __init__(self, seed: int, twins: type[TwinMachine | CompiledTwinMachine] = TwinMachine) -> None:
        self.native = NativeMachine(TEST_POLICY)
        self.twins = twins(TEST_POLICY)
        self.economy = Economy(seed, self.native)
        self.holders = [TIMELOCK, TREASURY, *(each.address for each in self.economy.accounts)]
        for holder in self.holders:
            self.native.fund(holder, FUNDS_WEI)
            self.twins.fund(holder, FUNDS_WEI)
        self.steps = 0

    def step(self) -> Address:
        """One call on both, and everything compared; returns whom it went to."""
        moment = self.economy.next_moment()
        self.native.moment = self.twins.moment = moment
        call = self.economy.next_call()
        self.steps += 1
        if self.steps % 4 == 0:
            self.compare_static(call)
        self.compare(call)
        return call.target

    def compare(self, call: Call) -> None:
        """Run the call on both machines for good."""
        native, twin = self.native.call(call), self.twins.call(call)
        assert native == twin, call
        for address in PRECOMPILES if self.steps % 10 == 0 else (call.target,):
            assert self.native.storage(address) == self.twins.storage(address), (call, address.hex())
        for holder in (*self.holders, *PRECOMPILES):
            assert self.native.balance(holder) == self.twins.balance(holder), (call, holder.hex())
        self.economy.learn(native)

    def compare_static(self, call: Call) -> None:
        """A state-changing call fails inside STATICCALL on both; neither changes anything."""
        static = replace(call, value_wei=0, is_static=True)
        native, twin = self.native.call(static), self.twins.call(static)
        assert native.succeeded == twin.succeeded, static
        if native.succeeded:
            assert native == twin, static


DECODING = Pair(0)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_twins_answer_like_their_precompiles(seed: int) -> None:
    pair = Pair(seed)
    for _ in range(250):
        pair.step()


DECODED = [
    (target, method)
    for target in PRECOMPILES
    for method in CONTRACTS[target].methods
    if any(parameter.type.is_dynamic for parameter in method.inputs)
]
ELSEWHERE = {"challengeOwner", "challengeDuplicate", "challengeSketch"}
"""Succeed only over whole records behind an index, on both machines: `test_attribution_records`
and `test_attribution_parents`."""
ALL_METHODS = sum(len(CONTRACTS[target].methods) for target in PRECOMPILES) - len(ELSEWHERE)
SENDER = Account(1).address


def sample(kind: AbiType, random: Random) -> Any:
    """A value of any type."""
    if kind.struct is not None:
        return kind.struct.record(*(sample(field.type, random) for field in kind.struct.fields))
    if kind.element is not None:
        return tuple(sample(kind.element, random) for _ in range(random.randrange(3)))
    if kind.kind in ("bytes", "string"):
        return random.randbytes(random.choice((0, 1, 31, 32, 33)))
    if kind.kind == "fixed":
        return random.randbytes(int(kind.canonical.removeprefix("bytes")))
    return random.randbytes(20) if kind.kind == "address" else random.randrange(2)


@settings(max_examples=1_000, deadline=None)
@given(st.sampled_from(DECODED), st.randoms(use_true_random=False), st.integers(0, 4))
def test_twins_decode_like_their_precompiles(
    chosen: tuple[Address, Method], random: Random, damages: int
) -> None:
    """Damaged calldata is refused by both or read by both alike; sent with a value, so that refusing the
    value shows where decoding ended well."""
    target, method = chosen
    values = [sample(parameter.type, random) for parameter in method.inputs]
    data = bytearray(method.selector + encode_parameters(method.inputs, values))
    for _ in range(damages):
        at = 4 + 32 * random.randrange((len(data) - 4) // 32)
        old = int.from_bytes(data[at : at + 32], "big")
        near = [(old + step) % 2**256 for step in (-64, -33, -32, -31, -4, -1, 1, 4, 31, 32, 64)]
        signed = [(-step) % 2**256 for step in (1, 4, 32, 36, 64, 68, 100, 128, 132, 160, 196, 228, 260)]
        odd = random.choice((*near, *signed, *ODD_WORDS, *range(0, len(data) + 64, 32)))
        data[at : at + 32] = odd.to_bytes(32, "big")
    if random.random() < 0.2:
        del data[random.randrange(4, len(data)) :]
    call = Call(SENDER, target, bytes(data), value_wei=random.choice((0, 1)))
    assert DECODING.native.call(call) == DECODING.twins.call(call), call


def odd_argument(kind: AbiType, random: Random, pair: Pair) -> Any:
    """A value of any type that mostly names what is there, and often what is at a limit or nowhere."""
    if kind.struct is not None:
        return kind.struct.record(*(odd_argument(field.type, random, pair) for field in kind.struct.fields))
    if kind.element is not None:
        elements = range(random.choice((0, 0, 1, 1, 2, 3, 16, 17)))
        return tuple(odd_argument(kind.element, random, pair) for _ in elements)
    if kind.kind in ("bytes", "string"):
        return random.randbytes(random.choice((0, 1, 31, 32, 33, 64, 65, 2_047, 2_048, 2_049)))
    if kind.kind == "fixed":
        size = int(kind.canonical.removeprefix("bytes"))
        named = [channel.id for channel in pair.economy.channels] if size == 32 else []
        return random.choice([bytes(size), random.randbytes(size), *named])
    if kind.kind == "address":
        people = [each.address for each in pair.economy.accounts]
        traces = [delegation_trace(*random.choices([ZERO_ADDRESS, *people], k=2))]
        return random.choice([*people, ZERO_ADDRESS, TIMELOCK, *PRECOMPILES, *traces])
    if kind.canonical == "bool":
        return random.random() < 0.5
    now_s = pair.native.moment.timestamp_s
    limits = (*ODD_WORDS, *LIMITS, now_s - 1, now_s, now_s + 1)
    return random.randrange(8) if random.random() < 0.6 else random.choice(limits)


def call_all_with_odd_arguments(seed: int, rounds: int) -> None:
    random, pair = Random(seed), Pair(seed, CompiledTwinMachine)
    for _ in range(600):
        pair.step()
    for _ in range(rounds):
        for target in PRECOMPILES:
            for method in CONTRACTS[target].methods:
                values = [odd_argument(parameter.type, random, pair) for parameter in method.inputs]
                data = method.selector + encode_parameters(method.inputs, values)
                value_wei = random.choice((0, 1, UNIT)) if method.mutability == "payable" else 0
                sender = random.choice(pair.holders)
                sent = Call(sender, target, data, value_wei=value_wei)
                assert pair.native.call(sent) == pair.twins.call(sent), (method.name, values, sent)
        for target in PRECOMPILES:
            assert pair.native.storage(target) == pair.twins.storage(target), target.hex()


@pytest.mark.parametrize("seed", range(2))
def test_odd_arguments_are_answered_alike(seed: int) -> None:
    """Several wrong arguments at once are refused by the same check; nobody's address is anybody's."""
    call_all_with_odd_arguments(seed, rounds=12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_odd_arguments_are_answered_alike_for_long(seed: int) -> None:
    call_all_with_odd_arguments(seed, rounds=150)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_twins_answer_like_their_precompiles_for_long(seed: int) -> None:
    pair = Pair(seed)
    for _ in range(2_000):
        pair.step()


PARTS, CALLS = 10, 1_000
COVERING = (0, 20, 268, 103, 52, 1101, 105, 1, 171, 266, 50, 18, 70, 9)
"""Seeds that reached every method between them when this was written; if they do not, the others follow."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("target", PRECOMPILES, ids=lambda target: CONTRACTS[target].name)
def test_ten_thousand_calls_of_each_precompile(target: Address, part: int) -> None:
    """A thousand in each part; whatever else the user base does is compared too. The twins run in the node's
    own frames, which takes a sixth of py-evm's time; py-evm's are in the tests above."""
    compared = 0
    for seed in count(1_000 * (part + 1)):
        pair = Pair(seed, CompiledTwinMachine)
        pair.economy.favoured = target
        for _ in range(1_000):
            compared += pair.step() == target
            if compared == CALLS:
                return


def test_the_user_base_reaches_every_method() -> None:
    """Equality of what is never reached would prove nothing; so every method succeeds here sometimes."""
    reached: set[tuple[Address, bytes]] = set()
    for seed in (*COVERING, *range(300)):
        machine = NativeMachine(TEST_POLICY)
        economy = Economy(seed, machine)
        for holder in (TIMELOCK, *(each.address for each in economy.accounts)):
            machine.fund(holder, FUNDS_WEI)
        for _ in range(400):
            machine.moment = economy.next_moment()
            sent = economy.next_call()
            outcome = machine.call(sent)
            economy.learn(outcome)
            if outcome.succeeded:
                reached.add((sent.target, sent.data[:4]))
        if len(reached) == ALL_METHODS:
            return
    missing = [
        method.name
        for target in PRECOMPILES
        for method in CONTRACTS[target].methods
        if (target, method.selector) not in reached and method.name not in ELSEWHERE
    ]
    raise AssertionError(missing)
