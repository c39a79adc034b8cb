"""Which rules hold at which time: the forks this build knows and what each changes in numbers."""

from dataclasses import dataclass
from enum import IntEnum

from genesis.spec import ChainSpec


class Fork(IntEnum):
    """Ethereum forks by name, in order. Chains of this project start at Prague; Cancun is kept so that
    the reference tests of that fork can be run."""

    CANCUN = 1
    PRAGUE = 2


@dataclass(frozen=True, slots=True)
class BlobRules:
    """Gas per block and price curve of blobs. Source: EIP-4844, EIP-7691."""

    target_gas: int
    maximum_gas: int
    update_fraction: int


BLOB_RULES = {
    Fork.CANCUN: BlobRules(target_gas=393_216, maximum_gas=786_432, update_fraction=3_338_477),
    Fork.PRAGUE: BlobRules(target_gas=786_432, maximum_gas=1_179_648, update_fraction=5_007_716),
}


@dataclass(frozen=True, slots=True)
class ForkSchedule:
    """(first timestamp in seconds, fork) in rising order; the first starts at 0."""

    steps: tuple[tuple[int, Fork], ...]

    def at(self, timestamp_s: int) -> Fork:
        current = self.steps[0][1]
        for first_timestamp_s, fork in self.steps:
            if timestamp_s >= first_timestamp_s:
                current = fork
        return current


PRAGUE_ONLY = ForkSchedule(((0, Fork.PRAGUE),))


def schedule_of(spec: ChainSpec) -> ForkSchedule:
    """The schedule of a chain. Raises `ValueError` if it names a fork this build does not know."""
    if spec.osaka_time_s is not None:
        raise ValueError("the chain schedules Osaka, which this build does not know")
    return PRAGUE_ONLY
