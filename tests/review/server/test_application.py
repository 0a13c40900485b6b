"""Every route with every role; who is let in, from where; what an answer tells."""

import logging
import socket

import psutil
import pytest
from fastapi.testclient import TestClient

from motor.review.database.decisions import Decision, decide
from motor.review.database.people import ROLES, add_person
from motor.review.faults import ReviewError
from motor.review.server.application import make_application
from motor.review.server.signing_in import Door

CLASSES = ("normal", "spark", "vibrate")
ITEM = {"item": "i0"}
SENT = {"request_id": "r1", "item": "i0", "revision": 0, "action": "label", "label": "spark"}
ALL, DECIDING, MANAGING = frozenset(ROLES), frozenset({"annotator", "engineer"}), frozenset({"operator"})
# method, path: query, body, and the roles that may; None where no one has to be known.
ROUTES = {
    ("GET", "/"): ({}, None, None),
    ("GET", "/assets/{name:path}"): ({}, None, None),
    ("POST", "/api/session"): ({}, {"token": "nobody's"}, None),
    ("DELETE", "/api/session"): ({}, None, None),
    ("GET", "/api/review"): ({}, None, ALL),
    ("GET", "/api/screen"): (ITEM, None, ALL),
    ("GET", "/api/waveform"): ({**ITEM, "start": 0, "stop": 99}, None, ALL),
    ("GET", "/api/spectrogram"): (ITEM, None, ALL),
    ("GET", "/api/sound"): (ITEM, None, ALL),
    ("GET", "/api/motor"): (ITEM, None, ALL),
    ("GET", "/api/next"): ({"queue": "labels"}, None, DECIDING),
    ("POST", "/api/decisions"): ({}, SENT, DECIDING),
    ("GET", "/api/history"): ({}, None, DECIDING),
    ("GET", "/api/people"): ({}, None, MANAGING),
    ("POST", "/api/people"): ({}, {"name": "new", "role": "annotator"}, MANAGING),
    ("DELETE", "/api/people"): ({"name": "annotator"}, None, MANAGING),
    ("GET", "/api/trail"): ({}, None, MANAGING),
}


@pytest.fixture
def tokens(review):
    return {role: add_person(review.database, role, role, "tests") for role in ROLES}


@pytest.fixture
def client(review):
    return TestClient(make_application(review, Door(review.database)), base_url="http://127.0.0.1")


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_table_below_has_every_route(review):
    routes = make_application(review, Door(review.database)).routes
    found = {
        (method, route.path) for route in routes if hasattr(route, "methods") for method in route.methods - {"HEAD"}
    }
    documentation = {path for _, path in found if path.startswith(("/docs", "/redoc", "/openapi"))}
    assert found == set(ROUTES)
    assert documentation == set()


@pytest.mark.parametrize("role", [None, *ROLES])
def test_route_is_for_the_roles_that_may(client, tokens, role):
    for (method, path), (query, body, allowed) in ROUTES.items():
        if allowed is None or (method, path) == ("DELETE", "/api/people"):
            continue
        headers = {} if role is None else bearer(tokens[role])
        got = client.request(method, path, params=query, json=body, headers=headers).status_code
        expected = 401 if role is None else 200 if role in allowed else 403
        assert (method, path, got) == (method, path, expected)


def test_person_is_closed_by_an_operator_alone(client, tokens):
    for role, status in (("annotator", 403), ("engineer", 403), ("operator", 200)):
        asked = client.delete("/api/people", params={"name": "annotator"}, headers=bearer(tokens[role]))
        assert asked.status_code == status
    assert client.get("/api/review", headers=bearer(tokens["annotator"])).status_code == 401


def test_settling_is_not_for_annotators(client, tokens):
    sent = SENT | {"item": "i15", "adjudicates": True}
    got = {role: client.post("/api/decisions", json=sent, headers=bearer(tokens[role])) for role in ROLES}
    assert {role: one.status_code for role, one in got.items()} == {"annotator": 403, "engineer": 200, "operator": 403}
    asked = client.get("/api/next", params={"queue": "disagreements"}, headers=bearer(tokens["annotator"]))
    assert asked.status_code == 400


def test_one_person_on_this_machine_needs_no_token(client):
    assert client.get("/api/review").json()["who"]["name"] == "reviewer"
    assert client.post("/api/decisions", json=SENT).json()["label"] == "spark"


def test_session_is_a_cookie_that_scripts_cannot_read(client, tokens):
    answer = client.post("/api/session", json={"token": tokens["engineer"]})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/review").json()["who"] == {
        "name": "engineer", "role": "engineer", "may": sorted(ROLES["engineer"])
    }  # fmt: skip
    assert client.delete("/api/session").status_code == 200
    assert client.get("/api/review").status_code == 401


def test_other_hosts_and_origins_are_refused(client):
    assert client.get("/api/review", headers={"Host": "evil.example"}).status_code == 421
    assert client.post("/api/decisions", json=SENT, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/review", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/review", headers={"Host": "[evil"}).status_code == 421
    assert client.post("/api/decisions", json=SENT, headers={"Origin": "http://127.0.0.1"}).status_code == 200


def test_machine_that_all_may_reach_answers_to_its_own_names_alone(review, tokens):
    door = Door(review.database, "0.0.0.0", ("plant.example",))
    client = TestClient(make_application(review, door))
    own = {one.address.partition("%")[0] for card in psutil.net_if_addrs().values() for one in card if one.family == 2}
    for host in ("localhost", socket.gethostname(), socket.gethostname().upper(), "Plant.example", *own):
        answer = client.get("/api/review", headers=bearer(tokens["annotator"]) | {"Host": f"{host}:8001"})
        assert (host, answer.status_code) == (host, 200)
    for host in ("evil.example", "203.0.113.9", "", "plant.example.evil.example"):
        answer = client.get("/api/review", headers=bearer(tokens["annotator"]) | {"Host": host})
        assert (host, answer.status_code) == (host, 421)


def test_every_answer_forbids_scripts_and_requests_from_elsewhere(client):
    for path in ("/", "/assets/main.js", "/api/review", "/nowhere"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy


def test_files_outside_the_page_are_not_given(client):
    for name in ("../faults.py", "..%2ffaults.py", "/etc/passwd", "main.py"):
        assert client.get(f"/assets/{name}").status_code == 404


def test_token_is_in_no_log(client, tokens, caplog):
    with caplog.at_level(logging.DEBUG):
        client.post("/api/session", json={"token": tokens["engineer"]})
        client.get("/api/review", headers=bearer(tokens["operator"]))
    assert not any(token in caplog.text for token in tokens.values())


def test_conflict_is_told_with_the_others_answer(client, review):
    decide(review.database, Decision("r0", "i0", 0, "label", "bob", "normal"), CLASSES)
    answer = client.post("/api/decisions", json=SENT)
    assert answer.status_code == 409
    assert answer.json()["answer"] == {"revision": 1, "action": "label", "label": "normal", "reviewer": "bob"}


@pytest.mark.parametrize("change", [{"label": "x"}, {"item": "none"}, {"action": "label", "label": None}])
def test_what_is_no_decision_is_told_in_words(client, change):
    answer = client.post("/api/decisions", json=SENT | change)
    assert answer.status_code == 400
    assert "there" in answer.json()["error"]


def test_blind_item_keeps_its_suggestion_and_neighbours_have_labels(client):
    first, second = client.get("/api/next", params={"queue": "labels", "count": 2}).json()
    assert first["suggestion"]["neighbours"] == [{"item": "i1", "label": None}]
    assert second["suggestion"] == {}
    assert second["is_blind"]


def test_motor_shows_levels_and_of_a_test_motor_no_label(client):
    training = client.get("/api/motor", params={"item": "i0"}).json()
    assert [one["label"] for one in training["recordings"]] == [None, None, "spark", None, None]
    assert all(0.9 < one["rms"] < 1.1 for one in training["recordings"])
    client.post("/api/decisions", json=SENT | {"item": "i15"})
    tested = client.get("/api/motor", params={"item": "i15"}).json()
    assert {one["label"] for one in tested["recordings"]} == {None}


def test_body_that_is_too_large_is_refused(client):
    assert client.post("/api/decisions", json=SENT | {"seen": {"x": "y" * 200_000}}).status_code == 413


def test_open_to_other_machines_only_with_people(review):
    with pytest.raises(ReviewError, match="nobody has a token"):
        Door(review.database, host="0.0.0.0")
    add_person(review.database, "ann", "annotator", "tests")
    Door(review.database, host="0.0.0.0")
    with pytest.raises(ReviewError, match="could send the header"):
        Door(review.database, host="0.0.0.0", header="x-user")


def test_proxy_names_who_it_has_signed_in(review):
    add_person(review.database, "ann", "annotator", "tests")
    client = TestClient(make_application(review, Door(review.database, header="x-user")), base_url="http://localhost")
    assert client.get("/api/review", headers={"X-User": "ann"}).json()["who"]["role"] == "annotator"
    assert client.get("/api/review", headers={"X-User": "eve"}).status_code == 401
    assert client.get("/api/review").status_code == 401
