// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {AgentAccount} from "./AgentAccount.sol";

/// @title Agents: an identity each (ERC-721 with ERC-8004's registration), what it is, and a wallet with limits
/// @custom:address 0x1612000000000000000000000000000000000107
contract AgentRegistry is ERC721 {
    /// @dev What an agent runs on and charges: a model of ModelRegistry, the hash of its tools' document, wei per call,
    /// and the hash of where it answers.
    struct Profile {
        uint256 modelId;
        bytes32 toolsHash;
        uint256 price;
        bytes32 endpointHash;
    }

    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);
    event MetadataSet(uint256 indexed agentId, string indexed indexedKey, string key, bytes value);
    event ProfileSet(uint256 indexed agentId, uint256 modelId, bytes32 toolsHash, uint256 price, bytes32 endpointHash);
    event AccountCreated(uint256 indexed agentId, address indexed account);

    error NotAgentOwner(address caller);

    uint256 public agentCount;
    /// @notice The account every agent's wallet is a clone of.
    address public immutable ACCOUNT;
    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => mapping(string key => bytes)) private _metadata;
    mapping(uint256 agentId => Profile) private _profiles;

    constructor() ERC721("OpenLedger Agents", "AGENT") {
        ACCOUNT = address(new AgentAccount(address(this)));
    }

    modifier onlyAgentOwner(uint256 agentId) {
        require(_isAuthorized(_requireOwned(agentId), msg.sender, agentId), NotAgentOwner(msg.sender));
        _;
    }

    /// @notice ERC-8004: a new agent of the caller; `agentURI` is its registration file. Ids count from 1.
    function register(string calldata agentURI) external returns (uint256 agentId) {
        agentId = ++agentCount;
        _mint(msg.sender, agentId);
        _uris[agentId] = agentURI;
        emit Registered(agentId, agentURI, msg.sender);
    }

    function setAgentURI(uint256 agentId, string calldata newURI) external onlyAgentOwner(agentId) {
        _uris[agentId] = newURI;
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    function setMetadata(uint256 agentId, string calldata key, bytes calldata value)
        external
        onlyAgentOwner(agentId)
    {
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function setProfile(uint256 agentId, Profile calldata profile) external onlyAgentOwner(agentId) {
        _profiles[agentId] = profile;
        emit ProfileSet(agentId, profile.modelId, profile.toolsHash, profile.price, profile.endpointHash);
    }

    /// @notice Anyone: makes the agent's wallet, at the address `accountOf` tells beforehand.
    function createAccount(uint256 agentId) external returns (address account) {
        _requireOwned(agentId);
        account = Clones.cloneDeterministicWithImmutableArgs(ACCOUNT, abi.encode(agentId), bytes32(agentId));
        emit AccountCreated(agentId, account);
    }

    function accountOf(uint256 agentId) external view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(ACCOUNT, abi.encode(agentId), bytes32(agentId));
    }

    function getMetadata(uint256 agentId, string calldata key) external view returns (bytes memory) {
        return _metadata[agentId][key];
    }

    function getProfile(uint256 agentId) external view returns (Profile memory) {
        return _profiles[agentId];
    }

    function tokenURI(uint256 agentId) public view override returns (string memory) {
        _requireOwned(agentId);
        return _uris[agentId];
    }
}
