// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A prover in Solidity, by the recursive definitions of RFC 6962 section 2.1; entry i is abi.encode(seed, i).
library Tree {
    function root(bytes32 seed, uint256 size) internal pure returns (bytes32) {
        return _hash(seed, 0, size);
    }

    function consistency(bytes32 seed, uint256 old, uint256 size) internal pure returns (bytes32[] memory) {
        return _subproof(seed, old, 0, size, true);
    }

    function inclusion(bytes32 seed, uint256 index, uint256 size) internal pure returns (bytes32[] memory) {
        return _path(seed, index, 0, size);
    }

    function _hash(bytes32 seed, uint256 start, uint256 size) private pure returns (bytes32) {
        if (size == 1) return sha256(abi.encodePacked(hex"00", abi.encode(seed, start)));
        uint256 left = _split(size);
        return sha256(abi.encodePacked(hex"01", _hash(seed, start, left), _hash(seed, start + left, size - left)));
    }

    function _subproof(bytes32 seed, uint256 old, uint256 start, uint256 size, bool whole)
        private
        pure
        returns (bytes32[] memory)
    {
        if (old == size) {
            bytes32[] memory none = new bytes32[](0);
            return whole ? none : _with(none, _hash(seed, start, size));
        }
        uint256 left = _split(size);
        if (old <= left) {
            return _with(_subproof(seed, old, start, left, whole), _hash(seed, start + left, size - left));
        }
        return _with(_subproof(seed, old - left, start + left, size - left, false), _hash(seed, start, left));
    }

    function _path(bytes32 seed, uint256 index, uint256 start, uint256 size) private pure returns (bytes32[] memory) {
        if (size == 1) return new bytes32[](0);
        uint256 left = _split(size);
        if (index < left) return _with(_path(seed, index, start, left), _hash(seed, start + left, size - left));
        return _with(_path(seed, index - left, start + left, size - left), _hash(seed, start, left));
    }

    function _split(uint256 size) private pure returns (uint256 left) {
        left = 1;
        while (left * 2 < size) {
            left *= 2;
        }
    }

    function _with(bytes32[] memory hashes, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](hashes.length + 1);
        for (uint256 i = 0; i < hashes.length; ++i) {
            longer[i] = hashes[i];
        }
        longer[hashes.length] = last;
    }
}
