"""`make bench-serving`: OpenLoRA beside its base and beside `peft` in one run; prints tables and targets.

Each subject has a process of its own (`--subject`), started one after the other.
"""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import replace
from typing import Any

from benchmarks.serving.ours import Load, Ours, cold_loads, memory, throughput
from benchmarks.serving.peft_peer import Peft
from benchmarks.serving.workload import RANK, make_adapters, make_base, requests

COUNTS = [0, 1, 10, 100]
MANY = 1_000
LARGE_LANES = 200
PEFT_REQUESTS = 10
SUBJECTS = ("mixed", "large", "many", "peft")


def mixed(load: Load, rounds: int) -> dict[str, Any]:
    """Throughput by number of adapters, all in slots."""
    base = make_base()
    store, hashes = make_adapters(max(COUNTS))
    ours = Ours(base, store, hashes, load, slots=128)
    counts = COUNTS if load.lanes != LARGE_LANES else [0, max(COUNTS)]
    return {str(count): rates for count, rates in throughput(ours, counts, rounds).items()}


def many(load: Load) -> dict[str, Any]:
    """A thousand adapters, more than slots and memory hold: throughput, memory, cold loads."""
    base = make_base()
    store, hashes = make_adapters(MANY)
    ours = Ours(base, store, hashes, load, slots=128)
    base_rate = ours.run(requests(2 * ours.load.lanes, 0, ours.load.prompt_tokens))
    before = memory()
    rate = ours.run(requests(MANY, MANY, ours.load.prompt_tokens))
    after, library = memory(), ours.library.statistics()
    assert library.known == MANY
    again = ours.run(requests(2 * ours.load.lanes, 0, ours.load.prompt_tokens))
    return {
        "rate": rate,
        "base_rate": statistics.mean([base_rate, again]),
        "anonymous_mb": after.anonymous - before.anonymous,
        "resident_mb": after.resident - before.resident,
        "base_resident_mb": before.resident,
        "in_memory_mb": library.memory_bytes / 2**20,
        "in_memory": library.in_memory,
        "slots_mb": ours.engine.slots.size_bytes / 2**20,
        "one_adapter_mb": ours.engine.slots.size_bytes / ours.engine.slots.count / 2**20,
        "first_token_ms": cold_loads(ours, list(range(24))),
    }


def peft(adapters: int, count: int, load: Load) -> dict[str, Any]:
    """`peft` with as many adapters loaded: switching per request, and its own mixed batch."""
    base = make_base()
    store, hashes = make_adapters(adapters)
    subject = Peft(base, store, hashes, load.answer_tokens)
    asked = requests(count, adapters, load.prompt_tokens)
    subject.switching(asked[:1])
    found = {"switching": subject.switching(asked)}
    if adapters > 1:
        found["mixed"] = subject.mixed(requests(min(32, adapters), adapters, load.prompt_tokens))
    return found


def subject(name: str, rounds: int, load: Load) -> dict[str, Any]:
    """Run one subject in this process."""
    if name == "mixed":
        return mixed(load, rounds)
    if name == "large":
        return mixed(replace(load, lanes=LARGE_LANES), rounds)
    if name == "many":
        return many(load)
    return {str(adapters): peft(adapters, PEFT_REQUESTS, load) for adapters in (1, 10, 100)}


def report(found: dict[str, dict[str, Any]]) -> None:
    """Tables and targets."""
    rates = found["mixed"]
    switching = {count: rates_["switching"] for count, rates_ in found["peft"].items()}
    print(
        f"\nhidden 1,024, 8 layers, bfloat16, adapters of rank {RANK} on all linear layers; tokens per CPU s"
    )
    print(
        "| adapters | OpenLoRA, batch 100 | of base | peft switching | OpenLoRA / peft | peft mixed batch |"
    )
    print("| --: | --: | --: | --: | --: | --: |")
    for count, values in rates.items():
        ratio = statistics.median(one / base for one, base in zip(values, rates["0"], strict=True))
        rate, peer = statistics.median(values), switching.get(count)
        own = found["peft"].get(count, {}).get("mixed")
        print(
            f"| {'base only' if count == '0' else count} | {rate:.0f} | {ratio:.2f} | {_cell(peer)} | "
            f"{_cell(peer and rate / peer, 1)} | {_cell(own)} |"
        )
    large, thousand = found["large"], found["many"]
    wide = statistics.median(one / base for one, base in zip(large["100"], large["0"], strict=True))
    of_base = thousand["rate"] / thousand["base_rate"]
    print(f"| 100, batch {LARGE_LANES} | {statistics.median(large['100']):.0f} | {wide:.2f} | | | |")
    print(f"| 1,000, batch 100, 128 slots | {thousand['rate']:.0f} | {of_base:.2f} | | | |")
    first = thousand["first_token_ms"]
    print(
        f"\nfirst token: base {first['base']:.0f} ms, adapter in a slot {first['in a slot']:.0f} ms, "
        f"on disk {first['cold']:.0f} ms"
    )
    print(
        f"memory: one adapter {thousand['one_adapter_mb']:.2f} MB; 1,000 known and used: "
        f"{thousand['anonymous_mb']:.0f} MB beyond the base (slots {thousand['slots_mb']:.0f} MB, "
        f"{thousand['in_memory']} in memory {thousand['in_memory_mb']:.0f} MB; resident with file pages "
        f"{thousand['resident_mb']:.0f} MB; base {thousand['base_resident_mb']:.0f} MB)"
    )
    hundred = statistics.median(one / base for one, base in zip(rates["100"], rates["0"], strict=True))
    _target("100 adapters mixed, of base only", hundred, 0.9)
    _target("100 adapters, times peft switching", statistics.median(rates["100"]) / switching["100"], 10.0)
    _target(
        "1,000 adapters, GB beyond the base (at most)", thousand["anonymous_mb"] / 1024, 1.0, is_least=False
    )


def _cell(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _target(name: str, value: float, goal: float, *, is_least: bool = True) -> None:
    is_met = value >= goal if is_least else value <= goal
    print(f"target {name}: {value:.2f}, goal {goal}: {'met' if is_met else 'MISSED'}")


def main() -> None:
    """Run all subjects, or one."""
    parser = argparse.ArgumentParser(prog="benchmarks.serving")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subject", choices=SUBJECTS)
    parser.add_argument("--prompt-tokens", type=int, default=32)
    parser.add_argument("--answer-tokens", type=int, default=32)
    options = parser.parse_args()
    if options.subject:
        load = Load(prompt_tokens=options.prompt_tokens, answer_tokens=options.answer_tokens)
        print(json.dumps(subject(options.subject, options.rounds, load)))
        return
    make_base()
    make_adapters(MANY)
    found = {}
    for name in SUBJECTS:
        command = [sys.executable, "-m", "benchmarks.serving", "--subject", name, *sys.argv[1:]]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        found[name] = json.loads(output.splitlines()[-1])
        print(f"{name}: {json.dumps(found[name])}", file=sys.stderr, flush=True)
    report(found)


if __name__ == "__main__":
    main()
