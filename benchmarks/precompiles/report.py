"""What the figures mean: seconds per block, and the gas limit at which none exceeds the block time."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.precompiles.law import Timed
from benchmarks.precompiles.measure import Measured

_LAW_PERCENTILE = 0.9


@dataclass(frozen=True)
class Row:
    family: str
    name: str
    megagas_per_second: float
    seconds_per_block: float


def from_measured(measured: Measured) -> Row:
    return Row(
        measured.workload.family,
        measured.workload.name,
        measured.megagas_per_second,
        measured.seconds_per_block,
    )


def from_law(timed: Iterable[Timed], family: str, block_gas: int) -> list[Row]:
    """The slow end of every method: single calls are short, so the slowest tenth is dropped as noise."""
    by_method: dict[str, list[float]] = {}
    for each in timed:
        by_method.setdefault(f"{each.contract}.{each.method}", []).append(each.seconds_per_gas)
    rows = []
    for name, rates in by_method.items():
        rate = sorted(rates)[int((len(rates) - 1) * _LAW_PERCENTILE)]
        rows.append(Row(family, name, 1e-6 / rate, rate * block_gas))
    return rows


def print_tables(rows: list[Row], block_gas: int, block_time_s: float, *, show_all: bool) -> None:
    shown = sorted(rows if show_all else _worst(rows), key=lambda row: -row.seconds_per_block)
    units = f"s per {block_gas / 1e6:g} Mgas | gas limit for {block_time_s:g} s"
    print(f"| family | worst call | Mgas/s | {units} |")
    print("| --- | --- | --- | --- | --- |")
    for row in shown:
        limit = row.megagas_per_second * block_time_s
        print(
            f"| {row.family} | {row.name} | {row.megagas_per_second:.1f} | {row.seconds_per_block:.2f} "
            f"| {limit:.1f} M |"
        )
    over = [row for row in rows if row.seconds_per_block > block_time_s]
    slowest = min(row.megagas_per_second for row in rows)
    print(
        f"\n{len(over)} of {len(rows)} calls exceed {block_time_s:g} s; "
        f"a gas limit of {slowest * block_time_s:.1f} M holds them all."
    )


def _worst(rows: list[Row]) -> list[Row]:
    worst: dict[str, Row] = {}
    for row in rows:
        if row.family not in worst or row.seconds_per_block > worst[row.family].seconds_per_block:
            worst[row.family] = row
    return list(worst.values())
