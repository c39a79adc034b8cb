"""What a dispute costs: gas of each move on the L1, bytes of each witness, CPU time of one step.

`python -m benchmarks.disputes` plays one whole dispute on the real contracts in our own engine, then takes a
block of 100 transfers on a state of 50,000 accounts apart.
"""

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from genesis.account import GenesisAccount
from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.block_steps import StepState
from openledger_node.evm.records import Header
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.contracts.machine import Outcome
from tests.evm import world as l2_world
from tests.evm.world import ALICE, ROLLUP
from tests.rollup_bridge.challenger.world import Lies, World, lie

ACCOUNTS, TRANSFERS = 50_000, 100
MOVES = (
    "challenge(uint256,bytes32)",
    "defend(uint256)",
    "claim(uint256,bytes32)",
    "choose(uint256,bool)",
    "openBlock(uint256,bytes32,uint64,bytes32)",
    "judgeInputs(uint256,bool)",
    "postWitness(uint256,bytes,bool,bytes)",
    "draw(uint256,bytes)",
    "commit(uint256,bytes32)",
    "reveal(uint256,bytes32,bytes32)",
    "conclude(uint256)",
    "settle(uint256)",
    "resolve(uint256)",
    "withdraw(address)",
)
NAMES = {keccak256(move.encode())[:4]: move.split("(")[0] for move in MOVES}


@dataclass(frozen=True)
class Figures:
    gas: dict[str, int]
    l1_transactions: int
    witness_bytes: dict[str, int]
    cpu_s: dict[str, float]


def gas_of_a_dispute() -> tuple[dict[str, int], int]:
    """Most gas of each kind of move, and how many L1 transactions the dispute took."""
    world = World()
    used: defaultdict[str, list[int]] = defaultdict(list)
    transact = world.machine.transact

    def watched(
        sender: Address, to: Address | None, data: bytes = b"", *rest: int, **options: int
    ) -> Outcome:
        outcome = transact(sender, to, data, *rest, **options)  # type: ignore[arg-type]  # passed on
        if not world.machine._is_reading and data[:4] in NAMES and outcome.ok:
            used[NAMES[data[:4]]].append(outcome.gas_used)
        return outcome

    world.machine.transact = watched  # type: ignore[method-assign,assignment]  # a meter
    world.seat_jurors(7)
    world.proposer(Lies(world.claims, 2, 3))
    world.challenger(world.attester())
    world.propose(lie(world.root(0)))
    asyncio.run(_play(world))
    return {name: max(values) for name, values in used.items()}, sum(map(len, used.values()))


async def _play(world: World) -> None:
    await world.play()


def large_block() -> tuple[Chain, Header]:
    """A chain whose head holds the transfers, and the head's parent."""
    accounts = dict(l2_world.allocation())
    for number in range(ACCOUNTS):
        accounts[Address(keccak256(number.to_bytes(8, "big"))[:20])] = GenesisAccount(balance_wei=10**18)
    chain = Chain.open(ROLLUP, MemoryKeyValue(), accounts, l2_world.GENESIS_TIME_S)
    parent = chain.head.header
    transfers = [
        ALICE.sign(ROLLUP, nonce=nonce, to=keccak256(nonce.to_bytes(8, "big"))[:20], gas=21_000)
        for nonce in range(TRANSFERS)
    ]
    chain.import_block(l2_world.inputs(chain, *transfers))
    return chain, parent


def witnesses() -> tuple[dict[str, int], dict[str, float]]:
    """Bytes of the witnesses of the block's steps, and seconds of CPU."""
    chain, parent = large_block()
    start_s = time.process_time()
    steps = chain.engine.steps(parent, chain.head)
    all_steps_s = time.process_time() - start_s
    sizes = {name: len(steps.witness(number).encode()) for name, number in _kinds()}
    witness = steps.witness(TRANSFERS // 2)
    start_s = time.process_time()
    result = chain.engine.run_step(witness, TRANSFERS // 2)
    replay_s = time.process_time() - start_s
    assert isinstance(result, StepState)
    assert result.claim == steps.states[TRANSFERS // 2].claim
    return sizes, {"all steps of the block": round(all_steps_s, 3), "one step again": round(replay_s, 4)}


def _kinds() -> Iterator[tuple[str, int]]:
    yield "inputs", 0
    yield "transfer", TRANSFERS // 2
    yield "sealing", TRANSFERS + 1


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.disputes", description=__doc__).parse_args()
    gas, count = gas_of_a_dispute()
    sizes, cpu_s = witnesses()
    print(json.dumps(Figures(gas, count, sizes, cpu_s).__dict__, indent=2))


if __name__ == "__main__":
    main()
