"""Events and errors of the Staking precompile, and the check of a role."""

from precompiles.contract import Error, Event
from precompiles.views import staking as view

STAKED = Event("event Staked(address indexed account, uint256 indexed role, uint256 amount, uint256 total)")
UNSTAKE_REQUESTED = Event(
    "event UnstakeRequested(address indexed account, uint256 indexed role, uint256 amount, "
    "uint256 withdrawableAt)"
)
WITHDRAWN = Event("event Withdrawn(address indexed account, uint256 indexed role, uint256 amount)")
DELEGATED = Event(
    "event Delegated(address indexed delegator, address indexed operator, uint256 indexed role, "
    "uint256 amount, uint256 total)"
)
UNDELEGATION_REQUESTED = Event(
    "event UndelegationRequested(address indexed delegator, address indexed operator, uint256 indexed role, "
    "uint256 amount, uint256 withdrawableAt)"
)
DELEGATION_WITHDRAWN = Event(
    "event DelegationWithdrawn(address indexed delegator, address indexed operator, uint256 indexed role, "
    "uint256 amount)"
)
COMMISSION_SET = Event(
    "event CommissionSet(address indexed operator, uint256 indexed role, uint256 commission, "
    "uint256 effectiveAt)"
)
REWARDS_COLLECTED = Event(
    "event RewardsCollected(address indexed delegator, address indexed operator, uint256 indexed role, "
    "uint256 amount)"
)
REWARDS_CLAIMED = Event(
    "event RewardsClaimed(address indexed account, address indexed recipient, uint256 amount)"
)
SLASH_REWARD_PAID = Event(
    "event SlashRewardPaid(address indexed account, address indexed recipient, uint256 amount)"
)

INVALID_ROLE = Error("error InvalidRole(uint256 role)")
INSUFFICIENT_STAKE = Error("error InsufficientStake(uint256 requested, uint256 available)")
TOO_EARLY = Error("error TooEarly(uint256 earliest)")
STAKE_HELD_BY_INDEXES = Error("error StakeHeldByIndexes(uint256 indexes, uint256 until)")
STAKE_LOCKED = Error("error StakeLocked(uint256 liability)")
NOTHING_TO_CLAIM = Error("error NothingToClaim()")
OPERATOR_NOT_STAKED = Error("error OperatorNotStaked(address operator)")


def check_role(role: int) -> None:
    """Revert unless there is such a role."""
    if role not in view.ROLES:
        raise INVALID_ROLE(role)
