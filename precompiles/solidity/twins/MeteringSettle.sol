// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {Commitments} from "./Commitments.sol";
import {MeteringSettlement} from "./MeteringSettlement.sol";
import {Signatures} from "./Signatures.sol";
import {Twin} from "./Twin.sol";

/// @title `settle`, as `precompiles/metering_settlement.py`
abstract contract MeteringSettle is MeteringSettlement {
    bytes32 internal constant VOUCHER_TYPE =
        keccak256("Voucher(bytes32 channelId,uint256 receiptCount,uint256 cumulativeFee,bytes32 receiptsRoot)");

    /// @dev `settle` has more arguments than the compiler's decoder can hold, so it is dispatched here and decoded
    /// by the decoder's own rules.
    function _settleOrFallback() internal returns (bytes memory) {
        if (msg.sig != IInferenceMetering.settle.selector) return Twin._fallback();
        IInferenceMetering.SettleOrder memory arguments = _settleArguments();
        _refuseValue();
        return abi.encode(_settle(arguments));
    }

    function _settleArguments() internal pure returns (IInferenceMetering.SettleOrder memory arguments) {
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

    function _settle(IInferenceMetering.SettleOrder memory a) internal returns (uint256 settlementId) {
        return _record(a.channelId, _take(a), a.uri, _noShares());
    }

    /// @dev Checks an order and charges its channel.
    function _take(IInferenceMetering.SettleOrder memory a) internal returns (Batch memory) {
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
        uint256 sum = _totalFee(a);
        uint256 gross = _grossFee(channel, sum, a.cumulativeFee);
        uint256 first = channel.settledReceipts;
        channel.settledFee = sum;
        channel.settledReceipts = a.receiptCount;
        return Batch(a.receiptsRoot, a.queriesRoot, first, a.receiptCount - first, gross);
    }

    /// @dev The exact sum of all receipts' fees, which the root's children prove.
    function _totalFee(IInferenceMetering.SettleOrder memory a) internal pure returns (uint256 sum) {
        unchecked {
            sum = a.leftSum + a.rightSum;
        }
        bytes32 root = Commitments.sumNodeHash(a.left, a.leftSum, a.right, a.rightSum);
        if (root != a.receiptsRoot || sum < a.leftSum) revert IInferenceMetering.WrongReceiptsRoot();
    }

    function _grossFee(IInferenceMetering.Channel storage channel, uint256 sum, uint256 cumulativeFee)
        internal
        view
        returns (uint256)
    {
        if (sum > cumulativeFee) revert IInferenceMetering.FeeAboveVoucher(sum, cumulativeFee);
        if (sum > channel.deposit) revert IInferenceMetering.FeeAboveDeposit(sum, channel.deposit);
        _require(sum > channel.settledFee, "totalFee");
        return sum - channel.settledFee;
    }

    function _voucherDigest(IInferenceMetering.SettleOrder memory a) internal view returns (bytes32) {
        return Signatures.digest(
            "OpenLedger Inference Metering",
            keccak256(abi.encode(VOUCHER_TYPE, a.channelId, a.receiptCount, a.cumulativeFee, a.receiptsRoot))
        );
    }
}
