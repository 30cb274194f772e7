"""Every route of the API, asked once and more: each function has what its role permits, and no more."""

import http.client
import json
import time
from urllib.parse import urlsplit

from shop import Client

# Calls are of a few seconds, and a sweep comes each minute.
CALL_SECONDS_MAX = 240
NEW = {"name": "Walked", "phone_e164": "+97231234509", "limit": 1, "region": "IL", "destinations": ["US"]}


class Walk:
    """Asks, and keeps which route each answer came from and what was not expected."""

    def __init__(self, port, key, **headers):
        self.client = Client(port, key)
        self.headers = headers
        self.asked = set()
        self.wrong = []

    def ask(self, route, expected, body=None, **fields):
        method, path = route.split(" ")
        self.asked.add(route)
        status, answer = self.client.ask(method, path.format(**fields), body, **self.headers)
        if status != expected:
            self.wrong.append((route, status, answer))
        return answer or {}


def put(address, headers, data):
    """Puts a file where it was said that it may be put, as a browser does."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("PUT", f"{parts.path}?{parts.query}", data, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def walk_businesses(walk):
    """A business is made, changed, given a key that is taken away, and deleted; its id, and a key."""
    walk.ask("GET /healthz", 200)
    walk.ask("GET /openapi.json", 200)
    business = walk.ask("POST /api/businesses", 201, NEW)["business_id"]
    made = walk.ask("POST /api/businesses/{business_id}/keys", 201, {"role": "admin"}, business_id=business)
    other = walk.ask("POST /api/businesses/{business_id}/keys", 201, {"role": "agent"}, business_id=business)
    walk.ask("GET /api/businesses/{business_id}/keys", 200, business_id=business)
    walk.ask("DELETE /api/businesses/{business_id}/keys/{key_id}", 200, business_id=business, key_id=other["key_id"])
    return business, made["api_key"]


def walk_leads(walk):
    """Leads come in three ways and go in three; a number is not called, is let go, and is forgotten."""
    rows = [{"name": f"Lead {n}", "phone": f"+1206555{100 + n:04}"} for n in range(6)]
    walk.ask("POST /api/outbound/import-leads", 200, {"rows": rows, "list_name": "Rows"})
    file = b"name,phone\nUploaded,+12065550150\n"
    upload = walk.ask("POST /api/outbound/uploads", 201, {"bytes": len(file)})
    stored = put(upload["upload_url"], upload["headers"], file)
    if stored != 200:
        walk.wrong.append(("PUT of an upload", stored))
    walk.ask("POST /api/outbound/import-leads", 200, {"upload_id": upload["upload_id"]})
    walk.ask("GET /api/outbound/import-lists", 200)
    leads = walk.ask("GET /api/outbound/import-leads", 200)
    if leads.get("total") != 7:
        walk.wrong.append(("leads", leads))
    walk.ask("GET /api/outbound/leads/{lead_id}/calls", 200, lead_id=1)
    walk.ask("DELETE /api/outbound/import-leads/{lead_id}", 200, lead_id=1)
    walk.ask("POST /api/outbound/leads/{lead_id}/erase", 200, lead_id=2)
    walk.ask("POST /api/outbound/import-leads/bulk-delete", 200, {"lead_ids": [3]})
    walk.ask("POST /api/outbound/do-not-call", 200, {"phones": ["+12065550199", "+12065550198"]})
    entries = walk.ask("GET /api/outbound/do-not-call", 200)["items"]
    walk.ask("DELETE /api/outbound/do-not-call/{entry_id}", 200, entry_id=entries[0]["id"])
    walk.ask("POST /api/outbound/do-not-call/{entry_id}/erase", 200, entry_id=entries[1]["id"])


def walk_calls(walk):
    """A call by itself, a run, and all that shows them."""
    walk.ask("GET /api/business", 200)
    walk.ask("PUT /api/business", 200, {"name": "Walked on"})
    walk.ask("POST /api/outbound_calls/start", 200, {"lead_ids": [4]})
    run = walk.ask("POST /api/outbound/bulk-enqueue", 201, {"lead_ids": [5, 6]})["run_id"]
    walk.ask("GET /api/outbound_calls/counts", 200)
    walk.ask("GET /api/outbound/runs", 200)
    walk.ask("GET /api/outbound/runs/{run_id}", 200, run_id=run)
    walk.ask("GET /api/outbound/runs/{run_id}/calls", 200, run_id=run)
    walk.ask("GET /api/outbound/bulk/active", 200)
    walk.ask("GET /api/outbound/recent-calls", 200)
    walk.ask("POST /api/outbound/stop-queue", 200, {"run_id": run, "hang_up": True})
    walk.ask("POST /api/outbound/cleanup-stuck-jobs", 200, {})


def judge_routes(verdict, port, system_key, routes):
    """Each route of the template answers as it should, under its function's own role."""
    system = Walk(port, system_key)
    business, key = walk_businesses(system)
    own = Walk(port, key)
    walk_leads(own)
    walk_calls(own)
    # A business that is in a call is not deleted.
    end = time.monotonic() + CALL_SECONDS_MAX
    while own.client.ask("GET", "/api/outbound_calls/counts")[1]["active_outbound"] and time.monotonic() < end:
        time.sleep(0.5)
    system.ask("DELETE /api/businesses/{business_id}", 200, business_id=business)
    wrong = system.wrong + own.wrong
    verdict.check("every route answers, as whom its function is", not wrong, json.dumps(wrong, ensure_ascii=False)[:3000])
    # Nobody has a body to show of what has none.
    unasked = routes - system.asked - own.asked - {"HEAD /healthz"}
    verdict.check("and no route was left out", routes and not unasked, unasked)
