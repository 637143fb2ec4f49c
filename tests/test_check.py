"""`make check` itself: a check that fails, a tool that is missing and a name nobody knows are all failures."""

from __future__ import annotations

import pytest

from tools import check


@pytest.mark.parametrize(
    ("command", "passed", "said"),
    [
        (("python", "-c", "print('fine')"), True, "fine"),
        (("python", "-c", "print('line 3 is wrong'); raise SystemExit(1)"), False, "line 3 is wrong"),
        (("no-such-tool", "."), False, "run make setup"),
    ],
)
def test_run_reports(command: tuple[str, ...], passed: bool, said: str) -> None:
    result = check.run("planted", command)
    assert result.passed is passed
    assert said in result.output


def test_every_tool_is_in_the_environment() -> None:
    assert [command[0] for command in check.CHECKS.values() if not (check.BIN / command[0]).exists()] == []


def test_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["typos"]) == 2
    assert "expected names among format, lint" in capsys.readouterr().out


def test_one_failed_check_fails_the_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {"good": ("python", "-c", ""), "bad": ("python", "-c", "raise SystemExit(1)")}
    monkeypatch.setattr(check, "CHECKS", planted)
    assert check.main([]) == 1
    assert "checks: passed=1 failed=1" in capsys.readouterr().out
