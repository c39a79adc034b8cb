// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    IInferenceMetering, INFERENCE_METERING_ADDRESS
} from "../../precompiles/solidity/interfaces/IInferenceMetering.sol";
import {ISignatureTransfer, X402UptoPermit2Proxy} from "./X402UptoPermit2Proxy.sol";
import {WOPEN} from "./WOPEN.sol";

/// @title Where payments for one provider's calls to one model arrive, and become deposits of payment channels
/// @notice The payer's signature names this contract as recipient and as facilitator: the payment can go nowhere else, and
/// this contract puts all of it, at once, into a channel of InferenceMetering that belongs to that payer. From
/// there it leaves only by a settlement: provider, model owner, stakers and contributors each get their part, and the
/// payer's money is steered by the payer's own queries. Vouchers of these channels are the provider's: the payer
/// signed for the amount, and the amount is all there is in the channel.
contract X402Receiver {
    event ChannelOpened(address indexed payer, bytes32 indexed channelId);
    event Collected(address indexed payer, bytes32 indexed channelId, uint256 nonce, uint256 amount);

    error NotProvider(address caller);
    error NotWOPEN(address sender);
    error NotPayersChannel(bytes32 channelId, address payer);

    IInferenceMetering public constant METERING = IInferenceMetering(INFERENCE_METERING_ADDRESS);
    X402UptoPermit2Proxy public constant PROXY = X402UptoPermit2Proxy(0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002);
    WOPEN public constant TOKEN = WOPEN(payable(0x4200000000000000000000000000000000000006));

    address public immutable provider;
    uint256 public immutable modelId;

    /// @notice The payer's newest channel; 0 when it has none.
    mapping(address payer => bytes32 channelId) public channelOf;
    mapping(bytes32 channelId => address payer) public payerOf;
    /// @notice What one signed payment came to; 0 while it was not collected.
    mapping(address payer => mapping(uint256 nonce => uint256 amount)) public collectedOf;

    constructor(address provider_, uint256 modelId_) {
        provider = provider_;
        modelId = modelId_;
    }

    modifier onlyProvider() {
        require(msg.sender == provider, NotProvider(msg.sender));
        _;
    }

    receive() external payable {
        require(msg.sender == address(TOKEN), NotWOPEN(msg.sender));
    }

    /// @notice Opens a channel for a payer at the model's price of now; the value, at least 1 wei, is the provider's.
    function openChannel(address payer) external payable onlyProvider returns (bytes32 channelId) {
        channelId = METERING.openChannel{value: msg.value}(provider, modelId, provider);
        channelOf[payer] = channelId;
        payerOf[channelId] = payer;
        emit ChannelOpened(payer, channelId);
    }

    /// @notice Takes `amount` of what `payer` permitted and adds it to the payer's channel.
    function collect(
        bytes32 channelId,
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        address payer,
        uint256 validAfter,
        bytes calldata signature
    ) external onlyProvider {
        require(payerOf[channelId] == payer && payer != address(0), NotPayersChannel(channelId, payer));
        collectedOf[payer][permit.nonce] = amount;
        X402UptoPermit2Proxy.Witness memory witness =
            X402UptoPermit2Proxy.Witness(address(this), address(this), validAfter);
        PROXY.settle(permit, amount, payer, witness, signature);
        TOKEN.withdraw(amount);
        METERING.topUp{value: amount}(channelId);
        emit Collected(payer, channelId, permit.nonce, amount);
    }
}

/// @title The receivers of x402 payments: one per provider and model, at an address that follows from both
/// @custom:address 0x1612000000000000000000000000000000000110
contract X402Receivers {
    event ReceiverCreated(address indexed provider, uint256 indexed modelId, address receiver);

    /// @notice Where a receiver stands or will stand.
    function receiverOf(address provider, uint256 modelId) public view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(X402Receiver).creationCode, abi.encode(provider, modelId)));
        bytes32 hashed = keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), code));
        return address(uint160(uint256(hashed)));
    }

    /// @notice Makes a receiver, by anybody; does nothing where it stands already.
    function create(address provider, uint256 modelId) external returns (address receiver) {
        receiver = receiverOf(provider, modelId);
        if (receiver.code.length == 0) {
            new X402Receiver{salt: 0}(provider, modelId);
            emit ReceiverCreated(provider, modelId, receiver);
        }
    }
}
