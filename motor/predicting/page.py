"""What the endpoint says of itself: the OpenAPI words of ``/predict``, and a page that needs no network."""

import json
from typing import Any

from motor.report.document import Block, Code, Folded, Heading, Paragraph
from motor.report.html.blocks import Writer
from motor.report.html.embedding import content_security_policy
from motor.report.html.markup import Html, tag, void
from motor.report.html.page import shell
from motor.report.words import words

NUMBER = {"type": "number"}
RECORDING: dict[str, Any] = {
    "type": "object",
    "required": ["signal"],
    "additionalProperties": False,
    "properties": {
        "signal": {"type": "array", "items": NUMBER, "description": "samples, in the unit of the training's files"},
        "sampling_rate_hz": NUMBER,
        "domain": {"type": "string", "description": "the sensor"},
        "item": {"type": "string", "description": "its name in the answer"},
        "speed_rpm": {**NUMBER, "description": "of the shaft"},
        "motor": {"type": "string"},
        "moment": {"type": "string", "description": "ties recordings that several sensors of a motor took at once"},
    },
}
FILE = {"schema": {"type": "string", "format": "binary"}}
PREDICTION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "item": {"type": "string"},
        "domain": {"type": "string"},
        "label": {"type": "string", "description": "the most probable class; of a detector: normal, or faulty"},
        "probabilities": {"type": "object", "additionalProperties": NUMBER},
        "score": {**NUMBER, "description": "of a detector, in place of probabilities: how strange"},
        "alarm": {"type": "boolean", "description": "1 - p(normal), or the score, is over the cell's threshold"},
        "unlike": {**NUMBER, "description": "from 0 to 1; 1 is farther from training than any known series"},
        "velocity_mm_s": {"type": ["number", "null"], "description": "root mean square, 10 to 1000 Hz; of known units"},
        "iso_zone": {
            "type": ["string", "null"],
            "description": "A to D of ISO 20816-3; of machines whose class is known",
        },
        "evidence": {
            "type": "array",
            "description": "of methods that look at lines: the strongest, and the known part that each fits",
            "items": {
                "type": "object",
                "properties": {
                    "order": {**NUMBER, "description": "of the shaft"},
                    "hertz": NUMBER,
                    "height_db": {**NUMBER, "description": "mean of it and two multiples over the floor"},
                    "component": {"type": ["string", "null"]},
                    "stands_out": {"type": "boolean", "description": "noise would hardly show it"},
                },
            },
        },
    },
}
ANSWER = {"type": "object", "properties": {"predictions": {"type": "array", "items": PREDICTION}}}
FAULT = {"type": "object", "properties": {"item": {"type": "string"}, "reason": {"type": "string"}}}
FAULTY: dict[str, Any] = {
    "type": "object",
    "properties": {**ANSWER["properties"], "error": {"type": "string"}, "faults": {"type": "array", "items": FAULT}},  # type: ignore[dict-item]
}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}}


def _query(name: str, kind: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": kind}, "description": text}


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


OPERATION: dict[str, Any] = {
    "summary": "Judge one recording, or several",
    "response_model": None,
    "responses": {
        200: _answer("A row for each series", ANSWER),
        400: _answer("The body cannot be read", ERROR),
        401: _answer("The token is missing or wrong", ERROR),
        413: _answer("Too large, or too many recordings", ERROR),
        415: _answer("A content type that is not read", ERROR),
        422: _answer("Some recordings are at fault; the others are judged", FAULTY),
    },
    "openapi_extra": {
        "parameters": [
            _query("domain", "string", "the sensor, where the recording does not tell it"),
            _query("sampling_rate_hz", "number", "where the file does not tell it"),
            _query("speed_rpm", "number", "of the shaft, where it is needed"),
            _query("variable", "string", "the column of a CSV with several"),
            _query("delimiter", "string", "of a CSV: , ; | or a tab (%09); where it is not given, it is found"),
            _query("decimal", "string", "the mark of a CSV's numbers: . or , (by default as in training)"),
            _query("skip_rows", "integer", "lines of titles above a CSV's table"),
            _query("item", "string", "the name of a recording whose body is the file itself"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "audio/wav": FILE,
                "application/x-npy": FILE,
                "text/csv": {"schema": {"type": "string"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "array", "items": FILE["schema"]}},
                    }
                },
                "application/json": {
                    "schema": {
                        "anyOf": [
                            RECORDING,
                            {"type": "object", "properties": {"recordings": {"type": "array", "items": RECORDING}}},
                        ]
                    }
                },
            },
        },
    },
}

SCRIPT = """
const at = (id) => document.getElementById(id);
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new FormData();
  for (const file of at("files").files) body.append("file", file);
  const query = new URLSearchParams();
  if (at("domain").value) query.set("domain", at("domain").value);
  if (at("rate").value) query.set("sampling_rate_hz", at("rate").value);
  const headers = at("token").value ? { Authorization: "Bearer " + at("token").value } : {};
  at("answer").textContent = "...";
  try {
    const answer = await fetch("predict?" + query, { method: "POST", body, headers });
    at("answer").textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 2);
  } catch (error) { at("answer").textContent = String(error); }
});
"""
SHELL = """curl --data-binary @a.wav -H 'Content-Type: audio/wav' 'http://HOST:PORT/predict?domain={domain}'
curl -F file=@a.wav -F file=@b.wav 'http://HOST:PORT/predict?domain={domain}'
curl http://HOST:PORT/health"""


def page(openapi: dict[str, Any], domains: tuple[str, ...]) -> str:
    """Return a page that shows the OpenAPI document and tries ``/predict``: one file in the report's style."""
    shared = words("en")
    writer = Writer(shared)
    blocks: list[Block] = [Heading("From a shell"), Code(SHELL.format(domain=domains[0]), "sh")]
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            schema = Folded("Schema", [Code(json.dumps(operation, indent=2), "json")])
            blocks += [Heading(f"{method.upper()} {path}"), Paragraph(operation.get("summary", "")), schema]
    document = tag("a", "openapi.json", href="openapi.json")
    about = tag(
        "p", f"Judges recordings of: {', '.join(domains)}. The same in machine-readable form:", Html(" "), document, "."
    )
    main = tag("main", tag("span", id="main"), about, tag("h3", "Try it"), _form(domains), writer.all(blocks))
    body = [tag("header", tag("h1", "motor-grid")), main, Html(f"<script>{SCRIPT}</script>")]
    return shell("motor-grid", body, shared, content_security_policy([SCRIPT], connects=True))


def _form(domains: tuple[str, ...]) -> Html:
    """Return the fields of a request, and the place of its answer."""
    fields: list[tuple[str, dict[str, object]]] = [
        ("Recordings (.wav, .npy, .csv)", {"type": "file", "id": "files", "multiple": True, "required": True}),
        ("Domain, where they do not tell it", {"id": "domain", "list": "domains"}),
        ("Sampling rate in Hz, where they do not tell it", {"id": "rate", "inputmode": "decimal"}),
        ("Token, if one is asked for", {"id": "token", "type": "password", "autocomplete": "off"}),
    ]
    labels = [tag("p", tag("label", text, Html(" "), void("input", **settings))) for text, settings in fields]
    known = tag("datalist", *(void("option", value=domain) for domain in domains), id="domains")
    form = tag("form", *labels, known, tag("button", "Judge"), id="form")
    return Html(form + tag("pre", "(the answer comes here)", id="answer", aria_live="polite"))
