"""The leak audit: what it found, and its place in the report."""

from dataclasses import replace

import pytest

from motor.report.findings import find
from motor.report.findings.audit import is_clean, refused_findings, strongest_cue


def cue(name, domain, macro_f1, beats_chance=False):
    fields = {"cue": name, "domain": domain, "macro_f1": macro_f1, "interval": [macro_f1 - 0.1, macro_f1 + 0.1]}
    return fields | {
        "chance": 0.33,
        "p_value": 0.0005 if beats_chance else 0.4,
        "beats_chance": beats_chance,
        "n_motors": 9,
    }


@pytest.fixture
def audited(context):
    finding = {"name": "dc_offset", "what": "DC offset tells the class.", "evidence": {"macro_f1": 0.791234}}
    finding["next_step"] = "Remove the mean."
    probe = [
        cue("level", "ZhenDong", 0.40),
        cue("dc_offset", "ZhenDong", 0.79, True),
        cue("clipping", "ShengYing", 0.3),
    ]
    checks = [{"name": "shared_motors", "passed": True, "what": "No motor on both sides."}]
    return replace(context, audit={"findings": [finding], "probe": probe, "checks": checks, "seconds": 3.0})


def section(shown, context, kind):
    return shown(find([], context), kind)


def test_refused_finding_is_told_with_evidence_and_next_step(shown, audited):
    assert refused_findings(audited) == audited.audit["findings"]
    text = section(shown, audited, "warnings").text
    assert "dc_offset: DC offset tells the class. Evidence: macro_f1: 0.791. Next step: Remove the mean." in text


def test_refused_finding_stands_before_the_sentence_of_the_verdict(shown, audited):
    opening = section(shown, audited, "opening")
    assert opening.sentences[1] == "dc_offset"
    assert opening.blocks[0].style == "warning"


def test_accepted_finding_is_still_read_first(shown, audited):
    accepted = replace(audited, accepted=("dc_offset",))
    assert refused_findings(accepted) == []
    assert section(shown, accepted, "opening").sentences[1] == "dc_offset"
    assert section(shown, accepted, "opening").sentences[0] != section(shown, audited, "opening").sentences[0]


def test_clean_audit_has_nothing_to_say_first_and_keeps_its_section(shown, audited):
    clean = replace(audited, audit={**audited.audit, "findings": []})
    assert section(shown, clean, "warnings").blocks == []
    assert section(shown, clean, "audit").rows("checked") == [["shared_motors", "passed", "No motor on both sides."]]
    assert is_clean(clean)
    assert not is_clean(audited)


def test_no_audit_is_said_and_is_not_clean(shown, context):
    (warning,) = section(shown, context, "audit").blocks
    assert warning.style == "warning"
    assert not is_clean(context)


def test_probe_table_lists_every_cue_strongest_first_in_its_domain(shown, audited):
    rows = section(shown, audited, "audit").rows("trivial cue alone")
    assert [row[1] for row in rows] == ["clipping", "dc_offset", "level"]
    assert rows[1] == ["ZhenDong", "dc_offset", "0.79 [0.69, 0.89]", "0.33", "< 0.001", "9", "yes"]


def test_level_that_beats_chance_is_said_to_be_explainable(shown, audited):
    audit = {**audited.audit, "probe": [cue("level", "ZhenDong", 0.8, True)]}
    ((*_, last),) = section(shown, replace(audited, audit=audit), "audit").rows("trivial cue alone")
    assert last == "yes; a fault may explain it"


def test_probe_without_values_has_dashes(shown, audited):
    empty = {**cue("length", "all", 0.3), "macro_f1": None, "interval": None, "chance": None}
    (row,) = section(shown, replace(audited, audit={**audited.audit, "probe": [empty]}), "audit").rows(
        "trivial cue alone"
    )
    assert row == ["all", "length", "–", "–", "0.400", "9", "no"]


def test_strongest_cue_is_that_of_the_domain(audited, context):
    assert strongest_cue(audited, "ZhenDong")["cue"] == "dc_offset"
    assert strongest_cue(audited, "elsewhere") is None
    assert strongest_cue(context, "ZhenDong") is None
