"""What a block before the merge owes to its work: difficulty, ommers, rewards.

Covered: the difficulty rule of every fork with its bomb, number and age of ommers, who is paid what.
Not covered: the seal itself (nonce and mix hash), that ommers' parents are ancestors.
Source: execution-specs, `calculate_block_difficulty`, `validate_ommers`, `pay_rewards`.
"""

from dataclasses import dataclass

from genesis.forks import Fork
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.blocks import EMPTY_OMMERS_HASH
from openledger_node.evm.context import BlockContext
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import Header

_MINIMUM_DIFFICULTY = 131_072
_DIFFICULTY_STEP = 2_048
_BOMB_PERIOD = 100_000
_FREE_BOMB_PERIODS = 2
_LARGEST_DECREASE = -99
_BOMB_DELAY = {
    Fork.BYZANTIUM: 3_000_000,
    Fork.CONSTANTINOPLE: 5_000_000,
    Fork.PETERSBURG: 5_000_000,
    Fork.ISTANBUL: 5_000_000,
    Fork.MUIR_GLACIER: 9_000_000,
    Fork.BERLIN: 9_000_000,
    Fork.LONDON: 9_700_000,
    Fork.ARROW_GLACIER: 10_700_000,
    Fork.GRAY_GLACIER: 11_400_000,
}
_ETHER = 10**18
_MAXIMUM_OMMERS = 2
_MAXIMUM_OMMER_AGE = 6


def difficulty_after(fork: Fork, parent: Header, timestamp_s: int) -> int:
    """Difficulty of a block of `fork` on `parent`."""
    step = parent.difficulty // _DIFFICULTY_STEP
    waited_s = timestamp_s - parent.timestamp_s
    least = _MINIMUM_DIFFICULTY
    if fork >= Fork.BYZANTIUM:
        base = 1 if parent.ommers_hash == EMPTY_OMMERS_HASH else 2
        change = max(base - waited_s // 9, _LARGEST_DECREASE)
    elif fork >= Fork.HOMESTEAD:
        change = max(1 - waited_s // 10, _LARGEST_DECREASE)
    else:
        change = 1 if waited_s < 13 else -1
        least = min(parent.difficulty, _MINIMUM_DIFFICULTY)
    difficulty = max(parent.difficulty + step * change, least)
    delayed_number = max(parent.number + 1 - _BOMB_DELAY.get(fork, 0), 0)
    periods = delayed_number // _BOMB_PERIOD - _FREE_BOMB_PERIODS
    return max(difficulty + 2**periods, _MINIMUM_DIFFICULTY) if periods >= 0 else difficulty


def check_ommers(number: int, ommers: tuple[Header, ...]) -> None:
    """Raises `InvalidBlockError`."""
    if len(ommers) > _MAXIMUM_OMMERS:
        raise InvalidBlockError("invalid block: more than two ommers")
    if len({ommer.hash for ommer in ommers}) < len(ommers):
        raise InvalidBlockError("invalid block: the same ommer twice")
    if any(not 1 <= number - ommer.number <= _MAXIMUM_OMMER_AGE for ommer in ommers):
        raise InvalidBlockError("invalid block: an ommer is too old or too young")


def block_reward_wei(fork: Fork) -> int:
    """What a block's miner is paid besides fees; nothing after the merge."""
    if fork >= Fork.PARIS:
        return 0
    if fork >= Fork.CONSTANTINOPLE:
        return 2 * _ETHER
    return 3 * _ETHER if fork >= Fork.BYZANTIUM else 5 * _ETHER


@dataclass(frozen=True, slots=True)
class Rewards:
    """What a block pays its miner, and the miner of each ommer."""

    miner_wei: int
    each_ommer_wei: tuple[int, ...] = ()

    @property
    def ommers_wei(self) -> int:
        return sum(self.each_ommer_wei)


def rewards_of(fork: Fork, number: int, ommers: tuple[Header, ...]) -> Rewards:
    """What a block's miner and its ommers' miners get, in wei. Source: Yellow Paper, 11.3."""
    reward_wei = block_reward_wei(fork)
    return Rewards(
        reward_wei + len(ommers) * reward_wei // 32,
        tuple((8 + ommer.number - number) * reward_wei // 8 for ommer in ommers),
    )


def pay_rewards(accounts: AccountState, context: BlockContext, ommers: tuple[Header, ...]) -> int:
    """Pay the miner and the ommers' miners; returns the sum in wei."""
    rewards = rewards_of(context.fork, context.number, ommers)
    if not rewards.miner_wei:
        return 0
    recipients = [context.coinbase, *(ommer.coinbase for ommer in ommers)]
    amounts = [rewards.miner_wei, *rewards.each_ommer_wei]
    for address, amount_wei in zip(recipients, amounts, strict=True):
        accounts.set_balance(address, accounts.get_balance(address) + amount_wei)
    accounts.end_transaction()
    return sum(amounts)
