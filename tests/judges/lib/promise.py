"""The promise, as checks of what the carrier saw against what clients were told.

Nothing here asks the product: a `History` goes in, and one complaint for each claim comes
out, empty if the claim holds.
"""

import copy
from collections import Counter, defaultdict
from dataclasses import dataclass, field

OUTCOME_OF = {"completed": "completed", "busy": "failed", "no-answer": "failed",
              "failed": "failed", "canceled": "canceled"}
COUNTS = ["queued", "in_progress", "completed", "failed", "canceled"]
OVER = {"completed", "stopped", "failed"}


@dataclass
class Business:
    limit: int
    caller_id: str
    # Call ids of direct calls, as answered.
    direct: set = field(default_factory=set)


@dataclass
class Run:
    leads: list
    concurrency: int
    # As read at the end: the run, and its leads with their outcomes.
    status: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)
    # When a stop was first answered, and with how many calls under way.
    stopped_at_ms: float | None = None
    under_way: int = 0


@dataclass
class History:
    businesses: dict
    # By business and run id.
    runs: dict
    # What `GET /truth` of the simulated Twilio says at the end.
    truth: dict


def adds_up(status):
    """Whether the counts of a run are those of its leads, at any read."""
    return sum(status[name] for name in COUNTS) == status["total_leads"]


def claimed_at_ms(call):
    """When a call was claimed: its id is a UUIDv7, which begins with that."""
    return int(call["call_id"].replace("-", "")[:12], 16)


def run_of(call):
    return (call["business_id"], int(call["run_id"]))


def peaks(calls, key):
    """The most calls with each key that were live at one time, queued ones included."""
    changes = defaultdict(list)
    for call in calls:
        changes[key(call)].append((call["accepted"]["tick"], 1))
        if call["ended"]:
            changes[key(call)].append((call["ended"]["tick"], -1))
    most = {}
    for name, steps in changes.items():
        live = 0
        most[name] = 0
        for _, step in sorted(steps):
            live += step
            most[name] = max(most[name], live)
    return most


def limits(history):
    calls = history.truth["calls"]
    by_business = peaks(calls, lambda call: call["business_id"])
    by_number = peaks(calls, lambda call: call["from"])
    return [f"{name}: {by_business.get(name, 0)} live, {by_number.get(it.caller_id, 0)} from its number"
            for name, it in history.businesses.items()
            if max(by_business.get(name, 0), by_number.get(it.caller_id, 0)) > it.limit]


def run_limits(history):
    of_runs = [call for call in history.truth["calls"] if call["run_id"]]
    return [f"{run}: {most} live" for run, most in peaks(of_runs, run_of).items()
            if run in history.runs and most > history.runs[run].concurrency]


def dialled_once(history):
    calls = history.truth["calls"]
    dials = Counter((*run_of(call), call["position"]) for call in calls if call["run_id"])
    leads = Counter((*run_of(call), call["lead_id"]) for call in calls if call["run_id"])
    ids = Counter(call["call_id"] for call in calls)
    return [f"{what}: {times} calls" for counter in (dials, leads, ids)
            for what, times in counter.items() if times > 1]


def one_call_to_a_number(history):
    most = peaks(history.truth["calls"], lambda call: (call["from"], call["to"]))
    return [f"{numbers}: {live} at once" for numbers, live in most.items() if live > 1]


def stops(history):
    found = []
    for key, run in history.runs.items():
        if run.stopped_at_ms is None:
            continue
        calls = [call for call in history.truth["calls"] if call["run_id"] and run_of(call) == key]
        late = [call["sid"] for call in calls if claimed_at_ms(call) > run.stopped_at_ms]
        after = [call["sid"] for call in calls if call["accepted"]["at_ms"] > run.stopped_at_ms]
        if late or len(after) > run.under_way:
            found.append(f"{key}: claimed afterwards {late}, dialled afterwards {after},"
                         f" {run.under_way} were under way")
    return found


def asked_for(history):
    found = []
    for call in history.truth["calls"]:
        business = history.businesses.get(call["business_id"])
        if business is None or call["from"] != business.caller_id:
            found.append(f"{call['sid']}: no such business, or not its number")
        elif call["run_id"] is None:
            if call["call_id"] not in business.direct:
                found.append(f"{call['sid']}: a direct call that no answer names")
        else:
            run = history.runs.get(run_of(call))
            position = int(call["position"])
            if run is None or position >= len(run.leads) or run.leads[position] != int(call["lead_id"]):
                found.append(f"{call['sid']}: not a lead of that run")
    return found


def one_outcome(history):
    found = []
    for key, run in history.runs.items():
        leads = [row["lead_id"] for row in run.rows]
        words = {row["status"] for row in run.rows}
        if leads != run.leads or not words <= set(OUTCOME_OF.values()):
            found.append(f"{key}: {len(run.leads)} leads, {len(leads)} rows, {words}")
        counts = Counter(row["status"] for row in run.rows)
        told = {name: run.status[name] for name in COUNTS}
        if told != {name: counts.get(name, 0) for name in COUNTS} or not adds_up(run.status):
            found.append(f"{key}: counts {told}, rows {dict(counts)}")
        if run.status["total_leads"] != len(run.leads) or run.status["status"] not in OVER:
            found.append(f"{key}: {run.status}")
    return found


def same_outcome(history):
    placed = {(*run_of(call), int(call["position"])): call
              for call in history.truth["calls"] if call["run_id"]}
    by_sid = {call["sid"]: call for call in history.truth["calls"]}
    names = ["sid", "call_id", "run_id", "position", "status"]
    found = []
    for key, run in history.runs.items():
        for row in run.rows:
            call = placed.get((*key, row["position"]))
            if call is None:
                is_right = row["status"] in ("failed", "canceled") and row["call_sid"] is None
            else:
                is_right = row["status"] == OUTCOME_OF.get(call["status"])
                is_right &= row["call_id"] == call["call_id"]
                is_right &= row["call_sid"] in (None, call["sid"])
            if not is_right:
                seen = call or by_sid.get(row["call_sid"])
                seen = seen and {name: seen[name] for name in names}
                told = {name: row[name] for name in ["position", "status", "call_id", "call_sid", "error"]}
                found.append(f"{key}: told {told}, the carrier saw {seen}")
    return found


def over(history):
    return [call["sid"] for call in history.truth["calls"] if call["ended"] is None]


def audits(history):
    """The carrier's own audits find the same as these checks."""
    truth = history.truth
    calls = truth["calls"]
    pairs = [
        (truth["peak_live"]["by_business"], peaks(calls, lambda call: call["business_id"])),
        (truth["peak_live"]["by_caller_id"], peaks(calls, lambda call: call["from"])),
        (bool(truth["duplicate_dials"]), bool(dialled_once(history))),
        (bool(truth["overlapping_numbers"]), bool(one_call_to_a_number(history))),
        (truth["live"], len(over(history))),
        (truth["forgotten"], 0),
    ]
    return [f"{theirs} there, {ours} here" for theirs, ours in pairs if theirs != ours]


CLAIMS = {
    "no business ever has more live calls than its limit": limits,
    "no run ever has more live calls than its concurrency": run_limits,
    "no lead of a run is dialled twice, nor with one call id": dialled_once,
    "no business ever has two live calls to one number": one_call_to_a_number,
    "nothing claimed after a stop was answered is dialled": stops,
    "every call is one that was asked for": asked_for,
    "every lead of every run has one outcome, and the counts are theirs": one_outcome,
    "every outcome is the carrier's": same_outcome,
    "nothing is live in the end": over,
    "the carrier's own audits say the same": audits,
}


def judge(history):
    """What speaks against each claim."""
    return {claim: check(history) for claim, check in CLAIMS.items()}


def doctored(history):
    """Copies with one slip each, and the check that has to notice it."""
    def slip(change):
        spoilt = copy.deepcopy(history)
        change(spoilt, spoilt.truth["calls"])
        return spoilt

    def again(calls, call, **changes):
        last = max((it["ended"] or it["accepted"])["tick"] for it in calls)
        mark = lambda tick: {"tick": tick, "at_ms": call["accepted"]["at_ms"]}
        twin = {**call, "sid": "CA" + "f" * 32, "accepted": mark(last + 1), "ended": mark(last + 2)}
        calls.append({**twin, **changes})

    def of_run(calls):
        return next(call for call in calls if call["run_id"])

    def beyond_the_limit(spoilt, calls):
        for _ in range(spoilt.businesses[calls[0]["business_id"]].limit):
            again(calls, calls[0], accepted=calls[0]["accepted"], ended=calls[0]["ended"])

    def beyond_the_concurrency(spoilt, calls):
        call = of_run(calls)
        for _ in range(spoilt.runs[run_of(call)].concurrency):
            again(calls, call, accepted=call["accepted"], ended=call["ended"])

    def claimed_late(spoilt, calls):
        key, run = next((key, run) for key, run in spoilt.runs.items() if run.stopped_at_ms)
        call = next(call for call in calls if call["run_id"] and run_of(call) == key)
        call["call_id"] = f"{int(run.stopped_at_ms) + 1:012x}" + call["call_id"].replace("-", "")[12:]

    def busy_for_completed(_spoilt, calls):
        next(call for call in calls if call["run_id"] and call["status"] == "completed")["status"] = "busy"

    return [
        ("a call beyond the limit", limits, slip(beyond_the_limit)),
        ("a call beyond a run's concurrency", run_limits, slip(beyond_the_concurrency)),
        ("a lead dialled twice", dialled_once,
         slip(lambda _, calls: again(calls, of_run(calls), call_id="another", lead_id="another"))),
        ("a call id used twice", dialled_once, slip(lambda _, calls: again(calls, calls[0], run_id=None))),
        ("two calls to one number at once", one_call_to_a_number,
         slip(lambda _, calls: again(calls, calls[0], accepted=calls[0]["accepted"]))),
        ("a call claimed after a stop", stops, slip(claimed_late)),
        ("a direct call that nobody asked for", asked_for,
         slip(lambda _, calls: again(calls, calls[0], run_id=None, call_id="another"))),
        ("a lead without an outcome", one_outcome,
         slip(lambda spoilt, _: next(iter(spoilt.runs.values())).rows.pop())),
        ("an outcome that the carrier does not share", same_outcome, slip(busy_for_completed)),
        ("a lost call", same_outcome, slip(lambda _, calls: calls.remove(
            next(call for call in calls if call["run_id"] and call["status"] == "completed")))),
        ("a call that is still live", over, slip(lambda _, calls: calls[-1].update(ended=None))),
        ("audits that differ", audits, slip(beyond_the_limit)),
    ]
