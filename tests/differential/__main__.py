"""Run the fuzzer: `make fuzz-evm ARGS='--transactions 10000 --seed 1'`.

A seed makes a case, always the same; seeds that showed a difference are kept in `seeds.txt` and run first.
"""

import argparse
import json
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.differential.case import Answer, Case
from tests.differential.compare import difference, shrink
from tests.differential.oracles import Oracle, are_installed, start
from tests.differential.ours import make, run

TRANSACTIONS_PER_CASE = 16
SEEDS = Path(__file__).parent / "seeds.txt"


@dataclass
class Tally:
    """What was run, and what differed."""

    cases: int = 0
    transactions: int = 0
    refused: int = 0
    failed: int = 0
    gas: int = 0
    differences: list[str] = field(default_factory=list)
    forks: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, answer: Answer) -> None:
        self.cases += 1
        self.transactions += len(case.transactions)
        self.forks[case.fork.name] += 1
        for each in answer.transactions:
            self.refused += each is None
            self.failed += each is not None and not each.succeeded
            self.gas += each.gas_used if each is not None else 0

    def line(self) -> str:
        forks = ", ".join(f"{name} {count}" for name, count in sorted(self.forks.items()))
        return (
            f"{self.cases} cases ({forks}), {self.transactions} transactions ({self.refused} refused, "
            f"{self.failed} failed), {self.gas / 1e6:.0f} Mgas, {len(self.differences)} differences"
        )


def kept_seeds() -> list[int]:
    lines = (line.split("#")[0].strip() for line in SEEDS.read_text().splitlines())
    return [int(line) for line in lines if line]


def fuzz(seeds: list[int], oracles: list[Oracle], tally: Tally, *, verbose: bool) -> None:
    """Run the cases of the seeds; while ours runs one, the others answer the one before."""
    waiting: tuple[Case, Answer] | None = None
    for seed in seeds:
        case, answer = make(seed, TRANSACTIONS_PER_CASE)
        if waiting is not None:
            _compare(*waiting, oracles, tally)
        for oracle in oracles:
            oracle.ask(case)
        waiting = case, answer
        if verbose and tally.cases and not tally.cases % 50:
            print(tally.line(), file=sys.stderr, flush=True)
    if waiting is not None:
        _compare(*waiting, oracles, tally)


def _compare(case: Case, ours: Answer, oracles: list[Oracle], tally: Tally) -> None:
    tally.add(case, ours)
    for oracle in oracles:
        found = difference(ours, oracle.answer())
        if found is not None:
            tally.differences.append(f"seed {case.seed} ({case.fork.name}), {oracle.name}: {found}")
            print(tally.differences[-1], flush=True)


def explain(seed: int, oracles: list[Oracle]) -> None:
    """Print the answers to one seed, and the shortest case that differs."""
    case, _ = make(seed, TRANSACTIONS_PER_CASE)
    for oracle in oracles:

        def differs(candidate: Case, asked: Oracle = oracle) -> bool:
            asked.ask(candidate)
            return difference(run(candidate), asked.answer()) is not None

        short = shrink(case, differs)
        oracle.ask(short)
        ours, theirs = run(short), oracle.answer()
        print(f"{oracle.name}: {difference(ours, theirs)}")
        print(f"  ours {ours}\n  theirs {theirs}\n  {json.dumps(short.as_json())}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1, help="first seed; each case takes the next")
    parser.add_argument("--explain", type=int, help="print and shorten the case of this seed")
    arguments = parser.parse_args()
    if not are_installed():
        parser.error("the other engines are not installed: run make fuzz-evm")
    with ExitStack() as stack:
        oracles = [stack.enter_context(oracle) for oracle in start()]
        if arguments.explain is not None:
            explain(arguments.explain, oracles)
            return
        count = -(-arguments.transactions // TRANSACTIONS_PER_CASE)
        seeds = [*kept_seeds(), *range(arguments.seed, arguments.seed + count)]
        tally, start_s = Tally(), time.monotonic()
        fuzz(seeds, oracles, tally, verbose=True)
    last, seconds = arguments.seed + count - 1, time.monotonic() - start_s
    print(f"seeds {arguments.seed} to {last}: {tally.line()}, {seconds:.0f} s")
    sys.exit(1 if tally.differences else 0)


if __name__ == "__main__":
    main()
