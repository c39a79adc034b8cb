"""Users who contest feature indexes, and signers who answer them."""

from collections.abc import Callable

from genesis.addresses import ATTRIBUTION, MODEL_REGISTRY, TREASURY
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from precompiles.views.attribution import INDEX_KEY, RowEvidence
from tests.precompiles.batch_actors import BatchActors, wide_sum
from tests.precompiles.calls import call, number, words
from tests.precompiles.data_actors import DataActors
from tests.precompiles.evidence import Index
from tests.precompiles.world import Call, Outcome


class IndexActors(DataActors, BatchActors):
    """Users who contest feature indexes, and signers who answer them."""

    def _open_index_case(self) -> Call:
        raise NotImplementedError

    def _index_follow_ups(self) -> list[Callable[[], Call]]:
        games = (self._open_sum_game, self._open_wide_sum_game)
        first = self.random.choice((self._commit_index_challenge, self._commit_index_challenge, *games))
        moves = [
            self._challenge_row,
            self._challenge_norm,
            self._tally_norm,
            self._challenge_wide_norm,
            self._challenge_count,
            self._play_sum_game,
            self._play_sum_game,
            self._open_index_case,
            self._demand_of_index,
        ]
        return [first, *self.random.choices(moves, k=4), self._settle_index_case]

    def _contested(self) -> tuple[int, Index]:
        """A recent index that has rows."""
        known = [each for each in list(self.indexes)[-6:] if self.indexes[each].rows]
        chosen = self.random.choice(known or list(self.indexes) or [1])
        return chosen, self.indexes.get(chosen, Index((), (), (), 1))

    def _commit_index_challenge(self) -> Call:
        index_id, _ = self._contested()
        challenger, salt = self._account().address, self._hash()

        def learn(_: Outcome) -> None:
            self.index_salts[index_id, challenger] = salt

        self._learn = learn
        bond_wei = self._version_parameter("challenge_bond_wei")
        commitment = keccak256(word(INDEX_KEY + index_id) + address_word(challenger) + salt)
        arguments = (index_id, commitment)
        return call(challenger, ATTRIBUTION, "commitIndexChallenge", *arguments, value_wei=bond_wei)

    def _challenger(self) -> tuple[int, Address, Hash32, Index]:
        """Mostly a challenge of an index that was committed."""
        if not self.index_salts or self.random.random() < 0.05:
            index_id, index = self._contested()
            return index_id, self._account().address, self._hash(), index
        index_id, challenger = self.random.choice(list(self.index_salts)[-5:])
        return index_id, challenger, self.index_salts[index_id, challenger], self.indexes[index_id]

    def _challenge_row(self) -> Call:
        index_id, challenger, salt, index = self._challenger()
        if not index.rows:
            return self._garbage()
        row = self._row(index, self.random.randrange(len(index.rows)))
        return call(challenger, ATTRIBUTION, "challengeRow", index_id, salt, row)

    def _norm_follow_ups(self, index_id: int) -> list[Callable[[], Call]]:
        """A challenge of an index whose norms lie, in one transaction or by a tally."""
        challenger, salt = self._account().address, self._hash()
        index = self.indexes[index_id]
        place = self.random.randrange(len(index.contributors))
        who = (index_id, salt, place, index.contributors[place])
        plain, wide = (*who, index.evidence(place)), (*who, wide_sum(index, place))
        proofs: list[Callable[[], Call]] = [lambda: call(challenger, ATTRIBUTION, "challengeNorm", *plain)]
        if self.random.random() < 0.5:
            proofs = [
                lambda: self._tally_call(index.vectors[place], b""),
                lambda: call(challenger, ATTRIBUTION, "challengeWideNorm", *wide),
            ]
        commitment = keccak256(word(INDEX_KEY + index_id) + address_word(challenger) + salt)
        bond_wei = self._version_parameter("challenge_bond_wei")
        arguments = (index_id, commitment)
        return [
            lambda: call(challenger, ATTRIBUTION, "commitIndexChallenge", *arguments, value_wei=bond_wei),
            *proofs,
        ]

    def _challenge_count(self) -> Call:
        index_id, challenger, salt, _ = self._challenger()
        return call(challenger, ATTRIBUTION, "challengeCount", index_id, salt)

    def _row(self, index: Index, place: int) -> RowEvidence:
        return index.row(min(place, len(index.rows) - 1))

    def _challenge_norm(self) -> Call:
        index_id, challenger, salt, index = self._challenger()
        if not index.contributors:
            return self._garbage()
        place = self.random.randrange(len(index.contributors))
        arguments = (index_id, salt, place, index.contributors[place], index.evidence(place))
        return call(challenger, ATTRIBUTION, "challengeNorm", *arguments)

    def _settle_index_case(self) -> Call:
        index_id, challenger, _, _ = self._challenger()
        return call(challenger, ATTRIBUTION, "settleIndexCase", index_id)

    def _open_sum_game(self) -> Call:
        index_id, index = self._contested()
        if not index.contributors:
            return self._garbage()
        place = self.random.randrange(len(index.contributors))

        def learn(outcome: Outcome) -> None:
            self.games.append(number(outcome))
            self._follow_up.extend([self._play_sum_game] * 6)

        self._learn = learn
        coordinate = self.random.randrange(index.dimensions + (self.random.random() < 0.05))
        arguments = (index_id, place, index.contributors[place], coordinate, index.evidence(place))
        bond_wei = self._version_parameter("challenge_bond_wei")
        return call(self._account().address, ATTRIBUTION, "openSumGame", *arguments, value_wei=bond_wei)

    def _play_sum_game(self) -> Call:
        """The next move of a recent game, or its end."""
        if not self.games:
            return self._garbage()
        game_id = self.random.choice(self.games[-3:])
        fields = words(self.machine.call(call(TREASURY, ATTRIBUTION, "getSumGame", game_id)))
        index_id, contributor, coordinate, challenger, first, count, claimed, _, turn = fields[:9]
        post_id, settlement_id = fields[11:]
        index = self.indexes.get(index_id, Index((), (), (), 1))
        if self.random.random() < 0.15 or not (post_id or index.rows):
            return call(self._account().address, ATTRIBUTION, "endSumGame", game_id)
        if turn == 3 and post_id:
            return self._prove_query_game(game_id, settlement_id, coordinate, first)
        if turn == 3:
            row = self._row(index, first)
            return call(self._account().address, ATTRIBUTION, "proveSumGame", game_id, row)
        if turn == 2:
            partials = self.partials.get(game_id, [0])
            choice = self.random.randrange(len(partials))
            sender = Address(challenger.to_bytes(20, "big"))
            return call(sender, ATTRIBUTION, "chooseSumGame", game_id, partials, choice)
        ways = min(16, count)
        ends = [count * i // ways for i in range(ways + 1)]
        ranges = [(first + ends[i], ends[i + 1] - ends[i]) for i in range(ways)]
        if post_id:
            batch = self.batches[settlement_id]
            partials = [batch.part(coordinate, *each) % 2**256 for each in ranges]
        else:
            partials = [index.part(contributor, coordinate, *each) % 2**256 for each in ranges]
        partials[0] = (partials[0] + claimed - sum(partials)) % 2**256

        def learn(_: Outcome) -> None:
            self.partials[game_id] = partials

        self._learn = learn
        return call(self._signer(index_id, post_id), ATTRIBUTION, "answerSumGame", game_id, partials)

    def _signer(self, index_id: int, post_id: int) -> Address:
        if post_id:
            return self.posts[post_id].signer
        reading = call(TREASURY, MODEL_REGISTRY, "getFeatureIndex", index_id)
        return Address(words(self.machine.call(reading))[1].to_bytes(20, "big"))
