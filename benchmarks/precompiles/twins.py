"""What each method costs beside its Solidity twin: gas and CPU time of the same calls on the same states.

A random economy's calls go to both, and those of methods that have not succeeded in it, in the states they
were found in; they must answer alike. The twin runs in the compiled interpreter, code of any size allowed.
Covered: successful calls, the median of each method.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.precompiles.law import EngineMachine, Timed, unreached
from benchmarks.precompiles.rare import Found
from genesis.addresses import TREASURY
from openledger_node.storage.leveldb import LevelDb
from precompiles.table import CONTRACTS
from tests.precompiles.artifacts import twin_code
from tests.precompiles.calls import UNIT
from tests.precompiles.economy import Economy
from tests.precompiles.world import TIMELOCK, TWINS, Call, Outcome

Method = tuple[str, str]
"""Contract and method name."""


class DisagreementError(Exception):
    """Precompile and twin answered a call differently."""


@dataclass(frozen=True)
class Pair:
    """Medians of one method: gas, and CPU seconds."""

    method: Method
    calls: int
    native_gas: float
    native_s: float
    twin_gas: float
    twin_s: float


def compare(steps: int, rare: Sequence[Found], seed: int = 1) -> tuple[list[Pair], list[Method]]:
    """The methods that succeeded in so many random calls or in the rare ones, and those that did not."""
    with tempfile.TemporaryDirectory() as folder:
        stores = [LevelDb.open(Path(folder) / name) for name in ("native", "twin")]
        native = EngineMachine(stores[0])
        codes = {address: twin_code(name) for address, name in TWINS.items()}
        twin = EngineMachine(stores[1], codes=codes, repeats=1)
        economy = Economy(seed, native)
        for holder in (TIMELOCK, TREASURY, *(account.address for account in economy.accounts)):
            native.fund(holder, 1_000_000 * UNIT)
            twin.fund(holder, 1_000_000 * UNIT)
        both = []
        for _ in range(steps):
            native.moment = twin.moment = economy.next_moment()
            call = economy.next_call()
            outcome = native.call(call)
            _check_alike(call, outcome, twin.call(call))
            both.append((native.timed[-1], twin.timed[-1]))
            economy.learn(outcome)
        for found in unreached(rare, [mine for mine, _ in both]):
            for each in (native, twin):
                each.restore(found)
                _check_alike(found.call, found.outcome, each.call(found.call))
            both.append((native.timed[-1], twin.timed[-1]))
        for store in stores:
            store.close()
    return _pairs(both)


def _check_alike(call: Call, outcome: Outcome, answer: Outcome) -> None:
    if (outcome.succeeded, outcome.data) != (answer.succeeded, answer.data):
        raise DisagreementError(f"{CONTRACTS[call.target].name} {call}: {outcome} and {answer}")


def _pairs(both: list[tuple[Timed, Timed]]) -> tuple[list[Pair], list[Method]]:
    found: dict[Method, list[tuple[Timed, Timed]]] = {}
    for native, twin in both:
        if native.succeeded:
            found.setdefault((native.contract, native.method), []).append((native, twin))
    pairs = [_median(method, calls) for method, calls in sorted(found.items())]
    every = {(contract.name, method.name) for contract in CONTRACTS.values() for method in contract.methods}
    return pairs, sorted(every - found.keys())


def _median(method: Method, calls: list[tuple[Timed, Timed]]) -> Pair:
    natives, twins = zip(*calls, strict=True)
    return Pair(
        method,
        len(calls),
        median(each.gas_used for each in natives),
        median(each.seconds for each in natives),
        median(each.gas_used for each in twins),
        median(each.seconds for each in twins),
    )


def print_pairs(pairs: list[Pair], missing: list[Method]) -> None:
    """The table; times in microseconds."""
    print("| method | calls | gas | us | twin's gas | us | gas saved | time saved |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for pair in pairs:
        print(
            f"| {'.'.join(pair.method)} | {pair.calls} | {pair.native_gas:,.0f} | {pair.native_s * 1e6:,.0f} "
            f"| {pair.twin_gas:,.0f} | {pair.twin_s * 1e6:,.0f} | {pair.twin_gas / pair.native_gas:.1f} x "
            f"| {pair.twin_s / pair.native_s:.1f} x |"
        )
    if missing:
        print(f"\nNot brought to success: {', '.join('.'.join(method) for method in missing)}.")
