"""Doctors requests to the calls API and answers of it, so that a description has to refuse them."""

import copy
import json
from urllib.parse import parse_qsl, urlencode


def in_form(change):
    """What changes a form, as pairs."""
    def doctor(request):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        request.body = urlencode(change(pairs)).encode()
    return doctor


def without(name):
    return in_form(lambda pairs: [pair for pair in pairs if pair[0] != name])


def plus(name, value):
    return in_form(lambda pairs: [*pairs, (name, value)])


def instead(name, value):
    return in_form(lambda pairs: [pair for pair in pairs if pair[0] != name] + [(name, value)])


def renamed(name, other):
    return in_form(lambda pairs: [(other if it == name else it, value) for it, value in pairs])


def asking(query):
    def doctor(request):
        request.target += ("&" if "?" in request.target else "?") + query
    return doctor


def elsewhere(part, other):
    def doctor(request):
        request.target = request.target.replace(part, other)
    return doctor


def by(method):
    def doctor(request):
        request.method = method
    return doctor


def with_header(name, value):
    def doctor(request):
        request.headers[name] = value
    return doctor


def without_key(request):
    del request.headers["authorization"]


def as_json(request):
    request.headers["content-type"] = "application/json"
    request.body = json.dumps(dict(parse_qsl(request.body.decode()))).encode()


# Each with the operation of a request that it is done to.
REQUESTS = [
    ("a field in lower case", "CreateCall", renamed("To", "to")),
    ("a field that Twilio does not know", "CreateCall", plus("Callback", "https://a.example/")),
    ("no caller", "CreateCall", without("From")),
    ("nothing to say", "CreateCall", without("Url")),
    ("a number as people write it", "CreateCall", instead("To", "050-123-4567")),
    ("words for a number of seconds", "CreateCall", instead("Timeout", "a minute")),
    ("a number of seconds as programs write it", "CreateCall", instead("TimeLimit", "3_600")),
    ("a method that Twilio does not use", "CreateCall", instead("StatusCallbackMethod", "PUT")),
    ("all events in one field", "CreateCall", instead("StatusCallbackEvent", "initiated completed")),
    ("an event that Twilio does not know", "CreateCall", plus("StatusCallbackEvent", "ended")),
    ("two people to call", "CreateCall", plus("To", "+972501234567")),
    ("an address without a host", "CreateCall", instead("Url", "/webhook/outbound_call")),
    ("a host with an underscore", "CreateCall", instead("StatusCallback", "https://a_b.example/")),
    ("an empty field", "CreateCall", plus("CallReason", "")),
    ("JSON", "CreateCall", as_json),
    ("no key", "CreateCall", without_key),
    ("a key in another way", "FetchCall", with_header("authorization", "Bearer x")),
    ("a status that nobody can ask for", "UpdateCall", instead("Status", "busy")),
    ("another field for the status", "UpdateCall", renamed("Status", "CallStatus")),
    ("a PUT", "UpdateCall", by("PUT")),
    ("a call that is none", "FetchCall", elsewhere("Calls/CA", "Calls/CB")),
    ("an account that is none", "FetchCall", elsewhere("Accounts/AC", "Accounts/A")),
    ("another version", "FetchCall", elsewhere("2010-04-01", "2010-04-02")),
    ("another resource", "ListCall", elsewhere("Calls.json", "Call.json")),
    ("too large a page", "ListCall", elsewhere("PageSize=200", "PageSize=1001")),
    ("a page twice", "ListCall", asking("PageSize=200")),
    ("a filter that Twilio does not know", "ListCall", asking("Number=%2B972501234567")),
    ("a status that no list knows", "ListCall", asking("Status=initiated")),
    ("a day that is none", "ListCall", asking("StartTime=yesterday")),
]


def of_call(**fields):
    """Changes fields of a call, alone or in a list; those that are `None` go."""
    def doctor(_answer, body):
        for call in body.get("calls", [body]):
            for name, value in fields.items():
                if value is None:
                    del call[name]
                else:
                    call[name] = value
    return doctor


def of_page(name, value):
    return lambda _answer, body: body.update({name: value})


def with_status(status):
    def doctor(answer, _body):
        answer.status = status
    return doctor


def as_text(answer, _body):
    answer.headers["content-type"] = "text/plain"


ANSWERS = [
    ("a status that only callbacks say", "FetchCall", of_call(status="initiated")),
    ("a date in another form", "FetchCall", of_call(date_created="2026-11-21T09:00:00Z")),
    ("a date on another day of the week", "CreateCall", of_call(date_created="Sun, 21 Nov 2026 09:00:00 +0000")),
    ("a number for a text", "FetchCall", of_call(queue_time=12)),
    ("a SID that is none", "CreateCall", of_call(sid="CA12")),
    ("a field left out", "UpdateCall", of_call(direction=None)),
    ("a field that is not Twilio's", "UpdateCall", of_call(lead="1")),
    ("no calls", "ListCall", lambda _answer, body: body.pop("calls")),
    ("a call of another kind among them", "ListCall", of_call(price_unit="dollars")),
    ("a number in words", "ListCall", of_page("page", "one")),
    ("a next page that is elsewhere", "ListCall", of_page("next_page_uri", "https://b.example/")),
    ("the status of an answer to a question", "CreateCall", with_status(200)),
    ("the status of a creation", "FetchCall", with_status(201)),
    ("another type", "CreateCall", as_text),
    ("no code", "error", lambda _answer, body: body.pop("code")),
    ("another status", "error", of_page("status", 200)),
]


def request(of, doctor):
    spoilt = copy.deepcopy(of)
    doctor(spoilt)
    return spoilt


def answer(of, doctor):
    spoilt = copy.deepcopy(of)
    body = json.loads(of.body)
    doctor(spoilt, body)
    spoilt.body = json.dumps(body).encode()
    return spoilt
