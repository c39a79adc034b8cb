"""Fill blocks with the worst calls and say how long they take; beside it our precompiles and their twins."""

import argparse
import sys
from collections.abc import Iterator

from benchmarks.precompiles.calls import call_workloads
from benchmarks.precompiles.ethereum import ethereum_workloads
from benchmarks.precompiles.law import time_law
from benchmarks.precompiles.measure import measure
from benchmarks.precompiles.opcodes import opcode_workloads
from benchmarks.precompiles.payout import payouts, print_payouts
from benchmarks.precompiles.rare import rare_calls
from benchmarks.precompiles.report import Row, from_law, from_measured, print_tables
from benchmarks.precompiles.sketches import print_sketches, recomputed
from benchmarks.precompiles.transactions import transaction_workloads
from benchmarks.precompiles.twins import compare, print_pairs
from benchmarks.precompiles.workload import Workload
from genesis.forks import Fork, ForkSchedule
from openledger_node.node.collector import calm_collector

LAW = "our precompiles"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precompiles", description=__doc__)
    parser.add_argument("--only", default="", help="run workloads whose family or name contains this")
    parser.add_argument("--block-gas", type=int, default=30_000_000)
    parser.add_argument("--block-time", type=float, default=2.0, help="seconds")
    parser.add_argument("--fork", choices=[fork.name for fork in Fork], default=max(Fork).name)
    parser.add_argument("--runs", type=int, default=2, help="of each; the fastest counts")
    parser.add_argument("--law-steps", type=int, default=1_500, help="calls of the random economy")
    parser.add_argument("--twin-steps", type=int, default=1_200, help="calls sent to the twins too")
    parser.add_argument("--all", action="store_true", help="print every workload, not the worst of a family")
    return parser.parse_args()


def _workloads(only: str) -> Iterator[Workload]:
    for workloads in (opcode_workloads, call_workloads, transaction_workloads, ethereum_workloads):
        for workload in workloads():
            if only in f"{workload.family}: {workload.name}":
                yield workload


def main() -> None:
    arguments = _arguments()
    # As a node that serves.
    calm_collector()
    schedule = ForkSchedule(((0, Fork[arguments.fork]),))
    rows: list[Row] = []
    for workload in _workloads(arguments.only):
        measured = measure(workload, schedule, arguments.block_gas, arguments.runs)
        row = from_measured(measured)
        scale = f"{measured.seconds:.2f} s for {measured.gas_used} gas"
        print(
            f"{row.family}: {row.name}: {row.seconds_per_block:.2f} s ({scale})", file=sys.stderr, flush=True
        )
        rows.append(row)
    if arguments.only in LAW:
        rare = rare_calls()
        rows += from_law(time_law(arguments.law_steps, rare), LAW, arguments.block_gas)
        print_pairs(*compare(arguments.twin_steps, rare))
        print()
        print_sketches(recomputed())
        print()
        print_payouts(payouts())
        print()
    if not rows:
        raise SystemExit(f"no workload's family or name contains {arguments.only!r}")
    print_tables(rows, arguments.block_gas, arguments.block_time, show_all=arguments.all)


if __name__ == "__main__":
    main()
