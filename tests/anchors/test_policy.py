"""When a checkpoint goes to an anchor: the rule as a table, and what the settings refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.anchor_settings import link_of, read_patterns, read_rpcs
from api.settings import SettingsInvalid, load_settings
from ledger.anchors.policy import ENTRIES_MAX, MINUTES_MAX, Policy, Since, is_due

EVERY = Policy(entries=100, minutes=60)

DUE = [
    # entries since, minutes since, asked, due
    ("nothing came", 0, 0, False, False),
    ("nothing came for a year", 0, 525_600, False, False),
    ("nothing came, and somebody asked", 0, 0, True, True),
    ("one entry, a moment ago", 1, 0, False, False),
    ("one entry, a minute too early", 1, 59, False, False),
    ("one entry, in time", 1, 60, False, True),
    ("one too few", 99, 59, False, False),
    ("enough entries", 100, 0, False, True),
    ("more than enough", 5_000, 0, False, True),
    ("one entry, and somebody asked", 1, 0, True, True),
]


@pytest.mark.parametrize("row", DUE, ids=[one[0] for one in DUE])
def test_when_it_is_due(row: tuple[str, int, int, bool, bool]) -> None:
    _, entries, minutes, asked, due = row
    assert is_due(EVERY, Since(entries, minutes, asked)) is due


@pytest.mark.parametrize(("entries", "minutes"), [(0, 1), (1, 0), (ENTRIES_MAX + 1, 1), (1, MINUTES_MAX + 1)])
def test_a_policy_out_of_bounds_is_refused(entries: int, minutes: int) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to"):
        Policy(entries, minutes)


def test_rpcs_are_read_by_chain_in_their_order(tmp_path: Path) -> None:
    given = "31337=http://127.0.0.1:8545, 11155111=https://a.example/key,11155111=https://b.example"
    wanted = {31337: ("http://127.0.0.1:8545",), 11155111: ("https://a.example/key", "https://b.example")}
    assert read_rpcs(given) == wanted and read_rpcs("") == {}
    file = tmp_path / "rpcs"
    file.write_text("# ours\n" + given.replace(",", "\n"))
    assert read_rpcs(f"@{file}") == wanted


RPCS_REFUSED = [
    ("no chain", "https://secret.example"),
    ("chain 0", "0=https://secret.example"),
    ("a chain in hex", "0x1=https://secret.example"),
    ("a negative chain", "-1=https://secret.example"),
    ("not a web address", "1=ws://secret.example"),
    ("a file that is not there", "@/nowhere/secret.example"),
    ("the same twice", "1=https://secret.example,1=https://secret.example"),
    ("too many", ",".join(f"1=https://secret.example/{number}" for number in range(10))),
]


@pytest.mark.parametrize("given", [one[1] for one in RPCS_REFUSED], ids=[one[0] for one in RPCS_REFUSED])
def test_wrong_rpcs_are_refused_without_telling_their_addresses(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_ANCHOR_RPC", given)
    with pytest.raises(SettingsInvalid, match=r"TALLYSTICK_ANCHOR_RPC: .*expected") as caught:
        load_settings()
    if not given.startswith("@"):
        assert "secret.example" not in str(caught.value)


def test_a_link_stands_for_what_its_pattern_names() -> None:
    one = read_patterns("https://x.example/{chain_id}/tx/{tx}#{block}")
    assert link_of(one, 5, "0xab", 7) == "https://x.example/5/tx/0xab#7"
    each = read_patterns("1=https://one.example/{tx},5=http://localhost:5100/block/{block}")
    assert link_of(each, 1, "0xab", 7) == "https://one.example/0xab"
    assert link_of(each, 5, "0xab", 7) == "http://localhost:5100/block/7"
    assert link_of(each, 2, "0xab", 7) is None


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert({tx})", "http://x.example/{tx}", "https://x.example/", "https://x.example/{address}",
        "https://{tx}.example/", "https://a:b@x.example/{tx}", 'https://x.example/"{tx}', "https://x.example/{chain_id}",
        "//x.example/{tx}", "https://x.example/{tx},https://y.example/{tx}", "https://x.example/<{tx}>",
    ],
)  # fmt: skip
def test_a_pattern_that_could_lead_elsewhere_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_ANCHOR_EXPLORER", given)
    with pytest.raises(SettingsInvalid, match="pattern: expected"):
        load_settings()


@pytest.mark.parametrize("given", ["0", "-1", "1e3", "1,5", "1.0000000001", "0x10", "", "fifty", "100001"])
def test_a_ceiling_that_is_no_plain_number_of_gwei_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_ANCHOR_FEE_CEILING_GWEI", given)
    with pytest.raises(SettingsInvalid, match=r"TALLYSTICK_ANCHOR_FEE_CEILING_GWEI: .*expected .*got"):
        load_settings()
