"""The events of `infra/sam-local`, the variables for them, and what each function has to answer."""

import json
from urllib.parse import urlencode

from bootstraps import ROOT
from twilio.request_validator import RequestValidator

EVENTS = ROOT / "infra" / "sam-local" / "events"
# In an order in which each finds what it asks for: a lead is there before it is called.
ORDER = ["business", "leads", "status", "stop", "start", "webhook", "fill", "sweep", "authorizer"]
ANSWERS = {"business": 200, "leads": 200, "status": 200, "stop": 200, "start": 200, "webhook": 204, "hello": 200}
# What Twilio reports of a call that is over, for the business that `ringfence aws` makes.
CALLBACK = "/webhook/call_status?b=local&c=01987654-3210-7000-8000-000000000000&l=1"
REPORT = {"AccountSid": "AC00000000000000000000000000000001", "CallSid": "CA00000000000000000000000000000001",
          "CallStatus": "completed", "CallDuration": "42"}


def variables(ports, twilio):
    """What `infra/sam-local/watch.env` says, with the ports that were free."""
    lines = (ROOT / "infra" / "sam-local" / "watch.env").read_text(encoding="utf-8").splitlines()
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    known |= {"AWS_ENDPOINT_URL_DYNAMODB": ports["dynamodb"], "AWS_ENDPOINT_URL_SQS": ports["sqs"],
              "TWILIO_API_BASE": twilio, "METRICS": "Ringfence/judge"}
    known["QUEUE_URL"] = known["QUEUE_URL"].replace("http://127.0.0.1:9324", ports["sqs"])
    return known


def short(name):
    """A function's folder, by its name in the template."""
    return name.removesuffix("Function").lower()


def event(name, env):
    """A function's first event: that of `infra/sam-local`, and to the webhook a whole report."""
    file = EVENTS / f"{name}.json"
    if name != "webhook":
        return (file if file.exists() else EVENTS / "status.json").read_bytes()
    told = json.loads(file.read_text(encoding="utf-8"))
    path, query = CALLBACK.split("?")
    signed = RequestValidator(env["TWILIO_AUTH_TOKEN"]).compute_signature(env["PUBLIC_HOST"] + CALLBACK, REPORT)
    told |= {"rawPath": path, "rawQueryString": query, "body": urlencode(REPORT)}
    told["headers"]["x-twilio-signature"] = signed
    return json.dumps(told).encode()


def is_good(name, answer):
    """Whether an event was worked on: refusals and messages that come again do not count."""
    if name == "fill":
        return answer == {"batchItemFailures": []}
    if name == "authorizer":
        return answer.get("isAuthorized") is True
    return name == "sweep" or answer.get("statusCode") == ANSWERS[name]
