"""A receipt's query before a jury: what must be shown, who pays for which verdict, who has no seat."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, STAKING
from genesis.commitments import QUERY_BYTES, pack_vector, vector_root
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views import juries
from tests.precompiles.batch_scene import BatchScene
from tests.precompiles.batches import SHOWN, SHOWN_OUTPUT, SHOWN_PROMPT, chunk_hashes
from tests.precompiles.calls import Account, number
from tests.precompiles.jury_scene import STAKE_WEI, JuryMoves
from tests.precompiles.scene import HASH
from tests.precompiles.world import NativeMachine, TwinMachine

RIGHT, WRONG, NOT_AVAILABLE, NOT_PROVEN = 1, 2, 3, 4
PENDING, FINAL, VOID = 1, 2, 3
INDEX_VOID = 2
VOID_SETTLEMENT = 2**256 - 1
VALUES = bytes(range(32))
PLACE = 1
"""The receipt that is brought before the jury."""


class QueryCaseScene(JuryMoves, BatchScene):
    """A posted batch that a customer challenges, and validators to judge it; more accounts may be staked."""

    def __init__(self, machine_type: Any, also_staked: Sequence[int] = ()) -> None:
        super().__init__(machine_type)
        for account in also_staked:
            self.do(Account(account), STAKING, "stake", 1, value_wei=50 * STAKE_WEI)
        self.stake_jurors((STAKE_WEI,) * 3)
        self.post_id, self.posted_batch = self.posted()
        self.commit(self.post_id, self.payer)

    def arguments(self, **changes: Any) -> tuple[Any, ...]:
        """Those of `openQueryCase`; changes are to what is shown."""
        evidence = (self.batch.query(PLACE), self.batch.receipt(PLACE))
        return (self.post_id, HASH, self.posted_batch.claims, 0, *evidence, replace(SHOWN, **changes))

    def show(self) -> None:
        packed = self.batch.packed_query(PLACE)
        self.do(self.stranger, ATTRIBUTION, "showQuery", chunk_hashes(packed, QUERY_BYTES), packed)

    def open(self) -> int:
        self.show()
        return number(self.do(self.payer, ATTRIBUTION, "openQueryCase", *self.arguments()))

    def slashed(self, account: Account) -> int:
        return self.read(ATTRIBUTION, "slashedOf", account.address)


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> QueryCaseScene:
    return QueryCaseScene(request.param)


def test_a_case_names_the_query_its_provider_and_the_keeper(scene: QueryCaseScene) -> None:
    scene.show()
    opened = scene.do(scene.payer, ATTRIBUTION, "openQueryCase", *scene.arguments())
    case = scene.case(number(opened))
    root = int.from_bytes(scene.batch.query_root(PLACE), "big")
    parties = [int.from_bytes(each.address, "big") for each in (scene.provider, scene.payer)]
    assert case[:8] == [scene.post_id, juries.QUERY, PLACE, root, 0, scene.settlement_id, *parties]
    assert case[-1] == int.from_bytes(scene.owner.address, "big")
    assert case[10:12] == [3 * STAKE_WEI, scene.policy.challenge_bond_wei]
    topics = [topics[0] for _, topics, _ in opened.logs]
    assert topics == [interface.JURY_CASE_OPENED.topic, interface.ANSWER_SHOWN.topic]
    assert all(shown in opened.logs[1][2] for shown in (SHOWN_PROMPT, SHOWN_OUTPUT))


def test_what_is_shown_must_be_what_was_hashed(scene: QueryCaseScene) -> None:
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *scene.arguments())
    assert refused == interface.INVALID_PROOF(b"query").data
    scene.show()
    for what, changed in (("prompt", SHOWN_PROMPT + b" "), ("output", b"")):
        arguments = scene.arguments(**{what: changed})
        refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *arguments)
        assert refused == interface.INVALID_PROOF(what.encode()).data


def test_a_query_is_shown_in_whole_chunks_in_order(scene: QueryCaseScene) -> None:
    """Three chunks and a bit, whatever they belong to."""
    vector = pack_vector(range(3_500), QUERY_BYTES)
    chunks, size = chunk_hashes(vector, QUERY_BYTES), 1_024 * QUERY_BYTES
    root = vector_root(vector, QUERY_BYTES)

    def refused(part: bytes) -> bytes:
        return scene.refuse(scene.stranger, ATTRIBUTION, "showQuery", chunks, part)

    for part in (b"", vector[:size][:-2], vector[:3], vector + vector[:size]):
        assert refused(part) == INVALID_ARGUMENT(b"part").data
    assert refused(vector[size : 2 * size]) == interface.INVALID_PROOF(b"part").data
    for start, end, shown in ((0, 2 * size, 2_048), (2 * size, len(vector), 3_500)):
        outcome = scene.do(scene.stranger, ATTRIBUTION, "showQuery", chunks, vector[start:end])
        assert outcome.logs[0][1] == (interface.QUERY_SHOWN.topic, root)
        assert vector[start:end] in outcome.logs[0][2]
        assert scene.read(ATTRIBUTION, "shownOf", root) == shown
    assert refused(vector[3 * size :]) == INVALID_ARGUMENT(b"part").data
    too_many = (HASH,) * 65
    refusal = scene.refuse(scene.stranger, ATTRIBUTION, "showQuery", too_many, vector[:size])
    assert refusal == INVALID_ARGUMENT(b"chunks").data


def test_leaf_and_receipt_must_be_the_settlements(scene: QueryCaseScene) -> None:
    scene.show()
    post_id, salt, claims, _, leaf, receipt, shown = scene.arguments()
    head = (post_id, salt, claims)
    heavier = replace(leaf, weight=leaf.weight + 1)
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *head, 0, heavier, receipt, shown)
    assert refused == interface.INVALID_PROOF(b"query").data
    other = scene.batch.receipt(0)
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *head, 0, leaf, other, shown)
    assert refused == INVALID_ARGUMENT(b"number").data
    dearer = replace(receipt, fee_wei=1)
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *head, 0, leaf, dearer, shown)
    assert refused == interface.INVALID_PROOF(b"receipt").data
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *head, 1, leaf, receipt, shown)
    assert refused == INVALID_ARGUMENT(b"batch").data
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openQueryCase", *head, 0, leaf, receipt, shown)
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    assert scene.read(ATTRIBUTION, "juryCaseCount") == 0


def test_a_commitment_opens_one_case_and_stops_the_post(scene: QueryCaseScene) -> None:
    scene.open()
    refused = scene.refuse(scene.payer, ATTRIBUTION, "openQueryCase", *scene.arguments())
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    scene.wait(1_000)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", scene.post_id)
    assert refused == interface.PENDING_CHALLENGE(scene.post_id).data


def test_provider_customer_and_keeper_have_no_seat() -> None:
    parties = (11, 12, 13)
    scene = QueryCaseScene(NativeMachine, parties)
    case_id = scene.open()
    scene.draw(case_id)
    assert scene.case(case_id)[10] == 3 * STAKE_WEI
    assert [scene.seats(case_id, Account(each)) for each in parties] == [0, 0, 0]
    assert sum(scene.seats(case_id, each) for each in scene.jurors) == scene.policy.jury_seats


def test_a_forged_query_costs_its_provider_and_voids_the_settlement(scene: QueryCaseScene) -> None:
    case_id = scene.open()
    before_wei = scene.machine.balance(scene.payer.address)
    case = scene.decide(case_id, scene.all_say(WRONG, VALUES))
    assert case[18] == WRONG
    assert scene.status(scene.post_id) == VOID
    assert scene.slashed(scene.provider) == scene.policy.slash_amount_wei
    assert scene.slashed(scene.owner) == 0
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.provider.address) == 0
    cost_wei = case[11]
    rest_wei = scene.policy.challenge_bond_wei - cost_wei
    assert scene.machine.balance(scene.payer.address) == before_wei + rest_wei
    share_wei = (scene.policy.slash_amount_wei - cost_wei) * case[12] // 10**6
    assert scene.read(ATTRIBUTION, "rewardOf", scene.payer.address) == cost_wei + share_wei
    assert scene.read(ATTRIBUTION, "indexStatus", scene.index_id) != INDEX_VOID


def test_a_false_accusation_compensates_the_provider(scene: QueryCaseScene) -> None:
    case_id = scene.open()
    before_wei = scene.machine.balance(scene.provider.address)
    case = scene.decide(case_id, scene.all_say(RIGHT, VALUES))
    assert case[18] == RIGHT
    assert (scene.status(scene.post_id), scene.slashed(scene.provider)) == (PENDING, 0)
    rest_wei = scene.policy.challenge_bond_wei - case[11]
    assert scene.machine.balance(scene.provider.address) == before_wei + rest_wei
    scene.wait(scene.policy.post_window_s)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", scene.post_id)
    assert scene.status(scene.post_id) == FINAL


def test_missing_documents_cost_the_signer_of_the_index(scene: QueryCaseScene) -> None:
    scene.do(scene.owner, STAKING, "stake", 2, value_wei=STAKE_WEI)
    case = scene.decide(scene.open(), scene.all_say(NOT_AVAILABLE, b""))
    assert case[18] == NOT_AVAILABLE
    assert scene.read(ATTRIBUTION, "indexStatus", scene.index_id) == INDEX_VOID
    assert scene.status(scene.post_id) == VOID
    assert scene.slashed(scene.provider) == 0
    assert scene.slashed(scene.owner) == scene.policy.slash_amount_wei
    scene.do(scene.stranger, ATTRIBUTION, "releaseSettlement", scene.settlement_id)


def test_what_nobody_decides_proves_nothing(scene: QueryCaseScene) -> None:
    case_id = scene.open()
    for round_ in (1, 2):
        scene.draw(case_id)
        scene.vote(case_id, {}, round_)
        scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    case = scene.case(case_id)
    assert case[18] == NOT_PROVEN
    assert (scene.status(scene.post_id), scene.slashed(scene.provider)) == (PENDING, 0)


def test_values_of_a_query_are_int16(scene: QueryCaseScene) -> None:
    case_id = scene.open()
    scene.draw(case_id)
    juror = scene.jurors[0]
    commitment = scene.commitment(case_id, juror, WRONG, VALUES[:16])
    scene.do(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)
    scene.wait(scene.policy.jury_commit_s + 1)
    refused = scene.refuse(juror, ATTRIBUTION, "revealVerdict", case_id, WRONG, VALUES[:16], HASH)
    assert refused == INVALID_ARGUMENT(b"values").data


def test_a_post_that_is_void_needs_no_jury(scene: QueryCaseScene) -> None:
    case_id = scene.open()
    scene.draw(case_id)
    scene.vote(case_id, scene.all_say(WRONG, VALUES))
    scene.commit(scene.post_id, scene.stranger)
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openQueryCase", *scene.arguments())
    assert refused == interface.WRONG_STATUS(VOID).data
