// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {Commitments, SumNode} from "./Commitments.sol";
import {MeteringSettlement} from "./MeteringSettlement.sol";

/// @title Single requests, as `precompiles/metering_requests.py`
abstract contract MeteringRequests is MeteringSettlement {
    address internal constant CALLBACK_CALLER = 0x1612000000000000000000000000000000000104;
    uint256 internal constant MAXIMUM_LIFETIME = 30 days;
    uint256 internal constant MAXIMUM_CALLBACK_GAS = 1_000_000;
    uint256 internal constant TOKENS_PER_PRICE = 1_000;
    uint256 internal constant KIND_RECEIPTS = 1;
    uint256 internal constant OPEN = 1;
    uint256 internal constant FULFILLED = 2;
    uint256 internal constant PAID = 3;
    uint256 internal constant DISPUTED = 4;
    uint256 internal constant REFUNDED = 5;

    function requestInference(
        uint256 modelId,
        address provider,
        bytes32 promptHash,
        uint256 lifetime,
        uint256 callbackGas,
        uint256 callbackTip,
        string calldata uri
    ) external payable returns (uint256 requestId) {
        IModelRegistry.Model memory model = _servableModel(modelId);
        IInferenceMetering.Request memory request;
        request.policyVersion = IPolicy(POLICY_ADDRESS).currentVersion();
        _requireStaked(provider, request.policyVersion);
        _require(promptHash != 0, "promptHash");
        _require(lifetime > 0 && lifetime <= MAXIMUM_LIFETIME, "lifetime");
        _require(callbackGas <= MAXIMUM_CALLBACK_GAS, "callbackGas");
        _require(callbackTip == 0 || callbackGas > 0, "callbackTip");
        _require(callbackTip < msg.value && msg.value <= MAXIMUM_WEI, "value");
        _requireText(uri, "uri");
        request.requester = msg.sender;
        request.provider = provider;
        request.modelId = modelId;
        request.featureIndex = model.featureIndex;
        request.inputPrice = model.inputPrice;
        request.outputPrice = model.outputPrice;
        request.promptHash = promptHash;
        request.escrow = msg.value - callbackTip;
        request.deadline = block.timestamp + lifetime;
        request.callbackGas = callbackGas;
        request.callbackTip = callbackTip;
        request.undelivered = callbackGas > 0 ? 1 : 0;
        request.status = OPEN;
        requestId = ++requestCount;
        requests[requestId] = request;
        _emitRequested(requestId, request, uri);
    }

    function fulfil(
        uint256 requestId,
        bytes32 outputHash,
        uint256 tokensIn,
        uint256 tokensOut,
        bytes32 queriesRoot,
        string calldata uri
    ) external payable nonPayable {
        IInferenceMetering.Request storage request = _request(requestId);
        if (request.provider != msg.sender) revert IInferenceMetering.NotProvider(msg.sender);
        _requireStatus(request, OPEN);
        if (block.timestamp > request.deadline) revert IInferenceMetering.DeadlinePassed(request.deadline);
        _require(outputHash != 0, "outputHash");
        _require(tokensIn <= MAXIMUM_COUNT, "tokensIn");
        _require(tokensOut <= MAXIMUM_COUNT, "tokensOut");
        _require(queriesRoot != 0, "queriesRoot");
        _requireText(uri, "uri");
        uint256 fee = (tokensIn * request.inputPrice + tokensOut * request.outputPrice) / TOKENS_PER_PRICE;
        _require(fee > 0, "fee");
        uint256 escrow = request.escrow;
        if (fee > escrow) revert IInferenceMetering.FeeAboveDeposit(fee, escrow);
        request.escrow = fee;
        request.status = FULFILLED;
        request.outputHash = outputHash;
        request.queriesRoot = queriesRoot;
        request.tokensIn = tokensIn;
        request.tokensOut = tokensOut;
        request.payableAt = block.timestamp + _policy(request.policyVersion).requestWindowSeconds;
        _pay(request.requester, escrow - fee);
        emit IInferenceMetering.RequestFulfilled(requestId, outputHash, fee, request.payableAt, uri);
    }

    function settleRequest(uint256 requestId) external payable nonPayable returns (uint256 settlementId) {
        IInferenceMetering.Request storage request = _request(requestId);
        _requireStatus(request, FULFILLED);
        if (block.timestamp < request.payableAt) revert IInferenceMetering.TooEarly(request.payableAt);
        bytes32 channelId = keccak256(abi.encode(block.chainid, address(this), requestId));
        uint256 fee = request.escrow;
        Batch memory batch = Batch(_receiptsRoot(channelId, request), request.queriesRoot, 0, 1, fee);
        request.escrow = 0;
        request.status = PAID;
        IInferenceMetering.Channel storage channel = channels[channelId];
        channel.payer = request.requester;
        channel.provider = request.provider;
        channel.voucherKey = request.requester;
        channel.modelId = request.modelId;
        channel.featureIndex = request.featureIndex;
        channel.policyVersion = request.policyVersion;
        channel.inputPrice = request.inputPrice;
        channel.outputPrice = request.outputPrice;
        channel.deposit = fee;
        channel.settledFee = fee;
        channel.settledReceipts = 1;
        channel.closableAt = CLOSED;
        settlementId = _record(channelId, batch, "", _noShares());
        emit IInferenceMetering.RequestPaid(requestId, settlementId);
    }

    function disputeRequest(uint256 requestId) external payable nonPayable {
        IInferenceMetering.Request storage request = _request(requestId);
        if (request.requester != msg.sender) revert IInferenceMetering.NotPayer(msg.sender);
        _requireStatus(request, FULFILLED);
        if (block.timestamp >= request.payableAt) revert IInferenceMetering.DeadlinePassed(request.payableAt);
        uint256 fee = request.escrow;
        request.escrow = 0;
        request.status = DISPUTED;
        earnings[TREASURY] += fee;
        statistics[request.provider].disputes++;
        emit IInferenceMetering.RequestDisputed(requestId, fee);
    }

    function refundRequest(uint256 requestId) external payable nonPayable {
        IInferenceMetering.Request storage request = _request(requestId);
        _requireStatus(request, OPEN);
        if (block.timestamp <= request.deadline) revert IInferenceMetering.TooEarly(request.deadline + 1);
        uint256 amount = request.escrow + request.callbackTip;
        request.escrow = 0;
        request.callbackTip = 0;
        request.undelivered = 0;
        request.status = REFUNDED;
        _pay(request.requester, amount);
        emit IInferenceMetering.RequestRefunded(requestId, request.requester, amount);
    }

    function markDelivered(uint256 requestId, address deliverer) external payable nonPayable {
        if (msg.sender != CALLBACK_CALLER) revert IInferenceMetering.NotCallbackCaller(msg.sender);
        IInferenceMetering.Request storage request = _request(requestId);
        if (request.status == OPEN || request.status == REFUNDED || request.undelivered == 0) {
            revert IInferenceMetering.WrongStatus(request.status);
        }
        _require(deliverer != address(0), "recipient");
        uint256 tip = request.callbackTip;
        request.callbackTip = 0;
        request.undelivered = 0;
        _pay(deliverer, tip);
        emit IInferenceMetering.CallbackDelivered(requestId, deliverer, tip);
    }

    function getRequest(uint256 requestId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Request memory)
    {
        return _request(requestId);
    }

    function _emitRequested(uint256 requestId, IInferenceMetering.Request memory request, string calldata uri)
        internal
    {
        emit IInferenceMetering.InferenceRequested(
            requestId,
            request.modelId,
            request.provider,
            msg.sender,
            request.promptHash,
            request.escrow,
            request.deadline,
            uri
        );
    }

    function _receiptsRoot(bytes32 channelId, IInferenceMetering.Request storage request)
        internal
        view
        returns (bytes32)
    {
        uint256 fee = request.escrow;
        bytes32 receipt = keccak256(
            abi.encode(
                channelId,
                uint256(0),
                request.promptHash,
                request.outputHash,
                request.tokensIn,
                request.tokensOut,
                fee
            )
        );
        bytes32 tree = keccak256(abi.encode(KIND_RECEIPTS, block.chainid, address(this), channelId));
        SumNode memory leaf = Commitments.sumLeaf(tree, 0, receipt, fee);
        return Commitments.sumNodeHash(leaf.hash, leaf.sum, 0, 0);
    }

    function _request(uint256 requestId) internal view returns (IInferenceMetering.Request storage) {
        if (requestId == 0 || requestId > requestCount) revert IInferenceMetering.RequestNotFound(requestId);
        return requests[requestId];
    }

    function _requireStatus(IInferenceMetering.Request storage request, uint256 status) internal view {
        if (request.status != status) revert IInferenceMetering.WrongStatus(request.status);
    }
}
