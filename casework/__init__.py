"""The desk: cases from trigger to result, who may decide, awards. Read desk.py first: it tells the story.

Rules (cases, people, authority, evidence, proposals, decisions, awards) are pure and take rows; views.py says what rows
an entry leaves; judging.py and collectors/ touch what lies around; office.py administers.
"""
