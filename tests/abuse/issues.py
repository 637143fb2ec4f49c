"""Abuses of a resolved service issue: a problem of one's own making, a fix that was none, proof that shows nothing."""

from __future__ import annotations

import base64
import random
from io import BytesIO

from PIL import Image, ImageOps

from tests.abuse.flows import Issue, honest_issue
from tests.abuse.ground import DAY, HOUR, Ground
from tests.abuse.register import abuse
from tests.api.scenes import paper

Deserved = dict[str, int]
NOTHING: Deserved = {}
GROUP = "Resolved service issue"


async def shown_file(
    g: Ground, case: str, content: bytes, kind: str = "image/jpeg", by: str = "staff"
) -> None:
    """Attach a file."""
    body = {"content": base64.b64encode(content).decode(), "media_type": kind}
    await g.post(f"/cases/{case}/evidence/file", by, body)


def photo_of(g: Ground, name: str = "c2pa-python_P1000827.jpg") -> bytes:
    """Return a real photo of the evidence files."""
    return (g.shared / "data" / "evidence_files" / "exif" / name).read_bytes()


@abuse(GROUP, "own issue: whoever tells of it resolves it", "staff")
async def own_issue(g: Ground) -> Deserved:
    told = await g.must("/reports", "staff", {"note": "Somebody spilt wine over table four"})
    issue = await Issue(g, case=told["ids"]["case"]).worked()
    await (await issue.asked(customer="guest@quay.example")).answered()
    await shown_file(g, issue.case, photo_of(g))
    await issue.finished()
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.believed()
    return NOTHING


@abuse(GROUP, "own issue, told of by a second account", "staff")
async def own_issue_by_twin(g: Ground) -> Deserved:
    told = await g.must("/reports", "twin", {"note": "Somebody spilt wine over table four"})
    issue = await Issue(g, case=told["ids"]["case"]).worked()
    await (await issue.asked(customer="guest@quay.example")).answered()
    await issue.finished()
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.believed()
    return NOTHING


@abuse(GROUP, "a claim, and one's word for it", "staff")
async def word_only(g: Ground) -> Deserved:
    issue = await Issue(g).claimed()
    await (await issue.agreed()).acted()
    await g.post(f"/cases/{issue.case}/evidence/statement", "staff", {"statement": "The guest was happy"})
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "a claim, and a friend's word for it", "staff", "second")
async def words_of_two(g: Ground) -> Deserved:
    issue = await Issue(g).claimed()
    await (await issue.agreed()).acted()
    for role in ("staff", "second"):
        await g.post(f"/cases/{issue.case}/evidence/statement", role, {"statement": "The guest was happy"})
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "a claim, and the words of three", "staff", "second", "manager")
async def words_of_three(g: Ground) -> Deserved:
    issue = await Issue(g).claimed()
    await (await issue.agreed("owner")).acted()
    for role in ("staff", "second", "manager"):
        await g.post(f"/cases/{issue.case}/evidence/statement", role, {"statement": "The guest was happy"})
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "a claim, and a photo from the gallery", "staff")
async def gallery_photo(g: Ground) -> Deserved:
    issue = await Issue(g).claimed()
    await (await issue.agreed()).acted()
    await shown_file(g, issue.case, photo_of(g))
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "an old photo, years before the complaint", "staff")
async def stale_photo(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await shown_file(g, issue.case, photo_of(g, "c2pa-python_IMG_0003.jpg"))
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "one photo for two complaints", "staff")
async def photo_twice(g: Ground) -> Deserved:
    for name in ("c-1", "c-2"):
        issue = await (await Issue(g, name, guest=f"{name}@quay.example").arises()).worked()
        await shown_file(g, issue.case, photo_of(g))
        await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "one photo for two complaints, the second time by a colleague and mirrored", "staff", "second")
async def photo_mirrored(g: Ground) -> Deserved:
    picture = Image.open(BytesIO(photo_of(g)))
    mirrored = BytesIO()
    ImageOps.mirror(picture).save(mirrored, "JPEG")
    for name, role, content in (("c-1", "staff", photo_of(g)), ("c-2", "second", mirrored.getvalue())):
        issue = await Issue(g, name, guest=f"{name}@quay.example").arises()
        await (await (await issue.proposed(role)).agreed()).acted(role)
        await shown_file(g, issue.case, content, by=role)
        await issue.finished(role)
    await g.believed()
    return NOTHING


@abuse(GROUP, "a drawn picture of a receipt", "staff")
async def drawn_receipt(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    drawn = BytesIO()
    paper(random.Random(7)).save(drawn, "PNG")
    await shown_file(g, issue.case, drawn.getvalue(), "image/png")
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "a picture that is no picture", "staff")
async def polyglot(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    for content in (b"\xff\xd8\xff<script>1</script>", photo_of(g)[:2_000], b"GIF89a/*" + photo_of(g)[:500]):
        await shown_file(g, issue.case, content)
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the guest says no", "staff")
async def guest_says_no(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered("not_resolved")).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the guest says no, and is asked until somebody says yes", "staff")
async def asked_until_yes(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await issue.asked()).answered("not_resolved")
    await (await (await issue.asked()).answered("resolved")).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the no of the guest is withdrawn", "staff")
async def no_withdrawn(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered("not_resolved")).recorded()
    for item in (await g.case(issue.case))["evidence"]:
        if item["type"] == "customer_confirmation":
            body = {"reason_code": "mistaken"}
            await g.post(f"/cases/{issue.case}/evidence/{item['evidence']}/withdraw", "staff", body)
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the guest is never asked", "staff")
async def never_asked(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await issue.recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "another guest is asked, who knows nothing of it", "staff")
async def another_guest(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked(customer="friend@elsewhere.example")).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the answer is from before anything was done", "staff")
async def asked_too_early(g: Ground) -> Deserved:
    issue = await Issue(g).arises()
    await (await issue.asked()).answered()
    await (await (await issue.worked()).recorded()).finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the link is answered, the record stays open", "staff")
async def own_link(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).shown()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "stale record: it was closed before anybody agreed to anything", "staff")
async def stale_record(g: Ground) -> Deserved:
    issue = await Issue(g).arises()
    await issue.recorded()
    await (await (await issue.worked()).asked()).answered()
    await (await issue.shown()).finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "the record closes and opens again before it is judged", "staff")
async def closed_and_open(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.recorded(status="open")
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "done before anybody agreed", "staff")
async def done_first(g: Ground) -> Deserved:
    issue = await (await (await Issue(g).arises()).proposed()).acted()
    await issue.agreed()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "changed proposal: another thing is done than what was agreed", "staff")
async def changed_proposal(g: Ground) -> Deserved:
    issue = await (await (await Issue(g).arises()).proposed()).agreed()
    await (await issue.proposed()).acted()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "whoever proposes agrees, by a second account", "staff")
async def twin_agrees(g: Ground) -> Deserved:
    await g.must("/authorities", "owner", {"member": g.who("twin"), "about": "action"})
    issue = await (await (await Issue(g).arises()).proposed()).agreed("twin")
    await (await (await (await issue.acted()).asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "own evidence is looked at by oneself, and by one's second account", "staff")
async def own_review(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    for item in (await g.case(issue.case))["evidence"]:
        for role in ("staff", "twin"):
            path = f"/cases/{issue.case}/evidence/{item['evidence']}/review"
            await g.post(path, role, {"result": "accepted"})
    await g.must(f"/cases/{issue.case}/verdicts", "owner", {})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return NOTHING


@abuse(GROUP, "split issue: one matter, two records, two recognitions", "staff")
async def split_issue(g: Ground) -> Deserved:
    await honest_issue(g)
    await g.believed()
    await honest_issue(g, name="c-2")
    await g.believed()
    return {"staff": 5}


@abuse(GROUP, "a colleague claims what is recognised already", "second")
async def claimed_again(g: Ground) -> Deserved:
    await honest_issue(g)
    await g.believed()
    issue = await Issue(g).claimed("second")
    await (await (await issue.agreed()).acted("second")).asked("second")
    await (await issue.answered()).shown("second")
    await issue.finished("second")
    await g.believed()
    return {"staff": 5}


@abuse(GROUP, "early close: the same thing is back within the window", "staff")
async def early_close(g: Ground) -> Deserved:
    issue = await honest_issue(g)
    await g.believed()
    assert [one["state"] for one in (await g.case(issue.case))["awards"]] == ["provisional"]
    await g.wait(2 * DAY)
    await issue.recorded(status="open")
    await g.wait(3 * HOUR)
    await g.wait(20 * DAY)
    (award,) = (await g.case(issue.case))["awards"]
    g.said.append(award["hold_reason"])
    return NOTHING


@abuse(GROUP, "closed as a false alarm, and recognised as resolved", "staff")
async def false_alarm(g: Ground) -> Deserved:
    issue = await (await Issue(g).arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished(resolution="false_alarm")
    await g.believed()
    return NOTHING


@abuse(GROUP, "erased evidence: what the verdict rests on is withdrawn", "staff")
async def withdrawn_evidence(g: Ground) -> Deserved:
    """Evidence that a yes rests on is withdrawn after the verdict."""
    issue = await honest_issue(g)
    await g.examined()
    for item in (await g.case(issue.case))["evidence"]:
        body = {"reason_code": "mistaken"}
        await g.post(f"/cases/{issue.case}/evidence/{item['evidence']}/withdraw", "staff", body)
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return NOTHING


@abuse(GROUP, "evidence is added after the verdict", "staff")
async def added_evidence(g: Ground) -> Deserved:
    issue = await honest_issue(g)
    await g.examined()
    await g.post(f"/cases/{issue.case}/evidence/statement", "staff", {"statement": "And more"})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.wait(20)
    return NOTHING


@abuse(GROUP, "a till to which one person alone has the password", "staff")
async def own_system(g: Ground) -> Deserved:
    """The owner said so when the source was registered: whoever writes there alone is a party to every record."""
    alone = {"party": f"member:{g.who('staff')}"}
    extended = {"source": "till", "kinds": ["complaint"], "controllers": alone}
    await g.must("/sources", "owner", extended)
    issue = await (await Issue(g, source="till").arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "a till of which nobody said who can write in it", "staff")
async def undeclared_system(g: Ground) -> Deserved:
    """Nobody declared it, so it counts as made by whoever earns."""
    await g.must("/sources", "owner", {"source": "till", "kinds": ["complaint"]})
    issue = await (await Issue(g, source="till").arises()).worked()
    await (await (await issue.asked()).answered()).recorded()
    await issue.finished()
    await g.believed()
    return NOTHING


@abuse(GROUP, "recognised for what a colleague did", "second")
async def free_rider(g: Ground) -> Deserved:
    issue = await honest_issue(g)
    await g.post(f"/cases/{issue.case}/verdicts", "second", {"beneficiaries": [g.who("second")]})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "second"))
    await g.wait(20)
    return NOTHING


@abuse(GROUP, "recognised for what a colleague did, by whoever was given the case", "staff")
async def owner_instead_of_doer(g: Ground) -> Deserved:
    issue = await (await (await Issue(g).arises()).proposed()).agreed()
    await (await (await issue.acted("second")).asked()).answered()
    await (await issue.recorded(done_by="second")).finished()
    await g.examined()
    assert (await g.case(issue.case))["case"]["owner"] == g.who("staff")
    await g.post(f"/cases/{issue.case}/verdicts", "staff", {"beneficiaries": [g.who("staff")]})
    await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
    await g.believed()
    return {"second": 5}


@abuse(GROUP, "claimed under the policy of another kind, which asks for less", "staff")
async def another_kind(g: Ground) -> Deserved:
    issue = await Issue(g).claimed(award_kind="operational_check", policy="operational_check/v1")
    if issue.case:
        await (await issue.agreed()).acted()
        g.at.wait(HOUR)
        await issue.finished()
    await g.believed()
    return NOTHING
