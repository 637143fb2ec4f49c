// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the gas table is held against: a root and a size that whoever calls overwrites. No proof, no signature.
contract BareRoot {
    mapping(bytes32 logId => uint64) public sizes;
    mapping(bytes32 logId => bytes32) public roots;

    event Overwritten(bytes32 indexed logId, uint64 treeSize, bytes32 root);

    function overwrite(bytes32 logId, uint64 treeSize, bytes32 root) external {
        sizes[logId] = treeSize;
        roots[logId] = root;
        emit Overwritten(logId, treeSize, root);
    }
}
