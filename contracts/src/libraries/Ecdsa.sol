// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who signed a digest, for the one canonical form of a signature
library Ecdsa {
    /// @dev Half of the order of secp256k1, rounded down. Above it stands the twin of a signature that is below (EIP-2).
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The address whose key signed `digest`: 65 bytes r, s, v with s in the lower half and v 27 or 28.
    /// @return signer Zero for every other form and for what no key can have signed.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address signer) {
        if (signature.length != 65) return address(0);
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > HALF_ORDER) return address(0);
        // The precompile knows no v but 27 and 28 and gives nothing for another.
        return ecrecover(digest, v, r, s);
    }
}
