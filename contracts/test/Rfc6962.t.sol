// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckpointAnchor} from "../src/CheckpointAnchor.sol";
import {ICheckpointAnchor} from "../src/interfaces/ICheckpointAnchor.sol";
import {Tree} from "./Tree.sol";

/// @notice The few cheat codes of forge that are used here; forge-std is not needed for them.
interface Vm {
    function assume(bool condition) external pure;
    function sign(uint256 secret, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 secret) external pure returns (address);
    function prank(address sender) external;
}

/// @notice Fuzz of the whole contract in Solidity, with a prover of its own. The corpus in Python is the stronger test:
/// what it adds here is another engine, another prover, and inputs that forge chooses.
contract Rfc6962Test {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant SECRET = 0xA11CE;
    address private constant OWNER = address(0xB0B);

    CheckpointAnchor private _anchor;

    function setUp() public {
        _anchor = new CheckpointAnchor();
    }

    /// @notice Every honest proof is accepted, as a view and as two signed anchors.
    function testFuzz_honestIsAccepted(uint8 first, uint8 second, bytes32 seed) public {
        (uint64 old, uint64 size) = _sizes(first, second);
        bytes32[] memory proof = Tree.consistency(seed, old, size);
        require(_anchor.verifyConsistency(old, Tree.root(seed, old), size, Tree.root(seed, size), proof), "view");
        bytes32 logId = _opened(seed);
        _send(logId, old, Tree.root(seed, old), new bytes32[](0));
        if (old == size) return;
        _send(logId, size, Tree.root(seed, size), proof);
        (uint64 kept, bytes32 root) = _anchor.checkpoint(logId);
        require(kept == size && root == Tree.root(seed, size), "kept");
    }

    /// @notice A history that differs in any old entry is refused, with the honest proof of the other history.
    function testFuzz_forkIsRefused(uint8 first, uint8 second, bytes32 seed, bytes32 other) public {
        VM.assume(seed != other);
        (uint64 old, uint64 size) = _sizes(first, second);
        VM.assume(old < size);
        bytes32 logId = _opened(seed);
        _send(logId, old, Tree.root(seed, old), new bytes32[](0));
        bytes32 root = Tree.root(other, size);
        bytes memory signature = _signed(logId, size, root);
        bytes32[] memory proof = Tree.consistency(other, old, size);
        try _anchor.anchor(logId, size, root, proof, signature) {
            revert("a fork was taken");
        } catch (bytes memory reason) {
            require(bytes4(reason) == ICheckpointAnchor.Inconsistent.selector, "another error");
        }
    }

    /// @notice One changed bit anywhere in a proof is refused.
    function testFuzz_changedHashIsRefused(uint8 first, uint8 second, bytes32 seed, uint256 where, uint8 bit)
        public
        view
    {
        (uint64 old, uint64 size) = _sizes(first, second);
        bytes32[] memory proof = Tree.consistency(seed, old, size);
        VM.assume(proof.length != 0);
        proof[where % proof.length] ^= bytes32(1 << uint256(bit));
        require(!_anchor.verifyConsistency(old, Tree.root(seed, old), size, Tree.root(seed, size), proof), "taken");
    }

    /// @notice Any hashes for any sizes: nothing but an honest proof is ever accepted.
    function testFuzz_anythingIsRefused(uint64 old, bytes32 oldRoot, uint64 size, bytes32 root, bytes32[] memory proof)
        public
        view
    {
        VM.assume(oldRoot != root);
        require(!_anchor.verifyConsistency(old, oldRoot, size, root, proof), "taken");
    }

    /// @notice Every entry is found where it stands, and nowhere else.
    function testFuzz_inclusion(uint8 first, uint8 second, bytes32 seed, uint8 third) public view {
        (uint64 index, uint64 size) = _sizes(first, second);
        --index;
        bytes32[] memory proof = Tree.inclusion(seed, index, size);
        bytes memory entry = abi.encode(seed, index);
        require(_anchor.verifyInclusion(entry, index, size, Tree.root(seed, size), proof), "not found");
        uint64 other = uint64(third) % size;
        if (other != index) {
            require(!_anchor.verifyInclusion(entry, other, size, Tree.root(seed, size), proof), "found elsewhere");
        }
    }

    /// @notice Nobody but the key signs, and nobody but the owner changes anything.
    function testFuzz_strangersAreRefused(uint256 secret, address caller, bytes32 seed) public {
        secret = 1 + secret % (2 ** 250);
        VM.assume(secret != SECRET && caller != OWNER);
        bytes32 logId = _opened(seed);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(secret, _anchor.digestOf(logId, 7, seed));
        try _anchor.anchor(logId, 7, seed, new bytes32[](0), abi.encodePacked(r, s, v)) {
            revert("a stranger signed");
        } catch (bytes memory reason) {
            require(bytes4(reason) == ICheckpointAnchor.SignatureWrong.selector, "another error");
        }
        bytes[3] memory calls = [
            abi.encodeCall(_anchor.rotateAnchorKey, (logId, caller)),
            abi.encodeCall(_anchor.proposeOwner, (logId, caller)),
            abi.encodeCall(_anchor.supersede, (logId, seed, seed))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            VM.prank(caller);
            (bool taken, bytes memory reason) = address(_anchor).call(calls[i]);
            require(!taken && bytes4(reason) == ICheckpointAnchor.NotAllowed.selector, "a stranger was let in");
        }
    }

    function _sizes(uint8 first, uint8 second) private pure returns (uint64 old, uint64 size) {
        size = uint64(second) % 70 + 1;
        old = uint64(first) % size + 1;
    }

    function _opened(bytes32 salt) private returns (bytes32) {
        return _anchor.openLog(OWNER, VM.addr(SECRET), salt, bytes32(0));
    }

    function _send(bytes32 logId, uint64 size, bytes32 root, bytes32[] memory proof) private {
        _anchor.anchor(logId, size, root, proof, _signed(logId, size, root));
    }

    function _signed(bytes32 logId, uint64 size, bytes32 root) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(SECRET, _anchor.digestOf(logId, size, root));
        return abi.encodePacked(r, s, v);
    }
}
