"""k counts who must have lied for the claim to be false while the evidence looks as it does: one line per claim."""

# ruff: noqa: E501  (a table reads by its lines: one claim, one line)
from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers import (
    handover_cases,
    operational_check_cases,
    referral_cases,
    service_issue_2_cases,
    service_issue_cases,
    training_cases,
)
from tests.verifiers.handover_cases import back, rota, whole
from tests.verifiers.kit import Json, Kit
from tests.verifiers.operational_check_cases import check_in, reading
from tests.verifiers.referral_cases import HIRED, JULY, consent, hired, mail, record
from tests.verifiers.service_issue_2_cases import KEPT_BY_ADA, UPLOADED, bill, done
from tests.verifiers.service_issue_cases import confirmation, handed_over
from tests.verifiers.training_cases import result, seen
from verifiers.registry import judge

CHECK, HANDOVER = operational_check_cases.KIT, handover_cases.KIT
TRAINING, REFERRAL, ISSUE = training_cases.KIT, referral_cases.KIT, service_issue_2_cases.KIT
ADA, BEN, CYN = "member:ada", "member:ben", "member:cyn"
SETS = "policy.content.parameters.evidence_sets"
REGISTRAR = {"any": [{"party": CYN}, {"party": "system:point:tag-1"}]}
PICTURE = {
    "media_type": "image/jpeg", "size_bytes": 1, "width_px": 1, "height_px": 1, "how": "camera",
    "captured_at": None, "nonce_issued_at": None, "name": None,
}  # fmt: skip


def photo(by: str) -> Json:
    made = {**check_in("pic", by), "type": "photo", "grade": "E2", "facts": PICTURE}
    return {**made, "controllers": {"party": f"member:{by}"}, "review": {"verdict": "accepted", "by": "cyn"}}


def pictured(by: str) -> Json:
    return {
        SETS: [{"grades": {"check_in": "E3", "photo": "E2"}, "k_evidence_min": 1}],
        "evidence": [check_in(), reading(), photo(by)],
    }


UNSAID = service_issue_cases.record()
TILL = done("till", source="till")
REPORTED = {"facts.origin": "report", "facts.opened_by": "cyn"}
BOTH_TOUCH = {"all": [{"party": "source:pms"}, {"party": ADA}]}
AGAIN = reading("again", "ben", "10:50", 35)
CLAIMS: tuple[tuple[str, Kit, Json, list[str]], ...] = (
    ("a tap, and a number that one person wrote", CHECK, {}, [ADA]),
    ("a number that another read too, by somebody who may not have been there", CHECK, {"evidence": [reading(), AGAIN]}, [ADA]),
    ("there, and the number read by two", CHECK, {"evidence": [check_in(), reading(), AGAIN]}, [ADA, BEN]),
    ("there, and the number read by three", CHECK, {"evidence": [check_in(), reading(), AGAIN, reading("third", "dov", "10:51", 34)]}, [ADA, "system:point:tag-1"]),
    ("the tag registered by the one who read it again", CHECK, {"evidence": [{**check_in(), "controllers": REGISTRAR}, reading(), reading("again", "cyn", "10:50", 35)]}, [ADA, CYN]),
    ("a photo of one's own", CHECK, pictured("ada"), [ADA]),
    ("a photo by another", CHECK, pictured("ben"), [ADA, BEN]),
    ("a note taken over", HANDOVER, {}, [ADA, BEN]),
    ("a note taken over by one and disputed by another", HANDOVER, {"evidence": whole(back(), back("doubt", by="dov", taken=False), rota("rota-2", person="dov"))}, [ADA, BEN]),
    ("a result by its provider", TRAINING, {}, ["source:lms"]),
    ("a result, and somebody who saw it", TRAINING, {"evidence": [result(), seen()]}, [BEN, "source:lms"]),
    ("a customer, who may be the referrer", REFERRAL, {}, [ADA]),
    ("a customer with a signed mail, which the referrer's own domain may have signed", REFERRAL, {"evidence": [record(), mail(review=referral_cases.ACCEPTED)]}, [ADA]),
    ("mended for a guest who was known, by whom the record says", ISSUE, {}, ["customer:cus", ADA]),
    ("mended by somebody whom no record names", ISSUE, {"evidence": [UNSAID, confirmation(), bill()]}, [ADA]),
    ("mended for a guest nobody knew", ISSUE, {"evidence": [done(), confirmation()]}, [ADA]),
    ("the same, where a colleague told of it", ISSUE, {**REPORTED, "evidence": [done(), confirmation()]}, [ADA]),
    ("mended for a guest who was known, told of by a colleague", ISSUE, REPORTED, ["customer:cus", ADA]),
    ("the record brought by who earns, the guest was known", ISSUE, {"evidence": [{**done(), "controllers": UPLOADED}, confirmation(), bill()]}, [ADA]),
    ("the link handed over by who earns", ISSUE, {"evidence": [done(), handed_over(), bill()]}, ["customer:cus", ADA]),
    ("known by a record that who earns keeps", ISSUE, {"evidence": [done(), confirmation(), bill(controllers=KEPT_BY_ADA)]}, [ADA]),
    ("known by two records, one of them kept by who earns", ISSUE, {"evidence": [done(), confirmation(), bill(controllers=KEPT_BY_ADA), bill("door", source="door", id="d-1")]}, ["customer:cus", ADA]),
    ("two systems and no guest", ISSUE, {"facts.subject.customer": None, "evidence": [done(), TILL]}, [ADA, "source:pms"]),
    ("shared with who owned it, and nobody named", ISSUE, {"facts.owner": "cyn", "beneficiaries": ["ada", "cyn"], "evidence": [UNSAID, confirmation(), bill()]}, [ADA]),
    ("raised by a version that who earns sent", ISSUE, {"evidence.0.facts.versions_by": {"any": [{"party": "source:pms"}, {"party": ADA}]}, "evidence.1": handed_over()}, [ADA]),
    ("known since a version that who earns sent", ISSUE, {"evidence": [done(), confirmation(), bill(versions_by=KEPT_BY_ADA)]}, [ADA]),
    ("somebody hired: their yes came before, so the record of it alone has to lie", REFERRAL, {**HIRED, **JULY, "evidence": [hired(), consent()]}, ["source:crm"]),
)  # fmt: skip


@pytest.mark.parametrize(("kit", "patch", "who"), [row[1:] for row in CLAIMS], ids=[row[0] for row in CLAIMS])
def test_who_must_have_lied(kit: Kit, patch: dict[str, Any], who: list[str]) -> None:
    output = judge(kit.input(patch), kit.verifier, kit.version).output
    assert (output["result"], output["k_evidence"], output["witnessing"]) == ("pass", len(who), who), output
