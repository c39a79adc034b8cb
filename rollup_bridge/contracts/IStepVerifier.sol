// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What is said about a step. `DEFAULTED`: nobody spoke, so it does not hold, but nothing is proven either.
enum Verdict {
    PENDING,
    RIGHT,
    WRONG,
    DEFAULTED
}

/// @notice One step of one block, and what is claimed of it.
/// @dev `number` 0 are the block's inputs, 1 to `transactionCount` its transactions, `transactionCount` + 1 is its
///      sealing. `claimBefore` is the parent's output root for step 0, `claimAfter` the block's for the sealing;
///      every other claim is keccak256(state root ‖ cumulative gas ‖ receipts root so far), three words.
///      `witnessHash` is `keccak256(… keccak256(0 ‖ part 1) … ‖ part n)` over the parts of the posted witness.
struct Step {
    uint256 l2BlockNumber;
    bytes32 l1Head;
    bytes32 inputsHash;
    uint256 transactionCount;
    uint256 number;
    bytes32 claimBefore;
    bytes32 claimAfter;
    bytes32 witnessHash;
}

/// @title Who says whether one step of a block leads from one claim to the next
/// @notice The seam between the dispute game and what ends it. A verifier that computes answers in the same
///         transaction, from `proof`; one that asks people answers later. Only the game calls the first three.
interface IStepVerifier {
    /// @notice Are these the block's inputs, as derived from the L1 up to `l1Head`, and is the claim after them right?
    function verifyInputs(uint256 caseId, Step calldata step, bytes calldata proof) external;

    /// @notice Does transaction `step.number` lead from one claim to the next?
    function verifyTransaction(uint256 caseId, Step calldata step, bytes calldata proof) external;

    /// @notice Does sealing the block after its last transaction make this output root?
    function verifySealing(uint256 caseId, Step calldata step, bytes calldata proof) external;

    /// @notice What was found.
    function verdict(uint256 caseId) external view returns (Verdict);

    /// @notice What the loser of a decided case owes the verifier, and where it goes: `collect` is called after it
    ///         was paid.
    function fee(uint256 caseId) external view returns (uint256);

    /// @notice Told once, after `fee` was transferred.
    function collect(uint256 caseId) external;

    /// @notice The most that `fee` can be.
    function highestFee() external view returns (uint256);
}

/// @notice What a verifier that asks people has to know of a case.
interface ICases {
    /// @notice Whether an account has a side in the case: it proposed, signed, attacks or defends the root.
    function isParty(uint256 caseId, address account) external view returns (bool);

    /// @notice L1 block and second in which the root was proposed.
    function proposedAt(uint256 caseId) external view returns (uint256 blockNumber, uint256 timestamp);
}
