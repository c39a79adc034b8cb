"""Users who bring rows, preconditioners and queries before juries, and validators who sit on them."""

from bisect import bisect
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

from genesis.addresses import ATTRIBUTION, STAKING, TREASURY
from genesis.commitments import QUERY_BYTES, ROW_BYTES, address_word, vector_root, word
from genesis.keccak import keccak256
from genesis.types import Address
from precompiles.views import juries
from precompiles.views.attribution import INDEX_KEY
from precompiles.views.juries import RowLeaf
from tests.precompiles.batch_actors import wide_sum
from tests.precompiles.batches import SHOWN, chunk_hashes
from tests.precompiles.calls import UNIT, call, number, words
from tests.precompiles.index_actors import IndexActors
from tests.precompiles.world import Call, Outcome

ROUNDS_FIELD, OUTCOME_FIELD = 13, 18


class JuryActors(IndexActors):
    """Users who bring cases before juries, and validators who sit on them."""

    def _learn_case(self, outcome: Outcome) -> None:
        self.jury_cases.append(number(outcome))
        self._follow_up = [self._play_jury] * 16 + self._follow_up

    def _stake_as_validator(self) -> Call:
        return call(self._account().address, STAKING, "stake", 1, value_wei=500 * UNIT)

    def _jury_follow_ups(self, index_id: int) -> list[Callable[[], Call]]:
        """A challenge of the index and a case by it."""
        challenger, salt = self._account().address, self._hash()
        self.index_salts[index_id, challenger] = salt
        commitment = keccak256(word(INDEX_KEY + index_id) + address_word(challenger) + salt)
        bond_wei = self._version_parameter("challenge_bond_wei")
        arguments = (index_id, commitment)
        return [
            lambda: call(challenger, ATTRIBUTION, "commitIndexChallenge", *arguments, value_wei=bond_wei),
            self._open_index_case,
        ]

    def _open_index_case(self) -> Call:
        """Mostly by the newest challenge of an index."""
        index_id, challenger, salt, index = self._challenger()
        if self.index_salts and self.random.random() < 0.7:
            (index_id, challenger), salt = list(self.index_salts.items())[-1]
            index = self.indexes[index_id]
        self._learn = self._learn_case
        if not index.rows or self.random.random() < 0.4:
            return call(challenger, ATTRIBUTION, "openPreconditionerCase", index_id, salt)
        row = self._row(index, self.random.randrange(len(index.rows)))
        leaf = RowLeaf(
            row.index,
            row.canonical_index,
            row.contributor_index,
            row.exponent,
            vector_root(row.row, ROW_BYTES),
            row.proof,
        )
        return call(challenger, ATTRIBUTION, "openRowCase", index_id, salt, leaf)

    def _open_query_case(self) -> Call:
        """By a challenge of a post, once the query is shown; sometimes another answer is shown."""
        found = self._contested_receipt()
        if found is None:
            return self._garbage()
        challenger, head, batch, chosen = found
        leaf, packed = batch.query(chosen), batch.packed_query(chosen)
        if not self._read("shownOf", leaf.query_root):
            part = packed if self.random.random() < 0.9 else packed[::-1]
            self._follow_up.insert(0, self._open_query_case)
            arguments = (chunk_hashes(packed, QUERY_BYTES), part)
            return call(self._account().address, ATTRIBUTION, "showQuery", *arguments)
        shown = SHOWN
        if self.random.random() < 0.1:
            shown = replace(shown, **{self.random.choice(("prompt", "output")): b"another"})
        self._learn = self._learn_case
        return call(challenger, ATTRIBUTION, "openQueryCase", *head, leaf, batch.receipt(chosen), shown)

    def _open_audit(self) -> Call:
        post_id, posted = self._pending()
        reading = call(TREASURY, ATTRIBUTION, "auditOf", post_id)
        outcome = self.machine.call(reading)
        if not outcome.succeeded or not number(outcome):
            return reading
        amounts = [amount for _, amount in posted.amounts.leaves]
        ends = list(accumulate(amounts))
        last = min(len(amounts), len(posted.index.contributors)) - 1
        contributor = min(bisect(ends, words(outcome)[1]), last)
        self._learn = self._learn_case
        evidence = (posted.amounts.opened(contributor), wide_sum(posted.index, contributor))
        pay_wei = 3 * self._version_parameter("jury_seats") * self._version_parameter("juror_fee_wei")
        arguments = (post_id, contributor, posted.index.contributors[contributor], *evidence)
        return call(self._account().address, ATTRIBUTION, "openAudit", *arguments, value_wei=pay_wei)

    def _fund_audits(self) -> Call:
        value_wei = self.random.choice((0, UNIT, 9 * UNIT))
        return call(self._account().address, ATTRIBUTION, "fundAudits", value_wei=value_wei)

    def _release_settlement(self) -> Call:
        sender = self._account().address
        return call(sender, ATTRIBUTION, "releaseSettlement", self._some(self.settlements))

    def _play_jury(self) -> Call:
        """The next move that fits a recent case."""
        if not self.jury_cases:
            return self._garbage()
        case_id = self.random.choice(self.jury_cases[-2:])
        case = self._words("getJuryCase", case_id)
        round_ = case[ROUNDS_FIELD]
        _, seed, _, commit_until_s, reveal_until_s = self._words("getJuryDraw", case_id, round_)
        now_s = self.machine.moment.timestamp_s
        if case[OUTCOME_FIELD]:
            return self._after_verdict(case_id, round_)
        if not seed:
            return call(self._account().address, ATTRIBUTION, "drawJury", case_id)
        if now_s <= commit_until_s:
            return self._vote(case_id, round_)
        if now_s <= reveal_until_s:
            return self._reveal_vote(case_id, round_)
        if self.random.random() < 0.3:
            return self._punish(case_id, round_)
        return call(self._account().address, ATTRIBUTION, "closeJuryCase", case_id)

    def _vote(self, case_id: int, round_: int) -> Call:
        drawn = [each for each in self._addresses() if self._seats(case_id, round_, each)]
        waiting = [each for each in drawn if (case_id, round_, each) not in self.jury_votes]
        juror = self.random.choice(waiting or self._addresses())
        verdict = self.random.choice((1, 2, 2, 2, 2, 3, 4))
        subject = self._words("getJuryCase", case_id)[1]
        size = 0 if verdict == juries.NOT_AVAILABLE else juries.VALUES_BYTES[subject]
        values, salt = bytes(size), self._hash()

        def learn(_: Outcome) -> None:
            self.jury_votes[case_id, round_, juror] = (verdict, values, salt)

        self._learn = learn
        commitment = juries.commitment_of(case_id, round_, juror, verdict, values, salt)
        return call(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)

    def _reveal_vote(self, case_id: int, round_: int) -> Call:
        known = [key for key in self.jury_votes if key[:2] == (case_id, round_)]
        if not known:
            return call(self._account().address, ATTRIBUTION, "revealVerdict", case_id, 1, b"", self._hash())
        juror = self.random.choice(known)[2]
        verdict, values, salt = self.jury_votes[case_id, round_, juror]
        return call(juror, ATTRIBUTION, "revealVerdict", case_id, verdict, values, salt)

    def _after_verdict(self, case_id: int, round_: int) -> Call:
        key, subject = self._words("getJuryCase", case_id)[:2]
        if subject == juries.AUDIT and self.random.random() < 0.3 and key in self.posts:
            claim = self.random.choice(self.posts[key].claims)
            arguments = (claim.settlement_id,)
            return call(self._account().address, ATTRIBUTION, "releaseSettlement", *arguments)
        if self.random.random() < 0.5:
            return self._punish(case_id, round_)
        voters = [juror for seen, _, juror in self.jury_votes if seen == case_id]
        return call(self.random.choice(voters or self._addresses()), ATTRIBUTION, "claimJurorPay", case_id)

    def _punish(self, case_id: int, round_: int) -> Call:
        drawn = [each for each in self._addresses() if self._seats(case_id, round_, each)]
        absent = self.random.choice(drawn or self._addresses())
        number_ = self.random.choice((round_, round_, 1, 3))
        return call(self._account().address, ATTRIBUTION, "punishAbsence", case_id, number_, absent)

    def _jury_view(self) -> Call:
        case_id = self._some(self.jury_cases)
        account = self._account().address
        readings: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("getJuryCase", (case_id,)),
            ("getJuryDraw", (case_id, self.random.randrange(3))),
            ("getJuror", (case_id, self.random.randrange(3), account)),
            ("seatsOf", (case_id, self.random.randrange(3), account)),
            ("coordinatesOf", (case_id,)),
            ("juryCaseCount", ()),
            ("auditFund", ()),
            ("shownOf", (self._hash(),)),
            ("auditOf", (self._some(self.posts),)),
            ("validatorSlashedOf", (account,)),
        )
        name, arguments = self.random.choice(readings)
        return call(account, ATTRIBUTION, name, *arguments, is_static=self.random.random() < 0.5)

    def _addresses(self) -> list[Address]:
        return [each.address for each in self.accounts]

    def _seats(self, case_id: int, round_: int, account: Address) -> int:
        return self._read("seatsOf", case_id, round_, account)

    def _words(self, name: str, *arguments: int) -> list[int]:
        return words(self.machine.call(call(TREASURY, ATTRIBUTION, name, *arguments)))
