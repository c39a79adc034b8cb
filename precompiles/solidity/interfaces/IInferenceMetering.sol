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

    event ChannelOpened(bytes32 indexed channelId, address indexed payer, address indexed provider, uint256 modelId, address voucherKey, uint256 deposit);
    event ChannelToppedUp(bytes32 indexed channelId, uint256 amount, uint256 deposit);
    event Settled(bytes32 indexed channelId, uint256 indexed settlementId, uint256 indexed modelId, uint256 receipts, uint256 gross, uint256 platform, uint256 provider, uint256 owner, uint256 stakers, uint256 pool, bytes32 receiptsRoot, bytes32 queriesRoot, string uri);
    event CloseRequested(bytes32 indexed channelId, uint256 closableAt);
    event ChannelWithdrawn(bytes32 indexed channelId, uint256 amount);
    event EarningsWithdrawn(address indexed account, address indexed recipient, uint256 amount);

    error ChannelNotFound(bytes32 channelId);
    error SettlementNotFound(uint256 settlementId);
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
    error TooEarly(uint256 earliest);
    error NothingToWithdraw();

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
    /// @notice Payer only. Settling stays possible until the policy's delay has passed.
    function requestClose(bytes32 channelId) external;
    /// @notice Payer only, after the delay: returns what was not spent and ends the channel, whose `closableAt` is
    /// the greatest number from then on.
    function withdraw(bytes32 channelId) external;
    /// @notice Pays the caller's earnings (provider, model owner) to `recipient`. With the treasury as `recipient` it
    /// pays the treasury's own; anyone may send that.
    function withdrawEarnings(address recipient) external returns (uint256 amount);

    function getChannel(bytes32 channelId) external view returns (Channel memory);
    function getSettlement(uint256 settlementId) external view returns (Settlement memory);
    function earningsOf(address account) external view returns (uint256);
    /// @notice All stakers' parts ever settled; staking distributes them by its own accumulator.
    function stakersTotal() external view returns (uint256);
    function channelNonce(address payer) external view returns (uint256);
    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external view returns (uint256);
}
