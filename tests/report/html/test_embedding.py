import base64
import gzip
import hashlib
import json

import pytest

from motor.report.html.embedding import content_security_policy, inline_json, packed, plotly_source


def test_inline_json_cannot_end_its_element_and_reads_back_the_same():
    data = {"</script><img onerror=x>": ["<!--", "&lt;", "\u2028"]}
    text = inline_json(data)
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == data


def test_inline_json_of_what_is_no_number_raises():
    with pytest.raises(ValueError, match="not JSON compliant"):
        inline_json({"x": float("nan")})


def test_packed_text_unpacks_and_is_the_same_every_time():
    text = "波形 " * 1000
    assert packed(text) == packed(text)
    assert gzip.decompress(base64.b64decode(packed(text))).decode() == text


def test_policy_names_each_script_by_its_hash_and_lets_nothing_in():
    policy = content_security_policy(["let x = 1"])
    digest = base64.b64encode(hashlib.sha256(b"let x = 1").digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'")


def test_plotly_is_the_installed_one_with_its_licence():
    assert "Licensed under the MIT license" in plotly_source()[:400]
