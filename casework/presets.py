"""The figures a new organisation starts with, read strictly from presets.yaml beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from casework.errors import PresetInvalid

FILE = Path(__file__).with_name("presets.yaml")
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "settings": (
        "undo_seconds",
        "issue_window_days",
        "interruptions_per_day_max",
        "draw_permille",
        "reply_days",
        "decide_days",
    ),
    "recognition": ("k_min", "k_min_above", "tokens_limit", "award_tokens_max"),
    "limits": ("shift_lead_amount_minor", "manager_amount_minor"),
}


@dataclass(frozen=True, slots=True)
class Presets:
    """Whole numbers by name; units stand last in the names."""

    settings: Mapping[str, int]
    recognition: Mapping[str, int]
    limits: Mapping[str, int]


def load(path: Path = FILE) -> Presets:
    """Read the file.

    Raises:
        PresetInvalid: another section or name than SECTIONS, or a value that is no whole number >= 0.
    """
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise PresetInvalid(f"{path.name}: expected YAML, got {error}") from error
    if not isinstance(found, dict) or set(found) != set(SECTIONS):
        raise PresetInvalid(f"{path.name}: expected the sections {sorted(SECTIONS)}, got {found!r}"[:300])
    for section, names in SECTIONS.items():
        values = found[section]
        if not isinstance(values, dict) or set(values) != set(names):
            raise PresetInvalid(f"{path.name}, {section}: expected {sorted(names)}, got {values!r}"[:300])
        for name, value in values.items():
            if type(value) is not int or value < 0:
                raise PresetInvalid(f"{path.name}, {section}.{name}: expected a whole number, got {value!r}")
    return Presets(**{section: dict(found[section]) for section in SECTIONS})
