"""Where the Policy precompile keeps its versions, and how others read a parameter."""

from dataclasses import dataclass, fields

from genesis.addresses import POLICY
from genesis.policy import Policy
from genesis.types import Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import field_slot, load_struct, mapping_slot

CURRENT_VERSION_SLOT = 0
TIMELOCK_SLOT = 1
VERSIONS_SLOT = 2
FORK_COUNT_SLOT = 3
FORKS_SLOT = 4

PARAMETERS = Struct(
    "Parameters",
    Policy,
    "uint256 platformPpm, uint256 providerPpm, uint256 ownerPpm, uint256 stakersPpm, "
    "uint256 contributionBond, uint256 revealDelayBlocks, uint256 indexWindowSeconds, "
    "uint256 postWindowSeconds, uint256 postDelaySeconds, uint256 challengeRevealSeconds, "
    "uint256 challengeBond, uint256 slashAmount, uint256 challengerPpm, uint256 closeDelaySeconds, "
    "uint256 unbondingSeconds, uint256 minimumValidatorStake, uint256 minimumProviderStake, "
    "uint256 similarityPpm, uint256 significancePpm, uint256 maximumSharePpm, "
    "uint256 minimumClaim, uint256 rolloverLimit, uint256 demandWindowSeconds, uint256 demandFee, "
    "uint256 requestWindowSeconds, uint256 parentSharePpm, "
    "uint256 retrievalPpm, uint256 auditPpm, uint256 jurySeats, uint256 juryDelayBlocks, "
    "uint256 juryCommitSeconds, uint256 juryRevealSeconds, uint256 jurorFee, uint256 absenceSlash, "
    "uint256 auditFundPpm, uint256 selfStakePpm",
)


@dataclass(frozen=True, slots=True)
class ScheduledFork:
    """A protocol upgrade by name (ASCII, padded with zeros) and the time of its first block."""

    name: Hash32
    time_s: int


FORK = Struct("Fork", ScheduledFork, "bytes32 name, uint256 time")
_FIELD_INDEX = {field.name: i for i, field in enumerate(fields(Policy))}


def version_slot(version: int) -> int:
    """Base slot of a version's parameters."""
    return mapping_slot(VERSIONS_SLOT, version)


def current_version(host: Host) -> int:
    """The version that new channels, posts and bonds run under."""
    return host.load(POLICY, CURRENT_VERSION_SLOT)


def parameters(host: Host, version: int) -> Policy:
    """All parameters of a version; zeros when it does not exist."""
    return load_struct(host, POLICY, version_slot(version), PARAMETERS)


def parameter(host: Host, version: int, name: str) -> int:
    """One parameter of a version, by its field name in `genesis.policy.Policy`."""
    return host.load(POLICY, field_slot(version_slot(version), _FIELD_INDEX[name]))


def current(host: Host, name: str) -> int:
    """One parameter of the current version."""
    return parameter(host, current_version(host), name)


def fork_slot(number: int) -> int:
    """Base slot of a scheduled fork."""
    return mapping_slot(FORKS_SLOT, number)


def fork_count(host: Host) -> int:
    """How many forks were ever scheduled; numbers count from 1."""
    return host.load(POLICY, FORK_COUNT_SLOT)


def fork(host: Host, number: int) -> ScheduledFork:
    """A scheduled fork; zeros when it does not exist."""
    return load_struct(host, POLICY, fork_slot(number), FORK)
