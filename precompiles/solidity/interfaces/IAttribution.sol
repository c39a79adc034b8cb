// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant ATTRIBUTION_ADDRESS = 0x1612000000000000000000000000000000000001;

/// @title Proof of Attribution: scores and amounts under roots, wrong ones proved wrong in one transaction
/// @custom:address 0x1612000000000000000000000000000000000001
interface IAttribution {
    /// @dev One settled batch: the root of its query vector Q (int128), the Merkle-sum root of its contributors'
    /// positive significant scores, their sum S, and the root of the magnitudes of the negative ones.
    struct BatchClaim {
        uint256 settlementId;
        bytes32 queryRoot;
        bytes32 scoresRoot;
        uint256 scoreSum;
        bytes32 debtsRoot;
        uint256 debtSum;
    }

    /// @dev status 0 none, 1 pending, 2 final, 3 void. `carryIn` is what earlier batches of the model left over
    /// and is added to the first batch's pool.
    struct Post {
        uint256 modelId;
        uint256 featureIndex;
        address signer;
        bytes32 batchesHash;
        bytes32 amountsRoot;
        uint256 amountSum;
        uint256 pool;
        uint256 carryIn;
        uint256 contestableUntil;
        uint256 status;
        address challenger;
    }

    /// @dev A contributor's committed sum: leaf fields, the packed int64 coordinates, and the path to `sumsRoot`.
    struct SumEvidence {
        uint256 records;
        uint256 normSquared;
        bytes vector;
        bytes32[] proof;
    }

    /// @dev A leaf of a Merkle-sum tree as it was posted: its key (an address word), its amount and its siblings
    /// from the bottom up. In a challenge the leaf may also be given bare, its hash as key and its sum as amount; so
    /// key 0 with amount 0 is an absent leaf: a contributor who was left out.
    struct SumLeaf {
        bytes32 key;
        uint256 amount;
        bytes32[] siblings;
        uint256[] siblingSums;
    }

    /// @dev An inner node of a posted Merkle-sum tree. `tree` is 0 for the amounts, 2b + 1 for the scores of batch b and
    /// 2b + 2 for its debts; `level` counts from the leaves; `sum` is what its parent, or the post, says it sums to.
    struct NodeEvidence {
        uint256 tree;
        uint256 level;
        uint256 position;
        uint256 sum;
        bytes32 left;
        uint256 leftSum;
        bytes32 right;
        uint256 rightSum;
        bytes32[] siblings;
        uint256[] siblingSums;
    }

    /// @dev A committed feature row: its leaf's fields, the int8 coordinates and the path to `rowsRoot`.
    struct RowEvidence {
        uint256 index;
        uint256 canonicalIndex;
        uint256 contributorIndex;
        uint256 exponent;
        bytes row;
        bytes32[] proof;
    }

    /// @dev A dispute over one coordinate of a contributor's sum, or of a batch query: rows of the index, or receipts of
    /// the settlement, `first` to `first + count - 1` are said to add `claimed`, modulo 2^256. turn 0 over, 1 the signer's
    /// answer, 2 the challenger's choice, 3 the last element. `indexId` or `postId` is 0.
    struct SumGame {
        uint256 indexId;
        uint256 contributorIndex;
        uint256 coordinate;
        address challenger;
        uint256 first;
        uint256 count;
        uint256 claimed;
        bytes32 partials;
        uint256 turn;
        uint256 until;
        uint256 bond;
        uint256 postId;
        uint256 settlementId;
    }

    /// @dev 1,024 coordinates of a committed vector: the hashes of all its chunks, and this chunk's bytes.
    struct VectorChunk {
        bytes32[] chunks;
        bytes chunk;
    }

    /// @dev A contributor's committed sum by the root of its vector, with the path to `sumsRoot`.
    struct WideSum {
        uint256 records;
        uint256 normSquared;
        bytes32 vectorRoot;
        bytes32[] proof;
    }

    /// @dev A receipt's committed query by the root of its int16 vector, with the path to its settlement's `queriesRoot`.
    struct QueryLeaf {
        uint256 number;
        uint256 weight;
        bytes32 queryRoot;
        bytes32[] proof;
    }

    /// @dev A receipt as it is hashed, the amount its leaf carries, and the path to its settlement's `receiptsRoot`.
    struct ReceiptEvidence {
        uint256 number;
        bytes32 promptHash;
        bytes32 outputHash;
        uint256 tokensIn;
        uint256 tokensOut;
        uint256 fee;
        uint256 amount;
        bytes32[] siblings;
        uint256[] siblingSums;
    }

    /// @dev A record of a model's source (positions count from 0) with its way to the published version, as in
    /// `verifyRecord`, and the leaf of its row with the path to `rowsRoot`. `parentsHash` is that of its list of parents.
    struct RecordEvidence {
        uint256 source;
        uint256 position;
        uint256 contributionId;
        uint256 firstRecord;
        bytes32[] contributionProof;
        uint256 recordIndex;
        bytes32 contentHash;
        bytes sketch;
        bytes32 parentsHash;
        bytes32[] recordProof;
        uint256 canonicalIndex;
        uint256 contributorIndex;
        uint256 exponent;
        bytes32 rowRoot;
        bytes32[] rowProof;
    }

    /// @dev Which hash of which committed tree is to be opened: the contents above it, from the root down. `tree` of an
    /// index: 0 rows, 1 sums. Of a post: 0 amounts; for batch b 5b + 1 scores, 5b + 2 debts, 5b + 3 the batch query, 5b + 4
    /// the receipts' queries, 5b + 5 the receipts. `position` is the leaf's place, for queries and receipts within the
    /// settlement; `chunk` counts 1,024 coordinates of the vector under it.
    struct DemandPath {
        uint256 tree;
        uint256 position;
        uint256 chunk;
        bytes[] opened;
    }

    /// @dev Content that `respondent` must see shown: what it hashes to, how long it is, how it begins. `key` is the post's
    /// id, or 2^255 and the index's. `until` 0 says that it is over.
    struct Demand {
        uint256 key;
        uint256 settlementId;
        address respondent;
        address demander;
        bytes32 contentHash;
        uint256 size;
        uint256 headSize;
        bytes32 headHash;
        uint256 until;
        uint256 fee;
    }

    /// @dev Products of two committed vectors over the chunks shown so far; `product` is two's complement. A query beyond
    /// its width has norm 2^149 + 1 and product 0.
    struct Tally {
        uint256 chunks;
        uint256 coordinates;
        uint256 product;
        uint256 vectorNormSquared;
        uint256 queryNormSquared;
    }

    /// @dev Bytes `start` to `end` of an answer's text stand in the plain text of record `record`, a row of the feature
    /// index, from byte `offset` on; all in UTF-8. `textHash` is their keccak-256.
    struct Span {
        uint256 start;
        uint256 end;
        uint256 record;
        uint256 offset;
        bytes32 textHash;
    }

    /// @dev What a provider signs (EIP-712 `Explanation`, with its spans last) under the passages it shows.
    struct Explanation {
        bytes32 channelId;
        uint256 number;
        uint256 featureIndex;
        bytes32 outputHash;
    }

    /// @dev What a contributor signs (EIP-712 `Claim`) to have one amount paid elsewhere.
    struct ClaimOrder {
        uint256 postId;
        uint256 contributorIndex;
        address contributor;
        address recipient;
        uint256 deadline;
    }

    /// @dev A committed feature row by the root of its coordinates, with its path to the rows' root.
    struct RowLeaf {
        uint256 index;
        uint256 canonicalIndex;
        uint256 contributorIndex;
        uint256 exponent;
        bytes32 rowRoot;
        bytes32[] proof;
    }

    /// @dev What a receipt is of: salt and canonical JSON of input and output, as it hashes them.
    struct ShownAnswer {
        bytes prompt;
        bytes output;
    }

    /// @dev A claim before a drawn jury. `key` is the post's id, or 2^255 and the index's. `subject` 1: the row at
    /// `position` with root `content`; 2: the preconditioner with hash `content`; 3: the query with root `content` of receipt
    /// `position` of `settlementId` (else 0); 4, an audit: row number `content` among the canonical ones of contributor
    /// `position`. `accused` answers for what is wrong, `keeper`, the index's signer, for what is not available. `stake` is all
    /// validators' at `stakedAt` but the parties'. `bond` is what is held for the case. `leader` is the opinion with most of the `revealed` seats. `outcome` 0 open,
    /// 1 right, 2 wrong, 3 not available, 4 not proven.
    struct JuryCase {
        uint256 key;
        uint256 subject;
        uint256 position;
        bytes32 content;
        uint256 exponent;
        uint256 settlementId;
        address accused;
        address challenger;
        uint256 policyVersion;
        uint256 stakedAt;
        uint256 stake;
        uint256 bond;
        uint256 sharePpm;
        uint256 rounds;
        uint256 revealed;
        bytes32 leader;
        uint256 leaderSeats;
        uint256 leaderVerdict;
        uint256 outcome;
        uint256 payPerSeat;
        address keeper;
    }

    /// @dev One round of a case: the L1 block that draws it, its seed (0 until then), its seats and windows.
    struct JuryDraw {
        uint256 origin;
        bytes32 seed;
        uint256 size;
        uint256 commitUntil;
        uint256 revealUntil;
    }

    /// @dev A juror in one round. `settled` is 1 once it was paid or punished.
    struct Juror {
        bytes32 commitment;
        uint256 seats;
        bytes32 opinion;
        uint256 settled;
    }

    event AttributionPosted(uint256 indexed postId, uint256 indexed modelId, address indexed signer, uint256 featureIndex, bytes32 amountsRoot, uint256 amountSum, uint256 pool, uint256 contestableUntil, BatchClaim[] batches, string uri);
    event ChallengeCommitted(uint256 indexed postId, address indexed challenger, bytes32 commitment);
    event ChallengeProved(uint256 indexed postId, address indexed challenger, address indexed challengerOfRecord);
    event PostVoided(uint256 indexed postId, address indexed challenger, address indexed signer, uint256 slashed, uint256 reward);
    event PostFinalized(uint256 indexed postId, uint256 indexed modelId, uint256 paid, uint256 carryOut);
    event Claimed(uint256 indexed postId, uint256 indexed contributorIndex, address indexed contributor, address recipient, uint256 amount);
    event BondReturned(uint256 indexed postId, address indexed challenger, uint256 amount);
    event DustHeld(address indexed contributor, uint256 amount, uint256 held);
    event DustPaid(address indexed contributor, address indexed recipient, uint256 amount);
    event PoolReleased(uint256 indexed modelId, uint256 amount);
    event IndexChallengeCommitted(uint256 indexed indexId, address indexed challenger, bytes32 commitment);
    event IndexVoided(uint256 indexed indexId, address indexed challenger, address indexed signer, uint256 slashed, uint256 reward);
    event IndexChallengeProved(uint256 indexed indexId, address indexed challenger, address indexed challengerOfRecord);
    event IndexCaseSettled(uint256 indexed indexId, address indexed account, uint256 returned, uint256 lost);
    event SumGameOpened(uint256 indexed gameId, uint256 indexed indexId, address indexed challenger, uint256 contributorIndex, uint256 coordinate, uint256 until);
    event SumGameAnswered(uint256 indexed gameId, uint256[] partials, uint256 until);
    event SumGameChosen(uint256 indexed gameId, uint256 first, uint256 count, uint256 claimed, uint256 until);
    event SumGameEnded(uint256 indexed gameId, address indexed winner);
    event QueryGameOpened(uint256 indexed gameId, uint256 indexed postId, address indexed challenger, uint256 settlementId, uint256 coordinate, uint256 until);
    event Demanded(uint256 indexed demandId, uint256 indexed key, address indexed respondent, bytes32 contentHash, uint256 size, uint256 until);
    event DemandAnswered(uint256 indexed demandId, address indexed answerer, bytes content);
    event DemandExpired(uint256 indexed demandId, address indexed respondent);
    event Tallied(bytes32 indexed vectorRoot, bytes32 indexed queryRoot, uint256 chunks, uint256 coordinates);
    event SpanChallengeCommitted(address indexed challenger, bytes32 indexed commitment);
    event ExplanationProvedFalse(bytes32 indexed channelId, uint256 indexed number, address indexed provider, address challenger, uint256 slashed, uint256 reward);
    event JuryCaseOpened(uint256 indexed caseId, uint256 indexed key, address indexed challenger, uint256 subject, uint256 position, bytes32 content, uint256 origin);
    event QueryShown(bytes32 indexed queryRoot, uint256 first, bytes part);
    event AnswerShown(uint256 indexed caseId, bytes prompt, bytes output);
    event JuryDrawn(uint256 indexed caseId, uint256 round, bytes32 seed, uint256 size, uint256 commitUntil, uint256 revealUntil);
    event JuryRedrawn(uint256 indexed caseId, uint256 round, uint256 origin);
    event VerdictCommitted(uint256 indexed caseId, address indexed juror, uint256 round, uint256 seats);
    event VerdictRevealed(uint256 indexed caseId, address indexed juror, uint256 verdict, bytes values);
    event JuryCaseClosed(uint256 indexed caseId, uint256 outcome, uint256 payPerSeat);
    event JurorPaid(uint256 indexed caseId, address indexed juror, uint256 amount);
    event AbsencePunished(uint256 indexed caseId, address indexed juror, uint256 round, uint256 slashed, uint256 reward);

    event SettlementReleased(uint256 indexed settlementId, uint256 indexed modelId, uint256 pool);

    error PostNotFound(uint256 postId);
    error InvalidArgument(string name);
    error AlreadyAttributed(uint256 settlementId);
    error SignerNotStaked(address signer);
    error LiabilityAboveStake(uint256 liability, uint256 limit);
    error CarryChanged(uint256 expected, uint256 actual);
    error FeatureIndexNotUsable(uint256 indexId);
    error NotDueYet(uint256 earliest);
    error AmountAbovePool(uint256 amount, uint256 pool);
    error WrongStatus(uint256 status);
    error WindowOpen(uint256 until);
    error WindowClosed(uint256 until);
    error PendingChallenge(uint256 postId);
    error WrongBond(uint256 required, uint256 given);
    error CommitmentNotFound();
    error InvalidProof(string what);
    error ChallengeFailed(uint256 claimed, uint256 computed);
    error AlreadyClaimed(uint256 postId, uint256 contributorIndex);
    error OrderExpired(uint256 deadline);
    error InvalidSignature();
    error NothingToClaim();
    error NotParty(address caller);
    error GameNotFound(uint256 gameId);
    error DemandNotFound(uint256 demandId);
    error UnsupportedText(uint256 offset);
    error AlreadyProved(bytes32 channelId, uint256 number);
    error JuryCaseNotFound(uint256 caseId);
    error JuryNotDrawn(uint256 caseId, uint256 round);
    error NotAudited(uint256 postId);
    error NoJurors();

    /// @notice Posts the payout of settled batches of one model and feature index. Ids count from 1.
    /// The first `postDelay` seconds after a settlement belong to its provider; later any staked provider may post.
    /// Batches are 1 to 64, by rising settlement id. The signer's open pools may be half of its stake at most.
    /// @param carryIn what the amounts take of `carryOf` the model, at most a quarter of the first batch's pool; refused where
    /// there is less by now, because amounts computed with another carry would be wrong. 0 is never refused.
    function post(uint256 featureIndex, BatchClaim[] calldata batches, uint256 carryIn, bytes32 amountsRoot, uint256 amountSum, string calldata uri) external returns (uint256 postId);
    /// @notice Reserves priority for a challenge: `commitment = keccak256(abi.encode(postId, challenger, salt))`.
    /// One per account and post. Costs the policy's bond, returned unless the commitment is never used; stops
    /// `finalize` until the reveal window ends. A bond that is lost goes to the model's next pool.
    function commitChallenge(uint256 postId, bytes32 commitment) external payable;
    /// @notice Proves one contributor's score wrong: the precompile computes `v_c · Q_b` from the committed vectors.
    /// Reverts with ChallengeFailed when the posted score is right. The first success voids the post; an earlier
    /// committed challenge that succeeds within its reveal window replaces the challenger of record. Its share of the
    /// slash grows from a quarter of the policy's, for a commitment made with the post, to all of it at the window's end.
    function challengeScore(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, uint256 contributorIndex, address contributor, SumEvidence calldata sum, bytes calldata query, SumLeaf calldata score) external;
    /// @notice Proves one contributor's amount wrong against the posted scores: `Σ_b floor(pool_b · score_b / S_b)`.
    function challengeAmount(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 contributorIndex, address contributor, SumLeaf[] calldata scores, SumLeaf calldata amount) external;
    /// @notice Proves one contributor's debt wrong: the magnitude of the negative part of `v_c · Q_b`.
    function challengeDebt(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, uint256 contributorIndex, address contributor, SumEvidence calldata sum, bytes calldata query, SumLeaf calldata debt) external;
    /// @notice Proves that an inner node of a posted tree does not sum to what stands under it.
    function challengeNode(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, NodeEvidence calldata node) external;
    /// @notice Reserves priority for a challenge of a feature index, before it is usable:
    /// `commitment = keccak256(abi.encode(2^255 + indexId, challenger, salt))`. A pending one puts its use off.
    function commitIndexChallenge(uint256 indexId, bytes32 commitment) external payable;
    /// @notice Proves that a committed row breaks a rule: range, least exponent, norm, canonical record, contributor.
    function challengeRow(uint256 indexId, bytes32 salt, RowEvidence calldata row) external;
    /// @notice Proves that a contributor's committed squared norm is not that of its committed sum.
    function challengeNorm(uint256 indexId, bytes32 salt, uint256 contributorIndex, address contributor, SumEvidence calldata sum) external;
    /// @notice Proves that an index has not one row for each record of its model's sources.
    function challengeCount(uint256 indexId, bytes32 salt) external;
    /// @notice Proves that a row is credited to `credited`, who is not whose it is: its record's contributor or, if a parent
    /// is drawn that counts, the parent's. `parents` is the record's list, at most 64 words of contribution (16 bytes) and
    /// place in it (16 bytes); by `uint(keccak256(abi.encode(randomness, recordLeaf))) % (2 * parents.length)` that parent is
    /// drawn, none from the length on. It counts if a source of the model holds it, its contribution's id is lower than the
    /// record's, and `parent`, its row, is canonical; `parent` is read if the first two hold. Before
    /// `DatanetRegistry.drawParents` any credit of a record with parents is wrong. `sum` is the committed sum of the
    /// contributor that the row names.
    function challengeOwner(uint256 indexId, bytes32 salt, RecordEvidence calldata record, bytes32[] calldata parents, RowLeaf calldata parent, address credited, WideSum calldata sum) external;
    /// @notice Proves that `record` was wrongly kept, since `other` is canonical, earlier and similar; or wrongly dropped for
    /// `other`, which is not all of that. Earlier is by commit block, contribution id and index.
    function challengeDuplicate(uint256 indexId, bytes32 salt, RecordEvidence calldata record, RecordEvidence calldata other) external;
    /// @notice Proves that the sketch of a kept record is not that of its content: a labelled vector of up to 49,152
    /// features (magic "OLVC" and 1, count and features, label), or a text in ASCII of up to 65,536 bytes and 24,576
    /// shingles (magic "OLTX" and 1, canonical JSON). A text with any other byte is not judged: `UnsupportedText` names
    /// the first one.
    function challengeSketch(uint256 indexId, bytes32 salt, RecordEvidence calldata record, bytes calldata content) external;
    /// @notice Says, without saying about what, that the caller contests an explanation: `commitment` is the keccak-256 of
    /// the explanation's EIP-712 digest, the caller as a word, and a salt. It is revealed in a later block, within the
    /// reveal window of the channel's policy.
    function commitSpanChallenge(bytes32 commitment) external;
    /// @notice Proves that passage `span` of a signed explanation does not stand in the record it names, by the record's
    /// content and its way to the published version (the row's fields are not looked at). Where the passage has no length
    /// or its record no row, nothing else is looked at. Slashes the channel's provider, once a receipt.
    function challengeSpan(bytes32 salt, Explanation calldata explanation, Span[] calldata spans, bytes calldata signature, uint256 span, RecordEvidence calldata record, bytes calldata content) external;
    /// @notice Proves the same by the answer: `output` is what the receipt's output hash is of, salt first.
    function challengeAnswerSpan(bytes32 salt, Explanation calldata explanation, Span[] calldata spans, bytes calldata signature, uint256 span, bytes calldata output) external;
    /// @notice Proves by two signed explanations that one receipt was given two outputs.
    function challengeExplanations(bytes32 salt, Explanation calldata explanation, Span[] calldata spans, bytes calldata signature, Explanation calldata other, Span[] calldata otherSpans, bytes calldata otherSignature) external;
    /// @notice After all reveal windows: returns the caller's bond if its challenge succeeded, credits the challenger of
    /// record, and moves bonds of challenges that nobody proved to the model's next pool.
    function settleIndexCase(uint256 indexId) external;
    /// @notice 0 uncontested, 1 contested, 2 void: no channel opens and no post is taken while it is not 0.
    function indexStatus(uint256 indexId) external view returns (uint256);
    /// @notice Disputes one coordinate of a contributor's sum, before the index is usable, against the policy's bond.
    function openSumGame(uint256 indexId, uint256 contributorIndex, address contributor, uint256 coordinate, SumEvidence calldata sum) external payable returns (uint256 gameId);
    /// @notice The same for a sum of any width, by the chunk that holds the coordinate.
    function openWideSumGame(uint256 indexId, uint256 contributorIndex, address contributor, uint256 coordinate, WideSum calldata sum, VectorChunk calldata chunk) external payable returns (uint256 gameId);
    /// @notice Signer of the index or post only: partial sums of the range in 16 equal parts, part i from `count * i / 16`; or one per row
    /// when there are fewer. They must add up to what is claimed, modulo 2^256.
    function answerSumGame(uint256 gameId, uint256[] calldata partials) external;
    /// @notice Challenger only: the part it disputes.
    function chooseSumGame(uint256 gameId, uint256[] calldata partials, uint256 choice) external;
    /// @notice Anyone: the last row of a game over a sum, whose value decides.
    function proveSumGame(uint256 gameId, RowEvidence calldata row) external;
    /// @notice Anyone, after the move's window: whoever did not move loses; the last row is the signer's to show.
    function endSumGame(uint256 gameId) external;
    function getSumGame(uint256 gameId) external view returns (SumGame memory);
    /// @notice Disputes one coordinate of a posted batch query `Q = Σ w·q`, within the post's window, against the policy's
    /// bond; moves as in a game over a sum. A signer that loses is slashed and its post void.
    function openQueryGame(uint256 postId, BatchClaim[] calldata batches, uint256 batch, uint256 coordinate, VectorChunk calldata chunk) external payable returns (uint256 gameId);
    /// @notice Anyone: the last receipt's query of a game over a batch query, whose weighted value decides.
    function proveQueryGame(uint256 gameId, QueryLeaf calldata leaf, VectorChunk calldata chunk) external;

    /// @notice Proves that a settled receipt's fee is not its tokens' price on the channel, or not what was settled for it.
    /// As with `challengeWeight` and `challengeQuery`, the settlement's provider is slashed, the post void without blame,
    /// and that settlement never attributed: its pool goes to the model's next post.
    function challengeReceipt(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, ReceiptEvidence calldata receipt) external;
    /// @notice Proves that a query's weight is not its receipt's fee, net of the platform's part, in units of 10^9 wei.
    function challengeWeight(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, QueryLeaf calldata leaf, ReceiptEvidence calldata receipt) external;
    /// @notice Proves that a query of up to 32,768 coordinates is longer than 2^14.5.
    function challengeQuery(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, QueryLeaf calldata leaf, bytes calldata query) external;

    /// @notice Adds the next chunks of a contributor's sum (int64) and of a batch query (int128) to the tally of their
    /// products, or of the sum alone with no query chunks. Chunks have 1,024 coordinates, the last one what is left.
    function tallyProducts(bytes32[] calldata vectorChunks, bytes32[] calldata queryChunks, bytes calldata vector, bytes calldata query) external;
    /// @notice `challengeScore`, or with `isDebt` `challengeDebt`, for any width, by a whole tally.
    function challengeWideScore(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, uint256 contributorIndex, address contributor, WideSum calldata sum, SumLeaf calldata score, bool isDebt) external;
    /// @notice `challengeNorm` for any width, by a whole tally of the sum alone.
    function challengeWideNorm(uint256 indexId, bytes32 salt, uint256 contributorIndex, address contributor, WideSum calldata sum) external;
    function getTally(bytes32 vectorRoot, bytes32 queryRoot) external view returns (Tally memory);

    /// @notice Demands the content of one hash under an index from its signer, before it is usable, for the policy's fee.
    function demandOfIndex(uint256 indexId, DemandPath calldata path) external payable returns (uint256 demandId);
    /// @notice The same under a post, from its signer, or under one of its settlements, from the provider. Stops `finalize`.
    function demandOfPost(uint256 postId, BatchClaim[] calldata batches, DemandPath calldata path) external payable returns (uint256 demandId);
    /// @notice Anyone: shows the content and earns the fee. Challenges are taken for one reveal window more.
    function answerDemand(uint256 demandId, bytes calldata content) external;
    /// @notice Anyone, after the demand window: what was hidden is void, who hid it slashed, the fee returned.
    function expireDemand(uint256 demandId) external;
    function getDemand(uint256 demandId) external view returns (Demand memory);
    /// @notice Anyone, after the window and with no pending challenge: the amounts become claimable. A pool that paid
    /// nobody rolls over, and after the policy's number of times in a row goes to the treasury.
    function finalize(uint256 postId) external;
    /// @notice Pays a contributor's amount to `recipient`; anyone may send it when `recipient` is the contributor.
    /// Below the policy's minimum the amount is held instead, and sent to the contributor when it reaches that.
    function claim(uint256 postId, uint256 contributorIndex, address contributor, uint256 amount, bytes32[] calldata siblings, uint256[] calldata siblingSums, address recipient) external;
    /// @notice The same with the contributor's signature, by anyone, to whom it names.
    function claimFor(ClaimOrder calldata order, uint256 amount, bytes32[] calldata siblings, uint256[] calldata siblingSums, bytes calldata signature) external;
    /// @notice Pays what is held of the caller's small amounts.
    function withdrawDust(address recipient) external returns (uint256 amount);
    /// @notice Returns the caller's bond on a void post if its challenge succeeded, after the last reveal window; also
    /// credits the challenger of record with a reward that an earlier commitment could still have taken.
    function withdrawBond(uint256 postId) external;

    function getPost(uint256 postId) external view returns (Post memory);
    /// @notice The post that stands, 0 when there is none, 2^256 - 1 when the settlement is void.
    function postOfSettlement(uint256 settlementId) external view returns (uint256 postId);
    /// @notice What waits for the model's next posts: left over by earlier ones, or passed by adapters.
    function carryOf(uint256 modelId) external view returns (uint256);
    function isClaimed(uint256 postId, uint256 contributorIndex) external view returns (bool);
    /// @notice The amount, if its proof holds and `claim` would pay it now; else 0.
    function claimable(uint256 postId, uint256 contributorIndex, address contributor, uint256 amount, bytes32[] calldata siblings, uint256[] calldata siblingSums) external view returns (uint256);
    /// @notice What a score gets of a batch's pool: `floor(pool · score / scoreSum)`, capped by the policy version.
    function preview(uint256 pool, uint256 score, uint256 scoreSum, uint256 policyVersion) external view returns (uint256);
    function dustOf(address contributor) external view returns (uint256);
    function earningsOf(address contributor) external view returns (uint256);
    /// @notice Total taken from an account's provider stake by verdicts; staking subtracts it.
    function slashedOf(address account) external view returns (uint256);
    /// @notice What verdicts owe a challenger from slashed stake; staking pays it out.
    function rewardOf(address account) external view returns (uint256);
    /// @notice Pools of unfinalized posts that an account's stake answers for.
    function openLiabilityOf(address account) external view returns (uint256);
    /// @notice Pools of unfinalized posts and of the last few final ones: at most half of the account's stake.
    function exposureOf(address account) external view returns (uint256);

    /// @notice Brings before a drawn jury that a committed row is not its record's gradient by the index's profile. Opens
    /// the caller's challenge of the index by its salt; that one's bond pays the jury if the row is right. Until the case
    /// is closed the index is not usable. Refused while no validator but the parties is staked.
    function openRowCase(uint256 indexId, bytes32 salt, RowLeaf calldata row) external returns (uint256 caseId);
    /// @notice The same of the index's preconditioner.
    function openPreconditionerCase(uint256 indexId, bytes32 salt) external returns (uint256 caseId);
    /// @notice Anyone: shows the next coordinates of a query to jurors, given the hashes of all its chunks of 1,024: whole
    /// chunks, or all that are left. `first` of the event counts from 0.
    function showQuery(bytes32[] calldata chunks, bytes calldata part) external;
    function shownOf(bytes32 queryRoot) external view returns (uint256 coordinates);
    /// @notice Brings before a drawn jury that a settled receipt's committed query, all of which was shown, is not that of
    /// its inference, which the caller shows to everybody, for good: `shown` must be what `receipt` hashes. Opens the caller's
    /// challenge of the post. A wrong query costs the settlement's provider, as with `challengeQuery`; documents of the index
    /// that are not available cost its signer, as in an audit.
    function openQueryCase(uint256 postId, bytes32 salt, BatchClaim[] calldata batches, uint256 batch, QueryLeaf calldata leaf, ReceiptEvidence calldata receipt, ShownAnswer calldata shown) external returns (uint256 caseId);
    /// @notice Whether a post is audited, and at which wei of its amounts' sum: by the randomness of the L1 block that comes
    /// the policy's number of blocks after the post. A post that pays less than a jury costs is drawn that much less
    /// often. Reverts until the block is there.
    function auditOf(uint256 postId) external view returns (bool isDrawn, uint256 place);
    /// @notice Anyone, within the window of a post that is drawn: brings before a jury one canonical row of the contributor
    /// whose amount covers the drawn wei; `content` of the case is which one, counted in index order from 0. Value sent goes
    /// to the fund, which pays the jury. A wrong row voids the index and the post, whose own signer is not slashed.
    function openAudit(uint256 postId, uint256 contributorIndex, address contributor, SumLeaf calldata amount, WideSum calldata sum) external payable returns (uint256 caseId);
    /// @notice Adds to the fund, beside what the platform's part of each settlement brings by itself.
    function fundAudits() external payable;
    function auditFund() external view returns (uint256);
    /// @notice Anyone: the pool of a settlement whose index is void goes to the model's next post.
    function releaseSettlement(uint256 settlementId) external;
    /// @notice Anyone, once the L1 block of the round is the origin or before it: draws the jury and starts its windows. If
    /// that block's randomness is no longer kept, a later block is awaited instead.
    function drawJury(uint256 caseId) external;
    /// @notice Juror only: `commitment = keccak256(abi.encode(caseId, round, juror, verdict, keccak256(values), salt))`.
    function commitVerdict(uint256 caseId, bytes32 commitment) external;
    /// @notice Juror only, after the commit window. `verdict` 1 right, 2 wrong, 3 not available. `values` are the juror's own
    /// values at `coordinatesOf` in the committed exponent: 16 of int8 for a row, none for a
    /// preconditioner or what is not available.
    function revealVerdict(uint256 caseId, uint256 verdict, bytes calldata values, bytes32 salt) external;
    /// @notice Anyone, after the reveal window: two thirds of the revealed seats with one verdict and the same values decide,
    /// if half of the seats were revealed; else a second jury of twice the size is added; else nothing is proved.
    function closeJuryCase(uint256 caseId) external;
    /// @notice Pays the caller for its seats with the opinion that decided, or with any if none did.
    function claimJurorPay(uint256 caseId) external returns (uint256 amount);
    /// @notice Anyone, after a round's windows: slashes who was drawn and did not reveal; the caller has the challenger's
    /// share.
    function punishAbsence(uint256 caseId, uint256 round, address account) external;
    /// @notice An account's seats in a round, 0 before the draw: `size * stake / total` of the stake before the request,
    /// the fraction by lot.
    function seatsOf(uint256 caseId, uint256 round, address account) external view returns (uint256);
    /// @notice The 16 coordinates that jurors recompute; they may repeat.
    function coordinatesOf(uint256 caseId) external view returns (uint256[] memory);
    function getJuryCase(uint256 caseId) external view returns (JuryCase memory);
    function getJuryDraw(uint256 caseId, uint256 round) external view returns (JuryDraw memory);
    function getJuror(uint256 caseId, uint256 round, address account) external view returns (Juror memory);
    function juryCaseCount() external view returns (uint256);
    /// @notice Total taken from an account's validator stake for missed jury duty; staking subtracts it.
    function validatorSlashedOf(address account) external view returns (uint256);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
