"""A Twilio that slips: it stands before another, and gets one thing wrong."""

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import clients
from web import forward, serving


def as_it_is(*_):
    pass


@dataclass
class Slip:
    what: str
    # The claim that is then no longer so.
    breaks: object
    # What changes an answer of Twilio's, and what changes a request to it.
    answer: object = as_it_is
    request: object = as_it_is


@contextmanager
def slipping(scene, slip):
    """Serves a Twilio with a slip before that of a scene; yields the origin."""
    def answer(request):
        slip.request(scene, request)
        made = forward(scene.origin, request)
        slip.answer(made)
        return made

    with serving(answer) as origin:
        yield origin


def in_json(change):
    def slip(made):
        body = json.loads(made.body)
        change(body)
        made.body = json.dumps(body).encode()
    return slip


def of_each_call(change):
    def slip(body):
        for call in body.get("calls", [body]):
            if "sid" in call:
                change(call)
    return in_json(slip)


def of_each_list(change):
    return in_json(lambda body: change(body) if "calls" in body else None)


def of_each_end(word):
    is_end = lambda call: call["status"] in ("completed", "canceled")
    return of_each_call(lambda call: call.update(status=word) if is_end(call) else None)


def of_each_error(change):
    return in_json(lambda body: change(body) if "more_info" in body else None)


def in_html(made):
    made.body = b"<html>"


def leaves_one_out(body):
    del body["calls"][-1:]


def leads_nowhere(body):
    if body["next_page_uri"]:
        body["next_page_uri"] = body["first_page_uri"]


def without_filters(_scene, request):
    path, _, query = request.target.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name not in ("To", "Status")]
    request.target = f"{path}?{urlencode(kept)}"


def for_anybody(scene, request):
    own = base64.b64encode(f"{scene.account}:{scene.token}".encode()).decode()
    request.headers["authorization"] = f"Basic {own}"


SLIPS = [
    Slip("calls to another number", clients.creates,
         of_each_call(lambda call: call.update(to="+972500000000"))),
    Slip("dates that are none", clients.creates,
         of_each_call(lambda call: call.update(date_created="yesterday"))),
    Slip("answers that are no JSON", clients.fetches, in_html),
    Slip("calls under another SID", clients.fetches, of_each_call(lambda call: call.update(sid="CA1"))),
    Slip("filters that do nothing", clients.lists, request=without_filters),
    Slip("lists from the first call on", clients.lists, of_each_list(lambda body: body["calls"].reverse())),
    Slip("pages that leave a call out", clients.pages, of_each_list(leaves_one_out)),
    Slip("next pages that are the first", clients.pages, of_each_list(leads_nowhere)),
    Slip("errors without a code", clients.refuses, of_each_error(lambda body: body.pop("code"))),
    Slip("errors with one code for all", clients.refuses, of_each_error(lambda body: body.update(code=20001))),
    Slip("a door that is open", clients.lets_in, request=for_anybody),
]
UNHURRIED_SLIPS = [
    Slip("calls that go on after their end", clients.ends, of_each_end("in-progress")),
    Slip("canceled calls that count as completed", clients.cancels, of_each_end("completed")),
    Slip("another code for calls that are over", clients.cancels,
         of_each_error(lambda body: body.update(code=21200) if body["code"] == 21220 else None)),
]
