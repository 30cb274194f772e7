"""Twilio's own library and ours sign and believe the same.

Both see the same forms: Hebrew, repeated names, blank values, ports, long queries. Each
signs what the other has to believe, and both have to disbelieve the same forgeries.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from twilio.request_validator import RequestValidator
from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
FORMS = 5_000
SEED = 20_240_229

NAMES = ["CallSid", "AccountSid", "From", "To", "CallStatus", "Timestamp", "Body", "a", "A",
         "AnsweredBy", "SequenceNumber", "שם", "טלפון", "naïve", "x[]", "x y", "", "🙂"]
PIECES = ["completed", "+972501234567", "CA0123456789abcdef", "שלום", "עולם טוב", " ", "+", "&",
          "=", "%20", "%", "#", "'", '"', "\\", "\n", "é", "e\u0301", "🙂", "0", "\u202e"]
HOSTS = ["calls.example", "example.lambda-url.us-east-1.on.aws", "127.0.0.1", "xn--6dbbec0c.co.il"]
PATHS = ["", "/", "/webhook/call_status", "/webhook/outbound_call", "/a%20b/%D7%A9"]
QUERIES = ["", "b=b1&c=0192", "x=&y=", "q=a%20b+c&q=d", "n=%D7%A9%D7%9C%D7%95%D7%9D", "e=a=b&&"]


class Form:
    """Pairs, offered to Twilio's library as a web framework offers a form."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def getall(self, name):
        return [value for other, value in self.pairs if other == name]


def a_form(rng):
    """Random parameters, names often repeated and values often blank."""
    names = rng.sample(NAMES, rng.randint(1, len(NAMES)))
    pairs = []
    for _ in range(rng.randint(0, 20)):
        value = "".join(rng.choice(PIECES) for _ in range(rng.choice([0, 0, 1, 2, 5])))
        pairs.append((rng.choice(names), value))
    if pairs and rng.random() < 0.3:
        pairs.append(rng.choice(pairs))
    return pairs


def a_url(rng):
    scheme = rng.choice(["https", "https", "http"])
    port = rng.choice(["", "", ":443", ":80", ":8443"])
    query = rng.choice(QUERIES)
    return f"{scheme}://{rng.choice(HOSTS)}{port}{rng.choice(PATHS)}" + (f"?{query}" if query else "")


def other_port(url):
    """The same address, with its default port where there was none, or without it."""
    scheme, rest = url.split("://")
    port = {"https": ":443", "http": ":80"}[scheme]
    cut = min((rest.index(mark) for mark in "/?" if mark in rest), default=len(rest))
    host, tail = rest[:cut], rest[cut:]
    if host.endswith(port):
        return f"{scheme}://{host.removesuffix(port)}{tail}"
    return url if ":" in host else f"{scheme}://{host}{port}{tail}"


def received(rng, question, how):
    """What arrives of a signed request, by way of a proxy, a retry or a forger."""
    token, url, params, signature = question
    params = list(params)
    if how == "shuffled":
        rng.shuffle(params)
    elif how == "other port":
        url = other_port(url)
    elif how == "repeated" and params:
        params.append(rng.choice(params))
    elif how == "value changed" and params:
        place = rng.randrange(len(params))
        params[place] = (params[place][0], params[place][1] + "x")
    elif how == "parameter added":
        params.append(("CallStatus", "forged"))
    elif how == "parameter dropped" and params:
        params.pop(rng.randrange(len(params)))
    elif how == "path changed":
        url = f"{url}&x" if "?" in url else f"{url}/x"
    elif how == "host changed":
        url = url.replace("://", "://evil.")
    elif how == "other token":
        token += "x"
    elif how == "signature changed":
        signature = signature[:-3] + rng.choice("AQgw") + "A="
    elif how == "no signature":
        signature = ""
    return token, url, params, signature


AS_IT_IS = ["as it is", "shuffled", "repeated", "other port"]
FORGED = ["value changed", "parameter added", "parameter dropped", "path changed", "host changed",
          "other token", "signature changed", "no signature"]


def questions(rng):
    """Signed requests, as they arrive, with Twilio's judgement of each."""
    asked = []
    for _ in range(FORMS):
        token = "".join(rng.choice("0123456789abcdef") for _ in range(32))
        url, params = a_url(rng), a_form(rng)
        signature = RequestValidator(token).compute_signature(url, Form(params))
        how = rng.choice(AS_IT_IS + FORGED)
        token, url, params, signature = received(rng, (token, url, params, signature), how)
        judge = RequestValidator(token)
        asked.append({
            "how": how,
            "token": token,
            "url": url,
            "params": params,
            "signature": signature,
            "their_signature": judge.compute_signature(url, Form(params)),
            "their_valid": judge.validate(url, Form(params), signature),
        })
    return asked


def ours(asked):
    """What our code answers."""
    keys = ["token", "url", "params", "signature"]
    lines = "".join(json.dumps({key: question[key] for key in keys}) + "\n" for question in asked)
    command = ["cargo", "run", "--quiet", "--locked", "-p", "ringfence-carrier", "--example", "signature"]
    done = subprocess.run(command, cwd=ROOT, input=lines, text=True, encoding="utf-8",
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def careless(question):
    """A signer with the mistakes that are easily made, to see that they would be noticed."""
    pairs = {name: value for name, value in question["params"] if value}
    return RequestValidator(question["token"]).compute_signature(question["url"], pairs)


def differing(asked, answers, key):
    """The places at which Twilio's judgement is another."""
    return [place for place, (question, answer) in enumerate(zip(asked, answers, strict=True))
            if question[f"their_{key}"] != answer[key]]


def first(asked, places):
    return json.dumps(asked[places[0]], ensure_ascii=False) if places else ""


def main():
    verdict = Verdict()
    asked = questions(random.Random(SEED))
    answers = ours(asked)
    believed = sum(question["their_valid"] for question in asked)
    verdict.check(f"of {FORMS} forms Twilio believes many and disbelieves many ({believed} believed)",
                  FORMS // 4 < believed < FORMS * 3 // 4)

    wrong = differing(asked, answers, "signature")
    verdict.check("our signatures are Twilio's", not wrong, first(asked, wrong))
    wrong = differing(asked, answers, "valid")
    verdict.check("we believe what Twilio believes, and nothing else", not wrong, first(asked, wrong))
    by_us = [RequestValidator(question["token"]).validate(question["url"], Form(question["params"]),
                                                          answer["signature"])
             for question, answer in zip(asked, answers)]
    verdict.check("Twilio believes what we sign", all(by_us))
    for how in AS_IT_IS:
        verdict.check(f"a signed form is believed: {how}",
                      all(answer["valid"] for question, answer in zip(asked, answers)
                          if question["how"] == how))

    mistaken = [{"signature": careless(question)} for question in asked]
    verdict.check("a signer that drops blanks and repeated names would be noticed",
                  len(differing(asked, mistaken, "signature")) > FORMS // 10)
    credulous = [{"valid": True} for _ in asked]
    verdict.check("a verifier that believes everything would be noticed",
                  len(differing(asked, credulous, "valid")) > FORMS // 10)
    verdict.end()


if __name__ == "__main__":
    main()
