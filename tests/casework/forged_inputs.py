"""What a judge is shown, told differently: each changes the committed input of a verdict in place."""

from __future__ import annotations

from typing import Any

from tests.casework.forging import Story
from tests.guests import guest


def friendlier_facts(story: Story, value: dict[str, Any]) -> None:
    for item in value["evidence"]:
        if item["type"] == "system_record":
            item["facts"]["fields"]["status"] = "resolved"


def other_maker(story: Story, value: dict[str, Any]) -> None:
    value["facts"]["proposal"]["maker"] = value["facts"]["opened_by"]


def one_item_less(story: Story, value: dict[str, Any]) -> None:
    value["evidence"].pop()


def forgot_second_account(story: Story, value: dict[str, Any]) -> None:
    value["people"][story.named["waiter"]]["same_as"] = story.named["cook"]
    value["people"][story.named["cook"]] = {"roles": ["staff"], "same_as": None}


def other_subject(story: Story, value: dict[str, Any]) -> None:
    value["facts"]["subject"]["customer"] = guest("guest-9")


def later_root(story: Story, value: dict[str, Any]) -> None:
    value["as_of"]["root"] = "00" * 32
