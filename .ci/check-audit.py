"""Holds the audit of a demo, one JSON object, against the promise.

The demo judges itself too; this does not believe it, and wants the numbers to make sense.
"""

import json
import sys

GOOD = {
    "leads": 100, "calls_placed": 99, "completed": 80, "failed": 20, "canceled": 0,
    "peak_live": 3, "limit": 3, "duplicate_dials": 0, "lost_leads": 0,
    "makespan_s": 30.0, "ideal_s": 29.9,
    "turnaround_ms": {"p50": 2.0, "p99": 7.0},
    "dynamodb": {
        "wcu_per_call": 3.1, "rcu_per_call": 1.98, "requests_per_call": 6.0,
        "failed_conditions": 1, "failed_conditions_share": 0.01,
    },
    "sqs_requests_per_call": 3.0,
}

# What a run without faults must reach, by the name of the figure.
FIGURES = {
    "makespan / ideal at most 1.03": lambda audit: audit["makespan_s"] <= 1.03 * audit["ideal_s"],
    "at most 4.2 write units a call": lambda audit: audit["dynamodb"]["wcu_per_call"] <= 4.2,
    "at most 2 read units a call": lambda audit: audit["dynamodb"]["rcu_per_call"] <= 2.0,
    "at most 4 SQS requests a call": lambda audit: audit["sqs_requests_per_call"] <= 4.0,
    "fewer than 2 % refused": lambda audit: audit["dynamodb"]["failed_conditions_share"] < 0.02,
    "p50 at most 15 ms": lambda audit: audit["turnaround_ms"]["p50"] <= 15,
    "p99 at most 60 ms": lambda audit: audit["turnaround_ms"]["p99"] <= 60,
}

# For each figure an audit that misses it.
POOR = [
    {"makespan_s": 31.0},
    {"dynamodb": GOOD["dynamodb"] | {"wcu_per_call": 4.3}},
    {"dynamodb": GOOD["dynamodb"] | {"rcu_per_call": 2.1}},
    {"dynamodb": GOOD["dynamodb"] | {"failed_conditions_share": 0.02}},
    {"sqs_requests_per_call": 4.1},
    {"turnaround_ms": {"p50": 16, "p99": 20}},
    {"turnaround_ms": {"p50": 2, "p99": 61}},
    {"dynamodb": None},
]

# For each claim an audit that breaks it.
BAD = [
    {"leads": 0, "completed": 0, "failed": 0, "calls_placed": 0},
    {"completed": 79},
    {"canceled": 1, "failed": 19},
    {"peak_live": 4},
    {"peak_live": 2},
    {"duplicate_dials": 1},
    {"lost_leads": 1},
    {"calls_placed": 101},
    {"completed": 0, "failed": 100},
    {"makespan_s": 0.0},
    {"lost_leads": None},
    {"peak_live": "3"},
]


def problems(audit):
    """Every claim that does not hold."""
    numbers = {name: audit.get(name) for name, it in GOOD.items() if not isinstance(it, dict)}
    missing = [name for name, it in numbers.items() if isinstance(it, bool) or not isinstance(it, (int, float))]
    if missing:
        return [f"no number: {', '.join(missing)}"]
    claims = {
        "there are leads": audit["leads"] > 0,
        "every lead has one outcome":
            audit["completed"] + audit["failed"] + audit["canceled"] == audit["leads"],
        "nobody canceled anything": audit["canceled"] == 0,
        "some calls were completed": audit["completed"] > 0,
        "the limit held": audit["peak_live"] <= audit["limit"],
        "the slots were used": audit["peak_live"] == min(audit["limit"], audit["leads"]),
        "nobody was dialled twice": audit["duplicate_dials"] == 0,
        "no lead has more than one call": audit["completed"] <= audit["calls_placed"] <= audit["leads"],
        "no lead was lost": audit["lost_leads"] == 0,
        "it took time": audit["makespan_s"] > 0 and audit["ideal_s"] > 0,
    }
    return [claim for claim, holds in claims.items() if not holds]


def shortfalls(audit):
    """Every figure that is missed."""
    try:
        return [figure for figure, is_reached in FIGURES.items() if not is_reached(audit)]
    except (KeyError, TypeError):
        return ["a figure is missing"]


def main(argument, *options):
    if argument == "--self-check":
        unnoticed = [bad for bad in BAD if not problems(GOOD | bad)]
        unnoticed += [poor for poor in POOR if not shortfalls(GOOD | poor)]
        good = problems(GOOD) + shortfalls(GOOD)
        print(f"a good audit: {good or 'passes'}; bad ones that pass: {unnoticed or 'none'}")
        return 1 if unnoticed or good else 0
    print(argument)
    try:
        audit = json.loads(argument)
    except ValueError:
        audit = {}
    audit = audit if isinstance(audit, dict) else {}
    broken = problems(audit)
    if "--figures" in options:
        broken += shortfalls(audit)
    for claim in broken:
        print(f"does not hold: {claim}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
