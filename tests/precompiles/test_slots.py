"""Storage slots are where solc puts the twins' variables."""

from typing import Any

import pytest

from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.types import Address
from precompiles.abi import Struct
from precompiles.slots import array_slot, field_slot, key_word, mapping_slot
from precompiles.views import (
    attribution,
    datanets,
    disputes,
    juries,
    metering,
    models,
    policy,
    registry,
    spans,
    staking,
)
from tests.precompiles.artifacts import artifact

LAYOUTS: dict[str, dict[str, int]] = {
    "AttributionTwin": {
        "postCount": attribution.POST_COUNT_SLOT,
        "posts": attribution.POSTS_SLOT,
        "postOf": attribution.POST_OF_SETTLEMENT_SLOT,
        "carry": attribution.CARRY_SLOT,
        "claimed": attribution.CLAIMED_SLOT,
        "earnings": attribution.EARNINGS_SLOT,
        "slashed": attribution.SLASHED_SLOT,
        "rewards": attribution.REWARD_SLOT,
        "liabilities": attribution.LIABILITY_SLOT,
        "cases": attribution.CASES_SLOT,
        "commitments": attribution.COMMITMENTS_SLOT,
        "dust": attribution.DUST_SLOT,
        "rollovers": attribution.ROLLOVERS_SLOT,
        "taken": attribution.TAKEN_SLOT,
        "indexChallengers": attribution.INDEX_CHALLENGERS_SLOT,
        "openDisputes": attribution.OPEN_DISPUTES_SLOT,
        "gameCount": attribution.GAME_COUNT_SLOT,
        "games": attribution.GAMES_SLOT,
        "extensions": disputes.EXTENSIONS_SLOT,
        "demandCount": disputes.DEMAND_COUNT_SLOT,
        "demands": disputes.DEMANDS_SLOT,
        "tallies": disputes.TALLIES_SLOT,
        "juryCases": juries.CASE_COUNT_SLOT,
        "juryCase": juries.CASES_SLOT,
        "juryDraws": juries.DRAWS_SLOT,
        "jurors": juries.JURORS_SLOT,
        "opinions": juries.OPINIONS_SLOT,
        "recentPools": attribution.RECENT_POOLS_SLOT,
        "finalPosts": attribution.FINAL_POSTS_SLOT,
        "finalPools": attribution.FINAL_POOLS_SLOT,
        "validatorsSlashed": attribution.VALIDATOR_SLASHED_SLOT,
        "postOrigins": juries.POST_ORIGINS_SLOT,
        "audits": juries.AUDITS_SLOT,
        "auditsFund": juries.AUDIT_FUND_SLOT,
        "shownCoordinates": juries.SHOWN_SLOT,
        "auditsTaken": juries.AUDITS_TAKEN_SLOT,
        "spanCommitments": spans.SPAN_COMMITMENTS_SLOT,
        "spansProved": spans.SPANS_PROVED_SLOT,
    },
    "DatanetRegistryTwin": {
        "datanetCount": datanets.DATANET_COUNT_SLOT,
        "contributionCount": datanets.CONTRIBUTION_COUNT_SLOT,
        "datanets": datanets.DATANETS_SLOT,
        "curators": datanets.CURATORS_SLOT,
        "contributors": datanets.CONTRIBUTORS_SLOT,
        "contributions": datanets.CONTRIBUTIONS_SLOT,
        "versions": datanets.VERSIONS_SLOT,
        "branches": datanets.BRANCH_SLOT,
        "revealBlocks": datanets.REVEAL_BLOCK_SLOT,
        "usagePrices": datanets.USAGE_PRICES_SLOT,
        "grants": datanets.GRANTS_SLOT,
        "purchases": datanets.PURCHASES_SLOT,
        "acceptances": datanets.ACCEPTANCES_SLOT,
    },
    "ModelRegistryTwin": {
        "modelCount": models.MODEL_COUNT_SLOT,
        "indexCount": models.INDEX_COUNT_SLOT,
        "models": models.MODELS_SLOT,
        "sources": models.SOURCES_SLOT,
        "indexes": models.INDEXES_SLOT,
        "deprecated": models.DEPRECATED_SLOT,
        "childCounts": models.CHILD_COUNT_SLOT,
        "children": models.CHILDREN_SLOT,
        "userCounts": models.USER_COUNT_SLOT,
        "users": models.USERS_SLOT,
        "retrieval": models.RETRIEVAL_SLOT,
        "indexSigners": models.INDEX_SIGNERS_SLOT,
        "retired": models.RETIRED_SLOT,
        "liveIndexes": models.LIVE_INDEXES_SLOT,
        "indexesHeldUntil": models.HELD_UNTIL_SLOT,
    },
    "InferenceMeteringTwin": {
        "settlementCount": metering.SETTLEMENT_COUNT_SLOT,
        "stakersSum": metering.STAKERS_TOTAL_SLOT,
        "channels": metering.CHANNELS_SLOT,
        "settlements": metering.SETTLEMENTS_SLOT,
        "earnings": metering.EARNINGS_SLOT,
        "nonces": metering.NONCES_SLOT,
        "passed": metering.PASSED_SLOT,
        "statistics": metering.STATISTICS_SLOT,
        "providersAnnounced": metering.PROVIDER_COUNT_SLOT,
        "providerList": metering.PROVIDER_LIST_SLOT,
        "providers": metering.PROVIDERS_SLOT,
        "offers": metering.OFFERS_SLOT,
        "modelProviderCounts": metering.MODEL_PROVIDER_COUNT_SLOT,
        "modelProviders": metering.MODEL_PROVIDERS_SLOT,
        "requestCount": metering.REQUEST_COUNT_SLOT,
        "requests": metering.REQUESTS_SLOT,
        "stakersSumIn": metering.STAKERS_TOTAL_IN_SLOT,
        "heldOfSettlement": metering.HELD_IN_SLOT,
        "heldOfProvider": metering.HELD_SLOT,
        "retrievalCount": metering.RETRIEVAL_COUNT_SLOT,
        "retrievals": metering.RETRIEVALS_SLOT,
        "retrievalClaimed": metering.RETRIEVAL_CLAIMED_SLOT,
        "auditsSum": metering.AUDITS_TOTAL_SLOT,
    },
    "StakingTwin": {
        "total": staking.TOTAL_STAKE_SLOT,
        "accumulator": staking.ACCUMULATOR_SLOT,
        "distributed": staking.DISTRIBUTED_SLOT,
        "pools": staking.POOLS_SLOT,
        "accounts": staking.ACCOUNTS_SLOT,
        "checkpointCounts": staking.CHECKPOINT_COUNTS_SLOT,
        "checkpoints": staking.CHECKPOINTS_SLOT,
        "totalPending": staking.TOTAL_PENDING_SLOT,
        "touchedEpoch": staking.TOUCHED_EPOCH_SLOT,
        "accumulatorAt": staking.ACCUMULATOR_AT_SLOT,
        "delegations": staking.DELEGATIONS_SLOT,
        "indexAt": staking.INDEX_AT_SLOT,
        "lastIndex": staking.LAST_INDEX_SLOT,
    },
    "PolicyTwin": {
        "newestVersion": policy.CURRENT_VERSION_SLOT,
        "publisher": policy.TIMELOCK_SLOT,
        "versions": policy.VERSIONS_SLOT,
        "forksScheduled": policy.FORK_COUNT_SLOT,
        "forks": policy.FORKS_SLOT,
    },
    "PrecompileRegistryTwin": {"versions": registry.VERSIONS_SLOT},
}
STRUCTS: list[tuple[str, str, Struct[Any]]] = [
    ("AttributionTwin", "Post", attribution.POST),
    ("AttributionTwin", "Case", attribution.CASE),
    ("AttributionTwin", "Commitment", attribution.COMMITMENT),
    ("AttributionTwin", "SumGame", attribution.SUM_GAME),
    ("AttributionTwin", "Demand", disputes.DEMAND),
    ("AttributionTwin", "Tally", disputes.TALLY),
    ("AttributionTwin", "JuryCase", juries.JURY_CASE),
    ("AttributionTwin", "JuryDraw", juries.JURY_DRAW),
    ("AttributionTwin", "Juror", juries.JUROR),
    ("DatanetRegistryTwin", "Datanet", datanets.DATANET),
    ("DatanetRegistryTwin", "Contribution", datanets.CONTRIBUTION),
    ("DatanetRegistryTwin", "Version", datanets.VERSION),
    ("DatanetRegistryTwin", "Acceptance", datanets.ACCEPTANCE),
    ("ModelRegistryTwin", "Model", models.MODEL),
    ("ModelRegistryTwin", "Source", models.SOURCE),
    ("ModelRegistryTwin", "FeatureIndex", models.FEATURE_INDEX),
    ("InferenceMeteringTwin", "Channel", metering.CHANNEL),
    ("InferenceMeteringTwin", "Settlement", metering.SETTLEMENT),
    ("InferenceMeteringTwin", "Statistics", metering.STATISTICS),
    ("InferenceMeteringTwin", "Provider", metering.PROVIDER),
    ("InferenceMeteringTwin", "Request", metering.REQUEST),
    ("StakingTwin", "Pool", staking.POOL),
    ("StakingTwin", "Delegation", staking.DELEGATION),
    ("StakingTwin", "Account", staking.ACCOUNT),
    ("StakingTwin", "Checkpoint", staking.CHECKPOINT),
    ("PolicyTwin", "Parameters", policy.PARAMETERS),
    ("PolicyTwin", "Fork", policy.FORK),
]


@pytest.mark.parametrize("twin", list(LAYOUTS))
def test_variables_are_where_solc_puts_them(twin: str) -> None:
    layout = artifact(twin).storage_layout["storage"]
    assert all(entry["offset"] == 0 for entry in layout)
    assert {entry["label"]: int(entry["slot"]) for entry in layout} == LAYOUTS[twin]


@pytest.mark.parametrize(("twin", "name", "struct"), STRUCTS)
def test_struct_fields_are_whole_words_in_order(twin: str, name: str, struct: Struct[Any]) -> None:
    types = artifact(twin).storage_layout["types"]
    found = next(
        value for value in types.values() if value["label"].split(".")[-1] in (name, f"struct {name}")
    )
    expected = [(field.name, str(i), 0) for i, field in enumerate(struct.fields)]
    assert [(each["label"], each["slot"], each["offset"]) for each in found["members"]] == expected
    assert int(found["numberOfBytes"]) == 32 * len(struct.fields)


def test_mapping_slots_are_soliditys() -> None:
    account = Address(b"\x42" * 20)
    one = int.from_bytes(keccak256(bytes(12) + account + word(7)), "big")
    assert mapping_slot(7, account) == one
    assert mapping_slot(7, account, 3) == int.from_bytes(keccak256(word(3) + word(one)), "big")
    assert key_word(5) == word(5)
    assert key_word(b"\x01" * 32) == b"\x01" * 32


def test_arrays_and_fields() -> None:
    first = int.from_bytes(keccak256(word(2)), "big")
    assert array_slot(2, 0) == first
    assert array_slot(2, 3, 2) == (first + 6) % 2**256
    assert field_slot(2**256 - 1, 1) == 0
