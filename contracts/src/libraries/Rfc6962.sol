// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs of the Merkle tree of RFC 6962, as RFC 9162 section 2.1 checks them
/// @notice leaf = SHA-256(0x00 || bytes), node = SHA-256(0x01 || left || right). A proof that does not hold gives false;
/// a SHA-256 that could not be computed reverts, so that starved gas can never pass for an answer. However long a proof
/// is, no more of it is hashed than the tree has levels.
library Rfc6962 {
    /// @notice Whether a tree of `newSize` continues one of `oldSize` (RFC 9162 section 2.1.4.2).
    /// @dev Binds the roots to each other, not to the sizes: see contracts/README.md.
    function verifyConsistency(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (oldSize == 0 || oldSize > newSize) return false;
        if (oldSize == newSize) return proof.length == 0 && oldRoot == newRoot;
        unchecked {
            uint256 first = oldSize - 1;
            uint256 last = newSize - 1;
            while (first & 1 == 1) {
                first >>= 1;
                last >>= 1;
            }
            // Nothing left of `first`: the old tree is one perfect subtree, and its root the start of both paths.
            bytes32 oldHash = oldRoot;
            uint256 i = 0;
            if (first != 0) {
                if (proof.length == 0) return false;
                oldHash = proof[0];
                i = 1;
            }
            bytes32 newHash = oldHash;
            for (; i < proof.length; ++i) {
                if (last == 0) return false;
                bytes32 sibling = _at(proof, i);
                if (first & 1 == 1 || first == last) {
                    oldHash = nodeHash(sibling, oldHash);
                    newHash = nodeHash(sibling, newHash);
                    while (first & 1 == 0 && first != 0) {
                        first >>= 1;
                        last >>= 1;
                    }
                } else {
                    newHash = nodeHash(newHash, sibling);
                }
                first >>= 1;
                last >>= 1;
            }
            return last == 0 && oldHash == oldRoot && newHash == newRoot;
        }
    }

    /// @notice Whether a leaf hash stands at `index` in a tree of `treeSize` (RFC 9162 section 2.1.3.2).
    function verifyInclusion(bytes32 leaf, uint256 index, uint256 treeSize, bytes32 root, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (index >= treeSize) return false;
        unchecked {
            uint256 first = index;
            uint256 last = treeSize - 1;
            bytes32 hash = leaf;
            for (uint256 i = 0; i < proof.length; ++i) {
                if (last == 0) return false;
                bytes32 sibling = _at(proof, i);
                if (first & 1 == 1 || first == last) {
                    hash = nodeHash(sibling, hash);
                    while (first & 1 == 0 && first != 0) {
                        first >>= 1;
                        last >>= 1;
                    }
                } else {
                    hash = nodeHash(hash, sibling);
                }
                first >>= 1;
                last >>= 1;
            }
            return last == 0 && hash == root;
        }
    }

    /// @notice The most hashes a proof in a tree of `treeSize` can have: one per level, and where it starts.
    function longest(uint256 treeSize) internal pure returns (uint256 hashes) {
        hashes = 1;
        for (uint256 rest = treeSize - 1; rest != 0; rest >>= 1) {
            ++hashes;
        }
    }

    /// @notice Whether `length` is above `longest(treeSize)`, in one shift: a loop would cost more than it saves.
    function isTooLong(uint256 length, uint256 treeSize) internal pure returns (bool) {
        unchecked {
            return length > 1 && (treeSize - 1) >> (length - 2) == 0;
        }
    }

    /// @notice SHA-256(0x00 || entry).
    function leafHash(bytes calldata entry) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            // Beyond the free pointer and not kept: nothing else is allocated while the hash is computed.
            let buffer := mload(0x40)
            mstore8(buffer, 0)
            calldatacopy(add(buffer, 1), entry.offset, entry.length)
            let done := staticcall(gas(), 2, buffer, add(entry.length, 1), 0, 32)
            if iszero(and(done, eq(returndatasize(), 32))) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice SHA-256(0x01 || left || right).
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            mstore(add(buffer, 1), left)
            mstore(add(buffer, 33), right)
            let done := staticcall(gas(), 2, buffer, 65, 0, 32)
            if iszero(and(done, eq(returndatasize(), 32))) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @dev The element at `i`, which the caller has compared with the length.
    function _at(bytes32[] calldata proof, uint256 i) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := calldataload(add(proof.offset, shl(5, i)))
        }
    }
}
