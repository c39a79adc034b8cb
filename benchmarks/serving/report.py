"""What the subjects found, as tables and targets."""

import statistics
from typing import Any

from benchmarks.serving.workload import RANK

Rounds = list[dict[str, Any]]
Found = dict[str, Rounds]
"""Rounds by subject."""


def report(found: Found, settings: dict[str, Any]) -> None:
    """Print everything."""
    per = "CPU second of one thread" if settings["device"] == "cpu" else "second"
    print(
        f"\nhidden 1,024, 8 layers, bfloat16, adapters of rank {RANK} on all linear layers; tokens per {per},"
        f"\nprompts of {settings['prompt_tokens']}, answers of {settings['answer_tokens']};"
        f" medians of {len(found['mixed'])} rounds, ratios within a round\n"
    )
    _throughput(found)
    _adapters(found["many"][0])
    _shared(found["shared"][0])
    _gateway(found["gateway"][0])
    _targets(found)


def _throughput(found: Found) -> None:
    rates, peers, thousand = found["mixed"], found["peft"][0], found["many"][0]
    print(
        "| adapters | OpenLoRA, batch 100 | of base only | peft switching | OpenLoRA / peft "
        "| peft mixed batch |"
    )
    print("| --: | --: | --: | --: | --: | --: |")
    for count in rates[0]:
        rate, peer = _rate(rates, count), peers.get(count, {})
        switching = statistics.median(peer["switching"]) if peer else None
        own = statistics.median(peer["mixed"]) if "mixed" in peer else None
        print(
            f"| {'base only' if count == '0' else count} | {rate:.0f} | {_of_base(rates, count):.2f} | "
            f"{_cell(switching, 1)} | {_cell(switching and rate / switching)} | {_cell(own)} |"
        )
    wide = found["large"]
    print(f"| 100, batch 200 | {_rate(wide, '100'):.0f} | {_of_base(wide, '100'):.2f} | | | |")
    of_base = thousand["rate"] / statistics.mean(thousand["base_rates"])
    print(f"| 1,000, batch 100, 128 slots | {thousand['rate']:.0f} | {of_base:.2f} | | | |")
    spread = ", ".join(f"{ratio:.2f}" for ratio in _ratios(rates, "100"))
    print(f"\n100 adapters of base only, round by round: {spread}")


def _adapters(thousand: dict[str, Any]) -> None:
    for name, clock in (("cpu_ms", "CPU time"), ("wall_ms", "by the clock")):
        first = thousand["first_token"][name]
        print(
            f"first token, {clock}: base {first['base']:.0f} ms, adapter in a slot "
            f"{first['in a slot']:.0f} ms, on disk {first['cold']:.0f} ms: "
            f"a cold load is {first['cold'] - first['in a slot']:.0f} ms"
        )
    print(
        f"memory: one adapter {thousand['one_adapter_mb']:.2f} MB; 1,000 registered and used: "
        f"{thousand['anonymous_mb']:.0f} MB beyond the base (slots {thousand['slots_mb']:.0f} MB, "
        f"{thousand['in_memory']} in memory {thousand['in_memory_mb']:.0f} MB; resident with file pages "
        f"{thousand['resident_mb']:.0f} MB; base {thousand['base_resident_mb']:.0f} MB)"
    )


def _shared(found: dict[str, Any]) -> None:
    print(
        f"prompts of 224 tokens that share 192, 16 at once, shared tokens counted: each computed "
        f"{found['each']:.0f}, computed once {found['once']:.0f}: {found['once'] / found['each']:.1f} times"
    )


def _gateway(found: dict[str, Any]) -> None:
    for name in ("whole", "stream"):
        one = found[name]
        print(
            f"gateway, {name} answer of {found['tokens']} tokens, paid by voucher: {one['added_cpu_ms']} ms "
            f"of CPU and {one['added_ms']} ms by the clock more than without "
            f"({one['direct']['median_ms']} ms)"
        )


def _targets(found: Found) -> None:
    rates = found["mixed"]
    switching = statistics.median(found["peft"][0]["100"]["switching"])
    _target("100 adapters mixed, of base only", _of_base(rates, "100"), 0.9)
    _target("100 adapters, times peft switching", _rate(rates, "100") / switching, 10.0)
    beyond_gb = found["many"][0]["anonymous_mb"] / 1024
    _target("1,000 adapters, GB beyond the base (at most)", beyond_gb, 1.0, is_least=False)


def _rate(rounds: Rounds, count: str) -> float:
    return float(statistics.median(one[count] for one in rounds))


def _ratios(rounds: Rounds, count: str) -> list[float]:
    return [one[count] / one["0"] for one in rounds]


def _of_base(rates: Rounds, count: str) -> float:
    return statistics.median(_ratios(rates, count))


def _cell(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _target(name: str, value: float, goal: float, *, is_least: bool = True) -> None:
    is_met = value >= goal if is_least else value <= goal
    print(f"target {name}: {value:.2f}, goal {goal}: {'met' if is_met else 'MISSED'}")
