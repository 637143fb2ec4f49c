// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "./interfaces/ICheckpointAnchor.sol";
import {Ecdsa} from "./libraries/Ecdsa.sol";
import {Rfc6962} from "./libraries/Rfc6962.sol";

/// @title CheckpointAnchor
/// @notice See ICheckpointAnchor. No constructor and no immutable: the runtime code is the same on every chain, so one
/// hash names it everywhere.
contract CheckpointAnchor is ICheckpointAnchor {
    /// @dev What one log keeps. An anchor reads and writes the first two slots only.
    struct Log {
        uint64 treeSize;
        address anchorKey; // zero: no such log
        bool superseded; // beside the key, so that an anchor need not read `successor`
        bytes32 root;
        address owner;
        address proposedOwner;
        bytes32 successor;
    }

    /// @dev Above it, sizes no longer fit the signed 64-bit integers of other log implementations.
    uint64 private constant SIZE_MAX = 1 << 63;

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant DOMAIN_NAME = keccak256("TallystickCheckpointAnchor");
    bytes32 private constant DOMAIN_VERSION = keccak256("1");
    bytes32 private constant CHECKPOINT_TYPE = keccak256("Checkpoint(bytes32 logId,uint64 treeSize,bytes32 root)");

    mapping(bytes32 logId => Log) private _logs;

    /// @inheritdoc ICheckpointAnchor
    function openLog(address owner, address anchorKey, bytes32 salt, bytes32 originHash)
        external
        returns (bytes32 logId)
    {
        if (owner == address(0) || anchorKey == address(0)) revert ZeroAddress();
        logId = logIdOf(msg.sender, salt);
        Log storage log = _logs[logId];
        if (log.anchorKey != address(0)) revert LogExists(logId);
        log.anchorKey = anchorKey;
        log.owner = owner;
        emit LogOpened(logId, msg.sender, owner, anchorKey, salt, originHash);
    }

    /// @inheritdoc ICheckpointAnchor
    function anchor(bytes32 logId, uint64 treeSize, bytes32 root, bytes32[] calldata proof, bytes calldata signature)
        external
    {
        Log storage log = _open(logId);
        uint64 latest = log.treeSize;
        // 1. The sizes, which cost nothing to compare.
        if (treeSize == 0 || treeSize > SIZE_MAX) revert SizeOutOfRange(treeSize);
        if (treeSize <= latest) revert SizeNotLarger(latest, treeSize);
        // 2. The length of the proof, before anything is hashed.
        if (latest == 0) {
            if (proof.length != 0) revert ProofNotEmpty(proof.length);
        } else if (Rfc6962.isTooLong(proof.length, treeSize)) {
            revert ProofTooLong(proof.length, Rfc6962.longest(treeSize));
        }
        // 3. The signature: bound to chain, contract, log, size and root.
        address anchorKey = log.anchorKey;
        address signer = Ecdsa.recover(digestOf(logId, treeSize, root), signature);
        if (signer != anchorKey) revert SignatureWrong(anchorKey, signer);
        // 4. The new tree continues the latest one. The first has nothing to continue.
        if (latest != 0 && !Rfc6962.verifyConsistency(latest, log.root, treeSize, root, proof)) {
            revert Inconsistent(latest, treeSize);
        }
        log.treeSize = treeSize;
        log.root = root;
        emit CheckpointAnchored(logId, treeSize, root);
    }

    /// @inheritdoc ICheckpointAnchor
    function rotateAnchorKey(bytes32 logId, address anchorKey) external {
        Log storage log = _owned(logId);
        if (anchorKey == address(0)) revert ZeroAddress();
        emit AnchorKeyRotated(logId, log.anchorKey, anchorKey);
        log.anchorKey = anchorKey;
    }

    /// @inheritdoc ICheckpointAnchor
    function proposeOwner(bytes32 logId, address owner) external {
        Log storage log = _owned(logId);
        log.proposedOwner = owner;
        emit OwnerProposed(logId, msg.sender, owner);
    }

    /// @inheritdoc ICheckpointAnchor
    function acceptOwner(bytes32 logId) external {
        Log storage log = _open(logId);
        address proposed = log.proposedOwner;
        if (msg.sender != proposed) revert NotAllowed(proposed, msg.sender);
        emit OwnerChanged(logId, log.owner, proposed);
        log.owner = proposed;
        log.proposedOwner = address(0);
    }

    /// @inheritdoc ICheckpointAnchor
    function supersede(bytes32 logId, bytes32 successor, bytes32 reasonHash) external {
        Log storage log = _owned(logId);
        Log storage next = _logs[successor];
        // A log without an owner was never opened. No circle: a successor has none itself when it is named.
        if (successor == logId || next.owner != msg.sender || next.superseded) revert SuccessorRefused(successor);
        log.superseded = true;
        log.successor = successor;
        emit LogSupersededBy(logId, successor, reasonHash, log.treeSize, log.root);
    }

    /// @inheritdoc ICheckpointAnchor
    function checkpoint(bytes32 logId) external view returns (uint64 treeSize, bytes32 root) {
        Log storage log = _logs[logId];
        return (log.treeSize, log.root);
    }

    /// @inheritdoc ICheckpointAnchor
    function logOf(bytes32 logId)
        external
        view
        returns (address owner, address proposedOwner, address anchorKey, bytes32 successor)
    {
        Log storage log = _logs[logId];
        return (log.owner, log.proposedOwner, log.anchorKey, log.successor);
    }

    /// @inheritdoc ICheckpointAnchor
    function verifyConsistency(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Rfc6962.verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof);
    }

    /// @inheritdoc ICheckpointAnchor
    function verifyInclusion(
        bytes calldata entry,
        uint64 index,
        uint64 treeSize,
        bytes32 root,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Rfc6962.verifyInclusion(Rfc6962.leafHash(entry), index, treeSize, root, proof);
    }

    /// @inheritdoc ICheckpointAnchor
    function logIdOf(address opener, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), opener, salt));
    }

    /// @inheritdoc ICheckpointAnchor
    /// @dev The domain is computed anew each time: after a fork of the chain a signature counts on one side only.
    function digestOf(bytes32 logId, uint64 treeSize, bytes32 root) public view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, block.chainid, address(this)));
        bytes32 checkpointHash = keccak256(abi.encode(CHECKPOINT_TYPE, logId, treeSize, root));
        return keccak256(abi.encodePacked(hex"1901", domain, checkpointHash));
    }

    /// @dev A log that was opened and goes on.
    function _open(bytes32 logId) private view returns (Log storage log) {
        log = _logs[logId];
        if (log.anchorKey == address(0)) revert LogUnknown(logId);
        if (log.superseded) revert LogSuperseded(logId, log.successor);
    }

    /// @dev A log that goes on, when its owner calls.
    function _owned(bytes32 logId) private view returns (Log storage log) {
        log = _open(logId);
        if (msg.sender != log.owner) revert NotAllowed(log.owner, msg.sender);
    }
}
