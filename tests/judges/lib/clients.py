"""What a client of Twilio's may expect of the calls API, as claims about one of its libraries.

Each claim is a function of a `Scene` and yields what speaks against it.
"""

import datetime
import itertools
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from libraries import Failed, Refused

SPEECH = "<Response><Say language=\"he-IL\">שלום</Say></Response>"
LIVE = {"queued", "ringing", "in-progress"}
PATIENCE_SECONDS = 20
NOBODY = "CA" + "0" * 32
LONG_AGO = {"date": "2020-02-29T10:00:00Z"}


@dataclass
class Scene:
    """One library at one account of a simulated Twilio, and the number that it calls from."""

    library: object
    origin: str
    account: str
    token: str
    # The SID and the secret of the account's API key.
    key: tuple
    caller_id: str
    # The SIDs of calls that are over, latest first, and the numbers that they went to.
    over: list = field(default_factory=list)
    called: dict = field(default_factory=dict)
    numbers: object = field(default_factory=lambda: itertools.count(1))

    def connect(self, origin=None, user=None, secret=None):
        """Connects with its own address, account and token, or with others."""
        self.via = origin or self.origin
        self.library.connect(self.via, user or self.account, secret or self.token, self.account)

    def create(self, **args):
        # Nobody else calls them: what becomes of a call depends on how often its number was called.
        to = f"+97250{self.caller_id[6]}{next(self.numbers):06}"
        args = {"to": to, "from": self.caller_id, "twiml": SPEECH, **args}
        return self.library.create(**{name: value for name, value in args.items() if value is not None})

    def prepare(self):
        """Makes calls to three numbers, ends every other one, and waits until all are over."""
        self.connect()
        for number in range(9):
            to = f"{self.caller_id[:-1]}{number % 3}"
            sid = self.create(to=to)["sid"]
            self.over.insert(0, sid)
            self.called.setdefault(to, []).insert(0, sid)
            if number % 2:
                # It may be over already.
                with suppress(Refused):
                    self.library.update(sid, status="completed")
        until(lambda: not any(call["status"] in LIVE for call in self.listed()), "calls are over")

    def listed(self, **args):
        return self.library.list(**{"from": self.caller_id, "limit": 100, **args})


def until(is_so, what):
    """Waits for something, and gives up in the end."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := is_so()):
        if time.monotonic() > end:
            raise Failed(f"waited {PATIENCE_SECONDS} s until {what}")
        time.sleep(0.1)
    return found


def differing(call, expected):
    return [f"{name} is {call.get(name)!r}, not {value!r}" for name, value in expected.items()
            if call.get(name) != value]


def is_date(value):
    return isinstance(value, dict) and value.keys() == {"date"}


def creates(scene):
    to = "+972501234567"
    call = scene.create(
        to=to, twiml=None, url="https://calls.example/speech?x=%D7%A9", method="POST", timeout=30,
        time_limit=600, status_callback="https://calls.example/told?b=1&c=%D7%A9#rc=1&rp=all",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        status_callback_method="POST", machine_detection="Enable")
    yield from differing(call, {
        "to": to, "from": scene.caller_id, "account_sid": scene.account, "status": "queued",
        "direction": "outbound-api", "api_version": "2010-04-01", "start_time": None, "end_time": None,
        "duration": None, "price": None, "parent_call_sid": None,
        "uri": f"/2010-04-01/Accounts/{scene.account}/Calls/{call['sid']}.json"})
    if not re.fullmatch("CA[0-9a-f]{32}", str(call["sid"])):
        yield f"{call['sid']!r} is no SID of a call"
    if not is_date(call["date_created"]) or not is_date(call["date_updated"]):
        yield f"{call['date_created']!r} or {call['date_updated']!r} is no date"
        return
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(
        call["date_created"]["date"].replace("Z", "+00:00"))
    if not -2 < age.total_seconds() < 60:
        yield f"it was created {age} ago"


def fetches(scene):
    made = scene.create()
    call = scene.library.fetch(made["sid"])
    same = ["sid", "to", "from", "date_created", "uri", "subresource_uris", "phone_number_sid", "direction"]
    yield from differing(call, {name: made[name] for name in same})
    over = scene.library.fetch(scene.over[0])
    if over["status"] in LIVE or not is_date(over["start_time"]) or not is_date(over["date_updated"]):
        yield f"a call that is over is told as {over}"


def ends(scene):
    made = [scene.create()["sid"] for _ in range(4)]

    def answered():
        """Calls that were answered a moment ago, so that none is over in the next."""
        return [call for call in scene.listed(status="in-progress") if call["sid"] in made]

    talking = until(answered, "somebody answers")[0]
    yield from differing(talking, {"status": "in-progress", "end_time": None, "duration": None})
    for call in (scene.library.update(talking["sid"], status="completed"),
                 scene.library.fetch(talking["sid"])):
        yield from differing(call, {"sid": talking["sid"], "status": "completed"})
        if not is_date(call["end_time"]) or not str(call["duration"]).isdigit():
            yield f"it ended at {call['end_time']!r} after {call['duration']!r}"
    yield from refused(400, 21220, lambda: scene.library.update(talking["sid"], status="completed"))


def cancels(scene):
    made = scene.create()
    for call in (scene.library.update(made["sid"], status="canceled"), scene.library.fetch(made["sid"])):
        yield from differing(call, {"sid": made["sid"], "status": "canceled", "end_time": None})
    yield from refused(400, 21220, lambda: scene.library.update(made["sid"], status="canceled"))


def lists(scene):
    over = set(scene.over)

    def found(**args):
        """What there is of the calls that are over, in the order in which it came."""
        return [call["sid"] for call in scene.listed(**args) if call["sid"] in over]

    if found() != scene.over:
        yield "those from a number are others, or not the latest first"
    for to, sids in scene.called.items():
        if [call["sid"] for call in scene.listed(to=to)] != sids:
            yield f"those to {to} are others"
    by_status = {}
    for call in scene.listed():
        by_status.setdefault(call["status"], []).append(call["sid"])
    for status in ["completed", "busy", "no-answer", "failed", "canceled", "queued"]:
        if found(status=status) != [sid for sid in by_status.get(status, []) if sid in over]:
            yield f"those that are {status} are others"
    if len(by_status.keys() - LIVE) < 2:
        yield f"all of them are the same: {by_status.keys()}"
    if scene.library.list(to="+972509999999", limit=5) or scene.listed(**{"from": "+972509999999"}):
        yield "there are calls with a number that has none"
    if found(start_time_after=LONG_AGO) != scene.over:
        yield "those since long ago are others"
    if found(start_time_before=LONG_AGO) or found(end_time_before=LONG_AGO):
        yield "there are calls before there were any"


def pages(scene):
    all_of_it = [call["sid"] for call in scene.listed()]
    walked = scene.library.pages(most=len(all_of_it), page_size=4, **{"from": scene.caller_id})
    if [sid for page in walked for sid in page] != all_of_it:
        yield "page by page there are other calls"
    if [len(page) for page in walked[:-1]] != [4] * ((len(all_of_it) - 1) // 4):
        yield f"the pages are of {[len(page) for page in walked]} calls"
    some = [call["sid"] for call in scene.listed(page_size=2, limit=5)]
    if some != all_of_it[:5]:
        yield "the first five are others"


def refused(status, code, question):
    """What is wrong with an error, which has to be the library's own exception."""
    try:
        answer = question()
    except Refused as error:
        if (error.status, error.code) != (status, code) or not error.message:
            yield f"{status}, {code} is told as {error}"
    else:
        yield f"instead of {status}, {code} there is {answer}"


def refuses(scene):
    library = scene.library
    yield from refused(404, 20404, lambda: library.fetch(NOBODY))
    yield from refused(404, 20404, lambda: library.update(NOBODY, status="completed"))
    for code, args in [
        (21201, {"to": ""}), (21213, {"from": ""}), (21211, {"to": "0501"}), (21212, {"from": "0501"}),
        (21217, {"to": "+15005550001"}), (21214, {"to": "+15005550002"}), (21215, {"to": "+15005550003"}),
        (21216, {"to": "+15005550004"}), (21205, {"twiml": None}), (21205, {"twiml": None, "url": "x"}),
        (21208, {"timeout": 601}), (21609, {"status_callback": "https://a_b.example/"}),
        (20001, {"twiml": "x" * 4_001}),
    ]:
        yield from refused(400, code, lambda: scene.create(**args))


def lets_in(scene):
    """Whoever knows the token or has the API key, and nobody else."""
    via = scene.via
    for user, secret in [(scene.account, "another"), (scene.key[0], "another"), (scene.key[0], scene.token)]:
        scene.connect(via, user, secret)
        yield from refused(401, 20003, lambda: scene.library.fetch(scene.over[0]))
        yield from refused(401, 20003, scene.create)
    scene.connect(via, *scene.key)
    yield from differing(scene.library.fetch(scene.over[0]), {"sid": scene.over[0]})


CLAIMS = {
    "creates calls": creates,
    "fetches calls": fetches,
    "lists calls by To, From, Status and time": lists,
    "goes through all pages of a list": pages,
    "has its own exception for each error, with Twilio's code": refuses,
    "gets in with the token and with an API key, and no other way": lets_in,
}
# Those that need calls which do not end by themselves within moments.
UNHURRIED_CLAIMS = {
    "ends calls that were answered, once": ends,
    "cancels calls that wait or ring, once": cancels,
}


def judge(scene, claim, origin=None):
    """What speaks against a claim, at the Twilio itself or at who stands before it."""
    try:
        scene.connect(origin)
        return list(claim(scene))
    except (Failed, Refused) as error:
        return [repr(error)]
