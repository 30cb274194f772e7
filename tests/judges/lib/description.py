"""Holds requests and answers to Twilio's description of its calls API.

openapi-core does; here stands what it leaves out. It is taken by the word: what the
description does not name must not be sent, and all that it names has to be in an answer.
"""

import datetime
import json
import re
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

from jsonschema.exceptions import ValidationError
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

HOST = "https://api.twilio.com"
FORM = "application/x-www-form-urlencoded"
WEEKDAY_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+]0000")


def is_web_address(text):
    """An address that Twilio can call: its host has no underscore."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in parts.hostname


def is_date(text):
    return bool(WEEKDAY_DATE.fullmatch(text)) and parsedate_to_datetime(text).strftime("%a") == text[:3]


# Twilio's own formats, and those that jsonschema checks only with more libraries.
FORMATS = {
    "endpoint": lambda text: re.fullmatch(r"[+][1-9]\d{6,14}|(sip|client):\S+", text) is not None,
    "phone-number": lambda text: re.fullmatch(r"[+][1-9]\d{6,14}", text) is not None,
    "http-method": lambda text: text in ("GET", "POST"),
    "uri": is_web_address,
    "uri-reference": lambda text: text.startswith("/2010-04-01/") and re.search(r"\s", text) is None,
    "twiml": lambda text: text.startswith("<") and len(text) <= 4_000,
    "date": lambda text: bool(datetime.date.fromisoformat(text)),
    "date-time-rfc-2822": is_date,
    "currency": lambda text: re.fullmatch("[A-Z]{3}", text) is not None,
    "uri-map": lambda uris: isinstance(uris, dict) and len(uris) > 0,
}


def checked(is_right):
    """Whether a value has a format; what cannot even be read has not."""
    def check(value):
        try:
            return value is None or is_right(value)
        except ValueError:
            return False
    return check


class Asked:
    """A request, as openapi-core wants it; it is made to Twilio's own host."""

    def __init__(self, request):
        path, _, query = request.target.partition("?")
        self.host_url = HOST
        self.path = path
        self.method = request.method.lower()
        self.query = parse_qsl(query, keep_blank_values=True)
        self.parameters = RequestParameters(query=ImmutableMultiDict(self.query),
                                            header=Headers(list(request.headers.items())))
        self.content_type = request.headers.get("content-type", "")
        self.body = request.body or None
        self.form = parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)


class Told:
    """An answer, as openapi-core wants it."""

    def __init__(self, answer):
        self.status_code = answer.status
        self.headers = Headers(list(answer.headers.items()))
        self.content_type = answer.headers.get("content-type", "")
        self.data = answer.body


class Description:
    """A description, by the word."""

    def __init__(self, document):
        self.document = document
        self.api = OpenAPI.from_dict(document, config=Config(
            extra_format_validators={name: checked(is_right) for name, is_right in FORMATS.items()},
            additional_properties_default_policy="forbid",
            response_properties_default_policy="required"))

    def operation(self, request):
        """The operation that a request is for, if there is one."""
        path = request.target.partition("?")[0]
        for template, methods in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template.replace(".", "[.]")), path):
                return methods.get(request.method.lower())
        return None

    def of_request(self, request):
        """What speaks against a request."""
        asked = Asked(request)
        found = [complaint(error) for error in self.api.iter_request_errors(asked)]
        operation = self.operation(request)
        if operation is None:
            return found or [f"there is no {request.method} {asked.path}"]
        by_query = {it["name"]: it["schema"] for it in operation["parameters"] if it["in"] == "query"}
        found += loose_ends(asked.query, by_query)
        body = operation.get("requestBody")
        if body is None:
            return found + ["a body that nobody asked for"] * (asked.body is not None)
        if asked.body is None or asked.content_type.partition(";")[0] != FORM:
            return found + [f"no form, but {asked.content_type!r}"]
        return found + list(loose_ends(asked.form, body["content"][FORM]["schema"]["properties"]))

    def of_answer(self, request, answer):
        """What speaks against an answer. Errors are described nowhere but on a page for people."""
        if answer.status >= 400:
            return of_error(answer)
        return [complaint(error) for error in self.api.iter_response_errors(Asked(request), Told(answer))]


def loose_ends(pairs, schemas):
    """What openapi-core passes over: other names, repeated ones, and numbers as only Python reads them."""
    names = [name for name, _ in pairs]
    for name, value in pairs:
        schema = schemas.get(name)
        if schema is None:
            yield f"{name} is not described"
        elif schema.get("type") == "integer" and re.fullmatch("[0-9]+", value) is None:
            yield f"{name} is no number"
        elif schema.get("type") != "array" and names.count(name) > 1:
            yield f"{name} is repeated"
        elif value == "":
            yield f"{name} is empty"


def of_error(answer):
    """https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions"""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return [f"{answer.body[:80]} is no JSON"]
    is_right = (isinstance(body, dict) and body.keys() == {"code", "message", "more_info", "status"}
                and body["status"] == answer.status and isinstance(body["code"], int)
                and isinstance(body["message"], str) and str(body["code"]) in str(body["more_info"]))
    return [] if is_right else [f"{answer.status} with {body}"]


def complaint(error):
    """An error of openapi-core with what led to it."""
    cause = error.__cause__
    inner = [it.message for it in getattr(cause, "schema_errors", []) if isinstance(it, ValidationError)]
    return f"{type(error).__name__}: {'; '.join(inner) or cause or error}"
