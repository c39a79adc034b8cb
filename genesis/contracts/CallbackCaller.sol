// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    IInferenceMetering, INFERENCE_METERING_ADDRESS
} from "../../precompiles/solidity/interfaces/IInferenceMetering.sol";

/// @notice What a contract that asks for inference implements to be told of the answer.
interface IInferenceConsumer {
    /// @param outputHash the salted hash of the output, which the provider published under the request's URI
    function onInference(uint256 requestId, bytes32 outputHash) external;
}

/// @title Tells contracts that their inference was answered
/// @notice Holds nothing and may do nothing but mark a callback as delivered; a consumer checks that it is called from
/// here, and reads what matters from InferenceMetering. A callback that fails is delivered all the same.
/// @custom:address 0x1612000000000000000000000000000000000104
contract CallbackCaller {
    event Delivered(uint256 indexed requestId, address indexed consumer, bool succeeded);

    error NotEnoughGas(uint256 required);

    IInferenceMetering public constant METERING = IInferenceMetering(INFERENCE_METERING_ADDRESS);
    /// @dev What is kept for the event after the call; the 63/64 rule keeps at least a 64th besides.
    uint256 internal constant RESERVE = 20_000;

    /// @notice Delivers a request's callback, once; the caller gets its tip.
    function deliver(uint256 requestId) external {
        IInferenceMetering.Request memory request = METERING.getRequest(requestId);
        METERING.markDelivered(requestId, msg.sender);
        uint256 needed = request.callbackGas + request.callbackGas / 63 + RESERVE;
        require(gasleft() > needed, NotEnoughGas(needed));
        bytes memory data = abi.encodeCall(IInferenceConsumer.onInference, (requestId, request.outputHash));
        address consumer = request.requester;
        uint256 callbackGas = request.callbackGas;
        bool succeeded;
        assembly ("memory-safe") {
            // Return data is not copied: it could cost more than was prepaid.
            succeeded := call(callbackGas, consumer, 0, add(data, 32), mload(data), 0, 0)
        }
        emit Delivered(requestId, consumer, succeeded);
    }
}
