"""Cuts the calls API out of Twilio's own description, and mends it.

derive_twilio_openapi.py FILE > tests/judges/twilio-openapi.json, where FILE is the
`spec/json/twilio_api_v2010.json` of https://github.com/twilio/twilio-oai. What is kept are the
operations on calls that we use and what they refer to, without words and examples. It is
mended where the API is known to take, or to say, something else than is written.
"""

import hashlib
import json
import sys
from pathlib import Path

CALLS = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
CALL = "/2010-04-01/Accounts/{AccountSid}/Calls/{Sid}.json"
SCHEMAS = "#/components/schemas/"
# What says nothing about a request or an answer.
WORDS = {"description", "summary", "example", "examples", "headers", "tags", "x-twilio"}


def without_words(node, is_by_name=False):
    """A copy without words for people. Names of properties are no keywords."""
    if isinstance(node, list):
        return [without_words(it) for it in node]
    if not isinstance(node, dict):
        return node
    return {name: without_words(it, name == "properties" and not is_by_name)
            for name, it in node.items() if is_by_name or name not in WORDS}


def referred(node):
    """The names of the schemas that a node refers to."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix(SCHEMAS)
        for it in node.values():
            yield from referred(it)
    elif isinstance(node, list):
        for it in node:
            yield from referred(it)


def cut(whole):
    paths = {path: {method: without_words(whole["paths"][path][method]) for method in ("get", "post")}
             for path in (CALLS, CALL)}
    for methods in paths.values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                # Every answer has to have one.
                answer["description"] = ""
    schemas, wanted = {}, set(referred(paths))
    while new := wanted - schemas.keys():
        schemas |= {name: without_words(whole["components"]["schemas"][name]) for name in new}
        wanted |= set(referred(list(schemas.values())))
    return {
        "openapi": whole["openapi"],
        "info": {name: whole["info"][name] for name in ("title", "version", "license")},
        "servers": whole["paths"][CALLS]["servers"],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())),
                       "securitySchemes": whole["components"]["securitySchemes"]},
    }


def repeat_events(it):
    form = it["paths"][CALLS]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    form["encoding"] = {"StatusCallbackEvent": {"style": "form", "explode": True}}


def name_events(it):
    form = it["paths"][CALLS]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    events = form["schema"]["properties"]["StatusCallbackEvent"]["items"]
    events["enum"] = ["initiated", "ringing", "answered", "completed"]


def want_instructions(it):
    form = it["paths"][CALLS]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    form["schema"]["anyOf"] = [{"required": [name]} for name in ("Url", "Twiml", "ApplicationSid")]


def take_dates(it):
    for parameter in it["paths"][CALLS]["get"]["parameters"]:
        if parameter["schema"].get("format") == "date-time":
            parameter["schema"] = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}


def page_by_reference(it):
    page = it["paths"][CALLS]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for schema in page["properties"].values():
        if schema.get("format") == "uri":
            schema["format"] = "uri-reference"


def map_uris(it):
    schema = it["components"]["schemas"]["api.v2010.account.call"]["properties"]["subresource_uris"]
    schema["additionalProperties"] = {"type": "string", "format": "uri-reference"}


MENDS = {
    "StatusCallbackEvent is repeated for each event": repeat_events,
    "its events are the four that its description names": name_events,
    "one of Url, Twiml and ApplicationSid is required": want_instructions,
    "StartTime and EndTime, and their bounds, take dates too": take_dates,
    "the addresses of pages are references": page_by_reference,
    "the addresses of what belongs to a call are texts": map_uris,
}


def main():
    raw = Path(sys.argv[1]).read_bytes()
    document = cut(json.loads(raw))
    for mend in MENDS.values():
        mend(document)
    document["x-origin"] = {
        "source": "https://github.com/twilio/twilio-oai, spec/json/twilio_api_v2010.json",
        "version": f"{document['info']['version']}, SHA-256 {hashlib.sha256(raw).hexdigest()}",
        "licence": f"{document['info']['license']['name']}, as it says of itself; changed as told here",
        "cut": "by lib/derive_twilio_openapi.py: four operations on calls, without words and examples",
        "mended": list(MENDS),
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
