"""Twilio's own libraries, of PyPI and of npm, behind the same methods.

Each signs and validates forms, and is a client of the calls API at any origin. What a client
says of a call is what the library has read, under one name for each field, dates marked.
"""

import datetime
import json
import os
import subprocess
from pathlib import Path

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

HERE = Path(__file__).resolve().parents[1]
INSTALLED = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
TIMEOUT_SECONDS = 15


class Refused(Exception):
    """Twilio's answer was an error, and the library threw its own exception for it."""

    def __init__(self, status, code, message):
        super().__init__(f"{status}, {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Failed(Exception):
    """The library could make nothing of an answer."""


class Form:
    """Pairs, offered to the library as a web framework offers a form."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def getall(self, name):
        return [value for other, value in self.pairs if other == name]


class PyPI:
    """The library for Python, in this process."""

    name = "PyPI"

    def sign(self, forms):
        return [RequestValidator(it["token"]).compute_signature(it["url"], Form(it["params"]))
                for it in forms]

    def validate(self, forms):
        return [RequestValidator(it["token"]).validate(it["url"], Form(it["params"]), it["signature"])
                for it in forms]

    def connect(self, origin, user, secret, account):
        self.client = Client(user, secret, account)
        self.client.http_client.timeout = TIMEOUT_SECONDS
        # Nothing here leaves this machine, whatever its environment says of proxies.
        self.client.http_client.session.trust_env = False
        self.client.api.base_url = origin

    def create(self, **args):
        return self.asked(lambda: told(self.client.calls.create(**options(args))))

    def fetch(self, sid):
        return self.asked(lambda: told(self.client.calls(sid).fetch()))

    def update(self, sid, **args):
        return self.asked(lambda: told(self.client.calls(sid).update(**options(args))))

    def list(self, **args):
        return self.asked(lambda: [told(call) for call in self.client.calls.list(**options(args))])

    def pages(self, most, **args):
        """The SIDs on each page, as the library goes from one to the next."""
        def walk():
            found, page = [], self.client.calls.page(**options(args))
            while page is not None and len(found) < most:
                found.append([call.sid for call in page])
                page = page.next_page()
            return found

        return self.asked(walk)

    def asked(self, question):
        try:
            return question()
        except TwilioRestException as error:
            raise Refused(error.status, error.code, error.msg) from error
        except Exception as error:
            raise Failed(repr(error)) from error


def told(call):
    """What the library has read of a call."""
    fields = {name.lstrip("_"): value for name, value in vars(call).items()
              if name == "_from" or not name.startswith("_")}
    # It knows this field, which Twilio's description does not.
    fields.pop("stir_verstat", None)
    return {name: {"date": value.strftime("%Y-%m-%dT%H:%M:%SZ")} if isinstance(value, datetime.datetime)
            else value for name, value in fields.items()}


def options(args):
    """Arguments as the library names them, with dates where they are marked."""
    real = {name: datetime.datetime.fromisoformat(value["date"].replace("Z", "+00:00"))
            if isinstance(value, dict) else value for name, value in args.items()}
    return {"from_" if name == "from" else name: value for name, value in real.items()}


class Npm:
    """The library for Node, in a process of its own."""

    name = "npm"

    def __init__(self):
        proxies = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}
        env = {name: value for name, value in os.environ.items() if name not in proxies}
        self.node = subprocess.Popen(["node", HERE / "lib/twilio.js"], env=env, text=True, encoding="utf-8",
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, ask, **question):
        self.node.stdin.write(json.dumps({"ask": ask, **question}) + "\n")
        self.node.stdin.flush()
        answer = json.loads(self.node.stdout.readline() or '{"failed": "it has ended"}')
        if "refused" in answer:
            raise Refused(**{"code": None, **answer["refused"]})
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer.get("answer")

    def sign(self, forms):
        return self.ask("sign", forms=forms)

    def validate(self, forms):
        return self.ask("validate", forms=forms)

    def connect(self, origin, user, secret, account):
        self.ask("connect", origin=origin, user=user, secret=secret, account=account)

    def create(self, **args):
        return self.ask("create", args=args)

    def fetch(self, sid):
        return self.ask("fetch", sid=sid)

    def update(self, sid, **args):
        return self.ask("update", sid=sid, args=args)

    def list(self, **args):
        return self.ask("list", args=args)

    def pages(self, most, **args):
        return self.ask("pages", args=args, most=most)

    def close(self):
        self.node.stdin.close()
        self.node.wait()
        self.node.stdout.close()


def install():
    """Installs what package-lock.json pins, again whenever it changes; what went wrong."""
    stamp = INSTALLED / "installed"
    wanted = LOCK.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return None
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
    except OSError as error:
        return str(error)
    if done.returncode != 0:
        return done.stdout
    stamp.write_text(wanted, encoding="utf-8")
    return None
