"""What every precompile method costs: one table of what it touches, and one list of unit prices.

A method's price is what it reads, writes, hashes and sends at most, plus so much per element of its
arguments; nothing depends on warm or cold, on the values, or on what else is in the block, so an estimate
equals the use. The calldata is paid for before it is decoded, everything else before it has an effect.
`gasOf(selector, counts)` takes the words of calldata (selector included) and then the counts that
`Price.elements` names; a count that is missing is zero, a surplus one is ignored.

Source: protocol, section 2, rule 3. Calibration: `benchmarks/precompiles`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from precompiles.host import Host

CALL = 2_100
INPUT_WORD = 12
SLOT_READ = 2_100
SLOT_WRITE = 10_000
LOG = 1_875
WORD_LOGGED = 256
HASH = 60
COORDINATE = 30
ROW_COORDINATE = 10
SHINGLE = 400
RECOVER = 6_000
TRANSFER = 15_000
"""Unit prices. A call costs what an engine needs to enter and leave a frame; a slot the same whether it is
cold, new or written twice; a hash is one tree node; a log is one with four topics; a coordinate is a product
of a score with its share of unpacking and hashing, of a row one byte's; a shingle is three words put through
256 hash functions; a transfer may create the
recipient's account."""

CHECKPOINT_READS = 35
"""Words that a search among up to 2^32 checkpoints reads at most."""

MAXIMUM_ELEMENTS = 2**64
"""Counts above this are taken as this."""


@dataclass(frozen=True, slots=True)
class Price:
    """`base` plus `elements[i][1]` for each element of the kind that `elements[i][0]` names."""

    base: int
    elements: tuple[tuple[str, int], ...] = ()

    def charged(self, counts: Sequence[int]) -> int:
        """Gas for the method itself, given the counts in the order of `elements`."""
        return self.base + sum(price * count for (_, price), count in zip(self.elements, counts, strict=True))

    def total(self, counts: Sequence[int]) -> int:
        """Gas of a whole call: input words first, then the counts in the order of `elements`."""
        prices = [INPUT_WORD, *(price for _, price in self.elements)]
        pairs = zip(prices, counts, strict=False)
        return CALL + self.base + sum(price * min(count, MAXIMUM_ELEMENTS) for price, count in pairs)


def words(data: bytes) -> int:
    """Whole 32-byte words that `data` takes."""
    return words_of(len(data))


def words_of(size_bytes: int) -> int:
    """Whole 32-byte words that so many bytes take."""
    return (size_bytes + 31) // 32


def charge_input(host: Host, size_bytes: int) -> None:
    """Charge for a call and its calldata, before anything else is done."""
    host.charge_gas(CALL + INPUT_WORD * words_of(size_bytes), "input")


def charge(host: Host, price: Price, *counts: int) -> None:
    """Charge a method's price, before it has any effect."""
    host.charge_gas(price.charged(counts), "method")


def _price(
    *,
    reads: int = 0,
    writes: int = 0,
    logged_words: int | None = None,
    hashes: int = 0,
    transfers: int = 0,
    recovers: int = 0,
    elements: tuple[tuple[str, int], ...] = (),
) -> Price:
    """A price by what the method touches at most. Hashes cover the mapping keys too."""
    log = 0 if logged_words is None else LOG + WORD_LOGGED * logged_words
    base = (
        reads * SLOT_READ
        + writes * SLOT_WRITE
        + log
        + (hashes + reads + writes) * HASH
        + transfers * TRANSFER
        + recovers * RECOVER
    )
    return Price(base, elements)


TEXT_WORD = ("word of text", WORD_LOGGED)
TREE_HASH = ("tree node", HASH)
SOURCE = ("source", 23 * SLOT_READ + 4 * SLOT_WRITE + LOG + 24 * HASH)
BATCH = ("batch", 16 * SLOT_READ + SLOT_WRITE + 27 * HASH + 6 * WORD_LOGGED)
HASHED_BATCH = ("batch", 10 * HASH)
COORDINATES = ("coordinate", COORDINATE)
COUNTED_SOURCE = ("source", 12 * SLOT_READ + 12 * HASH)
OPENED = ("content opened", 8 * HASH)
SHOWN = ("word shown", WORD_LOGGED + HASH)
SETTLEMENT = ("settlement", 24 * SLOT_READ + 4 * SLOT_WRITE + 2 * LOG + 2 * WORD_LOGGED + 34 * HASH)
RETRIEVAL_SHARE = ("share", 11 * SLOT_READ + 8 * SLOT_WRITE + LOG + 4 * WORD_LOGGED + 22 * HASH)
SCORE_LEAF = ("score leaf", 24 * SLOT_READ + 30 * HASH)
GAS_OF = Price(SLOT_READ)

_VIEW = {"gasOf": GAS_OF}

POLICY: Mapping[str, Price] = {
    "publish": _price(reads=38, writes=37, logged_words=1),
    "currentVersion": _price(reads=1),
    "getParameters": _price(reads=37),
    "timelock": _price(reads=1),
    "scheduleFork": _price(reads=4, writes=3, logged_words=1),
    "cancelFork": _price(reads=4, writes=1, logged_words=0),
    "forkCount": _price(reads=1),
    "getFork": _price(reads=3),
    **_VIEW,
}

PRECOMPILE_REGISTRY: Mapping[str, Price] = {
    "isActive": _price(reads=1),
    "version": _price(reads=1),
    "supportsInterface": _price(),
    **_VIEW,
}

DATANET_REGISTRY: Mapping[str, Price] = {
    "createDatanet": _price(reads=1, writes=10, logged_words=8, elements=(TEXT_WORD,)),
    "setCurator": _price(reads=10, writes=1, logged_words=1),
    "setContributor": _price(reads=10, writes=1, logged_words=1),
    "contribute": _price(reads=18, writes=12, logged_words=4),
    "reveal": _price(reads=10, writes=1, logged_words=2, elements=(TEXT_WORD,)),
    "review": _price(reads=55, writes=9, logged_words=4, hashes=40),
    "publishVersion": _price(reads=43, writes=5, logged_words=3, hashes=70),
    "drawParents": _price(reads=17, writes=1, logged_words=2),
    "withdrawBond": _price(reads=9, writes=1, logged_words=1, transfers=1),
    "cancel": _price(reads=9, writes=1, logged_words=0),
    "setMetadata": _price(reads=10, writes=2, logged_words=4, elements=(TEXT_WORD,)),
    "setUsage": _price(reads=10, writes=2, logged_words=2),
    "grantUsage": _price(reads=10, writes=1, logged_words=1),
    "buyUsage": _price(reads=12, writes=1, logged_words=1, transfers=1),
    "transferDatanet": _price(reads=10, writes=1, logged_words=0),
    "mayUse": _price(reads=21),
    "usagePrice": _price(reads=11),
    "getDatanet": _price(reads=10),
    "getContribution": _price(reads=9),
    "getAcceptance": _price(reads=13),
    "getVersion": _price(reads=14),
    "isCurator": _price(reads=11),
    "verifyRecord": _price(reads=23, hashes=5, elements=(TREE_HASH,)),
    **_VIEW,
}

MODEL_REGISTRY: Mapping[str, Price] = {
    "registerModel": _price(reads=14, writes=12, logged_words=4, elements=(SOURCE, TEXT_WORD)),
    "deprecateModel": _price(reads=12, writes=1, logged_words=1),
    "transferModel": _price(reads=10, writes=1, logged_words=0),
    "isDeprecated": _price(reads=2),
    "setRetrieval": _price(reads=11, writes=1, logged_words=1),
    "mayRetrieve": _price(reads=1),
    "childCount": _price(reads=1),
    "childAt": _price(reads=2),
    "userCount": _price(reads=1),
    "userAt": _price(reads=2),
    "setPrice": _price(reads=10, writes=2, logged_words=2),
    "setRevenueRecipient": _price(reads=10, writes=1, logged_words=0),
    "commitFeatureIndex": _price(reads=48, writes=17, logged_words=14, elements=(TEXT_WORD,)),
    "setIndexSigner": _price(reads=10, writes=1, logged_words=0),
    "retireFeatureIndex": _price(reads=28, writes=3, logged_words=1),
    "indexSignerOf": _price(reads=1),
    "isRetired": _price(reads=1),
    "indexesOf": _price(reads=2),
    "getModel": _price(reads=10),
    "getSource": _price(reads=12),
    "getFeatureIndex": _price(reads=12),
    **_VIEW,
}

INFERENCE_METERING: Mapping[str, Price] = {
    "openChannel": _price(reads=55, writes=13, logged_words=3, hashes=5),
    "topUp": _price(reads=12, writes=1, logged_words=2),
    "settle": _price(
        reads=50,
        writes=29,
        logged_words=40,
        hashes=8,
        transfers=2,
        recovers=1,
        elements=(TEXT_WORD,),
    ),
    "settleWithRetrieval": _price(
        reads=51,
        writes=29,
        logged_words=40,
        hashes=10,
        transfers=2,
        recovers=2,
        elements=(TEXT_WORD, RETRIEVAL_SHARE),
    ),
    "claimRetrieval": _price(
        reads=38, writes=3, logged_words=3, hashes=8, transfers=1, elements=(TREE_HASH,)
    ),
    "getRetrieval": _price(reads=8),
    "isRetrievalClaimed": _price(reads=1),
    "requestClose": _price(reads=13, writes=1, logged_words=1),
    "withdraw": _price(reads=12, writes=2, logged_words=1, transfers=1),
    "withdrawEarnings": _price(reads=1, writes=1, logged_words=1, transfers=1),
    "getChannel": _price(reads=12),
    "getSettlement": _price(reads=12),
    "releaseEarnings": _price(elements=(SETTLEMENT,)),
    "earningsOf": _price(reads=1),
    "heldOf": _price(reads=1),
    "heldIn": _price(reads=1),
    "stakersTotal": _price(reads=1),
    "auditsTotal": _price(reads=1),
    "stakersTotalIn": _price(reads=1),
    "channelNonce": _price(reads=1),
    "requestInference": _price(reads=55, writes=20, logged_words=8, elements=(TEXT_WORD,)),
    "fulfil": _price(reads=21, writes=7, logged_words=6, transfers=1, elements=(TEXT_WORD,)),
    "settleRequest": _price(reads=55, writes=43, logged_words=40, hashes=12, transfers=2),
    "disputeRequest": _price(reads=22, writes=4, logged_words=1),
    "refundRequest": _price(reads=20, writes=4, logged_words=1, transfers=1),
    "markDelivered": _price(reads=20, writes=2, logged_words=1, transfers=1),
    "announceProvider": _price(reads=24, writes=5, logged_words=3, elements=(TEXT_WORD,)),
    "setOffer": _price(reads=6, writes=3, logged_words=1),
    "getRequest": _price(reads=20),
    "getProvider": _price(reads=3),
    "providerCount": _price(reads=1),
    "providerAt": _price(reads=2),
    "isOffered": _price(reads=1),
    "modelProviderCount": _price(reads=1),
    "modelProviderAt": _price(reads=2),
    "statisticsOf": _price(reads=5),
    "passedTo": _price(reads=1),
    **_VIEW,
}

STAKING: Mapping[str, Price] = {
    "stake": _price(reads=56, writes=30, logged_words=2),
    "requestUnstake": _price(reads=56, writes=30, logged_words=2),
    "withdraw": _price(reads=58, writes=30, logged_words=1, transfers=1),
    "delegate": _price(reads=92, writes=36, logged_words=2),
    "undelegate": _price(reads=68, writes=36, logged_words=2),
    "withdrawDelegation": _price(reads=56, writes=30, logged_words=1, transfers=1),
    "setCommission": _price(reads=60, writes=26, logged_words=2),
    "collectRewards": _price(reads=56, writes=30, logged_words=1),
    "claimRewards": _price(reads=112, writes=56, logged_words=1, transfers=1),
    "checkpoint": _price(reads=52, writes=24),
    "claimSlashReward": _price(reads=5, writes=1, logged_words=1, transfers=1),
    "position": _price(reads=24),
    "stakeOf": _price(reads=16),
    "delegation": _price(reads=50),
    "commission": _price(reads=40),
    "epoch": _price(reads=1),
    "totalStake": _price(reads=1),
    "pendingRewards": _price(reads=96),
    "stakeAt": _price(reads=CHECKPOINT_READS),
    "totalStakeAt": _price(reads=CHECKPOINT_READS),
    **_VIEW,
}

ATTRIBUTION: Mapping[str, Price] = {
    "post": _price(reads=70, writes=24, logged_words=9, hashes=10, elements=(BATCH, TEXT_WORD)),
    "commitChallenge": _price(reads=29, writes=9, logged_words=1),
    "challengeScore": _price(
        reads=75,
        writes=18,
        logged_words=2,
        hashes=60,
        elements=(HASHED_BATCH, COORDINATES, TREE_HASH),
    ),
    "challengeAmount": _price(
        reads=70,
        writes=18,
        logged_words=2,
        hashes=60,
        elements=(HASHED_BATCH, SCORE_LEAF, TREE_HASH),
    ),
    "challengeDebt": _price(
        reads=75,
        writes=18,
        logged_words=2,
        hashes=60,
        elements=(HASHED_BATCH, COORDINATES, TREE_HASH),
    ),
    "challengeNode": _price(
        reads=70,
        writes=18,
        logged_words=2,
        hashes=62,
        elements=(HASHED_BATCH, TREE_HASH),
    ),
    "commitIndexChallenge": _price(reads=31, writes=10, logged_words=1),
    "challengeRow": _price(
        reads=75,
        writes=18,
        logged_words=2,
        hashes=8,
        elements=(("row coordinate", ROW_COORDINATE), TREE_HASH),
    ),
    "challengeNorm": _price(
        reads=75,
        writes=18,
        logged_words=2,
        hashes=8,
        elements=(COORDINATES, TREE_HASH),
    ),
    "challengeCount": _price(reads=100, writes=18, logged_words=8, elements=(COUNTED_SOURCE,)),
    "challengeOwner": _price(
        reads=143,
        writes=18,
        logged_words=8,
        hashes=17,
        elements=(COUNTED_SOURCE, ("sketch byte", ROW_COORDINATE), TREE_HASH, ("parent", HASH)),
    ),
    "challengeDuplicate": _price(
        reads=150,
        writes=18,
        logged_words=8,
        hashes=24,
        elements=(COUNTED_SOURCE, ("sketch byte", ROW_COORDINATE), TREE_HASH),
    ),
    "challengeSketch": _price(
        reads=125,
        writes=18,
        logged_words=8,
        hashes=16,
        elements=(
            COUNTED_SOURCE,
            ("byte of sketch or content", COORDINATE),
            TREE_HASH,
            ("shingle of a text", SHINGLE),
        ),
    ),
    "commitSpanChallenge": _price(reads=1, writes=1, logged_words=0),
    "challengeSpan": _price(
        reads=125,
        writes=6,
        logged_words=3,
        hashes=24,
        recovers=1,
        elements=(
            COUNTED_SOURCE,
            ("byte of sketch or content", COORDINATE),
            TREE_HASH,
            ("span", 6 * HASH),
        ),
    ),
    "challengeAnswerSpan": _price(
        reads=80,
        writes=6,
        logged_words=3,
        hashes=16,
        recovers=1,
        elements=(("byte of output", COORDINATE), ("span", 6 * HASH)),
    ),
    "challengeExplanations": _price(
        reads=80, writes=6, logged_words=3, hashes=24, recovers=2, elements=(("span", 6 * HASH),)
    ),
    "settleIndexCase": _price(reads=32, writes=5, logged_words=2, transfers=1),
    "indexStatus": _price(reads=10),
    "openSumGame": _price(
        reads=46,
        writes=15,
        logged_words=3,
        hashes=4,
        elements=(COORDINATES, TREE_HASH),
    ),
    "answerSumGame": _price(
        reads=36, writes=4, logged_words=3, hashes=4, elements=(("partial sum", WORD_LOGGED),)
    ),
    "chooseSumGame": _price(reads=36, writes=6, logged_words=4, hashes=4, elements=(("partial sum", HASH),)),
    "proveSumGame": _price(
        reads=100,
        writes=16,
        logged_words=8,
        hashes=8,
        transfers=1,
        elements=(("row coordinate", ROW_COORDINATE), TREE_HASH),
    ),
    "endSumGame": _price(reads=90, writes=16, logged_words=8, transfers=1),
    "getSumGame": _price(reads=14),
    "openWideSumGame": _price(
        reads=46, writes=15, logged_words=3, hashes=4, elements=(COORDINATES, TREE_HASH)
    ),
    "openQueryGame": _price(
        reads=70, writes=15, logged_words=3, hashes=8, elements=(HASHED_BATCH, COORDINATES, TREE_HASH)
    ),
    "proveQueryGame": _price(
        reads=110, writes=16, logged_words=8, hashes=12, transfers=1, elements=(COORDINATES, TREE_HASH)
    ),
    "challengeReceipt": _price(
        reads=125, writes=19, logged_words=8, hashes=20, elements=(HASHED_BATCH, TREE_HASH)
    ),
    "challengeWeight": _price(
        reads=125, writes=19, logged_words=8, hashes=24, elements=(HASHED_BATCH, TREE_HASH)
    ),
    "challengeQuery": _price(
        reads=135, writes=19, logged_words=8, hashes=16, elements=(HASHED_BATCH, COORDINATES, TREE_HASH)
    ),
    "tallyProducts": _price(reads=5, writes=5, logged_words=2, elements=(COORDINATES, TREE_HASH)),
    "challengeWideScore": _price(
        reads=115, writes=18, logged_words=8, hashes=60, elements=(HASHED_BATCH, TREE_HASH)
    ),
    "challengeWideNorm": _price(reads=80, writes=18, logged_words=8, hashes=8, elements=(TREE_HASH,)),
    "getTally": _price(reads=5),
    "demandOfIndex": _price(reads=36, writes=12, logged_words=4, hashes=8, elements=(OPENED,)),
    "demandOfPost": _price(reads=75, writes=12, logged_words=4, hashes=16, elements=(HASHED_BATCH, OPENED)),
    "answerDemand": _price(
        reads=36,
        writes=4,
        logged_words=2,
        hashes=2,
        transfers=1,
        elements=(("word of content", WORD_LOGGED),),
    ),
    "expireDemand": _price(reads=95, writes=14, logged_words=8, transfers=1),
    "getDemand": _price(reads=11),
    "openRowCase": _price(
        reads=48 + 7 * CHECKPOINT_READS, writes=34, logged_words=5, hashes=6, elements=(TREE_HASH,)
    ),
    "openPreconditionerCase": _price(reads=48 + 7 * CHECKPOINT_READS, writes=34, logged_words=5, hashes=6),
    "showQuery": _price(reads=1, writes=1, logged_words=4, hashes=4, elements=(TREE_HASH, SHOWN)),
    "shownOf": _price(reads=1),
    "openQueryCase": _price(
        reads=171 + 13 * CHECKPOINT_READS,
        writes=34,
        logged_words=11,
        hashes=24,
        elements=(HASHED_BATCH, TREE_HASH, SHOWN),
    ),
    "openAudit": _price(
        reads=102 + 7 * CHECKPOINT_READS, writes=37, logged_words=5, hashes=20, elements=(TREE_HASH,)
    ),
    "auditOf": _price(reads=38, hashes=4),
    "fundAudits": _price(reads=1, writes=1),
    "auditFund": _price(reads=3),
    "releaseSettlement": _price(reads=46, writes=2, logged_words=1),
    "drawJury": _price(reads=33, writes=5, logged_words=6, hashes=2),
    "commitVerdict": _price(reads=34 + 4 * CHECKPOINT_READS, writes=4, logged_words=2, hashes=2),
    "revealVerdict": _price(reads=33, writes=7, logged_words=5, hashes=6),
    "closeJuryCase": _price(reads=151, writes=28, logged_words=8, transfers=1),
    "claimJurorPay": _price(reads=31, writes=3, logged_words=1, transfers=1),
    "punishAbsence": _price(reads=61 + 4 * CHECKPOINT_READS, writes=4, logged_words=3, hashes=2),
    "seatsOf": _price(reads=29 + 4 * CHECKPOINT_READS, hashes=2),
    "coordinatesOf": _price(reads=51, hashes=32),
    "getJuryCase": _price(reads=22),
    "getJuryDraw": _price(reads=27),
    "getJuror": _price(reads=26),
    "juryCaseCount": _price(reads=1),
    "validatorSlashedOf": _price(reads=1),
    "finalize": _price(reads=30, writes=9, logged_words=3, transfers=1),
    "claim": _price(reads=46, writes=4, logged_words=6, hashes=5, transfers=1, elements=(TREE_HASH,)),
    "claimFor": _price(
        reads=46, writes=4, logged_words=6, hashes=9, transfers=1, recovers=1, elements=(TREE_HASH,)
    ),
    "withdrawDust": _price(reads=1, writes=1, logged_words=1, transfers=1),
    "dustOf": _price(reads=1),
    "claimable": _price(reads=33, hashes=5, elements=(TREE_HASH,)),
    "preview": _price(reads=2),
    "withdrawBond": _price(reads=26, writes=5, logged_words=1, transfers=1),
    "getPost": _price(reads=12),
    "postOfSettlement": _price(reads=2),
    "carryOf": _price(reads=3),
    "isClaimed": _price(reads=1),
    "earningsOf": _price(reads=1),
    "slashedOf": _price(reads=1),
    "rewardOf": _price(reads=1),
    "openLiabilityOf": _price(reads=1),
    "exposureOf": _price(reads=2),
    **_VIEW,
}
