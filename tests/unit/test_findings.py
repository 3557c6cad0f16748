# SPDX-License-Identifier: GPL-3.0-or-later
"""The triage list: the most severe first, short in a terminal, complete in ``set.json``."""

import json

from photoreal_set.gltf.findings import (
    MAX_OF_A_KIND,
    MAX_SENTENCES,
    Finding,
    Severity,
    terminal_findings,
    triage_list,
)

FLOOR = Finding(kind="floor", severity=Severity.WARNING, text="Floor.", setting="without", value="floor")


def finding(kind: str, severity: Severity, number: int = 0) -> Finding:
    return Finding(
        kind=kind, severity=severity, where=f"Part {number}", count=number, text=f"{kind} {number}."
    )


def test_the_most_severe_come_first_and_the_rest_keeps_its_order():
    findings = [
        finding("b", Severity.NOTE),
        finding("a", Severity.WARNING, 2),
        finding("a", Severity.WARNING, 1),
        finding("c", Severity.ERROR),
    ]
    assert [(item.kind, item.where) for item in triage_list(findings)] == [
        ("c", "Part 0"),
        ("a", "Part 2"),
        ("a", "Part 1"),
        ("b", "Part 0"),
    ]


def test_a_thousand_of_a_kind_are_counted():
    kept = triage_list([finding("a", Severity.NOTE, number) for number in range(1000)])
    assert len(kept) == MAX_OF_A_KIND + 1
    assert kept[-1].count == 1000 - MAX_OF_A_KIND
    assert "980 more parts" in kept[-1].text
    assert (
        len(triage_list([finding("a", Severity.NOTE, number) for number in range(MAX_OF_A_KIND)]))
        == MAX_OF_A_KIND
    )


def test_a_terminal_shows_a_few_and_where_the_rest_is():
    notes = [finding("n", Severity.NOTE)]
    assert terminal_findings(notes) == []
    some = [finding("w", Severity.WARNING, number) for number in range(MAX_SENTENCES)]
    assert terminal_findings([*notes, *some]) == some
    many = [finding("w", Severity.WARNING, number) for number in range(9)]
    assert terminal_findings(many)[:-1] == many[: MAX_SENTENCES - 1]
    assert terminal_findings(many)[-1].text == "And 5 more: see the report, index.html."
    worse = finding("z", Severity.ERROR)
    assert terminal_findings([*many, FLOOR, worse])[:3] == [worse, FLOOR, many[0]]


def test_a_finding_is_read_back_from_set_json():
    for item in (
        finding("a", Severity.WARNING, 3),
        Finding(kind="b", severity=Severity.NOTE, text="So."),
        FLOOR,
    ):
        assert Finding.from_record(json.loads(json.dumps(item.record()))) == item
    assert "count" not in Finding(kind="b", severity=Severity.NOTE, text="So.").record()
