"""The description of the HTTP API, as OpenAPI 3.1."""

from collections.abc import Mapping
from typing import Any

_JSON = "application/json"


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _again(description: str) -> dict[str, Any]:
    header = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return {**_answer(description, "Refusal"), "headers": header}


_REFUSALS: Mapping[str, Any] = {
    "400": _answer("It cannot be understood, and the sender can mend it; `code` says why.", "Refusal"),
    "401": _answer("The sender is not proven.", "Refusal"),
    "404": _answer("No source of this name is configured.", "Refusal"),
    "405": _answer("Nothing of this method is here.", "Refusal"),
    "408": _answer("The body did not arrive in time.", "Refusal"),
    "413": _answer("The payload is larger than 1 MiB.", "Refusal"),
    "415": _answer("A packing or a kind of payload that is not taken.", "Refusal"),
    "429": _again("Too much is in work: come again."),
    "503": _again("It cannot be kept now: come again."),
}
_TAKEN: Mapping[str, Any] = {
    "200": _answer("All of it is on disk, or nothing for us.", "Taken"),
    "202": _answer("Some or all of it waits in quarantine, on disk.", "Taken"),
    **_REFUSALS,
}
_BODY: Mapping[str, Any] = {
    "required": True,
    "content": {
        media: {"schema": {}}
        for media in (
            _JSON,
            "application/x-www-form-urlencoded",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
            "message/rfc822",
            "text/csv",
            "text/plain",
        )
    },
}


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    }


_SOURCE = _parameter("source", "Name of the source, as in sources.yaml.")
_SECRET = _parameter("secret", "One of the source's secrets, for vendors that sign nothing.")
_EVENT = _parameter("event", "What a dealer of KakaoTalk consultations puts behind an address: message, say.")
_OPTIONS: Mapping[str, Any] = {
    "summary": "Agree to be sent CloudEvents",
    "responses": {"200": {"description": "Agreed."}, "404": _REFUSALS["404"]},
}


_POST: Mapping[str, Any] = {
    "summary": "Hand in a payload of a source, as it is",
    "requestBody": _BODY,
    "responses": _TAKEN,
}


def _hook(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameters": list(parameters),
        "post": _POST,
        "get": {
            "summary": "Let a vendor make sure of the address (Meta, X, Onfleet), or take a query as a payload (Kakao)",
            "responses": {
                **_TAKEN,
                "200": {"description": "The challenge's answer, or taken.", "content": {"text/plain": {}, _JSON: {}}},
            },
        },
        "head": {
            "summary": "Ask whether there is such a source (Intercom)",
            "responses": {"200": {"description": "There is."}, "404": {"description": "There is none."}},
        },
        "options": _OPTIONS,
    }


def _call(call: str) -> dict[str, Any]:
    return {
        "post": {
            "summary": f"Segment's {call}",
            "description": "`writeKey` in the body stands in for the header.",
            "security": [{"writeKey": []}, {}],
            "requestBody": {
                "required": True,
                "content": {_JSON: {"schema": {"type": "object"}}, "text/plain": {"schema": {"type": "string"}}},
            },
            "responses": _TAKEN,
        },
        "options": {"summary": "Let pages of other sites call", "responses": {"200": {"description": "They may."}}},
    }


DOCUMENT: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Sori ingest",
        "version": "1",
        "description": "Webhooks, CloudEvents and tracking calls. Every 2xx means: on disk.",
    },
    "paths": {
        "/hooks/{source}": _hook(_SOURCE),
        "/hooks/{source}/{secret}": _hook(_SOURCE, _SECRET),
        "/hooks/{source}/{secret}/{event}": {"parameters": [_SOURCE, _SECRET, _EVENT], "post": _POST},
        "/events": {
            "post": {
                "summary": "Hand in CloudEvents: binary, structured or a batch",
                "security": [{"secret": []}, {"writeKey": []}],
                "requestBody": _BODY,
                "responses": _TAKEN,
            },
            "options": _OPTIONS,
        },
        **{
            f"/v1/{call}": _call(call)
            for call in ("identify", "track", "page", "screen", "group", "alias", "batch", "import")
        },
        "/healthz": {
            "get": {
                "summary": "Does the broker answer?",
                "responses": {
                    "200": {"description": "It does.", "content": {_JSON: {"schema": {"type": "object"}}}},
                    "503": {"description": "It does not.", "content": {_JSON: {"schema": {"type": "object"}}}},
                },
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This document",
                "responses": {"200": {"description": "It.", "content": {_JSON: {"schema": {"type": "object"}}}}},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "secret": {"type": "http", "scheme": "bearer", "description": "A secret of the source."},
            "writeKey": {"type": "http", "scheme": "basic", "description": "A secret of the source as user."},
        },
        "schemas": {
            "Field": {
                "type": "object",
                "required": ["field", "description"],
                "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
            },
            "Taken": {
                "description": "What became of it; some sources are answered in a form of their own instead.",
                "type": "object",
                "properties": {
                    "success": {"type": "boolean"},
                    "accepted": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                    "duplicates": {"type": "integer", "minimum": 0},
                    "ignored": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["reason", "detail"],
                            "properties": {"reason": {"type": "string"}, "detail": {"type": "string"}},
                        },
                    },
                    "quarantined": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                    "reason": {"type": "string"},
                    "fields": {"type": "array", "items": {"$ref": "#/components/schemas/Field"}},
                },
            },
            "Refusal": {
                "type": "object",
                "required": ["success", "code", "message", "fields", "quarantined"],
                "properties": {
                    "success": {"const": False},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "fields": {"type": "array", "items": {"$ref": "#/components/schemas/Field"}},
                    "quarantined": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}
