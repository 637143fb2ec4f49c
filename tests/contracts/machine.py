"""An EVM in this process that runs compiled contracts: pyrevm, and py-evm where it has no wheel. No Node, no network.

Addresses are 20 bytes. A `send` stays, a `look` leaves nothing behind; both count gas with the 21,000 and calldata.
pyrevm takes all its calls for one long transaction: what an earlier call touched is warm, and its gas too low; nor does
it know the floor of EIP-7623. Gas is measured with py-evm, which is true to the unit. Both engines stand behind one
small interface, because either may go stale one day.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from typing import Any, Protocol

CHAIN_ID = 131277322940537
"""What py-evm's tester calls its chain; pyrevm takes any."""
GAS = 5_000_000
PAYER = b"\x11" * 20
WEALTH_WEI = 10**24
PYREVM = "pyrevm"
PYEVM = "py-evm"
ENGINE_VARIABLE = "TALLYSTICK_TEST_EVM"
"""`py-evm`: run everything with that engine, as a machine without a wheel of pyrevm does. Minutes, not seconds."""
_REVERTED = re.compile(r"Revert \{ gas_used: (\d+), output: 0x([0-9a-f]*) \}")
_HALTED = re.compile(r"Halt \{ reason: .*, gas_used: (\d+) \}")
_UNPAID = "CallGasCostMoreThanGasLimit"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a call. `output` is returned or revert data; `halted`: out of gas, all of it used; logs are
    (topics, data) of 32 bytes each and of any length."""

    success: bool
    output: bytes
    gas: int
    logs: tuple[tuple[tuple[bytes, ...], bytes], ...] = ()
    halted: bool = False


class Machine(Protocol):
    """One chain of its own."""

    name: str
    chain_id: int

    def deploy(self, code: bytes) -> bytes:
        """Run creation code and return the address of what it made."""
        ...

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """Run a transaction."""
        ...

    def look(self, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """Run a call as `eth_call` does."""
        ...

    def place(self, address: bytes, code: bytes) -> None:
        """Put runtime code at an address."""
        ...

    def code(self, address: bytes) -> bytes:
        """Return the runtime code at an address."""
        ...

    def slot(self, address: bytes, number: int) -> int:
        """Return what stands in a storage slot."""
        ...


class Pyrevm:
    """revm, in Rust."""

    name = PYREVM

    def __init__(self, chain_id: int = CHAIN_ID) -> None:
        # Imported here because there may be no wheel for this machine.
        import pyrevm

        self._pyrevm: Any = pyrevm
        self.chain_id = chain_id
        self._evm: Any = pyrevm.EVM(
            env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id)), spec_id="PRAGUE", gas_limit=GAS
        )
        self._evm.set_balance(_hex(PAYER), WEALTH_WEI)

    def deploy(self, code: bytes) -> bytes:
        """See Machine."""
        return bytes.fromhex(self._evm.deploy(_hex(PAYER), code)[2:])

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """See Machine."""
        return self._ran(sender, to, data, gas, False)

    def look(self, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """See Machine."""
        return self._ran(PAYER, to, data, gas, True)

    def place(self, address: bytes, code: bytes) -> None:
        """See Machine."""
        self._evm.insert_account_info(_hex(address), self._pyrevm.AccountInfo(code=code))

    def code(self, address: bytes) -> bytes:
        """See Machine."""
        # Comes with the padding of zeros that the analysis of its code adds.
        return bytes(self._evm.get_code(_hex(address)) or b"")

    def slot(self, address: bytes, number: int) -> int:
        """See Machine."""
        return int(self._evm.storage(_hex(address), number))

    def _ran(self, sender: bytes, to: bytes, data: bytes, gas: int, static: bool) -> Ran:
        try:
            output = self._evm.message_call(_hex(sender), _hex(to), data, gas=gas, is_static=static)
        except RuntimeError as error:
            return _refused(str(error), gas)
        result = self._evm.result
        logs = () if static else tuple((tuple(log.data[0]), bytes(log.data[1])) for log in result.logs)
        return Ran(True, bytes(output), result.gas_used, logs)


class Pyevm:
    """py-evm by way of eth-tester's chain, in Python: the same answers and gas, a hundred times slower."""

    name = PYEVM

    def __init__(self, chain_id: int = CHAIN_ID) -> None:
        # Imported here because the import alone takes a second, which no test with the other engine shall pay.
        from eth.vm.forks.prague.transactions import PragueTransactionBuilder
        from eth.vm.spoof import SpoofTransaction
        from eth_tester import PyEVMBackend

        chain = PyEVMBackend().chain
        chain.chain_id = self.chain_id = chain_id
        self._vm: Any = chain.get_vm()
        self._builder: Any = PragueTransactionBuilder
        self._spoof: Any = SpoofTransaction
        self._vm.state.set_balance(PAYER, WEALTH_WEI)

    def deploy(self, code: bytes) -> bytes:
        """See Machine."""
        computation = self._apply(PAYER, b"", code, GAS)[1]
        assert computation.is_success, computation
        return bytes(computation.msg.storage_address)

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """See Machine."""
        return self._ran(sender, to, data, gas)

    def look(self, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """See Machine."""
        self._vm.state.lock_changes()
        before = self._vm.state.snapshot()
        ran = self._ran(PAYER, to, data, gas, locked=True)
        self._vm.state.revert(before)
        return Ran(ran.success, ran.output, ran.gas, (), ran.halted)

    def place(self, address: bytes, code: bytes) -> None:
        """See Machine."""
        self._vm.state.set_code(address, code)

    def code(self, address: bytes) -> bytes:
        """See Machine."""
        return bytes(self._vm.state.get_code(address))

    def slot(self, address: bytes, number: int) -> int:
        """See Machine."""
        return int(self._vm.state.get_storage(address, number))

    def _ran(self, sender: bytes, to: bytes, data: bytes, gas: int, locked: bool = False) -> Ran:
        try:
            used, computation = self._apply(sender, to, data, gas, locked)
        except _unpaid() as error:
            return Ran(False, str(error).encode(), gas, (), True)
        logs = tuple(
            (tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
            for _, topics, data in computation.get_log_entries()
        )
        # Out of gas leaves no output; a revert without data neither, but keeps what it did not use.
        halted = computation.is_error and computation.should_burn_gas
        return Ran(computation.is_success, bytes(computation.output), used, logs, halted)

    def _apply(
        self, sender: bytes, to: bytes, data: bytes, gas: int, locked: bool = False
    ) -> tuple[int, Any]:
        state = self._vm.state
        state.set_balance(sender, WEALTH_WEI)
        price = max(state.base_fee, 1)
        unsigned = self._builder.create_unsigned_transaction(
            nonce=state.get_nonce(sender), gas_price=price, gas=gas, to=to, value=0, data=data
        )
        spoofed = self._spoof(unsigned, from_=sender)
        if not locked:
            state.lock_changes()
        computation = state.apply_transaction(spoofed)
        return self._vm.finalize_gas_used(spoofed, computation), computation


def has_pyrevm() -> bool:
    """Say whether the fast engine has a wheel on this machine, and the other was not asked for."""
    return importlib.util.find_spec("pyrevm") is not None and os.environ.get(ENGINE_VARIABLE) != PYEVM


def new_machine(chain_id: int = CHAIN_ID) -> Machine:
    """Return a machine with the fast engine, else with the other."""
    return Pyrevm(chain_id) if has_pyrevm() else Pyevm(chain_id)


def _refused(text: str, gas: int) -> Ran:
    if found := _REVERTED.search(text):
        return Ran(False, bytes.fromhex(found[2]), int(found[1]))
    if found := _HALTED.search(text):
        return Ran(False, b"", int(found[1]), (), True)
    # Less than the 21,000 and the calldata cost: no chain takes such a transaction.
    assert _UNPAID in text or "GasFloor" in text, text
    return Ran(False, b"", gas, (), True)


def _unpaid() -> tuple[type[Exception], ...]:
    # See Pyevm.__init__ for why this is no import of the module.
    from eth_utils.exceptions import ValidationError

    return (ValidationError,)


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
