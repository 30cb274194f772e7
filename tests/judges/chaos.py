"""A stack that is killed at any moment keeps the promise, as the carrier saw it.

`ringfence twilio` runs all the time. `ringfence serve --data DIR` calls through it for
three businesses and is killed with SIGKILL, again and again, and at last left alone until
every run is over. Then only the carrier's record and the API's answers count.
"""

import argparse
import os
import random
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from processes import Process, build
from promise import Business, History, adds_up
from record import judge_history, read_truth
from shop import LEADS, PATIENCE_SECONDS, Client, Shop, rest
from verdict import Verdict

LIMITS = [1, 3, 5]
SETTLE_SECONDS = 6
# Callbacks of many seconds' calls within seconds.
SPEED = 60
# How long everything may take after the last kill.
END_SECONDS = 120


def free_port(rng):
    """A port that no outgoing connection is ever given: one of those could connect to itself."""
    for _ in range(100):
        port = rng.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")


class Background:
    """Threads whose failures are kept, and end the judgement."""

    def __init__(self):
        self.failures = []
        self.threads = []

    def go(self, work, *arguments):
        def guarded():
            try:
                work(*arguments)
            except Exception as error:  # whatever it is, the judge must say so
                self.failures.append(f"{work.__name__}: {error!r}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self.threads.append(thread)

    def join(self):
        end = time.monotonic() + PATIENCE_SECONDS + END_SECONDS
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
        self.failures += ["a client never came to its end" for it in self.threads if it.is_alive()]


class Chaos:
    """The stack, killed and started again."""

    def __init__(self, binary, folder, rng, log, twilio, account):
        self.port = free_port(rng)
        self.binary = binary
        self.rng = rng
        self.log = log
        self.arguments = ["serve", "--data", str(folder), "--port", str(self.port), "--sweep-seconds", "1",
                          "--settle-seconds", str(SETTLE_SECONDS)]
        self.env = {"TWILIO_API_BASE": twilio, **account}
        self.stack = None
        self.kills = 0

    def up(self):
        self.stack = Process(self.binary, self.arguments, self.env, self.log)
        return self.stack.line()

    def down(self):
        self.stack.kill()
        self.kills += 1

    def strike(self, shops, background):
        """Lets it live for a moment of the seed's choice, kills it, and starts it again."""
        chance = self.rng.random()
        if chance < 0.35:
            # While a start is decided, placed and written down.
            background.go(self.rng.choice(shops).start_anything)
            time.sleep(self.rng.uniform(0, 0.25))
        elif chance < 0.7:
            time.sleep(self.rng.uniform(0.05, 0.8))
        else:
            time.sleep(self.rng.uniform(0.8, 3))
        self.down()
        while self.rng.random() < 0.1:
            # Before it can listen, or as soon as it does.
            self.stack = Process(self.binary, self.arguments, self.env, self.log)
            time.sleep(self.rng.uniform(0, 0.1))
            self.down()
        self.up()


def open_shops(chaos, system_key, rng):
    shops = []
    system = Client(chaos.port, system_key)
    for number, limit in enumerate(LIMITS):
        caller_id = f"+9723123450{number}"
        body = {"name": f"Business {number}", "phone_e164": caller_id, "limit": limit,
                "destinations": ["US"]}
        business_id = system.once("POST", "/api/businesses", body)[1]["business_id"]
        key = system.once("POST", f"/api/businesses/{business_id}/keys", {"role": "admin"})[1]["api_key"]
        client = Client(chaos.port, key)
        # The businesses call the same people.
        rows = [{"phone": f"+1212555{100 + n:04}", "name": f"Lead {n}"} for n in range(LEADS)]
        imported = client.once("POST", "/api/outbound/import-leads", {"rows": rows})[1]
        assert imported["imported_count"] == LEADS, imported
        shops.append(Shop(client, business_id, Business(limit, caller_id), random.Random(rng.random())))
    return shops


def work(shop, is_closing):
    """Starts and looks, until it is closing time."""
    while not is_closing.is_set():
        shop.start_anything()
        shop.poll()
        time.sleep(shop.rng.uniform(0, 0.3))


def wreck(chaos, shops, kills):
    """Kills the stack so often while clients are at work; what failed of them."""
    background = Background()
    is_closing = threading.Event()
    for shop in shops:
        shop.start({"list_id": 1} if shop.business.limit > 3 else {"lead_ids": [5, 4, 3, 2, 1]})
        background.go(work, shop, is_closing)
    for shop, hang_up in [(shops[1], False), (shops[2], True)]:
        background.go(shop.stop_half_way, hang_up)
    while chaos.kills < kills:
        chaos.strike(shops, background)
    is_closing.set()
    background.join()
    return background.failures


def tell(chaos, shops, truth, seconds):
    """What happened, for people."""
    verdicts = [create["verdict"] for create in truth["creates"]]
    rows = [row for shop in shops for run in shop.runs.values() for row in run.rows]
    print(f"{chaos.kills} kills in {seconds:.0f} s; {len(truth['calls'])} calls of"
          f" {sum(len(shop.runs) for shop in shops)} runs and {len(shops)} businesses,"
          f" {sum(len(shop.business.direct) for shop in shops)} direct calls;"
          f" {len(verdicts)} creates, {verdicts.count('unread')} of them cut off;"
          f" {sum(row['error'] == 'unconfirmed' for row in rows)} leads never confirmed;"
          f" {sum(shop.polls for shop in shops)} looks at runs", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--faults", choices=["none", "rough"], default="none")
    parser.add_argument("--binary", help="a ringfence that is built already")
    options = parser.parse_args()
    verdict = Verdict()
    binary = options.binary or build()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    account = {"TWILIO_ACCOUNT_SID": f"AC{rng.getrandbits(128):032x}",
               "TWILIO_AUTH_TOKEN": f"{rng.getrandbits(128):032x}"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "wb") as log:
        twilio = Process(binary, ["twilio", "--port", "0", "--speed", str(SPEED), "--seed",
                                  str(options.seed), "--faults", options.faults], account, log)
        chaos = None
        try:
            origin = twilio.line()["listening"]
            chaos = Chaos(binary, Path(folder) / "data", rng, log, origin, account)
            shops = open_shops(chaos, chaos.up()["system_admin_key"], rng)
            failures = wreck(chaos, shops, options.kills)
            verdict.check("every client got its answers", not failures, "\n".join(failures))
            rested = rest(shops, END_SECONDS)
            verdict.check(f"left alone, every run ends and every slot is free within {END_SECONDS} s",
                          rested is not None)
            print(f"that took {rested or END_SECONDS:.1f} s", flush=True)
            for shop in shops:
                shop.collect()
            truth = read_truth(origin)
        finally:
            for process in (chaos and chaos.stack, twilio):
                if process:
                    process.kill()
        tell(chaos, shops, truth, time.monotonic() - began)
        log.flush()
        if verdict.failed:
            print(Path(log.name).read_text(encoding="utf-8")[-4000:])
    verdict.check("at least 50 kills" if options.kills >= 50 else "the kills asked for",
                  chaos.kills >= options.kills)
    wrong = [f"{shop.id}: {it}" for shop in shops for it in shop.wrong]
    verdict.check("counts add up at every look, slots are within limits,"
                  " and a key gives its first answer again", not wrong, "\n".join(wrong[:20]))
    runs = {(shop.id, number): run for shop in shops for number, run in shop.runs.items()}
    cut = [run.status for run in runs.values() if run.stopped_at_ms and run.status["canceled"] > 0]
    verdict.check("a run was stopped half way, and its waiting leads canceled", cut)
    judge_history(verdict, History({shop.id: shop.business for shop in shops}, runs, truth))
    verdict.check("counts that do not add up are noticed",
                  not adds_up({**next(iter(runs.values())).status, "total_leads": 10_000}))
    verdict.end()


if __name__ == "__main__":
    main()
