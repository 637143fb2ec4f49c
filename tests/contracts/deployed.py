"""The contract as Python calls it: words in, words out, errors and events by name. Addresses and hashes are bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.artefact import Artefact, load_artefact
from tests.contracts.machine import GAS, PAYER, Machine, Ran

WORD = 32
BARE = "reverted without a word"
STARVED = "out of gas"
Value = int | bool | bytes | tuple[bytes, ...] | list[bytes]
Event = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the contract said: `error` is "" when it did as asked, `values` the results or the error's arguments."""

    error: str
    values: tuple[Value, ...]
    events: tuple[Event, ...]
    gas: int

    @property
    def said(self) -> tuple[str, tuple[Value, ...], tuple[Event, ...]]:
        """All but the gas."""
        return self.error, self.values, self.events


class Deployed:
    """A contract at an address of a machine."""

    def __init__(self, machine: Machine, artefact: Artefact, address: bytes) -> None:
        self.machine = machine
        self.address = address
        self._functions = {one["name"]: _Function(one) for one in artefact.abi if one["type"] == "function"}
        self._errors = {_selector(one): one for one in artefact.abi if one["type"] == "error"}
        self._events = {_topic(one): one for one in artefact.abi if one["type"] == "event"}

    def send(self, sender: bytes, name: str, *arguments: Value, gas: int = GAS) -> Answer:
        """Send a transaction from `sender`."""
        function = self._functions[name]
        ran = self.machine.send(sender, self.address, function.data(arguments), gas)
        return self._answer(function, ran)

    def look(self, name: str, *arguments: Value, gas: int = GAS) -> Answer:
        """Ask without leaving anything."""
        function = self._functions[name]
        return self._answer(function, self.machine.look(self.address, function.data(arguments), gas))

    def value(self, name: str, *arguments: Value) -> Value:
        """Return the one value of a view that does not fail."""
        answer = self.look(name, *arguments)
        assert answer.error == "" and len(answer.values) == 1, answer
        return answer.values[0]

    def data(self, name: str, *arguments: Value) -> bytes:
        """Return the calldata of a call."""
        return self._functions[name].data(arguments)

    def _answer(self, function: _Function, ran: Ran) -> Answer:
        if ran.success:
            return Answer("", _words(function.outputs, ran.output), self._logged(ran), ran.gas)
        if ran.halted:
            return Answer(STARVED, (), (), ran.gas)
        if not ran.output:
            return Answer(BARE, (), (), ran.gas)
        if ran.output[:4] not in self._errors:
            return Answer("0x" + ran.output.hex(), (), (), ran.gas)
        error = self._errors[ran.output[:4]]
        return Answer(error["name"], _words(_types(error["inputs"]), ran.output[4:]), (), ran.gas)

    def _logged(self, ran: Ran) -> tuple[Event, ...]:
        events = []
        for topics, data in ran.logs:
            event = self._events[topics[0]]
            indexed = iter(topics[1:])
            plain = iter(data[at : at + WORD] for at in range(0, len(data), WORD))
            values = tuple(
                _value(one["type"], next(indexed) if one["indexed"] else next(plain))
                for one in event["inputs"]
            )
            assert next(indexed, None) is None and next(plain, None) is None
            events.append((event["name"], values))
        return tuple(events)


def deployed(machine: Machine, artefact: Artefact | None = None) -> Deployed:
    """Deploy the committed contract, or another that has the same functions."""
    chosen = artefact or load_artefact()
    return Deployed(machine, chosen, machine.deploy(chosen.creation))


def encoded(types: Iterable[str], values: Iterable[Value]) -> bytes:
    """Return the ABI encoding of arguments; the few types of this contract only (tests compare it with eth_abi)."""
    pairs = list(zip(types, values, strict=True))
    head, tail = [], b""
    for kind, value in pairs:
        if kind in ("bytes", "bytes32[]"):
            head.append((len(pairs) * WORD + len(tail)).to_bytes(WORD, "big"))
            tail += _dynamic(value)
        else:
            head.append(_word(kind, value))
    return b"".join(head) + tail


def signature_of(entry: Mapping[str, Any]) -> str:
    """Return name(types) of a function, error or event of an ABI."""
    return f"{entry['name']}({','.join(one['type'] for one in entry['inputs'])})"


class _Function:
    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.selector = _selector(entry)
        self.inputs = _types(entry["inputs"])
        self.outputs = _types(entry["outputs"])

    def data(self, arguments: Iterable[Value]) -> bytes:
        return self.selector + encoded(self.inputs, arguments)


def _types(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(one["type"] for one in entries)


def _topic(entry: Mapping[str, Any]) -> bytes:
    return bytes(keccak(signature_of(entry).encode()))


def _selector(entry: Mapping[str, Any]) -> bytes:
    return _topic(entry)[:4]


def _word(kind: str, value: Value) -> bytes:
    if isinstance(value, int):
        return int(value).to_bytes(WORD, "big")
    assert isinstance(value, bytes), (kind, value)
    return value.rjust(WORD, b"\0") if kind == "address" else value.ljust(WORD, b"\0")


def _dynamic(value: Value) -> bytes:
    if isinstance(value, bytes):
        return len(value).to_bytes(WORD, "big") + value + bytes(-len(value) % WORD)
    assert isinstance(value, tuple | list)
    return len(value).to_bytes(WORD, "big") + b"".join(value)


def _words(types: tuple[str, ...], data: bytes) -> tuple[Value, ...]:
    assert len(data) == WORD * len(types), (types, data.hex())
    return tuple(_value(kind, data[WORD * at : WORD * at + WORD]) for at, kind in enumerate(types))


def _value(kind: str, word: bytes) -> Value:
    if kind == "address":
        assert word[:12] == bytes(12)
        return word[12:]
    if kind == "bool":
        return bool(int.from_bytes(word, "big"))
    return int.from_bytes(word, "big") if kind.startswith("uint") else word


__all__ = ["PAYER", "Answer", "Deployed", "deployed", "encoded", "signature_of"]
