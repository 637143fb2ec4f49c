"""Signatures of calls: examples of others, the published library as an oracle, and what is no signature."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from casework.hook_signatures import (
    SignatureMalformed,
    fingerprint,
    key_of,
    read_headers,
    secret_of,
    which_key,
)

LIBRARY = (
    "standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
)  # fmt: skip
SITE = (
    "standard", "whsec_plJ3nmyCDGBKInavdOK15jsl", b'{"event_type":"ping","data":{"success":true}}',
    {
        "webhook-id": "msg_loFOjxBNrRLzqYUf", "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    },
)  # fmt: skip
GITHUB = (
    "github", "It's a Secret to Everybody", b"Hello, World!",
    {
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
)  # fmt: skip
EXAMPLES = [
    pytest.param(*LIBRARY, id="the vector of the Standard Webhooks libraries"),
    pytest.param(*SITE, id="the example of standardwebhooks.com"),
    pytest.param(*GITHUB, id="the example of GitHub's documentation"),
]


@pytest.mark.parametrize(("scheme", "secret", "body", "headers"), EXAMPLES)
def test_examples_that_others_wrote(scheme: str, secret: str, body: bytes, headers: dict[str, str]) -> None:
    keys = [("old", b"another"), ("mine", key_of(scheme, secret)), ("twin", key_of(scheme, secret))]
    signed = read_headers(scheme, headers)
    assert which_key(keys, signed, body) == "mine"
    assert which_key(keys[:1], signed, body) is None
    for place in range(8 * len(body)):
        turned = bytearray(body)
        turned[place // 8] ^= 1 << place % 8
        assert which_key(keys, signed, bytes(turned)) is None
    for name, value in headers.items():
        if name == "x-github-delivery":  # in no signature: why its bytes count once under whatever id
            continue
        other = value[:-2] + ("0" if value[-2] != "0" else "1") + value[-1]
        try:
            changed = read_headers(scheme, {**headers, name: other})
        except SignatureMalformed:
            continue
        assert which_key(keys, changed, body) is None, name


@settings(max_examples=60, deadline=None)
@given(
    key=st.binary(min_size=24, max_size=64),
    name=st.text(
        alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="."), min_size=1
    ),
    seconds=st.integers(0, 10**10),
    body=st.text(alphabet=st.characters(exclude_categories=["Cs"])),
)
def test_the_published_library_signs_the_same(key: bytes, name: str, seconds: int, body: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    mac = Webhook(secret).sign(name, datetime.fromtimestamp(seconds, UTC), body)
    headers = {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": mac}
    assert (
        which_key([("k", key_of("standard", secret))], read_headers("standard", headers), body.encode())
        == "k"
    )


def test_a_key_has_a_name_of_its_own_per_log_and_scheme() -> None:
    secrets = {scheme: secret_of(scheme, bytes(range(32))) for scheme in ("standard", "github")}
    assert secrets["standard"].startswith("whsec_") and key_of("standard", secrets["standard"]) == bytes(
        range(32)
    )
    assert key_of("github", secrets["github"]) == secrets["github"].encode()
    names = {
        fingerprint("a.example", "standard", secrets["standard"]),
        fingerprint("b.example", "standard", secrets["standard"]),
        fingerprint("a.example", "github", secrets["github"]),
    }
    assert len(names) == 3 and all(len(one) == 64 for one in names)
    with pytest.raises(SignatureMalformed, match="whsec_ and base64"):
        key_of("standard", "whsec_?")


MALFORMED: list[tuple[str, str, dict[str, Any], str]] = [
    ("no id", "standard", {"webhook-id": ""}, "expected the header webhook-id"),
    ("a long id", "standard", {"webhook-id": "m" * 201}, "1 to 200 printable"),
    ("an id with a space", "standard", {"webhook-id": "a b"}, "1 to 200 printable"),
    ("an id with a full stop", "standard", {"webhook-id": "a.1"}, "no full stop"),
    ("a time with a sign", "standard", {"webhook-timestamp": "+1"}, "digits only"),
    ("a time of other digits", "standard", {"webhook-timestamp": "\u0661"}, "digits only"),
    ("a long time", "standard", {"webhook-timestamp": "1" * 12}, "digits only"),
    ("an Ed25519 signature alone", "standard", {"webhook-signature": "v1a,AAAA"}, "expected v1"),
    ("no base64", "standard", {"webhook-signature": "v1," + "?" * 44}, "expected v1"),
    ("SHA-1", "github", {"x-hub-signature-256": "sha1=" + "0" * 40}, "sha256="),
    ("capitals", "github", {"x-hub-signature-256": "sha256=" + "A" * 64}, "sha256="),
    ("no delivery", "github", {"x-github-delivery": ""}, "expected the header x-github-delivery"),
]


@pytest.mark.parametrize(
    ("scheme", "changed", "said"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_headers_of_another_form(scheme: str, changed: dict[str, str], said: str) -> None:
    headers = {"standard": LIBRARY, "github": GITHUB}[scheme][3]
    with pytest.raises(SignatureMalformed) as error:
        read_headers(scheme, {**headers, **changed})
    assert said in str(error.value)
    assert all(value not in str(error.value) for value in changed.values() if value)
