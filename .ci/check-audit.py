"""Holds the audit of a demo, one JSON object, against the promise.

The demo judges itself too; this does not believe it, and wants the numbers to make sense.
"""

import json
import sys

GOOD = {
    "leads": 100, "calls_placed": 99, "completed": 80, "failed": 20, "canceled": 0,
    "peak_live": 3, "limit": 3, "duplicate_dials": 0, "lost_leads": 0,
    "makespan_s": 30.0, "ideal_s": 29.0,
}

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
    numbers = {name: audit.get(name) for name in GOOD}
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


def main(argument):
    if argument == "--self-check":
        unnoticed = [bad for bad in BAD if not problems(GOOD | bad)]
        print(f"a good audit: {problems(GOOD) or 'passes'}; bad ones that pass: {unnoticed or 'none'}")
        return 1 if unnoticed or problems(GOOD) else 0
    print(argument)
    try:
        audit = json.loads(argument)
    except ValueError:
        audit = {}
    broken = problems(audit if isinstance(audit, dict) else {})
    for claim in broken:
        print(f"does not hold: {claim}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
