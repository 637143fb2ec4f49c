// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The public anchor of append-only logs
/// @notice Keeps, per log, the latest checkpoint (size and root of an RFC 6962 tree) and accepts a later one only with
/// a consistency proof that verifies on chain and a signature of the log's anchor key. Anyone may relay. Nobody has
/// power over a log of somebody else; there is no upgrade and no ether.
interface ICheckpointAnchor {
    /// @notice `openLog` with an opener and a salt that have a log already.
    error LogExists(bytes32 logId);
    /// @notice No log of this id was opened.
    error LogUnknown(bytes32 logId);
    /// @notice The log has a successor; it takes nothing any more.
    error LogSuperseded(bytes32 logId, bytes32 successor);
    /// @notice The caller is not who may do this.
    error NotAllowed(address expected, address got);
    /// @notice An address of zero where an owner or a key is named.
    error ZeroAddress();
    /// @notice A size that is 0 or above 2^63.
    error SizeOutOfRange(uint256 treeSize);
    /// @notice The size is not larger than that of the latest checkpoint.
    error SizeNotLarger(uint64 latest, uint64 given);
    /// @notice The first checkpoint has nothing to be consistent with: its proof is empty.
    error ProofNotEmpty(uint256 length);
    /// @notice More hashes than any proof of these sizes can have.
    error ProofTooLong(uint256 length, uint256 longest);
    /// @notice The proof does not show that the new tree continues the latest one.
    error Inconsistent(uint64 latestSize, uint64 treeSize);
    /// @notice The signature is not 65 bytes, not canonical, or not of the log's anchor key.
    error SignatureWrong(address expected, address got);
    /// @notice A log cannot succeed itself, nor can a log that has a successor or another owner.
    error SuccessorRefused(bytes32 successor);

    /// @notice A log was opened. `originHash` is SHA-256 of the log's origin.
    event LogOpened(
        bytes32 indexed logId,
        address indexed opener,
        address owner,
        address anchorKey,
        bytes32 salt,
        bytes32 originHash
    );
    /// @notice The log's latest checkpoint is this one now.
    event CheckpointAnchored(bytes32 indexed logId, uint64 treeSize, bytes32 root);
    /// @notice Another key signs the log's checkpoints from now on.
    event AnchorKeyRotated(bytes32 indexed logId, address previous, address current);
    /// @notice The owner named who may take the log over; zero takes an offer back.
    event OwnerProposed(bytes32 indexed logId, address current, address proposed);
    /// @notice The one who was named took the log over.
    event OwnerChanged(bytes32 indexed logId, address previous, address current);
    /// @notice The owner says which log goes on in place of this one. `reasonHash` is SHA-256 of the reason's text.
    event LogSupersededBy(
        bytes32 indexed logId, bytes32 indexed successor, bytes32 reasonHash, uint64 treeSize, bytes32 root
    );

    /// @notice Opens a log with the id `logIdOf(msg.sender, salt)`.
    function openLog(address owner, address anchorKey, bytes32 salt, bytes32 originHash)
        external
        returns (bytes32 logId);

    /// @notice Anchors a checkpoint. Reverts unless size, proof and signature hold.
    /// @param proof RFC 9162 section 2.1.4 hashes from the latest checkpoint to this one; empty for the first.
    /// @param signature r, s, v of the anchor key over `digestOf(logId, treeSize, root)` (EIP-712).
    function anchor(bytes32 logId, uint64 treeSize, bytes32 root, bytes32[] calldata proof, bytes calldata signature)
        external;

    /// @notice Names another anchor key. Only the owner.
    function rotateAnchorKey(bytes32 logId, address anchorKey) external;

    /// @notice Offers the log to another owner. Only the owner; it changes hands when that one accepts.
    function proposeOwner(bytes32 logId, address owner) external;

    /// @notice Takes over a log that was offered to the caller.
    function acceptOwner(bytes32 logId) external;

    /// @notice Ends a log and names the one that goes on, of the same owner. Only the owner, once.
    function supersede(bytes32 logId, bytes32 successor, bytes32 reasonHash) external;

    /// @notice The latest checkpoint; size 0 and root 0 before the first.
    function checkpoint(bytes32 logId) external view returns (uint64 treeSize, bytes32 root);

    /// @notice Who owns a log, to whom it is offered, which key signs, and its successor (0 if none).
    function logOf(bytes32 logId)
        external
        view
        returns (address owner, address proposedOwner, address anchorKey, bytes32 successor);

    /// @notice keccak256(abi.encode(block.chainid, address(this), opener, salt)).
    function logIdOf(address opener, bytes32 salt) external view returns (bytes32);

    /// @notice What the anchor key signs: EIP-712, domain ("TallystickCheckpointAnchor", "1", chain id, this contract), type
    /// Checkpoint(bytes32 logId,uint64 treeSize,bytes32 root).
    function digestOf(bytes32 logId, uint64 treeSize, bytes32 root) external view returns (bytes32);

    /// @notice Whether a tree of `newSize` continues one of `oldSize` (RFC 9162 section 2.1.4.2); `oldSize` is at least 1.
    function verifyConsistency(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Whether the bytes of an entry stand at `index` in a tree (RFC 9162 section 2.1.3.2). Takes the entry's
    /// bytes, not its hash, so that an inner node cannot pose as an entry.
    function verifyInclusion(
        bytes calldata entry,
        uint64 index,
        uint64 treeSize,
        bytes32 root,
        bytes32[] calldata proof
    ) external view returns (bool);
}
