"""Paying 1,000 contributors: attribution on the precompiles and on their twins, beside plain splitters.

Attribution is one post and one finalize whatever the number, then a claim each, which the contributor or
anybody else may send when it likes. A splitter that pushes pays all in one transaction, and any of them can
stop it; one that is pulled from has to be told everybody's shares. Gas is of the calls, without the 21,000
and the calldata of their transactions, which are listed apart.
"""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eth_abi.abi import encode

from benchmarks.precompiles.law import EngineMachine, Timed
from genesis.addresses import ATTRIBUTION, MODEL_REGISTRY
from genesis.contracts.artifact import read_artifact
from genesis.fees.intrinsic import intrinsic_gas
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.types import Address
from openledger_node.storage.leveldb import LevelDb
from tests.precompiles.artifacts import twin_code
from tests.precompiles.calls import UNIT, call, number
from tests.precompiles.scene import HASH, SCENE_POLICY, Scene
from tests.precompiles.world import TWINS, Call

COUNT = 1_000
ARTIFACTS = Path(__file__).parents[2] / "tests" / "contracts" / "artifacts"
POLICY = replace(SCENE_POLICY, significance_ppm=0, minimum_claim_wei=0)
"""Everybody with a positive score is paid at once, however little."""
PUSH, PULL = Address(b"\x5b" * 20), Address(b"\x5c" * 20)


@dataclass(frozen=True)
class Paid:
    """One way to pay everybody: transactions, their calls' gas and CPU seconds, their own gas."""

    name: str
    transactions: int
    gas: int
    seconds: float
    transaction_gas: int


class _Counter:
    """Adds up calls on a machine."""

    def __init__(self, machine: EngineMachine) -> None:
        self._machine = machine
        self._calls: list[tuple[Call, Timed]] = []

    def send(self, sent: Call) -> None:
        outcome = self._machine.call(sent)
        assert outcome.succeeded, outcome.data
        self._calls.append((sent, self._machine.timed[-1]))

    def paid(self, name: str) -> Paid:
        return Paid(
            name,
            len(self._calls),
            sum(timed.gas_used for _, timed in self._calls),
            sum(timed.seconds for _, timed in self._calls),
            sum(intrinsic_gas(sent.data, is_creation=False) for sent, _ in self._calls),
        )


class Crowd(Scene):
    """A settled channel whose index has so many contributors."""

    def __init__(self, policy: Policy, codes: Mapping[Address, bytes], store: LevelDb) -> None:
        made = partial(EngineMachine, store, codes=codes, repeats=1)
        super().__init__(policy, made)
        draw = random.Random(1)
        self.contributors = [Address(draw.randbytes(20)) for _ in range(COUNT)]
        self.machine.fund(self.contributors[0], 10 * UNIT)
        self.vectors = [
            [draw.randrange(1, 40), *(draw.randrange(-9, 9) for _ in range(3))] for _ in range(COUNT)
        ]
        self.query = (1_000_000, 1, 1, 1)

    def commit_index(self, model_id: int) -> int:
        """A row for each contributor at least."""
        index = self.index
        self.stake(self.owner, self.policy.minimum_provider_stake_wei)
        arguments = (HASH, index.sums_root, HASH, HASH, COUNT, COUNT, index.dimensions, b"")
        return number(self.do(self.owner, MODEL_REGISTRY, "commitFeatureIndex", model_id, *arguments))


def _attribution(name: str, codes: Mapping[Address, bytes]) -> tuple[Paid, list[int]]:
    """Post, finalize, 1,000 claims; and the amounts."""
    with _store() as store:
        scene = Crowd(POLICY, codes, store)
        settlement_id = scene.settle(scene.channel())
        posted = scene.prepare_post([settlement_id])
        machine = scene.machine
        assert isinstance(machine, EngineMachine)
        counter = _Counter(machine)
        counter.send(call(posted.signer, ATTRIBUTION, "post", *scene.post_arguments(posted)))
        scene.wait(POLICY.post_window_s + 1)
        sender = scene.stranger.address
        counter.send(call(sender, ATTRIBUTION, "finalize", 1))
        amounts = [amount for _, amount in posted.amounts.leaves]
        for place in range(COUNT):
            counter.send(call(sender, ATTRIBUTION, "claim", *scene.claim_arguments(1, posted, place)))
        return counter.paid(name), amounts


def _push(recipients: list[Address], amounts: list[int]) -> Paid:
    with _store() as store:
        machine, sender = _splitters(store)
        counter = _Counter(machine)
        data = _encoded("pay(address[],uint256[])", recipients, amounts)
        counter.send(Call(sender, PUSH, data, sum(amounts)))
        return counter.paid("a splitter that pushes, one transaction")


def _pull(recipients: list[Address], amounts: list[int]) -> Paid:
    with _store() as store:
        machine, sender = _splitters(store)
        counter = _Counter(machine)
        counter.send(Call(sender, PULL, _encoded("setShares(address[],uint256[])", recipients, amounts)))
        counter.send(Call(sender, PULL, b"", sum(amounts)))
        for each in recipients:
            counter.send(Call(sender, PULL, keccak256(b"release(address)")[:4] + encode(["address"], [each])))
        return counter.paid("a splitter that is pulled from, shares written first")


def _splitters(store: LevelDb) -> tuple[EngineMachine, Address]:
    codes = {
        address: read_artifact(ARTIFACTS, name).deployed_bytecode
        for address, name in ((PUSH, "Splitter"), (PULL, "PullSplitter"))
    }
    machine, sender = EngineMachine(store, codes=codes, repeats=1), Address(b"\x0a" * 20)
    machine.fund(sender, 10**6 * UNIT)
    return machine, sender


def _encoded(signature: str, recipients: list[Address], amounts: list[int]) -> bytes:
    return keccak256(signature.encode())[:4] + encode(["address[]", "uint256[]"], [recipients, amounts])


@contextmanager
def _store() -> Iterator[LevelDb]:
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDb.open(Path(folder) / "state")
        yield store
        store.close()


def payouts() -> list[Paid]:
    """All ways, the same amounts to as many accounts."""
    native, amounts = _attribution("attribution, precompiles", {})
    twins, same = _attribution(
        "attribution, twins", {address: twin_code(name) for address, name in TWINS.items()}
    )
    assert amounts == same
    draw = random.Random(1)
    recipients = [Address(draw.randbytes(20)) for _ in range(COUNT)]
    return [native, twins, _push(recipients, amounts), _pull(recipients, amounts)]


def print_payouts(found: list[Paid]) -> None:
    print(f"| {COUNT:,} contributors paid by | transactions | gas of calls | ms | gas of transactions |")
    print("| --- | --: | --: | --: | --: |")
    for paid in found:
        print(
            f"| {paid.name} | {paid.transactions:,} | {paid.gas:,} | {paid.seconds * 1e3:,.0f} "
            f"| {paid.transaction_gas:,} |"
        )
