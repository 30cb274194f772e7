"""What the simulated Twilio saw, and the judgement of it."""

import http.client
import json

from promise import doctored, judge


def read_truth(origin):
    """The carrier's own record, of a `ringfence twilio`."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", "/truth")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def judge_history(verdict, history):
    """Every claim of the promise, and that each would be seen to be broken."""
    for claim, complaints in judge(history).items():
        verdict.check(claim, not complaints, "\n".join(complaints[:20]))
    for slip, check, spoilt in doctored(history):
        verdict.check(f"a record with {slip} is noticed", check(spoilt))
