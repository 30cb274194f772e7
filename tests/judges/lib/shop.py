"""A business of a stack that may die at any moment: its requests, and what it was answered."""

import http.client
import json
import threading
import time

from promise import OVER, Run, adds_up

LEADS = 40
# How long a client goes on asking.
PATIENCE_SECONDS = 90


class Client:
    """A client of the stack that is told nothing of the kills."""

    def __init__(self, port, key):
        self.port = port
        self.key = key

    def once(self, method, path, body=None, **headers):
        """One answer, or an `OSError` or `HTTPException` if there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers["authorization"] = f"Bearer {self.key}"
        if body is not None:
            body = json.dumps(body)
            headers["content-type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def ask(self, method, path, body=None, **headers):
        """Asks until there is an answer, as a client with a key may."""
        end = time.monotonic() + PATIENCE_SECONDS
        last = None
        while time.monotonic() < end:
            try:
                status, answer = self.once(method, path, body, **headers)
                if status not in (500, 503):
                    return status, answer
                last = answer
            except (OSError, http.client.HTTPException, ValueError) as error:
                last = error
            time.sleep(0.05)
        raise RuntimeError(f"{method} {path} had no answer for {PATIENCE_SECONDS} s: {last}")


class Shop:
    """One business: what it asks for, and what it was answered."""

    def __init__(self, client, business_id, business, rng):
        self.client = client
        self.id = business_id
        self.business = business
        self.rng = rng
        self.runs = {}
        self.starts = []
        self.wrong = []
        self.polls = 0
        self.lock = threading.Lock()

    def start(self, body, path="/api/outbound_calls/start", key=None):
        """Starts with a key, as often as it takes, and keeps the answer."""
        key = key or f"chaos-{self.rng.getrandbits(64):016x}"
        status, answer = self.client.ask("POST", path, body, **{"idempotency-key": key})
        with self.lock:
            if status == 201:
                limit = self.business.limit
                leads = body.get("lead_ids") or list(range(1, LEADS + 1))
                run = Run(leads=leads, concurrency=body.get("concurrency", limit))
                self.runs.setdefault(answer["run_id"], run)
                told = answer["run_id"]
            elif "calls" in answer:
                told = [call["call_id"] for call in answer["calls"]]
                self.business.direct.update(call for call in told if call)
                # Where every lead is in a call already, nothing was started.
                told = told if any(told) else None
            else:
                told = None
                if status != 429:
                    self.wrong.append((status, answer))
            self.starts.append((path, body, key, told))
        return told

    def start_run(self, size):
        leads = self.rng.sample(range(1, LEADS + 1), size)
        body = {"lead_ids": leads}
        if self.rng.random() < 0.3:
            body["concurrency"] = self.rng.randint(1, self.business.limit)
        return self.start(body, "/api/outbound/bulk-enqueue")

    def start_anything(self):
        with self.lock:
            again = self.rng.choice(self.starts) if self.starts and self.rng.random() < 0.2 else None
        if again:
            path, body, key, told = again
            answer = self.start(body, path, key)
            # What was refused may be asked again; what was started has one answer.
            if told is not None and answer != told:
                self.wrong.append((key, told, answer))
        elif self.queued() < 2 and self.rng.random() < 0.15:
            self.start_run(self.rng.randint(4, 4 + 3 * self.business.limit))
        else:
            # It is refused while a run has all slots, or becomes a run itself.
            size = self.rng.randint(1, min(3, self.business.limit))
            body = {"lead_ids": self.rng.sample(range(1, LEADS + 1), size)}
            if self.rng.random() < 0.05:
                body["when_full"] = "queue"
            self.start(body)

    def queued(self):
        with self.lock:
            return sum(run.status.get("queued", len(run.leads)) for run in self.runs.values())

    def poll(self):
        """Looks at every run that is not over; true if all are."""
        with self.lock:
            open_runs = [(number, run) for number, run in self.runs.items()
                         if run.status.get("status") not in OVER]
        is_over = True
        for number, run in open_runs:
            _, status = self.client.ask("GET", f"/api/outbound/runs/{number}")
            run.status = status
            self.polls += 1
            if not adds_up(status) or status["in_progress"] > run.concurrency:
                self.wrong.append(status)
            is_over &= status["status"] in OVER
        _, counts = self.client.ask("GET", "/api/outbound_calls/counts")
        if counts["active_outbound"] > self.business.limit or counts["max_outbound"] != self.business.limit:
            self.wrong.append(counts)
        return is_over and counts["active_outbound"] == 0

    def stop_half_way(self, hang_up):
        """Starts a run, and stops it once a third of it is over."""
        number = self.start_run(8 * self.business.limit)
        run = self.runs[number]
        while True:
            _, status = self.client.ask("GET", f"/api/outbound/runs/{number}")
            ended = status["completed"] + status["failed"]
            if status["status"] in OVER or ended >= len(run.leads) // 3:
                break
            time.sleep(0.05)
        status, answer = self.client.ask("POST", "/api/outbound/stop-queue",
                                         {"run_id": number, "hang_up": hang_up})
        run.stopped_at_ms = time.time() * 1000
        run.under_way = answer.get("in_progress", 0)
        if status != 200:
            self.wrong.append((status, answer))

    def collect(self):
        """Reads what became of every run."""
        _, listed = self.client.ask("GET", "/api/outbound/runs?limit=100")
        numbers = {run["run_id"] for run in listed["items"]}
        if numbers != self.runs.keys():
            self.wrong.append(f"runs {numbers} are there, {self.runs.keys()} were answered")
        for number, run in self.runs.items():
            run.status = self.client.ask("GET", f"/api/outbound/runs/{number}")[1]
            run.rows = self.client.ask("GET", f"/api/outbound/runs/{number}/calls")[1]["items"]


def rest(shops, seconds_max):
    """Waits until every run is over and no slot is taken; how long that took, or nothing."""
    began = time.monotonic()
    while time.monotonic() - began < seconds_max:
        if all([shop.poll() for shop in shops]):
            return time.monotonic() - began
        time.sleep(0.1)
    return None
