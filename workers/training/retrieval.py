"""How well an encoder finds the text that belongs to another: recall and mean reciprocal rank."""

from collections.abc import Sequence

from workers.datasets.pairs import Pair
from workers.protocol import Retrieval
from workers.text.encoders import Encoder

MOST_CANDIDATES = 2_000


def retrieval(encoder: Encoder, pairs: Sequence[Pair], others: Sequence[Pair], limit: int) -> Retrieval:
    """Each of `pairs` looks for its positive among all positives, theirs and `others`', at most 2,000."""
    if not pairs:
        return Retrieval()
    candidates = list(dict.fromkeys(pair.positive for pair in (*pairs, *others)))[:MOST_CANDIDATES]
    places = {text: place for place, text in enumerate(candidates)}
    asked = [pair for pair in pairs if pair.positive in places]
    cosines = encoder.vectors([pair.anchor for pair in asked], limit) @ encoder.vectors(candidates, limit).T
    own = [places[pair.positive] for pair in asked]
    # A tie counts against the pair.
    ranks = [int((row >= row[place]).sum()) for row, place in zip(cosines, own, strict=True)]
    return Retrieval(
        candidates=len(candidates),
        recall_at_1=sum(rank == 1 for rank in ranks) / len(ranks),
        recall_at_5=sum(rank <= 5 for rank in ranks) / len(ranks),
        mean_reciprocal_rank=sum(1 / rank for rank in ranks) / len(ranks),
    )
