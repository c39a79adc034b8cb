"""All execution figures in one run: in process, from the outside, the dev network, and while blocks are full.

OMP_NUM_THREADS=1 python -m benchmarks.execution [--quick]
"""

import argparse
import shlex
import sys

from benchmarks.execution import block_building, over_rpc, responsiveness, transfers
from benchmarks.execution.workload import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of everything, smaller")
    quick = parser.parse_args().quick
    print(f"command: python -m benchmarks.execution {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}\n")
    block_building.report(blocks=1 if quick else 3, rounds=1 if quick else 2)
    print()
    over_rpc.report(count=1_000 if quick else 3_000, rounds=1 if quick else 3)
    print()
    transfers.report(count=1_000 if quick else 3_000, rounds=1 if quick else 3)
    print()
    responsiveness.report(seconds=8.0 if quick else 30.0)


if __name__ == "__main__":
    main()
