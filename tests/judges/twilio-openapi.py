"""Twilio's own description of its calls API accepts what we send, and what the simulated Twilio answers.

`ringfence serve` calls through a proxy to `ringfence twilio`: a run that is stopped and hung up,
calls that are silent for long, a create whose answer is lost. The proxy keeps each request and
each answer; the description, in `twilio-openapi.json`, is held against them. It accepts what
Twilio's own library sends too, and it has to refuse copies that were doctored.
"""

import copy
import json
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

sys.path.insert(0, str(Path(__file__).parent / "lib"))

import account
import doctored
from description import Description
from libraries import PyPI, Refused
from processes import build, running
from verdict import Verdict
from web import Answer, forward, serving

DESCRIBED = Path(__file__).with_name("twilio-openapi.json")
OPERATIONS = {"CreateCall", "FetchCall", "ListCall", "UpdateCall"}
CALLER_ID = "+97231234567"
# The answer to a request for a call to it is lost.
UNLUCKY = "+972501200000"
# How many times faster than life: many calls last longer than we are content to hear nothing.
SPEED = 8
SETTLE_SECONDS = 6
LEADS = 40
CREATES_MIN = 10
PATIENCE_SECONDS = 50


class Proxy:
    """Stands between clients and the simulated Twilio, and keeps all that goes to and fro."""

    def __init__(self, twilio, description):
        self.twilio = twilio
        self.description = description
        self.seen = []

    def answer(self, request):
        sent = copy.deepcopy(request)
        # One call on a page, so that there is a next.
        request.target = request.target.replace("PageSize=200", "PageSize=1")
        form = dict(parse_qsl(request.body.decode()))
        is_unlucky = form.get("To") == UNLUCKY
        if is_unlucky:
            # Nothing tells of this call but its answer.
            kept = {name: form[name] for name in ("To", "From")}
            request.body = urlencode({**kept, "Twiml": "<Response><Pause/></Response>"}).encode()
        made = forward(self.twilio, request)
        self.seen.append((sent, made))
        return Answer(500, {"content-type": "text/plain"}, b"lost") if is_unlucky else made

    def operation(self, request):
        return (self.description.operation(request) or {}).get("operationId")

    def operations(self):
        return Counter(self.operation(sent) for sent, _ in list(self.seen))

    def has_sent_script(self):
        """Whether a call was created with what is said in it, and with no address to ask."""
        forms = (dict(parse_qsl(sent.body.decode())) for sent, _ in list(self.seen) if sent.method == "POST")
        return any("Twiml" in form and "Url" not in form and "StatusCallback" in form for form in forms)

    def has_turned(self):
        """Whether somebody went on to a next page."""
        return any("PageToken=" in sent.target for sent, _ in list(self.seen))


class Business:
    """A business of the stack, and what it asks for."""

    def __init__(self, first):
        self.url, self.key = first["listening"], first["system_admin_key"]
        self.id = None
        settings = {"name": "Judged", "phone_e164": CALLER_ID, "limit": 4, "region": "IL", "destinations": ["IL"]}
        self.id = self.ask("POST", "/api/businesses", settings)["business_id"]
        rows = [{"name": f"Lead {lead}", "phone": f"+9725012{lead:05}"} for lead in range(LEADS)]
        self.ask("POST", "/api/outbound/import-leads", {"rows": rows})

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        headers |= {"x-business-id": self.id} if self.id else {}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

def until(is_so):
    """Whether something comes true in time."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def client(origin):
    """Twilio's own library, at an origin."""
    library = PyPI()
    library.connect(origin, account.SID, account.TOKEN, account.SID)
    return library


def drive(business, proxy):
    """Has calls placed, asked about, looked for and ended; what did not happen."""
    # There were others between these numbers, so that what is looked for has several pages.
    before = client(proxy.twilio)
    for _ in range(2):
        sid = before.create(**{"to": UNLUCKY, "from": CALLER_ID, "twiml": "<Response/>"})["sid"]
        # It may be over already.
        with suppress(Refused):
            before.update(sid, status="completed")
    business.ask("POST", "/api/outbound_calls/start", {"lead_ids": [1]})
    run = business.ask("POST", "/api/outbound/bulk-enqueue", {"lead_ids": list(range(2, LEADS + 1))})["run_id"]
    if not until(lambda: proxy.operations()["CreateCall"] >= CREATES_MIN):
        yield f"there are less than {CREATES_MIN} calls"
    if not until(lambda: proxy.operations()["FetchCall"] and proxy.has_turned()):
        yield "no silent call was asked about, or none without a name looked for to the second page"
    business.ask("POST", "/api/outbound/stop-queue", {"run_id": run, "hang_up": True})
    if not until(lambda: proxy.operations()["UpdateCall"]):
        yield "no call was ended"
    business.ask("POST", "/api/outbound/cleanup-stuck-jobs")
    if not until(lambda: business.ask("GET", f"/api/outbound/runs/{run}")["status"] == "stopped"):
        yield "the run is not stopped"


def ask_as_twilio_does(library):
    """Has Twilio's own library send whatever it can of the operations, and a few errors."""
    call = library.create(**{
        "to": "+972501234567", "from": CALLER_ID, "url": "https://calls.example/speech?x=%D7%A9",
        "method": "GET", "status_callback": "https://calls.example/told#rc=1", "status_callback_method": "GET",
        "status_callback_event": ["initiated", "ringing", "answered", "completed"], "timeout": 30,
        "time_limit": 600, "machine_detection": "Enable", "call_reason": "שיחה", "record": False})
    day = {"date": "2026-02-28T00:00:00Z"}
    library.fetch(call["sid"])
    library.list(**{"to": "+972501234567", "from": CALLER_ID, "status": "no-answer", "start_time_after": day,
                    "end_time_before": day, "limit": 3})
    library.pages(3, page_size=2)
    library.update(call["sid"], status="canceled")
    nobody = {"to": "+15005550001", "from": CALLER_ID, "twiml": "<Response/>"}
    for refused in (lambda: library.fetch("CA" + "0" * 32), lambda: library.create(**nobody),
                    lambda: library.update(call["sid"], status="completed")):
        with suppress(Refused):
            refused()


def judge(verdict, description, whose, seen):
    """Holds what was sent and answered to the description."""
    wrong = [(sent.method, sent.target, sent.body, found) for sent, _ in seen
             if (found := description.of_request(sent))]
    verdict.check(f"{whose} {len(seen)} requests are accepted", not wrong, wrong[:3])
    wrong = [(sent.target, made.status, made.body, found) for sent, made in seen
             if (found := description.of_answer(sent, made))]
    statuses = dict(sorted(Counter(made.status for _, made in seen).items()))
    verdict.check(f"and their answers, by status {statuses}", not wrong, wrong[:3])


def judge_doctored(verdict, proxy, description, seen):
    """Doctors the first of each kind, all of which were accepted."""
    samples = {}
    for sent, made in seen:
        samples.setdefault("error" if made.status >= 400 else proxy.operation(sent), (sent, made))
    for what, operation, doctor in doctored.REQUESTS:
        spoilt = doctored.request(samples[operation][0], doctor)
        verdict.check(f"{operation} with {what} is refused", description.of_request(spoilt), spoilt)
    for what, operation, doctor in doctored.ANSWERS:
        sent, made = samples[operation]
        spoilt = doctored.answer(made, doctor)
        verdict.check(f"{operation}, answered with {what}, is refused",
                      description.of_answer(sent, spoilt), spoilt)


def main():
    verdict = Verdict()
    description = Description(json.loads(DESCRIBED.read_text(encoding="utf-8")))
    binary = build()
    with ExitStack() as stack:
        twilio = stack.enter_context(
            running(binary, ["twilio", "--port", "0", "--speed", str(SPEED)], account.ENV))
        proxy = Proxy(twilio["listening"], description)
        origin = stack.enter_context(serving(proxy.answer))
        env = {**account.ENV, "TWILIO_API_BASE": origin, "CALL_EVENTS": "initiated,ringing,answered,completed"}
        serve = ["serve", "--port", "0", "--sweep-seconds", "1", "--settle-seconds", str(SETTLE_SECONDS)]
        first = stack.enter_context(running(binary, serve, env))
        complaints = list(drive(Business(first), proxy))
        second = stack.enter_context(running(binary, serve, {**env, "CALL_SCRIPT": "sent"}))
        Business(second).ask("POST", "/api/outbound_calls/start", {"lead_ids": [1]})
        if not until(proxy.has_sent_script):
            complaints.append("what is said was not sent along")
        ours, operations = list(proxy.seen), proxy.operations()
        ask_as_twilio_does(client(origin))
        theirs = proxy.seen[len(ours):]
    verdict.check("calls were placed, asked about, looked for and ended", not complaints, complaints)
    verdict.check(f"every operation was used: {dict(operations)}", operations.keys() == OPERATIONS)
    judge(verdict, description, "our", ours)
    judge(verdict, description, "Twilio's own library's", theirs)
    judge_doctored(verdict, proxy, description, [*ours, *theirs])
    verdict.end()


if __name__ == "__main__":
    main()
