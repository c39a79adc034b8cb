"""Policy (06): versioned parameters that only governance's timelock may add to.

Covered: publishing within the floors, reading. A published version never changes, and whoever depends on one
pins its number. The floors come from version 1, which genesis writes: windows, bonds and stakes may not fall
below half of it, nor may the contributors' share. The delay of draws may not fall at all: within a sequencing
window a sequencer could wait for the jury it likes. A challenge's bond covers the jury that may be drawn for
it.
Scheduled protocol upgrades: `policy_forks`.
"""

from typing import Any

from genesis.addresses import POLICY
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.shares import PPM
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from precompiles import gas
from precompiles.abi import Struct, encode_parameters
from precompiles.checks import MAXIMUM_WEI
from precompiles.contract import Contract, Error, Event, Method
from precompiles.host import Host
from precompiles.policy_forks import (
    FORK_CANCELLED,
    FORK_NOT_FOUND,
    FORK_SCHEDULED,
    INVALID_FORK,
    NOT_TIMELOCK,
    cancel_fork,
    check_timelock,
    fork_count,
    get_fork,
    schedule_fork,
)
from precompiles.slots import hash_word, load_address, store_struct
from precompiles.views import policy as view

POLICY_PUBLISHED = Event("event PolicyPublished(uint256 indexed version, bytes32 parametersHash)")

INVALID_PARAMETER = Error("error InvalidParameter(string name)")
VERSION_NOT_FOUND = Error("error VersionNotFound(uint256 version)")

MAXIMUM_PLATFORM_PPM = 200_000
MAXIMUM_CHALLENGER_PPM = 300_000
MAXIMUM_SIGNIFICANCE_PPM = 100 * PPM
MAXIMUM_BLOCKS = 1_000_000
MAXIMUM_SECONDS = 315_360_000
"""Ten years."""
MAXIMUM_CLAIM_WEI = OPEN_UNIT
MAXIMUM_ROLLOVERS = 1_000
MAXIMUM_PARENT_PPM = 500_000
MAXIMUM_RETRIEVAL_PPM = 500_000
MAXIMUM_JURY_SEATS = 1_000
MAXIMUM_JURY_DELAY_BLOCKS = 6_000
"""L1Block keeps the randomness of 8,192 L1 blocks; the rest is time to ask for it."""
JURY_SEATS_PER_CASE = 3
"""One draw and one of twice the size, in units of `jury_seats`."""


def _bounds(first: Policy) -> tuple[tuple[int, int], ...]:
    """Lowest and highest value of each parameter in order, given version 1."""
    return (
        (0, MAXIMUM_PLATFORM_PPM),
        (0, PPM),
        (0, PPM),
        (0, PPM),
        (first.contribution_bond_wei // 2, MAXIMUM_WEI),
        (first.reveal_delay_blocks // 2, MAXIMUM_BLOCKS),
        (first.index_window_s // 2, MAXIMUM_SECONDS),
        (first.post_window_s // 2, MAXIMUM_SECONDS),
        (first.post_delay_s // 2, MAXIMUM_SECONDS),
        (first.challenge_reveal_s // 2, MAXIMUM_SECONDS),
        (first.challenge_bond_wei // 2, MAXIMUM_WEI),
        (first.slash_amount_wei // 2, MAXIMUM_WEI),
        (0, MAXIMUM_CHALLENGER_PPM),
        (first.close_delay_s // 2, MAXIMUM_SECONDS),
        (first.unbonding_s // 2, MAXIMUM_SECONDS),
        (first.minimum_validator_stake_wei // 2, MAXIMUM_WEI),
        (first.minimum_provider_stake_wei // 2, MAXIMUM_WEI),
        (1, PPM),
        (0, MAXIMUM_SIGNIFICANCE_PPM),
        (1, PPM),
        (0, MAXIMUM_CLAIM_WEI),
        (1, MAXIMUM_ROLLOVERS),
        (first.demand_window_s // 2, MAXIMUM_SECONDS),
        (first.demand_fee_wei // 2, MAXIMUM_WEI),
        (first.request_window_s // 2, MAXIMUM_SECONDS),
        (0, MAXIMUM_PARENT_PPM),
        (0, MAXIMUM_RETRIEVAL_PPM),
        (0, PPM),
        ((first.jury_seats + 1) // 2, MAXIMUM_JURY_SEATS),
        (first.jury_delay_blocks, MAXIMUM_JURY_DELAY_BLOCKS),
        (first.jury_commit_s // 2, MAXIMUM_SECONDS),
        (first.jury_reveal_s // 2, MAXIMUM_SECONDS),
        (first.juror_fee_wei // 2, MAXIMUM_WEI),
        (0, MAXIMUM_WEI),
        (0, PPM),
        (1, PPM),
    )


def _contributors_ppm(parameters: Policy) -> int:
    return PPM - parameters.provider_ppm - parameters.owner_ppm - parameters.stakers_ppm


def _check(parameters: Policy, first: Policy) -> None:
    values = view.PARAMETERS.values(parameters)
    for field, value, (low, high) in zip(view.PARAMETERS.fields, values, _bounds(first), strict=True):
        if not low <= value <= high:
            raise INVALID_PARAMETER(field.name.encode())
    if _contributors_ppm(parameters) < _contributors_ppm(first) // 2:
        raise INVALID_PARAMETER(b"contributorsPpm")
    if parameters.slash_amount_wei > parameters.minimum_provider_stake_wei:
        raise INVALID_PARAMETER(b"slashAmount")
    if parameters.demand_window_s < parameters.challenge_reveal_s:
        raise INVALID_PARAMETER(b"demandWindowSeconds")
    reveals_s = 2 * parameters.challenge_reveal_s
    juries_s = 2 * (parameters.jury_commit_s + parameters.jury_reveal_s)
    contested_s = parameters.post_window_s + parameters.demand_window_s + reveals_s + juries_s
    if parameters.unbonding_s < contested_s:
        raise INVALID_PARAMETER(b"unbondingSeconds")
    jury_pay_wei = JURY_SEATS_PER_CASE * parameters.jury_seats * parameters.juror_fee_wei
    if jury_pay_wei > parameters.challenge_bond_wei:
        raise INVALID_PARAMETER(b"jurorFee")
    if parameters.absence_slash_wei > parameters.minimum_validator_stake_wei:
        raise INVALID_PARAMETER(b"absenceSlash")


def publish(host: Host, parameters: Policy) -> int:
    """Add a version, which becomes current at once for whatever starts from now on."""
    gas.charge(host, gas.POLICY["publish"])
    check_timelock(host)
    _check(parameters, view.parameters(host, 1))
    version = view.current_version(host) + 1
    host.store(view.CURRENT_VERSION_SLOT, version)
    store_struct(host, view.version_slot(version), view.PARAMETERS, parameters)
    encoded = encode_parameters(view.PARAMETERS.fields, view.PARAMETERS.values(parameters))
    POLICY_PUBLISHED.emit(host, version, keccak256(encoded))
    return version


def current_version(host: Host) -> int:
    """The newest version's number."""
    gas.charge(host, gas.POLICY["currentVersion"])
    return view.current_version(host)


def get_parameters(host: Host, version: int) -> Policy:
    """All parameters of a version."""
    gas.charge(host, gas.POLICY["getParameters"])
    if not 0 < version <= view.current_version(host):
        raise VERSION_NOT_FOUND(version)
    return view.parameters(host, version)


def timelock(host: Host) -> Address:
    """The only account that may publish."""
    gas.charge(host, gas.POLICY["timelock"])
    return load_address(host, POLICY, view.TIMELOCK_SLOT)


def initial_words(parameters: Policy, timelock_address: Address) -> dict[int, int]:
    """Genesis storage: version 1 and the timelock."""
    values = view.PARAMETERS.values(parameters)
    return {
        view.CURRENT_VERSION_SLOT: 1,
        view.TIMELOCK_SLOT: hash_word(timelock_address),
        **{view.version_slot(1) + i: value for i, value in enumerate(values)},
    }


_STRUCTS: dict[str, Struct[Any]] = {"Parameters": view.PARAMETERS, "Fork": view.FORK}
CONTRACT = Contract(
    name="Policy",
    address=POLICY,
    prices=gas.POLICY,
    methods=(
        Method("function publish(Parameters parameters) returns (uint256 version)", publish, _STRUCTS),
        Method("function currentVersion() view returns (uint256)", current_version),
        Method("function getParameters(uint256 version) view returns (Parameters)", get_parameters, _STRUCTS),
        Method("function timelock() view returns (address)", timelock),
        Method("function scheduleFork(bytes32 name, uint256 time) returns (uint256 number)", schedule_fork),
        Method("function cancelFork(uint256 number)", cancel_fork),
        Method("function forkCount() view returns (uint256)", fork_count),
        Method("function getFork(uint256 number) view returns (Fork)", get_fork, _STRUCTS),
    ),
    events=(POLICY_PUBLISHED, FORK_SCHEDULED, FORK_CANCELLED),
    errors=(NOT_TIMELOCK, INVALID_PARAMETER, VERSION_NOT_FOUND, FORK_NOT_FOUND, INVALID_FORK),
)
