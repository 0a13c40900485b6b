"""The audit's place in the report."""

from dataclasses import replace

import pytest

from motor.report.audit import audit_section, findings_first, is_clean, strongest_cue


def cue(name, domain, macro_f1, beats_chance=False):
    told = {"cue": name, "domain": domain, "macro_f1": macro_f1, "interval": [macro_f1 - 0.1, macro_f1 + 0.1]}
    return told | {
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


def test_refused_finding_says_so_with_evidence_and_next_step(audited):
    text = findings_first(audited)
    assert text.startswith("## LEAK AUDIT FAILED")
    assert "- **dc_offset**: DC offset tells the class. Evidence: macro_f1: 0.791. Next step: Remove the mean." in text


def test_accepted_finding_is_still_read_first(audited):
    text = findings_first(replace(audited, accepted=("dc_offset",)))
    assert text.startswith("## ACCEPTED BY CONFIG, BUT READ THIS FIRST")
    assert "**dc_offset** (accepted)" in text


def test_clean_audit_has_nothing_to_say_first_and_keeps_its_section(audited):
    clean = replace(audited, audit={**audited.audit, "findings": []})
    assert findings_first(clean) == ""
    assert "It found nothing." in audit_section(clean)
    assert is_clean(clean)
    assert not is_clean(audited)


def test_no_audit_is_said_and_is_not_clean(context):
    assert findings_first(context) == ""
    assert "No leak audit ran" in audit_section(context)
    assert not is_clean(context)


def test_probe_table_lists_every_cue_strongest_first_in_its_domain(audited):
    rows = [line for line in audit_section(audited).splitlines() if line.startswith(("| Zhen", "| Sheng"))]
    assert [row.split(" | ")[1] for row in rows] == ["clipping", "**dc_offset**", "level"]
    assert rows[1] == "| ZhenDong | **dc_offset** | 0.79 [0.69, 0.89] | 0.33 | < 0.001 | 9 | **yes** |"


def test_level_that_beats_chance_is_said_to_be_explainable(audited):
    audit = {**audited.audit, "probe": [cue("level", "ZhenDong", 0.8, True)]}
    assert "| yes; a fault may explain it |" in audit_section(replace(audited, audit=audit))


def test_probe_without_values_has_dashes(audited):
    empty = {**cue("length", "all", 0.3), "macro_f1": None, "interval": None, "chance": None}
    assert "| all | length | – | – | 0.400 | 9 | no |" in audit_section(
        replace(audited, audit={**audited.audit, "probe": [empty]})
    )


def test_strongest_cue_is_that_of_the_domain(audited, context):
    assert strongest_cue(audited, "ZhenDong")["cue"] == "dc_offset"
    assert strongest_cue(audited, "elsewhere") is None
    assert strongest_cue(context, "ZhenDong") is None
