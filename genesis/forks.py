"""Which rules hold at which time: the forks this build knows and what each changes in numbers."""

from dataclasses import dataclass
from enum import IntEnum

from genesis.spec import ChainSpec


class Fork(IntEnum):
    """Ethereum forks by name, in order. Chains of this project start at Prague; older ones are for plain
    Ethereum chains and the reference tests."""

    FRONTIER = 1
    HOMESTEAD = 2
    TANGERINE_WHISTLE = 3
    SPURIOUS_DRAGON = 4
    BYZANTIUM = 5
    CONSTANTINOPLE = 6
    PETERSBURG = 7
    ISTANBUL = 8
    MUIR_GLACIER = 9
    BERLIN = 10
    LONDON = 11
    ARROW_GLACIER = 12
    GRAY_GLACIER = 13
    PARIS = 14
    SHANGHAI = 15
    CANCUN = 16
    PRAGUE = 17
    OSAKA = 18


@dataclass(frozen=True, slots=True)
class BlobRules:
    """Gas per block, price curve, number per transaction. Source: EIP-4844, EIP-7691, EIP-7594."""

    target_gas: int
    maximum_gas: int
    update_fraction: int
    most_per_transaction: int | None = None


BLOB_RULES = {
    Fork.CANCUN: BlobRules(target_gas=393_216, maximum_gas=786_432, update_fraction=3_338_477),
    Fork.PRAGUE: BlobRules(target_gas=786_432, maximum_gas=1_179_648, update_fraction=5_007_716),
    Fork.OSAKA: BlobRules(786_432, 1_179_648, update_fraction=5_007_716, most_per_transaction=6),
}


TRANSACTION_GAS_CAP = 2**24
"""Most gas of one signed transaction, from Osaka. Source: EIP-7825."""

NO_BLOBS = BlobRules(target_gas=0, maximum_gas=0, update_fraction=1)


def blob_rules(fork: Fork) -> BlobRules:
    """No blob fits into a block before Cancun."""
    return BLOB_RULES.get(fork, NO_BLOBS)


_ANY_NUMBER = 2**64


@dataclass(frozen=True, slots=True)
class ForkSchedule:
    """(first timestamp in seconds, fork) in rising order; the first starts at 0, unless older forks come in
    `by_number`, (first block number, fork) in rising order from 0."""

    steps: tuple[tuple[int, Fork], ...]
    by_number: tuple[tuple[int, Fork], ...] = ()

    def at(self, timestamp_s: int, number: int = _ANY_NUMBER) -> Fork:
        """The fork of a block. Its number matters only to a chain that knows forks by number."""
        current = self.by_number[0][1] if self.by_number else self.steps[0][1]
        for first_number, fork in self.by_number:
            if number >= first_number:
                current = fork
        for first_timestamp_s, fork in self.steps:
            if timestamp_s >= first_timestamp_s:
                current = fork
        return current


PRAGUE_ONLY = ForkSchedule(((0, Fork.PRAGUE),))


def schedule_of(spec: ChainSpec) -> ForkSchedule:
    """The schedule of a chain that starts at Prague."""
    if spec.osaka_time_s is None:
        return PRAGUE_ONLY
    return ForkSchedule(((0, Fork.PRAGUE), (spec.osaka_time_s, Fork.OSAKA)))


PROTOCOL_FORKS: frozenset[str] = frozenset()
"""Forks that Policy may schedule and this build knows, by name; each release that brings one adds it."""
