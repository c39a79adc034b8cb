// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {
    DATANET_REGISTRY_ADDRESS, IDatanetRegistry
} from "../../precompiles/solidity/interfaces/IDatanetRegistry.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../../precompiles/solidity/interfaces/IModelRegistry.sol";
import {AssetToken} from "./AssetToken.sol";

/// @title Makes one token per model, Datanet or agent, for its owner
/// @notice The owner then names the token as the model's revenue recipient, or hands the Datanet or agent to it.
/// @custom:address 0x1612000000000000000000000000000000000106
contract AssetTokenFactory {
    event AssetTokenCreated(
        address indexed token, uint256 indexed kind, uint256 indexed assetId, address owner, uint256 supply
    );

    error NotOwner(address caller);
    error TokenExists(address token);
    error InvalidKind(uint256 kind);
    error InvalidSupply(uint256 supply);

    uint256 public constant MODEL = 1;
    uint256 public constant DATANET = 2;
    uint256 public constant AGENT = 3;
    address public constant AGENT_REGISTRY = 0x1612000000000000000000000000000000000107;
    uint256 internal constant MAXIMUM_SUPPLY = 2 ** 96;

    mapping(uint256 kind => mapping(uint256 assetId => address)) public tokenOf;

    /// @notice The asset's owner only; the whole supply is the caller's.
    function create(uint256 kind, uint256 assetId, string calldata name, string calldata symbol, uint256 supply)
        external
        returns (address token)
    {
        require(ownerOf(kind, assetId) == msg.sender, NotOwner(msg.sender));
        require(tokenOf[kind][assetId] == address(0), TokenExists(tokenOf[kind][assetId]));
        require(supply > 0 && supply <= MAXIMUM_SUPPLY, InvalidSupply(supply));
        token = address(new AssetToken(kind, assetId, name, symbol, supply, msg.sender));
        tokenOf[kind][assetId] = token;
        emit AssetTokenCreated(token, kind, assetId, msg.sender, supply);
    }

    function ownerOf(uint256 kind, uint256 assetId) public view returns (address) {
        if (kind == MODEL) return IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(assetId).owner;
        if (kind == DATANET) return IDatanetRegistry(DATANET_REGISTRY_ADDRESS).getDatanet(assetId).owner;
        require(kind == AGENT, InvalidKind(kind));
        return IERC721(AGENT_REGISTRY).ownerOf(assetId);
    }
}
