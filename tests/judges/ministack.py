"""The template, deployed: the real bootstraps behind the routes, the webhook's URL, the queue
and the schedule of an AWS that nobody here wrote, with a simulated Twilio outside.

MiniStack runs the bootstraps as processes, as whom their roles say, and refuses what their
policies do not allow. `lib/stack.py` says where it differs from AWS. The wait after which a
message that failed comes again is cut, so that a poisoned one is dead within a minute.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from bootstraps import bootstraps, build_bootstraps
from emulator import ministack
from processes import Process, build
from promise import OUTCOME_OF, Business, History, peaks
from record import judge_history, read_truth
from routes import judge_routes
from shop import Client, Shop, rest
from stack import REGION, Stack, client
from verdict import Verdict
from web import forward, serving

FUNCTIONS = 9
LEADS = 100
# Calls of a minute within a second.
SPEED = 60
# Whose end is never reported: each holds its slot until the sweep asks.
UNHEARD = 3
END_SECONDS = 900
POISON_SECONDS = 120
# How long nothing has to happen.
REFUSED_SECONDS = 10
KEYS = ("AKIAIOSFODNN7EXAMPLE", "secret")


class Front:
    """What stands before the webhook's URL: it names its host, and loses what it is told to."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.host = None
        self.unheard = set()
        self.lost = []

    def answer(self, request):
        form = parse_qs(request.body.decode())
        told = {name: form.get(name, [""])[0] for name in ("To", "CallStatus", "CallSid")}
        if told["To"] in self.unheard and told["CallStatus"] in OUTCOME_OF:
            self.lost.append(told["CallSid"])
            return None
        return forward(self.endpoint, request, self.host)


class Admin:
    """`ringfence admin`, as somebody who may do what the stack's policy for administrators says."""

    def __init__(self, binary, endpoint, policy):
        iam = client(endpoint, "iam", KEYS)
        iam.create_user(UserName="administrator")
        iam.attach_user_policy(UserName="administrator", PolicyArn=policy)
        keys = iam.create_access_key(UserName="administrator")["AccessKey"]
        self.command = [binary, "admin"]
        self.target = ["--stack", "ringfence", "--endpoint-url", endpoint, "--region", REGION]
        self.env = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_EC2_METADATA_DISABLED": "true"}

    def run(self, command, *arguments):
        return subprocess.run([*self.command, command, *self.target, *arguments], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)

    def ask(self, command, *arguments):
        done = self.run(command, *arguments)
        if done.returncode != 0:
            raise RuntimeError(f"admin {command}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)


def phone(number):
    return f"+1212555{100 + number:04}"


def open_shop(admin, port, rng, number, limit, folder):
    """A business as an administrator sets it up, with a file of leads."""
    caller_id = f"+9723123450{number}"
    made = admin.ask("create-business", "--name", f"Business {number}", "--phone", caller_id,
                     "--limit", str(limit), "--country", "IL", "--destination", "US")
    business = made["business_id"]
    key = admin.ask("create-key", "--business", business)["api_key"]
    file = Path(folder) / f"{number}.csv"
    rows = "".join(f"Lead {n},{phone(n)}\n" for n in range(LEADS))
    file.write_text(f"name,phone\n{rows}", encoding="utf-8")
    imported = admin.ask("import", "--business", business, str(file))
    assert imported["imported_count"] == LEADS, imported
    return Shop(Client(port, key), business, Business(limit, caller_id), random.Random(rng.random()))


def judge_door(verdict, port, webhook, shops):
    """Who is let in, and who is not."""
    stranger, nobody = Client(port, "rf_nobody"), Client(port, "")
    path = "/api/outbound_calls/counts"
    verdict.check("who has no key, or one that nobody gave, is not let in",
                  (nobody.once("GET", path)[0], stranger.once("GET", path)[0]) in [(401, 401), (401, 403)],
                  (nobody.once("GET", path), stranger.once("GET", path)))
    mine, other = shops[0].client, shops[1].client
    run = next(iter(shops[0].runs))
    verdict.check("a business sees its own run, and no other does",
                  mine.once("GET", f"/api/outbound/runs/{run}")[1]["total_leads"] == LEADS
                  and other.once("GET", f"/api/outbound/runs/{run}")[1].get("total_leads") != LEADS)
    verdict.check("health is told to anybody", nobody.once("GET", "/healthz")[0] == 200)
    forged = Client(urlsplit(webhook).port, "").once("POST", "/webhook/call_status", {"CallSid": "CA" + "0" * 32})
    verdict.check("an unsigned callback is turned away", forged[0] == 403, forged)


def judge_poison(verdict, endpoint, outputs, admin, business):
    """A message that nobody can work on ends in the dead-letter queue; what can be read comes out again."""
    sqs = client(endpoint, "sqs", KEYS)
    queue, dead = outputs["WakeUpQueueUrl"], outputs["WakeUpDeadLetterQueueUrl"]

    def dead_letters(wanted):
        end = time.monotonic() + POISON_SECONDS
        while True:
            told = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
            there = int(told["Attributes"]["ApproximateNumberOfMessages"])
            if there == wanted or time.monotonic() > end:
                return there
            time.sleep(1)

    verdict.check("no message was dead before", dead_letters(0) == 0)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    verdict.check("a poisoned message goes to the dead-letter queue", dead_letters(1) == 1)
    sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"business": business}))
    replayed = admin.ask("replay-dead-letters", "--yes")
    verdict.check("one command puts back what can be read, and leaves what cannot",
                  (replayed["replayed"], replayed["unreadable"]) == (1, 1) and dead_letters(1) == 1, replayed)


def judge_policies(verdict, stack, known, shop, twilio):
    """That functions do no more than they may would not be seen if they might do anything."""
    before = len(read_truth(twilio)["calls"])

    def without_writing(template):
        policies = template["Resources"]["FillFunctionRole"]["Properties"]["Policies"]
        for statement in policies[0]["PolicyDocument"]["Statement"]:
            if "dynamodb:UpdateItem" in statement["Action"]:
                statement["Action"].remove("dynamodb:UpdateItem")

    stack.deploy(without_writing, **known)
    shop.start({"lead_ids": [1, 2, 3]}, "/api/outbound/bulk-enqueue")
    time.sleep(REFUSED_SECONDS)
    truth = read_truth(twilio)
    verdict.check("a function that may not write the state calls nobody",
                  len(truth["calls"]) == before, truth["calls"][before:])
    stack.deploy(**known)
    shop.client.once("POST", "/api/outbound/cleanup-stuck-jobs", {})
    rested = rest([shop], END_SECONDS)
    verdict.check("and once it may, what was waiting is called",
                  rested is not None and len(read_truth(twilio)["calls"]) == before + 3)


def call(verdict, admin, twilio, front, webhook, port, rng, folder):
    """Two businesses at once; the history of it, and the businesses."""
    shops = [open_shop(admin, port, rng, number, limit, folder) for number, limit in [(1, 3), (2, 2)]]
    front.unheard = {phone(n) for n in rng.sample(range(LEADS), UNHEARD)}
    everybody = {"lead_ids": list(range(1, LEADS + 1))}
    shops[0].start(everybody, "/api/outbound/bulk-enqueue")
    halved = threading.Thread(target=shops[1].stop_half_way, args=(False,), daemon=True)
    halved.start()
    judge_door(verdict, port, webhook, shops)
    halved.join(END_SECONDS)
    rested = rest(shops, END_SECONDS)
    verdict.check(f"every run ends and every slot is free within {END_SECONDS} s", rested is not None)
    for shop in shops:
        shop.collect()
    truth = read_truth(twilio)
    wrong = [f"{shop.id}: {it}" for shop in shops for it in shop.wrong]
    verdict.check("counts add up at every look", not wrong, "\n".join(wrong[:20]))
    runs = {(shop.id, number): run for shop in shops for number, run in shop.runs.items()}
    history = History({shop.id: shop.business for shop in shops}, runs, truth)
    (whole, halved) = [next(iter(shop.runs.values())).status for shop in shops]
    verdict.check(f"{LEADS} leads are called to the end",
                  whole["completed"] + whole["failed"] + whole["canceled"] == LEADS and whole["queued"] == 0
                  and sum(it["business_id"] == shops[0].id for it in truth["calls"]) == LEADS, whole)
    verdict.check("the other run was stopped half way", halved["canceled"] > 0, halved)
    most = peaks(truth["calls"], lambda it: it["business_id"])
    verdict.check("each business had as many live calls as its limit, and no more",
                  [most.get(shop.id) for shop in shops] == [shop.business.limit for shop in shops], most)
    verdict.check(f"{UNHEARD} ends that were never reported were found out",
                  len(set(front.lost)) >= UNHEARD and rested is not None, front.lost)
    return history, shops


def judge_stack(verdict, endpoint, binary, log, folder):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}", flush=True)
    rng = random.Random(seed)
    account = {"TWILIO_ACCOUNT_SID": f"AC{rng.getrandbits(128):032x}",
               "TWILIO_AUTH_TOKEN": f"{rng.getrandbits(128):032x}"}
    for name in ("/ringfence/placing", "/ringfence/signing"):
        client(endpoint, "ssm", KEYS).put_parameter(
            Name=name, Value=account["TWILIO_AUTH_TOKEN"], Type="SecureString")
    twilio = Process(binary, ["twilio", "--port", "0", "--speed", str(SPEED), "--seed", str(seed)], account, log)
    try:
        carrier = twilio.line()["listening"]
        stack = Stack(endpoint, "ringfence", bootstraps(), KEYS)
        known = {"Architecture": "x86_64", "TwilioAccountSid": account["TWILIO_ACCOUNT_SID"],
                 "TwilioApiBase": carrier}
        outputs = stack.deploy(**known)
        verdict.check("it is deployed without a public host", outputs["WebhookUrl"])
        front = Front(endpoint)
        front.host = urlsplit(outputs["WebhookUrl"]).netloc
        # By this name MiniStack knows what AWS calls `<id>.execute-api.<region>.amazonaws.com`.
        api = f"{urlsplit(outputs['ApiUrl']).netloc.split('.')[0]}.execute-api.localhost"
        with serving(front.answer) as webhook, \
                serving(lambda request: forward(endpoint, request, api)) as door:
            outputs = stack.deploy(**known, PublicHost=webhook)
            verdict.check("it is deployed again with the host of its webhook",
                          urlsplit(outputs["WebhookUrl"]).netloc == front.host)
            admin = Admin(binary, endpoint, outputs["AdminPolicyArn"])
            began = time.monotonic()
            history, shops = call(verdict, admin, carrier, front, webhook, urlsplit(door).port, rng, folder)
            print(f"{len(history.truth['calls'])} calls in {time.monotonic() - began:.0f} s", flush=True)
            judge_history(verdict, history)
            told = admin.run("doctor", "--business", next(iter(history.businesses)))
            verdict.check("the doctor finds nothing wrong", told.returncode == 0, told.stdout + told.stderr)
            judge_poison(verdict, endpoint, outputs, admin, shops[0].id)
            judge_routes(verdict, urlsplit(door).port, admin.ask("create-key", "--system-admin")["api_key"],
                         stack.routes)
            judge_policies(verdict, stack, {**known, "PublicHost": webhook}, shops[1], carrier)
    finally:
        twilio.kill()


def main():
    verdict = Verdict()
    is_built, told = build_bootstraps()
    verdict.check("every function is built", is_built and len(bootstraps()) == FUNCTIONS, told[-4000:])
    if verdict.failed:
        verdict.end()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        try:
            binary = build()
            with open(Path(folder) / "twilio", "wb") as written, \
                    ministack(log, LAMBDA_EXECUTOR="local", AUTH="true", LOG_LEVEL="INFO",
                              AWS_ACCESS_KEY_ID=KEYS[0], AWS_SECRET_ACCESS_KEY=KEYS[1]) as endpoint:
                judge_stack(verdict, endpoint, binary, written, folder)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            verdict.check("the stack is there", False, error)
        if verdict.failed:
            print(log.read_text(encoding="utf-8", errors="replace")[-8000:])
    verdict.end()


if __name__ == "__main__":
    main()
