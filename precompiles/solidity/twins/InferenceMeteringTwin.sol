// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking, STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {Commitments} from "./Commitments.sol";
import {GasTables} from "./GasTables.sol";
import {Signatures} from "./Signatures.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the InferenceMetering precompile
contract InferenceMeteringTwin is Twin {
    /// @dev The arguments of `settle`, which are too many for the stack.
    struct SettleArguments {
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

    struct Split {
        uint256 gross;
        uint256 platform;
        uint256 provider;
        uint256 owner;
        uint256 stakers;
        uint256 pool;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal settlementCount;
    uint256 internal stakersSum;
    mapping(bytes32 channelId => IInferenceMetering.Channel) internal channels;
    mapping(uint256 settlementId => IInferenceMetering.Settlement) internal settlements;
    mapping(address account => uint256) internal earnings;
    mapping(address payer => uint256) internal nonces;

    /*//////////////////////////////////////////////////////////////
                                  LOGIC
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant PROVIDER_ROLE = 2;
    uint256 internal constant CLOSED = type(uint256).max;
    bytes32 internal constant VOUCHER_TYPE =
        keccak256("Voucher(bytes32 channelId,uint256 receiptCount,uint256 cumulativeFee,bytes32 receiptsRoot)");

    function openChannel(address provider, uint256 modelId, address voucherKey)
        external
        payable
        returns (bytes32 channelId)
    {
        IModelRegistry.Model memory model = _servableModel(modelId);
        uint256 version = IPolicy(POLICY_ADDRESS).currentVersion();
        if (
            IStaking(STAKING_ADDRESS).stakeOf(provider, PROVIDER_ROLE)
                < IPolicy(POLICY_ADDRESS).getParameters(version).minimumProviderStake
        ) revert IInferenceMetering.ProviderNotStaked(provider);
        _require(voucherKey != address(0), "voucherKey");
        _require(msg.value > 0 && msg.value <= MAXIMUM_WEI, "value");
        channelId =
            keccak256(abi.encode(block.chainid, address(this), msg.sender, provider, modelId, nonces[msg.sender]++));
        IInferenceMetering.Channel storage channel = channels[channelId];
        channel.payer = msg.sender;
        channel.provider = provider;
        channel.voucherKey = voucherKey;
        channel.modelId = modelId;
        channel.featureIndex = model.featureIndex;
        channel.policyVersion = version;
        channel.inputPrice = model.inputPrice;
        channel.outputPrice = model.outputPrice;
        channel.deposit = msg.value;
        emit IInferenceMetering.ChannelOpened(channelId, msg.sender, provider, modelId, voucherKey, msg.value);
    }

    function topUp(bytes32 channelId) external payable {
        IInferenceMetering.Channel storage channel = _channel(channelId);
        _require(channel.closableAt == 0, "channel");
        uint256 deposit = channel.deposit + msg.value;
        _require(msg.value > 0 && deposit <= MAXIMUM_WEI, "value");
        channel.deposit = deposit;
        emit IInferenceMetering.ChannelToppedUp(channelId, msg.value, deposit);
    }

    function requestClose(bytes32 channelId) external payable nonPayable {
        IInferenceMetering.Channel storage channel = _ownChannel(channelId);
        _require(channel.closableAt == 0, "channel");
        channel.closableAt = block.timestamp + _policy(channel.policyVersion).closeDelaySeconds;
        emit IInferenceMetering.CloseRequested(channelId, channel.closableAt);
    }

    function withdraw(bytes32 channelId) external payable nonPayable {
        IInferenceMetering.Channel storage channel = _ownChannel(channelId);
        _require(channel.closableAt != 0 && channel.closableAt != CLOSED, "channel");
        if (block.timestamp < channel.closableAt) revert IInferenceMetering.TooEarly(channel.closableAt);
        uint256 amount = channel.deposit - channel.settledFee;
        channel.deposit = channel.settledFee;
        channel.closableAt = CLOSED;
        _pay(msg.sender, amount);
        emit IInferenceMetering.ChannelWithdrawn(channelId, amount);
    }

    function withdrawEarnings(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        address account = recipient == TREASURY ? TREASURY : msg.sender;
        amount = earnings[account];
        if (amount == 0) revert IInferenceMetering.NothingToWithdraw();
        earnings[account] = 0;
        _pay(recipient, amount);
        emit IInferenceMetering.EarningsWithdrawn(account, recipient, amount);
    }

    function getChannel(bytes32 channelId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Channel memory)
    {
        return _channel(channelId);
    }

    function getSettlement(uint256 settlementId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Settlement memory)
    {
        if (settlementId == 0 || settlementId > settlementCount) {
            revert IInferenceMetering.SettlementNotFound(settlementId);
        }
        return settlements[settlementId];
    }

    function earningsOf(address account) external payable nonPayable returns (uint256) {
        return earnings[account];
    }

    function stakersTotal() external payable nonPayable returns (uint256) {
        return stakersSum;
    }

    function channelNonce(address payer) external payable nonPayable returns (uint256) {
        return nonces[payer];
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.inferenceMetering(selector, elementCounts);
    }

    /*//////////////////////////////////////////////////////////////
                               SETTLEMENT
    //////////////////////////////////////////////////////////////*/

    /// @dev `settle` has more arguments than the compiler's decoder can hold, so it is dispatched here and decoded
    /// by the decoder's own rules.
    function _fallback() internal override returns (bytes memory) {
        if (msg.sig != IInferenceMetering.settle.selector) return super._fallback();
        SettleArguments memory arguments = _settleArguments();
        _refuseValue();
        return abi.encode(_settle(arguments));
    }

    function _settleArguments() internal pure returns (SettleArguments memory arguments) {
        if (msg.data.length < 4 + 11 * 32) _revertEmpty();
        arguments.channelId = bytes32(_argument(0));
        arguments.receiptCount = _argument(1);
        arguments.cumulativeFee = _argument(2);
        arguments.receiptsRoot = bytes32(_argument(3));
        arguments.signature = _dynamicArgument(4);
        arguments.left = bytes32(_argument(5));
        arguments.leftSum = _argument(6);
        arguments.right = bytes32(_argument(7));
        arguments.rightSum = _argument(8);
        arguments.queriesRoot = bytes32(_argument(9));
        arguments.uri = string(_dynamicArgument(10));
    }

    function _argument(uint256 i) internal pure returns (uint256) {
        return uint256(bytes32(msg.data[4 + i * 32:]));
    }

    function _dynamicArgument(uint256 i) internal pure returns (bytes memory) {
        uint256 offset = _argument(i);
        if (offset > type(uint64).max || 4 + offset + 31 >= msg.data.length) _revertEmpty();
        uint256 start = 4 + offset + 32;
        uint256 length;
        assembly {
            length := calldataload(sub(start, 32))
        }
        if (length > type(uint64).max || start + length > msg.data.length) _revertEmpty();
        return msg.data[start:start + length];
    }

    function _settle(SettleArguments memory a) internal returns (uint256 settlementId) {
        IInferenceMetering.Channel storage channel = _channel(a.channelId);
        if (channel.provider != msg.sender) revert IInferenceMetering.NotProvider(msg.sender);
        _require(channel.closableAt == 0 || block.timestamp < channel.closableAt, "channel");
        if (a.receiptCount <= channel.settledReceipts) {
            revert IInferenceMetering.StaleVoucher(channel.settledReceipts);
        }
        _require(a.receiptCount <= MAXIMUM_COUNT, "receiptCount");
        _require(a.queriesRoot != 0, "queriesRoot");
        _require(bytes(a.uri).length <= MAXIMUM_TEXT_BYTES, "uri");
        if (Signatures.recover(_voucherDigest(a), a.signature) != channel.voucherKey) {
            revert IInferenceMetering.InvalidSignature();
        }
        Split memory split = _split(channel, _totalFee(a), a.cumulativeFee);
        settlementId = ++settlementCount;
        IInferenceMetering.Settlement storage settlement = settlements[settlementId];
        settlement.channelId = a.channelId;
        settlement.modelId = channel.modelId;
        settlement.featureIndex = channel.featureIndex;
        settlement.policyVersion = channel.policyVersion;
        settlement.queriesRoot = a.queriesRoot;
        settlement.receiptsRoot = a.receiptsRoot;
        settlement.firstReceipt = channel.settledReceipts;
        settlement.receipts = a.receiptCount - channel.settledReceipts;
        settlement.gross = split.gross;
        settlement.pool = split.pool;
        settlement.settledAt = block.timestamp;
        channel.settledFee += split.gross;
        channel.settledReceipts = a.receiptCount;
        _distribute(channel, split);
        _emitSettled(settlementId, settlement.receipts, channel.modelId, split, a);
    }

    function _emitSettled(
        uint256 settlementId,
        uint256 receipts,
        uint256 modelId,
        Split memory split,
        SettleArguments memory a
    ) internal {
        emit IInferenceMetering.Settled(
            a.channelId,
            settlementId,
            modelId,
            receipts,
            split.gross,
            split.platform,
            split.provider,
            split.owner,
            split.stakers,
            split.pool,
            a.receiptsRoot,
            a.queriesRoot,
            a.uri
        );
    }

    /// @dev The exact sum of all receipts' fees, which the root's children prove.
    function _totalFee(SettleArguments memory a) internal pure returns (uint256 sum) {
        unchecked {
            sum = a.leftSum + a.rightSum;
        }
        bytes32 root = Commitments.sumNodeHash(a.left, a.leftSum, a.right, a.rightSum);
        if (root != a.receiptsRoot || sum < a.leftSum) revert IInferenceMetering.WrongReceiptsRoot();
    }

    function _split(IInferenceMetering.Channel storage channel, uint256 sum, uint256 cumulativeFee)
        internal
        view
        returns (Split memory split)
    {
        if (sum > cumulativeFee) revert IInferenceMetering.FeeAboveVoucher(sum, cumulativeFee);
        if (sum > channel.deposit) revert IInferenceMetering.FeeAboveDeposit(sum, channel.deposit);
        _require(sum > channel.settledFee, "totalFee");
        IPolicy.Parameters memory policy = _policy(channel.policyVersion);
        split.gross = sum - channel.settledFee;
        split.platform = split.gross * policy.platformPpm / PPM;
        uint256 rest = split.gross - split.platform;
        split.provider = rest * policy.providerPpm / PPM;
        split.owner = rest * policy.ownerPpm / PPM;
        split.stakers = rest * policy.stakersPpm / PPM;
        split.pool = rest - split.provider - split.owner - split.stakers;
    }

    function _distribute(IInferenceMetering.Channel storage channel, Split memory split) internal {
        earnings[TREASURY] += split.platform;
        earnings[channel.provider] += split.provider;
        IModelRegistry.Model memory model = IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(channel.modelId);
        earnings[model.revenueRecipient] += split.owner;
        stakersSum += split.stakers;
        _pay(STAKING_ADDRESS, split.stakers);
        _pay(ATTRIBUTION_ADDRESS, split.pool);
    }

    function _voucherDigest(SettleArguments memory a) internal view returns (bytes32) {
        return Signatures.digest(
            "OpenLedger Inference Metering",
            keccak256(abi.encode(VOUCHER_TYPE, a.channelId, a.receiptCount, a.cumulativeFee, a.receiptsRoot))
        );
    }

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    function _policy(uint256 version) internal view returns (IPolicy.Parameters memory) {
        return IPolicy(POLICY_ADDRESS).getParameters(version);
    }

    function _servableModel(uint256 modelId) internal view returns (IModelRegistry.Model memory) {
        try IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(modelId) returns (IModelRegistry.Model memory model) {
            bool hasPrice = model.inputPrice > 0 || model.outputPrice > 0;
            bool isGone = IModelRegistry(MODEL_REGISTRY_ADDRESS).isDeprecated(modelId);
            if (!hasPrice || isGone || !_isUsable(model.featureIndex)) revert IInferenceMetering.ModelNotServable(modelId);
            return model;
        } catch {
            revert IInferenceMetering.ModelNotServable(modelId);
        }
    }

    function _isUsable(uint256 indexId) internal view returns (bool) {
        if (indexId == 0) return false;
        return IModelRegistry(MODEL_REGISTRY_ADDRESS).getFeatureIndex(indexId).usableAt <= block.timestamp;
    }

    function _channel(bytes32 channelId) internal view returns (IInferenceMetering.Channel storage channel) {
        channel = channels[channelId];
        if (channel.payer == address(0)) revert IInferenceMetering.ChannelNotFound(channelId);
    }

    function _ownChannel(bytes32 channelId) internal view returns (IInferenceMetering.Channel storage channel) {
        channel = _channel(channelId);
        if (channel.payer != msg.sender) revert IInferenceMetering.NotPayer(msg.sender);
    }
}
