"""A rollup under load while its L1 reorganises and its processes are killed, all the time.

    OMP_NUM_THREADS=1 python -m benchmarks.soak [--seconds 600] [--seed N] [--rounds 14] [--directory DIR]

Sequencer, batcher, proposer and verifier are processes of their own on an anvil. Every round has one fault of
each kind (`faults`). Afterwards everything must come to rest at one chain, which a fresh node derives from
the L1 alone, with all money accounted for (`verdict`). Exit code 1 if anything is wrong or fewer faults than
`--least` in all or `--least-each` of a kind were survived. Seeds make plans repeatable, not timings.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random

from benchmarks.soak.faults import KINDS
from benchmarks.soak.soak import Report, Settings, soak


def main() -> int:
    arguments = _arguments()
    settings = Settings(arguments.seconds, arguments.rounds, arguments.least, arguments.least_each)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        directory = arguments.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(soak(settings, Random(arguments.seed), directory))
    print(_table(report))
    print(json.dumps({"seed": arguments.seed, **report.numbers()}))
    for line in report.wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if report.wrong else 0


def _table(report: Report) -> str:
    lines = ["| fault | injected | survived |", "| --- | --: | --: |"]
    for kind in KINDS:
        lines.append(f"| {kind} | {report.faults.suffered[kind]} | {report.faults.survived[kind]} |")
    total = report.faults.survived.total()
    lines.append(f"| all | {report.faults.suffered.total()} | {total} |")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="of load and faults")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--rounds", type=int, default=14, help="faults of each kind")
    parser.add_argument("--least", type=int, default=60)
    parser.add_argument("--least-each", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="keep data and logs here")
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
