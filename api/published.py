"""What an organisation has published, from text to entry and back: kinds, playbooks, policies.

Text (YAML) comes in at a door, is read strictly, compiled against what is published already, and its content goes into
the log. The engine is built from that content again, so what runs is what stands in the log, never a file beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from api.scope import Row, Scoped
from casework import tables
from casework.errors import refuse
from casework.plans import read_plan
from casework.requests import PublishKinds, PublishPlan, PublishPlaybook, PublishPolicy
from ledger.codec import loads
from playbooks import documents
from playbooks.documents import Node, Scalar, Sequence
from playbooks.errors import DocumentInvalid
from playbooks.kinds import Kinds, check_evolution, read_kinds
from playbooks.messages import Messages
from playbooks.playbook import MODES, Playbook, Watch, compile_playbook, read_playbook
from verifiers.registry import load_policy

RUNNING = ("live", "shadow")
KEPT_SIZE_MAX_CHARACTERS = 20_000
"""Of a text whose content is kept in memory; longer ones are read each time."""


@dataclass(frozen=True, slots=True)
class Published:
    """What watches now: the vocabulary, its compiled messages, and every running playbook with its mode."""

    kinds: Kinds
    messages: Messages
    watches: tuple[Watch, ...]
    modes: Mapping[str, str]
    digests: tuple[tuple[str, str], ...]


def nodes(value: Any, where: str) -> Node:
    """Return canonical content as the nodes its document had; every error then names `where` instead of a line."""
    if isinstance(value, Mapping):
        return documents.Mapping(
            where, {key: nodes(member, where) for key, member in value.items()}, dict.fromkeys(value, where)
        )
    if isinstance(value, list):
        return Sequence(where, tuple(nodes(item, where) for item in value))
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(where, text, value, False)


def _root(content: Any, where: str) -> documents.Mapping:
    root = nodes(content, where)
    if not isinstance(root, documents.Mapping):
        raise refuse("value_invalid", f"{where}: expected an object, got {type(content).__name__}")
    return root


async def latest_kinds(rows: Scoped) -> Kinds | None:
    """Return the vocabulary published last, or None."""
    found = await rows.find(tables.kind_set, order="seq", limit=1)
    return kinds_of(found[0]) if found else None


def kinds_of(row: Row) -> Kinds:
    """Return the vocabulary of a row. Raises DocumentInvalid: the row is not what was published."""
    return vocabulary_of(loads(row["content"]), f"kinds {row['digest'][:12]}")


def vocabulary_of(content: Mapping[str, Any], name: str) -> Kinds:
    """Return a vocabulary from its content. Raises DocumentInvalid: it is not what the format says."""
    return read_kinds(_root(content, name))


async def need_kinds(rows: Scoped, names: Iterable[str]) -> None:
    """Refuse kinds that nobody published. Raises Refused: unknown (none is published), value_invalid."""
    kinds = await latest_kinds(rows)
    if kinds is None:
        raise refuse("unknown", "expected published kinds before a source, got none")
    unknown = sorted(set(names) - kinds.kinds.keys())
    if unknown:
        known = ", ".join(sorted(kinds.kinds))
        raise refuse("value_invalid", f"expected kinds of {known}, got {', '.join(unknown)}", "/kinds")


async def read_kinds_text(rows: Scoped, text: str, name: str | None = None) -> PublishKinds:
    """Return the request to publish kinds; errors name the file `name`.

    Raises:
        DocumentInvalid: line, expected and got.
        EvolutionRefused: it changes or drops what is published already.
    """
    new = read_kinds(documents.parse(text.encode(), name or "kinds.yaml"))
    old = await latest_kinds(rows)
    if old is not None:
        check_evolution(old, new)
    return PublishKinds(new.digest, new.content)


async def read_playbook_text(
    rows: Scoped, text: str, mode: str | None, name: str | None = None
) -> PublishPlaybook:
    """Return the request to publish a playbook, compiled against the kinds published last; errors name `name`.

    Raises:
        DocumentInvalid: line, expected and got, the known fields.
        Refused: no kinds are published yet.
    """
    kinds = await latest_kinds(rows)
    if kinds is None:
        raise refuse("unknown", "expected published kinds before a playbook, got none")
    return publishing(kinds, read_playbook(documents.parse(text.encode(), name or "playbook.yaml")), mode)


def publishing(kinds: Kinds, playbook: Playbook, mode: str | None) -> PublishPlaybook:
    """Return the request to publish a playbook under these kinds. Raises DocumentInvalid: it does not fit them."""
    compile_playbook(playbook, Messages(kinds))
    policy = playbook.award.policy if playbook.award else None
    return PublishPlaybook(
        playbook.id, playbook.digest, kinds.digest, mode or playbook.mode, policy, playbook.content
    )


def read_policy_text(text: str, name: str | None = None) -> PublishPolicy:
    """Return the request to publish a policy, named `<id>/v<version>`. Raises DocumentInvalid, PolicyInvalid.

    A policy holds no expressions, so it may be written in any style of YAML 1.2, short lists in brackets included.
    """
    policy = load_policy(_any_style(text, name or "policy.yaml"))
    id_ = f"{policy.id}/v{policy.version}"
    return PublishPolicy(id_, policy.verifier, policy.verifier_version, policy.digest, policy.content)


def read_plan_text(text: str, name: str | None = None) -> PublishPlan:
    """Return the request to publish a plan. Raises DocumentInvalid; Refused: value_invalid."""
    plan = read_plan(_any_style(text, name or "plan.yaml"))
    return PublishPlan(plan.id, plan.digest, plan.policy, plan.content)


def _any_style(text: str, name: str) -> Any:
    """Return the content of one YAML document. Raises DocumentInvalid: no YAML, or an alias, which may grow
    without end."""
    if len(text) > KEPT_SIZE_MAX_CHARACTERS:
        return _parsed(text, name)
    return deepcopy(_kept(text, name))


def _parsed(text: str, name: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    try:
        if any(isinstance(event, AliasEvent) for event in yaml.parse(text)):
            raise DocumentInvalid(name, "expected every value written out, got an alias (*)")
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        raise DocumentInvalid(where, f"expected YAML, got: {error.problem or error.context}") from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise DocumentInvalid(name, f"expected YAML, got: {str(error).splitlines()[0][:200]}") from error


# The shipped policies are read for every page that offers them; the parser is slow, and the same text says the same.
_kept = lru_cache(maxsize=64)(_parsed)


async def load_published(rows: Scoped, before: Published | None = None) -> Published | None:
    """Return what watches now, compiled; `before` again when nothing was published since. None: no kinds."""
    found = await rows.find(tables.kind_set, order="seq", limit=1)
    if not found:
        return None
    running = [row for row in await rows.find(tables.playbook) if row["mode"] in RUNNING]
    digests = (("", found[0]["digest"]), *((row["playbook"], row["digest"] + row["mode"]) for row in running))
    if before is not None and before.digests == digests:
        return before
    kinds = kinds_of(found[0])
    messages = Messages(kinds)
    watches = tuple(
        compile_playbook(playbook_of(loads(row["content"]), row["playbook"]), messages) for row in running
    )
    return Published(kinds, messages, watches, {row["playbook"]: row["mode"] for row in running}, digests)


def playbook_of(content: Mapping[str, Any], name: str) -> Playbook:
    """Return a playbook from its content. Raises DocumentInvalid: it is not what the format says."""
    return read_playbook(_root(content, f"playbook {name}"))


def check_mode(mode: str) -> str:
    """Return a mode. Raises Refused: another word."""
    if mode not in MODES:
        raise refuse("value_invalid", f"expected one of {', '.join(MODES)}, got {mode}", "/mode")
    return mode
