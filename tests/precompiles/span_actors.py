"""Providers who sign explanations, right and wrong ones, and customers who contest them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from genesis.addresses import ATTRIBUTION
from genesis.keccak import keccak256
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Explanation, Span, explanation_digest
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles.views.disputes import RecordEvidence
from precompiles.views.spans import span_commitment
from tests.precompiles.calls import Account, call
from tests.precompiles.jury_actors import JuryActors
from tests.precompiles.world import Call, Outcome

TEXT = b"the same words as before"
OUTPUT = b"\x07" * 32 + b'{"text":"' + TEXT + b'","tokens":[4]}'
NO_RECORD = RecordEvidence(0, 0, 1, 0, (), 0, ZERO_HASH, b"", ZERO_HASH, (), 0, 0, 0, ZERO_HASH, ())


@dataclass(frozen=True)
class Contested:
    """A signed explanation that somebody committed to contest."""

    explanation: Explanation
    spans: tuple[Span, ...]
    provider: Account
    challenger: Address
    salt: Hash32

    def signed(self) -> tuple[object, ...]:
        """The arguments that every challenge begins with."""
        signature = self.provider.sign(explanation_digest(self.explanation, self.spans, DEV_L2_CHAIN_ID))
        return self.salt, self.explanation, self.spans, signature


class SpanActors(JuryActors):
    """Customers who contest what providers signed."""

    def _explain(self) -> Contested:
        channel = self.random.choice(self.channels[-4:])
        start, end = sorted(self.random.choices(range(len(TEXT) + 2), k=2))
        passage = TEXT[start:end] if self.random.random() < 0.5 else b"other"
        span = Span(start, end, self.random.choice((0, 2**64)), 0, keccak256(passage))
        explanation = Explanation(channel.id, self.random.randrange(3), channel.index_id, keccak256(OUTPUT))
        provider = channel.provider if self.random.random() < 0.9 else self._account()
        spans = (span,) * self.random.choice((1, 1, 1, 2, 65))
        return Contested(explanation, spans, provider, self._account().address, self._hash())

    def _commit_span_challenge(self) -> Call:
        found = self._explain()
        digest = explanation_digest(found.explanation, found.spans, DEV_L2_CHAIN_ID)
        commitment = span_commitment(digest, found.challenger, found.salt)

        def learn(_: Outcome) -> None:
            self.contested.append(found)
            self._follow_up.extend([self._challenge_span] * 4)

        self._learn = learn
        return call(found.challenger, ATTRIBUTION, "commitSpanChallenge", commitment)

    def _challenge_span(self) -> Call:
        found = self.random.choice(self.contested[-3:])
        ways: list[Callable[[Contested], Call]] = [self._by_record, self._by_answer, self._by_another]
        return self.random.choice(ways)(found)

    def _by_record(self, found: Contested) -> Call:
        """Decided on its face where the span names no row."""
        evidence = (self.random.randrange(2), NO_RECORD, b"")
        return call(found.challenger, ATTRIBUTION, "challengeSpan", *found.signed(), *evidence)

    def _by_answer(self, found: Contested) -> Call:
        output = OUTPUT if self.random.random() < 0.9 else OUTPUT[:-9]
        evidence = (self.random.randrange(2), output)
        return call(found.challenger, ATTRIBUTION, "challengeAnswerSpan", *found.signed(), *evidence)

    def _by_another(self, found: Contested) -> Call:
        output_hash = self.random.choice((found.explanation.output_hash, self._hash()))
        other = replace(found, explanation=replace(found.explanation, output_hash=output_hash))
        _, *evidence = other.signed()
        return call(found.challenger, ATTRIBUTION, "challengeExplanations", *found.signed(), *evidence)
