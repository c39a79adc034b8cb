// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

address constant INFERENCE_METERING_ADDRESS = 0x1612000000000000000000000000000000000004;

/// @title Payment channels for inference, settled by receipts under one root
/// @custom:address 0x1612000000000000000000000000000000000004
interface IInferenceMetering {
    /// @dev Price, split and policy version are pinned when the channel opens. `closableAt` is 0 until a close
    /// is requested.
    struct Channel {
        address payer;
        address provider;
        address voucherKey;
        uint256 modelId;
        uint256 featureIndex;
        uint256 policyVersion;
        uint256 inputPrice;
        uint256 outputPrice;
        uint256 deposit;
        uint256 settledFee;
        uint256 settledReceipts;
        uint256 closableAt;
    }

    /// @dev `firstReceipt` to `firstReceipt + receipts - 1` of the channel; `pool` is the contributors' part.
    struct Settlement {
        bytes32 channelId;
        uint256 modelId;
        uint256 featureIndex;
        uint256 policyVersion;
        bytes32 queriesRoot;
        bytes32 receiptsRoot;
        uint256 firstReceipt;
        uint256 receipts;
        uint256 gross;
        uint256 pool;
        uint256 settledAt;
    }

    /// @dev What an account bought and served, ever; disputes are of requests it answered.
    struct Statistics {
        uint256 receiptsBought;
        uint256 spent;
        uint256 receiptsServed;
        uint256 served;
        uint256 disputes;
    }

    /// @dev `number` is the provider's place in the list, counted from 1; 0 when it never announced itself.
    struct Provider {
        uint256 number;
        bytes32 documentHash;
        uint256 announcedAt;
    }

    /// @dev status 1 open, 2 fulfilled, 3 paid, 4 disputed, 5 refunded. `escrow` is what is held for it: at most what it
    /// may cost, then its fee, then nothing; `undelivered` is 1 while a callback is owed.
    struct Request {
        address requester;
        address provider;
        uint256 modelId;
        uint256 featureIndex;
        uint256 policyVersion;
        uint256 inputPrice;
        uint256 outputPrice;
        bytes32 promptHash;
        uint256 escrow;
        uint256 deadline;
        uint256 callbackGas;
        uint256 callbackTip;
        uint256 undelivered;
        uint256 status;
        bytes32 outputHash;
        bytes32 queriesRoot;
        uint256 tokensIn;
        uint256 tokensOut;
        uint256 payableAt;
    }

    /// @dev The arguments of `settle`.
    struct SettleOrder {
        bytes32 channelId;
        uint256 receiptCount;
        uint256 cumulativeFee;
        bytes32 receiptsRoot;
        bytes signature;
        bytes32 left;
        uint256 leftSum;
        bytes32 right;
        uint256 rightSum;
        bytes32 queriesRoot;
        string uri;
    }

    /// @dev What the retrieved records of one Datanet version get: a Merkle-sum tree with one leaf for each of its
    /// `contributors` that is paid, by its root and total.
    struct RetrievalShare {
        uint256 datanetId;
        uint256 version;
        uint256 contributors;
        bytes32 root;
        uint256 amount;
    }

    /// @dev A share as it was settled. Leaf `keccak256(0x00, tree, index, contributor, amount)`, where `tree` is
    /// `keccak256(abi.encode(5, chainid, this, channelId, firstReceipt, receiptCount, datanetId, version))`.
    struct Retrieval {
        uint256 settlementId;
        uint256 datanetId;
        uint256 version;
        uint256 contributors;
        bytes32 root;
        uint256 amount;
        uint256 claimed;
    }

    /// @dev Where a contribution stands in a published version of a Datanet.
    struct Membership {
        uint256 position;
        uint256 contributionId;
        uint256 firstRecord;
        bytes32[] proof;
    }

    event ChannelOpened(bytes32 indexed channelId, address indexed payer, address indexed provider, uint256 modelId, address voucherKey, uint256 deposit);
    event ChannelToppedUp(bytes32 indexed channelId, uint256 amount, uint256 deposit);
    event Settled(bytes32 indexed channelId, uint256 indexed settlementId, uint256 indexed modelId, uint256 receipts, uint256 gross, uint256 platform, uint256 provider, uint256 owner, uint256 stakers, uint256 pool, bytes32 receiptsRoot, bytes32 queriesRoot, string uri);
    event CloseRequested(bytes32 indexed channelId, uint256 closableAt);
    event ChannelWithdrawn(bytes32 indexed channelId, uint256 amount);
    event EarningsReleased(uint256 indexed settlementId, address indexed recipient, uint256 amount);
    event EarningsWithdrawn(address indexed account, address indexed recipient, uint256 amount);
    event PoolPassed(bytes32 indexed channelId, uint256 indexed modelId, uint256 amount);
    event RetrievalSettled(uint256 indexed retrievalId, uint256 indexed settlementId, uint256 indexed datanetId, uint256 version, uint256 contributors, bytes32 root, uint256 amount);
    event RetrievalClaimed(uint256 indexed retrievalId, address indexed contributor, uint256 contributorIndex, uint256 amount, bool held);
    event ProviderAnnounced(address indexed provider, string endpoint, bytes32 documentHash);
    event OfferSet(address indexed provider, uint256 indexed modelId, bool offered);
    event InferenceRequested(uint256 indexed requestId, uint256 indexed modelId, address indexed provider, address requester, bytes32 promptHash, uint256 escrow, uint256 deadline, string uri);
    event RequestFulfilled(uint256 indexed requestId, bytes32 outputHash, uint256 fee, uint256 payableAt, string uri);
    event RequestPaid(uint256 indexed requestId, uint256 indexed settlementId);
    event RequestDisputed(uint256 indexed requestId, uint256 fee);
    event RequestRefunded(uint256 indexed requestId, address indexed requester, uint256 amount);
    event CallbackDelivered(uint256 indexed requestId, address indexed deliverer, uint256 tip);

    error ChannelNotFound(bytes32 channelId);
    error SettlementNotFound(uint256 settlementId);
    error SettlementNotFinal(uint256 settlementId);
    error NotPayer(address caller);
    error NotProvider(address caller);
    error InvalidArgument(string name);
    error ModelNotServable(uint256 modelId);
    error ProviderNotStaked(address provider);
    error InvalidSignature();
    error StaleVoucher(uint256 settledReceipts);
    error WrongReceiptsRoot();
    error FeeAboveVoucher(uint256 fee, uint256 cumulativeFee);
    error FeeAboveDeposit(uint256 fee, uint256 deposit);
    error RetrievalNotFound(uint256 retrievalId);
    error RetrievalNotAllowed(uint256 modelId, uint256 datanetId);
    error RetrievalAboveLimit(uint256 amount, uint256 limit);
    error InvalidProof(string what);
    error AlreadyClaimed(uint256 retrievalId, uint256 contributorIndex);
    error TooEarly(uint256 earliest);
    error NothingToWithdraw();
    error RequestNotFound(uint256 requestId);
    error WrongStatus(uint256 status);
    error DeadlinePassed(uint256 deadline);
    error NotCallbackCaller(address caller);

    /// @notice Opens and funds a channel. `channelId = keccak256(abi.encode(chainid, this, payer, provider, modelId, nonce))`.
    /// The model needs a price and a usable feature index, the provider the policy's stake.
    function openChannel(address provider, uint256 modelId, address voucherKey) external payable returns (bytes32 channelId);
    /// @notice By anyone, until a close is requested.
    function topUp(bytes32 channelId) external payable;
    /// @notice Provider only. Takes the receipts under a signed root that were not settled before.
    /// @param cumulativeFee the voucher's ceiling; the channel pays `totalFee`, the exact sum of all receipts'
    /// fees under `receiptsRoot`, which `left`, `leftSum`, `right`, `rightSum` (the root's children) prove.
    /// @return settlementId ids count from 1.
    function settle(bytes32 channelId, uint256 receiptCount, uint256 cumulativeFee, bytes32 receiptsRoot, bytes calldata signature, bytes32 left, uint256 leftSum, bytes32 right, uint256 rightSum, bytes32 queriesRoot, string calldata uri) external returns (uint256 settlementId);
    /// @notice As `settle`, and pays records that were looked up for the answers: 1 to 16 shares, ascending by Datanet and
    /// version, of Datanets that the model's owner allows; together at most the policy's part of the model's own pool.
    /// @param signature the voucher key's over `RetrievalVoucher(bytes32 channelId,uint256 firstReceipt,uint256 receiptCount,bytes32 receiptsRoot,RetrievalShare[] shares)`
    /// (EIP-712); refused where the voucher key is the provider's.
    function settleWithRetrieval(SettleOrder calldata order, RetrievalShare[] calldata shares, bytes calldata signature) external returns (uint256 settlementId);
    /// @notice Pays a leaf of a share to its contributor, who has a contribution in the version; by anybody, once. An
    /// amount below the policy's minimum is added to what `withdrawEarnings` pays.
    function claimRetrieval(uint256 retrievalId, uint256 contributorIndex, address contributor, uint256 amount, bytes32[] calldata siblings, uint256[] calldata siblingSums, Membership calldata membership) external;
    /// @notice Payer only. Settling stays possible until the policy's delay has passed.
    function requestClose(bytes32 channelId) external;
    /// @notice Payer only, after the delay: returns what was not spent and ends the channel, whose `closableAt` is
    /// the greatest number from then on.
    function withdraw(bytes32 channelId) external;
    /// @notice Credits providers with their parts of settlements that are final; where receipts were proved wrong, the
    /// treasury. Who posted in the provider's place, after the policy's delay, gets a tenth of the part. By anybody.
    function releaseEarnings(uint256[] calldata settlementIds) external returns (uint256 amount);
    /// @notice Pays the caller's earnings (provider, model owner) to `recipient`. With the treasury as `recipient` it
    /// pays the treasury's own; anyone may send that.
    function withdrawEarnings(address recipient) external returns (uint256 amount);

    /// @notice Asks a provider for one inference. The value is what it may cost at most and the callback's tip; the answer
    /// must come within `lifetime` seconds, at most 30 days. `callbackGas` 0 asks for no callback.
    function requestInference(uint256 modelId, address provider, bytes32 promptHash, uint256 lifetime, uint256 callbackGas, uint256 callbackTip, string calldata uri) external payable returns (uint256 requestId);
    /// @notice Provider only, before the deadline. The fee waits for the policy's window; the rest goes back at once.
    function fulfil(uint256 requestId, bytes32 outputHash, uint256 tokensIn, uint256 tokensOut, bytes32 queriesRoot, string calldata uri) external;
    /// @notice Anyone, after the window of an undisputed answer: splits the fee as one settlement of one receipt.
    function settleRequest(uint256 requestId) external returns (uint256 settlementId);
    /// @notice Requester only, within the window: the fee goes to the treasury, to neither side.
    function disputeRequest(uint256 requestId) external;
    /// @notice Anyone, after a deadline without an answer: everything goes back to the requester.
    function refundRequest(uint256 requestId) external;
    /// @notice The CallbackCaller predeploy only, once: pays the callback's tip to who delivers it.
    function markDelivered(uint256 requestId, address deliverer) external;
    /// @notice Enters the caller in the directory of providers; needs a provider's stake.
    function announceProvider(string calldata endpoint, bytes32 documentHash) external;
    function setOffer(uint256 modelId, bool offered) external;

    function getRequest(uint256 requestId) external view returns (Request memory);
    function getProvider(address provider) external view returns (Provider memory);
    function providerCount() external view returns (uint256);
    function providerAt(uint256 position) external view returns (address);
    function isOffered(address provider, uint256 modelId) external view returns (bool);
    function modelProviderCount(uint256 modelId) external view returns (uint256);
    function modelProviderAt(uint256 modelId, uint256 position) external view returns (address);
    function statisticsOf(address account) external view returns (Statistics memory);
    /// @notice What adapters' settlements passed to a model's pool; Attribution adds it to the model's next post.
    function passedTo(uint256 modelId) external view returns (uint256);
    function getChannel(bytes32 channelId) external view returns (Channel memory);
    function getSettlement(uint256 settlementId) external view returns (Settlement memory);
    /// @notice Ids count from 1.
    function getRetrieval(uint256 retrievalId) external view returns (Retrieval memory);
    function isRetrievalClaimed(uint256 retrievalId, uint256 contributorIndex) external view returns (bool);
    function earningsOf(address account) external view returns (uint256);
    /// @notice All stakers' parts ever settled; staking distributes them by its own accumulator.
    function stakersTotal() external view returns (uint256);
    /// @notice What audits of posts got of the platform's parts, ever: `auditFundPpm` of each.
    function auditsTotal() external view returns (uint256);
    /// @notice What is held for a provider in settlements that are not final.
    function heldOf(address provider) external view returns (uint256);
    /// @notice What is held of one settlement; 0 once it was released.
    function heldIn(uint256 settlementId) external view returns (uint256);
    /// @notice `stakersTotal` at the end of one of staking's epochs; 0 when nothing was settled in it.
    function stakersTotalIn(uint256 epoch) external view returns (uint256);
    function channelNonce(address payer) external view returns (uint256);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
