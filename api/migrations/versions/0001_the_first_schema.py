"""the first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "account",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("balance_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "balance_tokens >= 0 OR account = 'issuer' OR account LIKE 'member/%/owed'",
            name=op.f("ck_account_not_negative"),
        ),
        sa.PrimaryKeyConstraint("log", "account", name=op.f("pk_account")),
    )
    op.create_table(
        "api_key",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "key", name=op.f("pk_api_key")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_secret_digest"), ["secret_digest"], unique=True)

    op.create_table(
        "authority",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("amount_max", sa.Text(), nullable=True),
        sa.Column("tokens_max", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("assurance_min", sa.Text(), nullable=False),
        sa.Column("second_person", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "member", "authority", name=op.f("pk_authority")),
    )
    op.create_table(
        "budget",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("amount_tokens", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("purpose_item", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "budget", name=op.f("pk_budget")),
    )
    op.create_table(
        "case_file",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=True),
        sa.Column("award_kind", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("onset", sa.Text(), nullable=False),
        sa.Column("detected_at", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("ack_until", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("opened_seq", sa.BigInteger(), nullable=False),
        sa.Column("subject_item", sa.Text(), nullable=True),
        sa.Column("facts_item", sa.Text(), nullable=True),
        sa.Column("note_item", sa.Text(), nullable=True),
        sa.Column("proposal", sa.Text(), nullable=True),
        sa.Column("action_by", sa.Text(), nullable=True),
        sa.Column("action_at", sa.Text(), nullable=True),
        sa.Column("action_seq", sa.BigInteger(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("impact", sa.Text(), nullable=True),
        sa.Column("outcome_by", sa.Text(), nullable=True),
        sa.Column("outcome_at", sa.Text(), nullable=True),
        sa.Column("outcome_seq", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("award", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", name=op.f("pk_case_file")),
    )
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_file_log_owner"), ["log", "owner"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_file_log_state"), ["log", "state"], unique=False)

    op.create_table(
        "case_group",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "group", "case", name=op.f("pk_case_group")),
    )
    op.create_table(
        "case_reopening",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", "entry", name=op.f("pk_case_reopening")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name=op.f("pk_checkpoint")),
        info={"log": True},
    )
    op.create_table(
        "command",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("cmd", sa.Text(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "cmd", name=op.f("pk_command")),
        info={"log": True},
    )
    op.create_table(
        "decision",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("proposal_digest", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("beneficiaries", sa.Text(), nullable=False),
        sa.Column("amount_tokens", sa.BigInteger(), nullable=True),
        sa.Column("budget", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_item", sa.Text(), nullable=True),
        sa.Column("message_item", sa.Text(), nullable=True),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("assurance", sa.Text(), nullable=False),
        sa.Column("effects_at", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("effect_seq", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", "decision", name=op.f("pk_decision")),
        sa.UniqueConstraint(
            "log", "decision", "case", "about", "verb", "verdict", name="uq_decision_for_award"
        ),
    )
    op.create_table(
        "decision_nonce",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "nonce", name=op.f("pk_decision_nonce")),
    )
    op.create_table(
        "entry",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("canon", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("cmd", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "seq", name=op.f("pk_entry")),
        info={"log": True},
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_log_case_id_seq"), ["log", "case_id", "seq"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("submitter", sa.Text(), nullable=False),
        sa.Column("attached_by", sa.Text(), nullable=False),
        sa.Column("attached_at", sa.Text(), nullable=False),
        sa.Column("controllers", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.Column("review_seq", sa.BigInteger(), nullable=True),
        sa.Column("facts_item", sa.Text(), nullable=True),
        sa.Column("content_item", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", "evidence", name=op.f("pk_evidence")),
    )
    op.create_table(
        "fingerprint",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "fingerprint", "case", name=op.f("pk_fingerprint")),
    )
    op.create_table(
        "item",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log", "item", name=op.f("pk_item")),
        info={"vault": True},
    )
    op.create_table(
        "item_wrap",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "item", "subject", name=op.f("pk_item_wrap")),
        info={"vault": True},
    )
    with op.batch_alter_table("item_wrap", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_wrap_log_subject"), ["log", "subject"], unique=False)

    op.create_table(
        "job",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("cause_seq", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.Text(), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("dead", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log", "job", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_dead_due"), ["dead", "due"], unique=False)

    op.create_table(
        "kind_set",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "digest", name=op.f("pk_kind_set")),
    )
    op.create_table(
        "link",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("handed_over_by", sa.Text(), nullable=True),
        sa.Column("address_known_before", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("address_item", sa.Text(), nullable=True),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "link", name=op.f("pk_link")),
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_log_case"), ["log", "case"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_token_digest"), ["token_digest"], unique=True)

    op.create_table(
        "log_head",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("last_leaf", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_head")),
        info={"log": True},
    )
    op.create_table(
        "member",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("same_as", sa.Text(), nullable=True),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("charter", sa.Text(), nullable=True),
        sa.Column("responsibility_item", sa.Text(), nullable=True),
        sa.Column("answers_to", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "member", name=op.f("pk_member")),
    )
    op.create_table(
        "member_name",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "member", name=op.f("pk_member_name")),
    )
    op.create_table(
        "playbook",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "playbook", name=op.f("pk_playbook")),
    )
    op.create_table(
        "policy",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "policy", name=op.f("pk_policy")),
    )
    op.create_table(
        "policy_content",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "digest", name=op.f("pk_policy_content")),
    )
    op.create_table(
        "posting",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "seq", "n", name=op.f("pk_posting")),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_posting_log_account_seq"), ["log", "account", "seq"], unique=False
        )

    op.create_table(
        "proposal",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("text_item", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", "proposal", name=op.f("pk_proposal")),
    )
    op.create_table(
        "reuse",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "digest", name=op.f("pk_reuse")),
        info={"vault": True},
    )
    op.create_table(
        "setting",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "name", name=op.f("pk_setting")),
    )
    op.create_table(
        "source",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("controllers", sa.Text(), nullable=False),
        sa.Column("fresh_within", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "source", name=op.f("pk_source")),
    )
    op.create_table(
        "tile",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "idx", name=op.f("pk_tile")),
        info={"log": True},
    )
    op.create_table(
        "verdict",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("relied_on", sa.Text(), nullable=False),
        sa.Column("beneficiaries", sa.Text(), nullable=False),
        sa.Column("outcome_seq", sa.BigInteger(), nullable=False),
        sa.Column("shares", sa.Text(), nullable=False),
        sa.Column("controllers", sa.Text(), nullable=True),
        sa.Column("k_evidence", sa.BigInteger(), nullable=True),
        sa.Column("witnessing", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("output_digest", sa.Text(), nullable=False),
        sa.Column("input_item", sa.Text(), nullable=True),
        sa.Column("output_item", sa.Text(), nullable=True),
        sa.Column("given_at", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", "verdict", name=op.f("pk_verdict")),
        sa.UniqueConstraint("log", "verdict", "case", "result", name="uq_verdict_for_award"),
    )
    op.create_table(
        "award",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("award", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decision_about", sa.Text(), nullable=False),
        sa.Column("decision_verb", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verdict_result", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=True),
        sa.Column("amount_tokens", sa.BigInteger(), nullable=False),
        sa.Column("k", sa.BigInteger(), nullable=False),
        sa.Column("window_days", sa.BigInteger(), nullable=False),
        sa.Column("settle_not_before", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.Text(), nullable=False),
        sa.Column("message_item", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("decision_about = 'award'", name=op.f("ck_award_decision_about")),
        sa.CheckConstraint("decision_verb = 'approved'", name=op.f("ck_award_decision_verb")),
        sa.CheckConstraint("verdict_result = 'pass'", name=op.f("ck_award_verdict_result")),
        sa.CheckConstraint("amount_tokens = 0 OR budget IS NOT NULL", name=op.f("ck_award_budget")),
        sa.ForeignKeyConstraint(
            ["log", "decision", "case", "decision_about", "decision_verb", "verdict"],
            [
                "decision.log",
                "decision.decision",
                "decision.case",
                "decision.about",
                "decision.verb",
                "decision.verdict",
            ],
            name="fk_award_decision",
        ),
        sa.ForeignKeyConstraint(
            ["log", "verdict", "case", "verdict_result"],
            ["verdict.log", "verdict.verdict", "verdict.case", "verdict.result"],
            name="fk_award_verdict",
        ),
        sa.PrimaryKeyConstraint("log", "award", name=op.f("pk_award")),
        sa.UniqueConstraint("log", "decision", name="uq_award_decision"),
    )
    op.create_table(
        "award_share",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("award", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["log", "award"], ["award.log", "award.award"], name="fk_award_share_award"),
        sa.PrimaryKeyConstraint("log", "award", "member", name=op.f("pk_award_share")),
    )
    with op.batch_alter_table("award_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_award_share_log_member"), ["log", "member"], unique=False)
    op.create_table(
        "import_file",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("import", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "import", name=op.f("pk_import_file")),
    )
    op.create_table(
        "noticed",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "playbook", name=op.f("pk_noticed")),
    )
    op.create_table(
        "promise",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("amount_tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "case", name=op.f("pk_promise")),
    )
    op.create_table(
        "record",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("event_at", sa.Text(), nullable=False),
        sa.Column("ord", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "kind", "record", name=op.f("pk_record")),
    )
    op.create_table(
        "record_index",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("idx", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "idx", "bucket", "record", name=op.f("pk_record_index")),
    )
    op.create_table(
        "record_version",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("event_at", sa.Text(), nullable=False),
        sa.Column("ord", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known_at", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("import", sa.Text(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("received_from", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "kind", "record", "event_at", "ord", name=op.f("pk_record_version")),
    )
    with op.batch_alter_table("record_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_version_log_import_leaf"), ["log", "import", "leaf"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_record_version_log_item"), ["log", "item"], unique=False)
        batch_op.create_index(batch_op.f("ix_record_version_log_subject"), ["log", "subject"], unique=False)

    op.create_table(
        "timer",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wake", sa.Text(), nullable=True),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("onset", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("log", "playbook", "subject", name=op.f("pk_timer")),
    )
    with op.batch_alter_table("timer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_timer_log_wake"), ["log", "wake"], unique=False)


def downgrade() -> None:
    """Going back is restoring a backup: a newer version may have written what the older cannot hold."""
    raise NotImplementedError("downgrade: restore the backup made before the upgrade")
