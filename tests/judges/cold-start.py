"""How long the bootstraps take from their start to the first question for work, and for the
first answer, beside the least function that can be: `hello`, of `lambda_http` alone.

Each start is measured by a small Runtime API, and all take turns, so that a busy machine is
busy for all. Each function starts twice. Once nobody listens where it would connect to: what it
takes then is its own time. Then the embedded DynamoDB and SQS and a simulated Twilio do, behind
TLS, and the connections are counted: those that the first event needs are open before it comes,
but for the one on which a call is asked for. How large a function is counts if it is optimised as
it is when it is deployed, which it is not while all judges are asked; it may then be slower, too.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from bootstraps import AS_DEPLOYED, HELLO, ROOT, bootstraps, build_bootstraps, build_hello
from events import ORDER, REPORT, event, is_good, short, variables
from processes import build, running
from runtime import Start, start
from samcli.yamlhelper import yaml_parse
from tls import certify, doors
from verdict import Verdict

# Where all judges are asked, they have little time.
ROUNDS = int(os.environ.get("COLD_STARTS", "15" if AS_DEPLOYED else "5"))
# What starts takes at most this many times what `hello` takes.
TIMES_HELLO = 3 if AS_DEPLOYED else 4
# It is twice as large as the others.
TIMES_HELLO_OF_LEADS = TIMES_HELLO + 1
# Lambda's own bound is 250 MB unzipped; what is read at a cold start should be little.
SIZE_MAX = 9_000_000
# It has the S3 client, whose checksums alone are 0.7 MB, the world's telephone numbers, the character
# sets and the workbooks, and it can unwind.
SIZE_OF_LEADS_MAX = 13_000_000
# How many connections there are before the first event: to the table, the queue, and Twilio.
# Nobody waits for the sweep.
OPENED = {"authorizer": 1, "business": 1, "fill": 3, "leads": 1, "start": 3, "status": 1, "stop": 3, "sweep": 0,
          "webhook": 2}
# Whose first event places a call: no request for one goes out on a connection from before.
CALLS = {"start": 1}
# Lambda gives a function one core's time at so much memory, and less in proportion.
CORE_MB = 1769
MB = 1_048_576
NOBODY = "http://127.0.0.1:9"


def memories():
    """The memory that each function is given, in MB."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    default = template["Globals"]["Function"]["MemorySize"]
    return {short(name): it["Properties"].get("MemorySize", default) for name, it in template["Resources"].items()
            if it["Type"] == "AWS::Serverless::Function"}


def median(starts, name):
    return statistics.median(getattr(it, name) or float("inf") for it in starts)


def is_answered(name, it):
    """Whether the first event got the answer that it should."""
    return not it.error and it.first_invocation is not None and is_good(name, it.answer)


def slower(starts, hello):
    """How many times longer than `hello` it takes to the first question for work."""
    return median(starts, "to_poll") / median(hello, "to_poll")


def measure(binary, files, folder):
    """Every start of every bootstrap: those where nobody listens, and those with TLS.

    All of one round come before the next, each round on a new stack.
    """
    alone = {name: [] for name in files}
    served = {name: [] for name in files}
    account = {"TWILIO_ACCOUNT_SID": REPORT["AccountSid"], "TWILIO_AUTH_TOKEN": "secret"}
    certificate, secret = certify(folder)
    nowhere = variables({"dynamodb": NOBODY, "sqs": NOBODY}, NOBODY)
    for _ in range(ROUNDS):
        with running(binary, ["aws", "--ddb-port", "0", "--sqs-port", "0"], {}) as ports, \
                running(binary, ["twilio", "--port", "0"], account) as twilio:
            for name, file in files.items():
                alone[name].append(start(file, None, nowhere, name))
                with doors(certificate, secret) as open_doors:
                    secure = {service: open_doors.before(ports[service]) for service in ("dynamodb", "sqs")}
                    env = variables(secure, open_doors.before(twilio["listening"]))
                    env["SSL_CERT_FILE"] = str(certificate)
                    served[name].append(start(file, event(name, env), env, name, open_doors.opened))
    return alone, served


def tell(files, alone, served, memory):
    """The figures, for people."""
    print(f"medians of {ROUNDS} starts each; on Lambda, the CPU time of the first invocation takes"
          f" {CORE_MB} / memory times as long")
    print(f"{'':12}{'':6}{'nobody listens':^28}{'with TLS':^55}")
    print(f"{'':12}{'MB':>6}{'to poll':>10}{'x hello':>9}{'CPU':>9}{'to poll':>10}{'CPU':>9}{'opened':>7}"
          f"{'first':>10}{'CPU':>9}{'peak':>9}{'memory':>8}{'CPU there':>11}")
    for name, starts in served.items():
        cpu = median(starts, "cpu_of_first") * 1000
        share = memory.get(name)
        print(f"{name:12}{files[name].stat().st_size / 1e6:6.1f}{median(alone[name], 'to_poll') * 1000:7.1f} ms"
              f"{slower(alone[name], alone['hello']):9.2f}{median(alone[name], 'cpu_to_poll') * 1000:6.1f} ms"
              f"{median(starts, 'to_poll') * 1000:7.1f} ms{median(starts, 'cpu_to_poll') * 1000:6.1f} ms"
              f"{starts[0].seen_at_poll:4} of {starts[0].seen_at_end:1}"
              f"{median(starts, 'first_invocation') * 1000:7.1f} ms{cpu:6.1f} ms"
              f"{max(it.peak_memory for it in starts) / MB:6.1f} MB"
              + (f"{share:5} MB{cpu * max(1, CORE_MB / share):8.1f} ms" if share else ""), flush=True)


def rows(files, alone, served):
    """The figures, as the benches have them."""
    for name, starts in served.items():
        figures = [
            ("size", "MB", files[name].stat().st_size / 1e6, None),
            ("to its first question", "ms", *(median(alone[it], "to_poll") * 1000 for it in (name, "hello"))),
            ("CPU to its first question", "ms", *(median(alone[it], "cpu_to_poll") * 1000 for it in (name, "hello"))),
            ("to its first question, with TLS", "ms", median(starts, "to_poll") * 1000, None),
            ("CPU of its first event", "ms", median(starts, "cpu_of_first") * 1000, None),
        ]
        for what, unit, ours, floor in figures:
            yield {"bench": "cold-start", "n": 1, "metric": f"{name}, {what}", "unit": unit, "ours": ours,
                   "floor": floor, "peer": None, "ratio": floor and ours / floor}


def judge(verdict, files, alone, served, memory):
    for name, starts in served.items():
        silent = [it.error for it in alone[name] + starts if it.to_poll is None]
        verdict.check(f"{name} asks for work at every start", not silent, silent[:2])
        bad = [it.error or it.answer for it in starts if not is_answered(name, it)]
        verdict.check(f"{name} answers its first event", not bad, bad[:2])
        if name == "hello":
            continue
        times, times_max = slower(alone[name], alone["hello"]), TIMES_HELLO_OF_LEADS if name == "leads" else TIMES_HELLO
        verdict.check(f"{name} takes at most {times_max} times as long as hello to its first question",
                      times <= times_max, times)
        if AS_DEPLOYED:
            size = files[name].stat().st_size
            size_max = SIZE_OF_LEADS_MAX if name == "leads" else SIZE_MAX
            verdict.check(f"{name} has at most {size_max // 1_000_000} MB", size <= size_max, size)
        opened = [it.seen_at_poll for it in starts]
        verdict.check(f"{name} has opened {OPENED[name]} connections before its first event",
                      set(opened) == {OPENED[name]}, opened)
        late = [it.seen_at_end - it.seen_at_poll for it in starts]
        if OPENED[name]:
            more = CALLS.get(name, 0)
            verdict.check(f"{name} opens {more} for its first event", set(late) == {more}, late)
        else:
            verdict.check(f"{name} is seen to open one for its first event", all(late), late)
        peak = max(it.peak_memory for it in starts)
        verdict.check(f"{name} has twice the memory that its first event took",
                      0 < peak <= memory[name] * MB / 2, peak)


def judge_itself(verdict, files, alone, folder):
    """What is wrong has to be seen."""
    unset = start(files["status"], b"{}", {}, "status")
    verdict.check("a function that lacks its variables is seen never to ask",
                  unset.to_poll is None and unset.error, unset)
    env = variables({"dynamodb": NOBODY, "sqs": NOBODY}, NOBODY)
    orphan = start(files["status"], event("status", env), env, "status")
    verdict.check("a function without its table is seen to fail", not is_answered("status", orphan), orphan)
    with doors(*certify(folder)) as open_doors:
        env = variables({"dynamodb": open_doors.before(NOBODY), "sqs": NOBODY}, NOBODY)
        wary = start(files["status"], None, env, "status", open_doors.opened)
    verdict.check("nobody connects to whom the machine does not trust",
                  wary.to_poll is not None and wary.seen_at_poll == 0, wary)
    late = [Start(to_poll=it.to_poll * (TIMES_HELLO + 1)) for it in alone["hello"]]
    verdict.check("a slow start is seen", slower(late, alone["hello"]) > TIMES_HELLO)


def main():
    verdict = Verdict()
    is_built, told = build_bootstraps()
    verdict.check("the bootstraps are built", is_built, told[-4000:])
    is_built, told = build_hello()
    verdict.check("hello is built in the same way", is_built, told[-4000:])
    built = {short(name): file for name, file in bootstraps().items()}
    verdict.check("there are as many as are known here", built.keys() == set(ORDER), built.keys())
    if verdict.failed:
        verdict.end()
    files = {"hello": HELLO, **{name: built[name] for name in ORDER}}
    memory = memories()
    with tempfile.TemporaryDirectory() as folder:
        alone, served = measure(build(), files, Path(folder))
        tell(files, alone, served, memory)
        if asked := os.environ.get("COLD_START_ROWS"):
            Path(asked).write_text(json.dumps(list(rows(files, alone, served))), encoding="utf-8")
        judge(verdict, files, alone, served, memory)
        judge_itself(verdict, files, alone, Path(folder))
    verdict.end()


if __name__ == "__main__":
    main()
