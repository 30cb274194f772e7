"""Twilio's own libraries, of PyPI and of npm, take ours for Twilio, and we take theirs for it.

They believe every callback that the simulated Twilio signs; we believe what they sign, and
nothing that was forged; and their clients find at the simulated Twilio what they find at the
real one. Then forgeries, signers with easy mistakes and a Twilio that slips are put before
them, and each has to be noticed.
"""

import json
import random
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

import account
import callbacks
import clients
import forms
from libraries import Npm, PyPI, install
from processes import build, running
from slips import SLIPS, UNHURRIED_SLIPS, slipping
from verdict import Verdict
from web import serving

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_260_301
# Of each library.
FORMS = 10_000
CALLS = 48
# How many times faster than life. To be ended by somebody, calls have to last.
HURRIED, UNHURRIED = 40, 5


def ours(asked):
    """What our code answers."""
    keys = ["token", "url", "params", "signature"]
    lines = "".join(json.dumps({key: form[key] for key in keys}) + "\n" for form in asked)
    command = ["cargo", "run", "--quiet", "--locked", "--example", "signature"]
    done = subprocess.run(command, cwd=ROOT, input=lines, text=True, encoding="utf-8",
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def may_disbelieve(name, form):
    """What a library is known not to read, though a Twilio may have signed it."""
    if form["how"] == "apostrophes escaped" and "'" in form["url"]:
        # The one knows a single spelling, the other adds the path that was left out.
        return name == "PyPI" or re.match("[a-z]+://[^/]*[?]", form["url"]) is not None
    # It takes the first colon of an IPv6 address for that of the port.
    return name == "PyPI" and form["how"] == "other port" and "://[" in form["url"]


def careless(form):
    """A form without what is easily lost: blank values, and all but one of a name."""
    return {**form, "params": [(name, value) for name, value in dict(form["params"]).items() if value]}


def judge_forms(verdict, libraries, signer):
    """What we and both libraries make of what one of them signs."""
    honest, forged = forms.signed(SEED, signer, FORMS)
    asked = honest + forged
    answers = ours(asked)
    believed = {it.name: it.validate(asked) for it in libraries}
    none_believes = [not any(them) for them in zip(*believed.values())]

    def check(claim, is_right, places=range(len(asked))):
        wrong = [place for place in places if not is_right(place)]
        verdict.check(f"{signer.name}: {claim}", not wrong,
                      f"{len(wrong)}, as {json.dumps(asked[wrong[0]], ensure_ascii=False)}" if wrong else "")

    ways = Counter(form["how"] for form in asked)
    verdict.check(f"{signer.name}: forms arrive in every way, and are forged in every way",
                  all(ways[how] > FORMS // 20 for how in forms.HONEST + forms.FORGED), ways)
    check(f"we believe all {FORMS} forms that it signs", lambda place: answers[place]["valid"], range(FORMS))
    for name, judged in believed.items():
        check(f"so does {name}, but for {judged[:FORMS].count(False)} of a kind that it is known not to read",
              lambda place: judged[place] or may_disbelieve(name, asked[place]), range(FORMS))
    real = sum(none_believes[FORMS:])
    verdict.check(f"{signer.name}: of {FORMS} forgeries {real} change what is signed", real > FORMS * 0.98)
    check("we believe none of them, and each of the others",
          lambda place: answers[place]["valid"] == (not none_believes[place]), range(FORMS, len(asked)))
    for library in libraries:
        theirs = library.sign(asked)
        check(f"what has arrived we sign as {library.name} does",
              lambda place: answers[place]["signature"] == theirs[place])

    mistaken = signer.sign([careless(form) for form in asked])
    noticed = sum(answer["signature"] != it for answer, it in zip(answers, mistaken))
    verdict.check(f"{signer.name}: a signer that drops blanks and repeated names is noticed",
                  noticed > FORMS // 10)
    noticed = sum(answers[place]["signature"] != asked[place]["signature"] for place in range(FORMS))
    verdict.check(f"{signer.name}: a verifier that knows one spelling of an address is noticed",
                  noticed > FORMS // 10)


def judge_callbacks(verdict, libraries, twilio):
    """What both libraries make of what the simulated Twilio signs."""
    ear = callbacks.Ear()
    with serving(ear.answer) as origin:
        for library in libraries:
            library.connect(twilio, account.SID, account.TOKEN, account.SID)
        with ThreadPoolExecutor(max_workers=len(libraries)) as pool:
            placed = pool.map(lambda it: callbacks.place_calls(it, origin, SEED, CALLS), libraries)
            sids = set().union(*placed)
        missing = ear.wait(sids)
        verdict.check(f"of {len(sids)} calls the end of each is told", not missing, missing)
        heard = ear.forms(origin, account.TOKEN)
        statuses = Counter(it["CallStatus"] for it in ear.said())
    methods = Counter(form["method"] for form in heard)
    verdict.check(f"callbacks tell of {dict(statuses)}, by {dict(methods)}",
                  statuses.keys() == callbacks.STATUSES and len(methods) == 2)
    rng = random.Random(SEED)
    forged = [forms.received(rng, form, rng.choice(forms.FORGED)) for form in heard]
    for library in libraries:
        judged = library.validate(heard)
        wrong = [form for form, is_believed in zip(heard, judged) if not is_believed]
        verdict.check(f"{library.name} believes all {len(heard)} requests that the simulated Twilio signs",
                      not wrong, f"not {len(wrong)}, as {wrong[:1]}")
        wrong = [form for form, is_believed in zip(forged, library.validate(forged)) if is_believed]
        verdict.check(f"{library.name} believes none of them once it is forged", not wrong, wrong[:1])


def scene(library, origin):
    number = {"PyPI": 1, "npm": 2}[library.name]
    return clients.Scene(library, origin, account.SID, account.TOKEN, account.KEY, f"+97231{number}00000")


def client_findings(library, hurried, unhurried):
    """What speaks against each claim, and whether each slip is noticed."""
    at_speed, at_leisure = scene(library, hurried), scene(library, unhurried)
    at_speed.prepare()
    found, noticed = {}, {}
    for of, claims, slips in [(at_speed, clients.CLAIMS, SLIPS),
                              (at_leisure, clients.UNHURRIED_CLAIMS, UNHURRIED_SLIPS)]:
        for claim, judge in claims.items():
            found[claim] = clients.judge(of, judge)
        for slip in slips:
            with slipping(of, slip) as origin:
                noticed[slip.what] = clients.judge(of, slip.breaks, origin)
    return found, noticed


def judge_clients(verdict, libraries, hurried, unhurried):
    """What the clients of both libraries find at the simulated Twilio."""
    with ThreadPoolExecutor(max_workers=len(libraries)) as pool:
        findings = pool.map(lambda it: client_findings(it, hurried, unhurried), libraries)
        for library, (found, noticed) in zip(libraries, findings):
            for claim, complaints in found.items():
                verdict.check(f"{library.name} {claim}", not complaints, "\n".join(complaints[:20]))
            for slip, complaints in noticed.items():
                verdict.check(f"{library.name} notices {slip}", complaints)


def main():
    verdict = Verdict()
    problem = install()
    verdict.check("what is pinned of npm is installed", problem is None, problem)
    if problem is not None:
        verdict.end()
    binary = build()
    with ExitStack() as stack:
        npm = Npm()
        stack.callback(npm.close)
        libraries = [PyPI(), npm]
        for signer in libraries:
            judge_forms(verdict, libraries, signer)
        hurried, unhurried = (
            stack.enter_context(running(binary, ["twilio", "--port", "0", "--speed", str(speed)], account.ENV))
            for speed in (HURRIED, UNHURRIED))
        hurried, unhurried = hurried["listening"], unhurried["listening"]
        judge_callbacks(verdict, libraries, hurried)
        judge_clients(verdict, libraries, hurried, unhurried)
    verdict.end()


if __name__ == "__main__":
    main()
