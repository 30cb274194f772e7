"""Places calls through Twilio's libraries, and hears what a Twilio then tells of them."""

import random
import time
from contextlib import suppress
from urllib.parse import parse_qsl

from clients import SPEECH
from libraries import Refused
from web import Answer

# Where callbacks are sent, with all that may stand in an address; a fragment is not sent, but
# asks for more attempts.
ADDRESSES = ["/told", "/told?b=b1&c=0192", "/told?x=&y=", "/a%20b/%D7%A9?q=a%20b+c&q=d", "?n=1", "",
             "/told?n=%D7%A9%D7%9C%D7%95%D7%9D#rc=2&rp=all&rt=3000", "/told?e=a=b&&", "/busy#rc=1&rp=5xx",
             "/told?n=שלום", "/told?n=O'Neil", "/x/../told?n=%7e"]
EVENTS = ["initiated", "ringing", "answered", "completed"]
STATUSES = {"initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"}
PATIENCE_SECONDS = 60


class Ear:
    """Hears callbacks, and keeps each."""

    def __init__(self):
        self.heard = []

    def answer(self, request):
        self.heard.append(request)
        if request.target.startswith("/busy"):
            return Answer(503, {}, b"")
        if request.target.startswith("/speech"):
            return Answer(200, {"content-type": "text/xml"}, SPEECH.encode())
        return Answer(204, {}, b"")

    def forms(self, origin, token):
        """All that was heard, as a web framework has it."""
        return [{"token": token, "url": origin + it.target, "signature": it.headers["x-twilio-signature"],
                 "params": parse_qsl(it.body.decode(), keep_blank_values=True), "method": it.method}
                for it in list(self.heard)]

    def said(self):
        """What was said in each callback, however it came."""
        for it in list(self.heard):
            yield dict(parse_qsl(it.body.decode() or it.target.partition("?")[2]))

    def wait(self, sids):
        """Waits until the end of each call was heard; those of which it was not."""
        end = time.monotonic() + PATIENCE_SECONDS
        while missing := sids - {it["CallSid"] for it in self.said() if "SipResponseCode" in it}:
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        return missing


def place_calls(library, ear, seed, count):
    """Places calls that are told of at many addresses and in both ways; their SIDs."""
    rng = random.Random(f"{seed} {library.name}")
    sids = set()
    for number in range(count):
        call = library.create(**{
            "to": f"+97252{rng.randrange(10**7):07}", "from": "+97231234567",
            "url": f"{ear}/speech?x={number}&y=%D7%A9", "method": rng.choice(["GET", "POST"]),
            "status_callback": ear + ADDRESSES[number % len(ADDRESSES)], "status_callback_event": EVENTS,
            "status_callback_method": rng.choice(["GET", "POST", "POST"]),
            "machine_detection": rng.choice(["Enable", "DetectMessageEnd"])})
        sids.add(call["sid"])
        if number % 8 == 0:
            # It may be over already.
            with suppress(Refused):
                library.update(call["sid"], status="completed")
    return sids
