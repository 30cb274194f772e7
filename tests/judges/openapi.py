"""Schemathesis sends what the description allows and what it forbids, and is never surprised.

It reads `GET /openapi.json` of the embedded stack, as clients do, and holds every answer to it,
with all its checks: examples, the bounds of every value, random requests, and on a stack of
their own chains of requests that use each other's answers. Once with an administrator's key,
once with the system's. Then it is given documents that say something else, and has to notice
each. SCHEMATHESIS_SEED repeats a run with other requests, SCHEMATHESIS_EXAMPLES and
SCHEMATHESIS_CHAINS with more.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from apart import installed
from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/ringfence"
SEED = os.environ.get("SCHEMATHESIS_SEED", "20260301")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "12")
BUILD_SECONDS_MAX = 1_800
# For one run of Schemathesis.
SECONDS_MAX = 1_200
SINGLE, CHAINS = "examples,coverage,fuzzing", "stateful"
# How many chains: each is of several requests.
CHAIN_EXAMPLES = os.environ.get("SCHEMATHESIS_CHAINS", "60")
OPERATIONS_MIN = 30
CASES_MIN = 1_000
CHAINED_MIN = 5
# The limit is the widest there is: what is described then holds for this business.
SETTINGS = {"name": "Judged", "phone_e164": "+97231234567", "limit": 200, "region": "IL",
            "time_zone": "Asia/Jerusalem", "destinations": ["IL"], "caps": {}}

# Which answers to valid requests are no surprise, beyond Schemathesis's own. All checks are on.
CONFIG = """
[checks.positive_data_acceptance]
# 422: nobody could be called, as things stand. 413: as large as the transport takes.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "413", "422", "429"]

[checks.negative_data_rejection]
# 413 is how too many of something are refused.
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]

# Rows, files and numbers are judged by what stands in them, which no schema says: a file without
# a phone number is as valid to a schema as one with, and is 400.
[[operations]]
include-operation-id = ["importLeads", "addDoNotCall", "listDoNotCall"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "429"]
"""

OPERATIONS = re.compile(r"^\s*Tested: (\d+)$", re.M)
CASES = re.compile(r"^\s*(\d[\d,]*) generated", re.M)
CHAINED = re.compile(r"^\s*API Links:\s+(\d+) covered", re.M)


class Stack:
    """The embedded stack, and a business with leads and a run."""

    def __init__(self, process):
        first = json.loads(process.stdout.readline())
        self.url = first["listening"]
        self.system_key = first["system_admin_key"]
        made = self.ask("POST", "/api/businesses", SETTINGS)
        self.business = made["business_id"]
        keys = f"/api/businesses/{self.business}/keys"
        self.key = {role: self.ask("POST", keys, {"role": role})["api_key"] for role in ("agent", "admin")}
        self.key["system_admin"] = self.system_key
        rows = [{"name": f"Lead {lead}", "phone": f"05012{lead:05}"} for lead in range(1, 201)]
        self.ask("POST", "/api/outbound/import-leads", {"rows": rows})
        self.ask("POST", "/api/outbound/bulk-enqueue", {"lead_ids": list(range(101, 151))})

    def headers(self, key=None):
        return {"Authorization": f"Bearer {key or self.system_key}", "Content-Type": "application/json",
                "X-Business-Id": getattr(self, "business", "none")}

    def ask(self, method, path, body=None, key=None):
        """Asks as the system's administrator, or with another key."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers(key), method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@contextmanager
def stack():
    """A new stack, whose calls are twenty times faster than life."""
    serve = [BINARY, "serve", "--port", "0", "--api-rate", "0", "--speed", "20"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Stack(process)
        finally:
            process.kill()


def schemathesis(it, document, role, *options):
    """What Schemathesis says of a stack, and whether it is content."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", document,
                   "--url", it.url, "--checks", "all", "--seed", SEED, "--continue-on-failure",
                   "--no-color", "--generation-database", "none", "--request-timeout", "30",
                   "-H", f"Authorization: Bearer {it.key[role]}", *options]
        if role == "system_admin":
            command += ["-H", f"X-Business-Id: {it.business}"]
        env = {**os.environ, "PYTHONPATH": f"{installed('schemathesis')}:{HERE / 'lib'}", "SCHEMATHESIS_HOOKS": "keep_own",
               "JUDGE_KEY_ID": key_id(it.key[role]), "JUDGE_BUSINESS": it.business,
               "JUDGE_URL": it.url, "JUDGE_HEADERS": json.dumps(it.headers()),
               "JUDGE_SETTINGS": json.dumps(SETTINGS)}
        try:
            done = subprocess.run(command, env=env, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=SECONDS_MAX, check=False)
        except subprocess.TimeoutExpired as late:
            return False, f"gave up after {late.timeout} s"
    return done.returncode == 0, done.stdout


def key_id(key):
    return key.split("_")[1]


def number(pattern, said):
    found = pattern.search(said)
    return int(found[1].replace(",", "")) if found else 0


def without_business(text):
    """The description without the header that names the business, which every request here has.

    Schemathesis takes it for the id of something that nothing makes, and would begin no chain
    with an operation that takes it: with nearly none, that is.
    """
    document = json.loads(text)
    for methods in document["paths"].values():
        for operation in methods.values():
            parameters = operation["parameters"]
            operation["parameters"] = [it for it in parameters if it["name"] != "X-Business-Id"]
    return json.dumps(document)


def judged(role, phases):
    """What is found in these phases on a stack of their own."""
    began = time.monotonic()
    with stack() as it, tempfile.TemporaryDirectory() as folder:
        document = f"{it.url}/openapi.json"
        if phases == CHAINS:
            file = Path(folder) / "openapi.json"
            text = urllib.request.urlopen(document, timeout=30).read()
            file.write_text(without_business(text), encoding="utf-8")
            document = str(file)
        examples = CHAIN_EXAMPLES if phases == CHAINS else EXAMPLES
        is_content, said = schemathesis(it, document, role, "--phases", phases, "--max-examples", examples)
        try:
            # A key that was revoked may go on opening for a minute, but is listed no more.
            keys = it.ask("GET", f"/api/businesses/{it.business}/keys")["items"]
            still = role == "system_admin" or key_id(it.key[role]) in [key["key_id"] for key in keys]
        except OSError as error:
            still, said = False, f"{said}\n{error}"
    return is_content, said, still, time.monotonic() - began


def judge(verdict, role, phases, found):
    is_content, said, still, seconds = found
    operations, cases, chained = number(OPERATIONS, said), number(CASES, said), number(CHAINED, said)
    name = f"{role}, {phases}"
    verdict.check(f"{name}: nothing is found: {operations} operations, {cases} requests, {seconds:.0f} s",
                  is_content, said[-20_000:])
    if phases == CHAINS:
        verdict.check(f"{name}: it has followed {CHAINED_MIN} links or more: {chained}",
                      chained >= CHAINED_MIN, said[-2_000:])
    else:
        verdict.check(f"{name}: it has looked at {OPERATIONS_MIN} operations and sent {CASES_MIN} requests, or more",
                      operations >= OPERATIONS_MIN and cases >= CASES_MIN, said[-2_000:])
    verdict.check(f"{name}: its key and its business are still there", still, said[-2_000:])


def another_status(document):
    del document["paths"]["/api/outbound/runs/{run_id}"]["get"]["responses"]["404"]
    return "showRun", "Undocumented status code"


def another_field(document):
    answer = document["paths"]["/api/outbound_calls/counts"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"]["required"].append("waiting")
    return "countCalls", "Response violates schema"


def another_type(document):
    answer = document["paths"]["/api/business"]["get"]["responses"]["200"]
    answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return "showBusiness", "Content-Type"


def narrower_bounds(document):
    parameters = document["paths"]["/api/outbound/recent-calls"]["get"]["parameters"]
    size = next(it for it in parameters if it["name"] == "page_size")
    size["schema"]["anyOf"][0]["maximum"] = 50
    return "listCalls", "Schema-violating request accepted"


def wider_bounds(document):
    body = document["paths"]["/api/outbound/bulk-enqueue"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    schema["properties"]["concurrency"]["maximum"] = 100_000
    return "startRun", "Schema-valid request rejected"


def a_closed_door(document):
    document["paths"]["/healthz"]["get"]["security"] = [{"key": []}]
    return "health", "Authentication"


DOCTORED = [another_status, another_field, another_type, narrower_bounds, wider_bounds, a_closed_door]


def doctored(doctor):
    """What is said of a document that was changed, and what ought to be."""
    with stack() as it, tempfile.TemporaryDirectory() as folder:
        document = json.loads(urllib.request.urlopen(f"{it.url}/openapi.json", timeout=30).read())
        operation, expected = doctor(document)
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        is_content, said = schemathesis(it, str(file), "admin", "--include-operation-id", operation,
                                        "--phases", SINGLE, "--max-examples", "20")
    return not is_content and expected.lower() in said.lower(), said


def main():
    verdict = Verdict()
    built = subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "--bin", "ringfence"],
                           cwd=ROOT, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX)
    verdict.check("the stack is built", built.returncode == 0, built.stderr[-4_000:])
    if built.returncode != 0:
        verdict.end()
    installed("schemathesis")
    # Each has a stack and a process of its own, so two go on at a time.
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [(role, phases) for phases in (SINGLE, CHAINS) for role in ("admin", "system_admin")]
        found = [pool.submit(judged, role, phases) for role, phases in runs]
        noticed = [pool.submit(doctored, doctor) for doctor in DOCTORED]
        for (role, phases), result in zip(runs, found):
            judge(verdict, role, phases, result.result())
        for doctor, result in zip(DOCTORED, noticed):
            is_noticed, said = result.result()
            verdict.check(f"a document with {doctor.__name__.replace('_', ' ')} is noticed",
                          is_noticed, said[-3_000:])
    verdict.end()


if __name__ == "__main__":
    main()
