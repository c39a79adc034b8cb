// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {MeteringBase} from "./MeteringBase.sol";

/// @title Payment channels, as `precompiles/metering_channels.py`
abstract contract MeteringChannels is MeteringBase {
    function openChannel(address provider, uint256 modelId, address voucherKey)
        external
        payable
        returns (bytes32 channelId)
    {
        IModelRegistry.Model memory model = _servableModel(modelId);
        uint256 version = IPolicy(POLICY_ADDRESS).currentVersion();
        _requireStaked(provider, version);
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
}
