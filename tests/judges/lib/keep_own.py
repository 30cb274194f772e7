"""Keeps Schemathesis from sawing off the branch that it sits on.

After it had revoked the key that it shows, or deleted its business, every answer would be 401
or 404 and nothing would be judged any more. Both operations are called all the same: with an
id that nobody has in the place of that one, and for all other keys and businesses as they
come, also those that it has made. What it changes in its business is judged like all else, and
then changed back: the description is of a business with the widest limit.
"""

import json
import os
import urllib.request

import schemathesis

# What an operation must not name, and what it names instead.
OWN = {
    "revokeKey": ("key_id", os.environ["JUDGE_KEY_ID"], "0" * 16),
    "deleteBusiness": ("business_id", os.environ["JUDGE_BUSINESS"], "nobody"),
}


def operation_id(case):
    return case.operation.definition.raw.get("operationId")


@schemathesis.hook
def before_call(context, case, kwargs):
    name, own, nobody = OWN.get(operation_id(case), (None, None, None))
    if name is not None and (case.path_parameters or {}).get(name) == own:
        case.path_parameters[name] = nobody


@schemathesis.hook
def after_call(context, case, response):
    if operation_id(case) == "changeBusiness" and response.status_code == 200:
        request = urllib.request.Request(
            os.environ["JUDGE_URL"] + "/api/business", os.environ["JUDGE_SETTINGS"].encode(),
            json.loads(os.environ["JUDGE_HEADERS"]), method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
