"""`make bench-serving`: OpenLoRA beside its base and beside `peft`, and the gateway in front, in one run.

Each round of a subject has a process of its own (`--subject`), one after the other; what it found is kept
under `.cache/serving/found`. `--only NAME` takes one subject, `--resume` only rounds that are missing; the
report comes once all are there. So a shared machine can take them in pieces of a minute.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from dataclasses import replace
from typing import Any

from benchmarks.serving import gateway
from benchmarks.serving.ours import Load, Ours, cold_loads, memory, throughput
from benchmarks.serving.peft_peer import Peft
from benchmarks.serving.report import report
from benchmarks.serving.workload import ROOT, make_adapters, make_base, requests

COUNTS = [0, 1, 10, 100]
MANY = 1_000
LARGE_LANES = 200
PEFT_REQUESTS = 4
GATEWAY_TOKENS, GATEWAY_REQUESTS = 64, 30
SHARED_TOKENS, OWN_TOKENS, SHARED_LANES = 192, 32, 16
PREFIX_BYTES = 64 << 20
SUBJECTS = ("mixed", "large", "many", "peft", "shared", "gateway")
FOUND = ROOT / "found"


def mixed(load: Load, turn: int) -> dict[str, Any]:
    """Throughput by number of adapters, all in slots."""
    base = make_base()
    store, hashes = make_adapters(max(COUNTS))
    ours = Ours(base, store, hashes, load, slots=128)
    counts = COUNTS if load.lanes != LARGE_LANES else [0, max(COUNTS)]
    return {str(count): rate for count, rate in throughput(ours, counts, turn).items()}


def many(load: Load) -> dict[str, Any]:
    """A thousand adapters, more than slots and memory hold: throughput, memory, cold loads."""
    base = make_base()
    store, hashes = make_adapters(MANY)
    ours = Ours(base, store, hashes, load, slots=128)
    base_rates = [ours.run(requests(2 * ours.load.lanes, 0, ours.load.prompt_tokens))]
    before = memory()
    rate = ours.run(requests(MANY, MANY, ours.load.prompt_tokens))
    after, library = memory(), ours.library.statistics()
    assert library.known == MANY
    base_rates.append(ours.run(requests(2 * ours.load.lanes, 0, ours.load.prompt_tokens)))
    return {
        "rate": rate,
        "base_rates": base_rates,
        "anonymous_mb": after.anonymous - before.anonymous,
        "resident_mb": after.resident - before.resident,
        "base_resident_mb": before.resident,
        "in_memory_mb": library.memory_bytes / 2**20,
        "in_memory": library.in_memory,
        "slots_mb": ours.engine.slots.size_bytes / 2**20,
        "one_adapter_mb": ours.engine.slots.size_bytes / ours.engine.slots.count / 2**20,
        "first_token": cold_loads(ours, list(range(24))),
    }


def peft(adapters: int, load: Load, repetitions: int = 3) -> dict[str, Any]:
    """`peft` with as many adapters loaded: switching per request, and its own mixed batch."""
    base = make_base()
    store, hashes = make_adapters(adapters)
    subject = Peft(base, store, hashes, load.answer_tokens, load.device)
    subject.switching(requests(1, adapters, load.prompt_tokens))
    found = {
        "switching": [
            subject.switching(requests(PEFT_REQUESTS, adapters, load.prompt_tokens, seed=turn))
            for turn in range(repetitions)
        ]
    }
    if adapters > 1:
        found["mixed"] = [subject.mixed(requests(min(32, adapters), adapters, load.prompt_tokens))]
    return found


def shared(load: Load) -> dict[str, Any]:
    """Prompts that begin alike, computed each and computed once: CPU seconds of a batch."""
    base = make_base()
    store, _hashes = make_adapters(0)
    long = replace(load, lanes=SHARED_LANES, prompt_tokens=SHARED_TOKENS + OWN_TOKENS)
    (beginning,) = requests(1, 0, SHARED_TOKENS)
    found: dict[str, Any] = {}
    for name, prefix_bytes in (("each", 0), ("once", PREFIX_BYTES)):
        ours = Ours(base, store, [], long, slots=1, prefix_bytes=prefix_bytes)
        rates = []
        for turn in range(4):
            own = requests(SHARED_LANES, 0, OWN_TOKENS, seed=turn)
            asked = [replace(one, prompt=beginning.prompt + one.prompt) for one in own]
            rates.append(ours.run(asked))
        found[name] = statistics.median(rates[1:])
    return found


def take(name: str, turn: int, load: Load) -> dict[str, Any]:
    """One round of a subject in this process."""
    if name == "mixed":
        return mixed(load, turn)
    if name == "large":
        return mixed(replace(load, lanes=LARGE_LANES), turn)
    if name == "many":
        return many(load)
    if name == "shared":
        return shared(load)
    if name == "gateway":
        return asyncio.run(gateway.measure(GATEWAY_REQUESTS, GATEWAY_TOKENS))
    return {str(adapters): peft(adapters, load) for adapters in (1, 10, 100)}


def run(name: str, rounds: int, settings: dict[str, Any], *, resumes: bool) -> None:
    """The rounds of a subject that were not taken with these settings, each in a process of its own."""
    kept = read(name, settings) if resumes else []
    flags = [part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    while len(kept) < rounds:
        command = [sys.executable, "-m", "benchmarks.serving", "--subject", name, *flags]
        output = subprocess.run(
            [*command, "--turn", str(len(kept))], check=True, stdout=subprocess.PIPE
        ).stdout
        kept.append(json.loads(output.splitlines()[-1]))
        print(f"{name}: {json.dumps(kept[-1])}", file=sys.stderr, flush=True)
        FOUND.mkdir(parents=True, exist_ok=True)
        (FOUND / f"{name}.json").write_text(json.dumps({"settings": settings, "rounds": kept}))


def read(name: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rounds of a subject that were taken with these settings."""
    path = FOUND / f"{name}.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"settings": None}
    return list(kept["rounds"]) if kept["settings"] == settings else []


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.serving")
    parser.add_argument("--rounds", type=int, default=5, help="of what is compared within a round")
    parser.add_argument("--prompt-tokens", type=int, default=16)
    parser.add_argument("--answer-tokens", type=int, default=16)
    parser.add_argument("--device", default="cpu", help="cpu: seconds of CPU, one thread; cuda: by the clock")
    parser.add_argument("--only", choices=SUBJECTS, help="take one subject")
    parser.add_argument("--resume", action="store_true", help="take what is missing")
    parser.add_argument("--subject", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("--turn", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run all subjects, or one, or one round of one."""
    options = parse()
    settings = {name: getattr(options, name) for name in ("prompt_tokens", "answer_tokens", "device")}
    if options.subject:
        load = Load(
            prompt_tokens=options.prompt_tokens, answer_tokens=options.answer_tokens, device=options.device
        )
        print(json.dumps(take(options.subject, options.turn, load)))
        return
    make_base()
    make_adapters(MANY)
    rounds = {"mixed": options.rounds, "large": (options.rounds + 1) // 2}
    for name in [options.only] if options.only else SUBJECTS:
        run(name, rounds.get(name, 1), settings, resumes=options.resume)
    found = {name: read(name, settings) for name in SUBJECTS}
    missing = [name for name in SUBJECTS if len(found[name]) < rounds.get(name, 1)]
    if missing:
        print(f"still to be taken with these settings: {', '.join(missing)}")
        return
    report(found, settings)


if __name__ == "__main__":
    main()
