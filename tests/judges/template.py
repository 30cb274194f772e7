"""AWS's own tools accept the template, and what they make of it is what we mean.

`sam validate --lint` and `cfn-lint` read the file; SAM's translator turns it into what
CloudFormation would deploy. None of them needs an account or the network. Each also has
to refuse a copy that was broken on purpose.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform
from verdict import Verdict

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
TOOLS = Path(sys.executable).parent
REGION = "us-east-1"

# Each is a slip that nobody notices by reading, and the text that it replaces.
BROKEN = {
    "a reference to nothing": ("!Ref WakeUpQueue\n", "!Ref WakeUpQueues\n"),
    "a property that does not exist": ("MemorySize: 256", "MemorySizes: 256"),
    "a retention beyond SQS's": ("MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 3456000"),
    "a concurrency below the least": ("MaximumConcurrency: 100", "MaximumConcurrency: 1"),
    "a schedule that is none": ("rate(1 minute)", "rate(1 minutes)"),
}
# Only CloudFormation itself would notice this one.
CYCLE = ("PUBLIC_HOST: !Ref PublicHost", "PUBLIC_HOST: !GetAtt WebhookFunctionUrl.FunctionUrl")

SECRETS = {"FillFunction": "TwilioPlacingParameter", "StartFunction": "TwilioPlacingParameter",
           "StopFunction": "TwilioPlacingParameter", "WebhookFunction": "TwilioSigningParameter"}
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}


def tool(*command):
    """Runs a tool without any account, and returns whether it is content, and what it said."""
    # Not the real home: what is configured there must not decide.
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.environ["PATH"], "HOME": home, "SAM_CLI_TELEMETRY": "0",
               "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
               "LC_ALL": "C.UTF-8"}
        done = subprocess.run([str(TOOLS / command[0]), *command[1:]], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout


def sam(file):
    is_content, said = tool("sam", "validate", "--lint", "--region", REGION, "--template", str(file))
    return is_content and "is a valid SAM Template" in said, said


def lint(file):
    return tool("cfn-lint", "--regions", REGION, "--", str(file))


def deployed(text, **parameters):
    """The resources that CloudFormation would make."""
    class NoManagedPolicies:
        def load(self):
            return {}

    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam build` and `sam deploy` put an address like this here.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    return transform(template, parameters, NoManagedPolicies())["Resources"]


def named(value):
    """The resources and parameters that a value mentions."""
    if isinstance(value, list):
        for inner in value:
            yield from named(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Ref", "DependsOn"):
                yield from [inner] if isinstance(inner, str) else inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                text, own = inner if isinstance(inner, list) else (inner, {})
                found = {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
                yield from found - own.keys()
                yield from named(own)
            else:
                yield from named(inner)


def cycle(resources):
    """Resources of which each waits for the next, and the last for the first; empty if none do."""
    waits_for = {name: set(named(it)) & resources.keys() for name, it in resources.items()}
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def of_type(resources, kind):
    return {name: it["Properties"] for name, it in resources.items() if it["Type"] == kind}


def statements(resources, function):
    """What a function may do, beyond writing its logs."""
    role = resources[f"{function}Role"]["Properties"]
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def actions(statement):
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


def judge_permissions(verdict, resources):
    functions = of_type(resources, "AWS::Lambda::Function")
    may = {name: set().union(*(actions(it) for it in statements(resources, name))) for name in functions}
    verdict.check("no function may do anything to everything",
                  not any("*" in action for all_of in may.values() for action in all_of)
                  and not any(it["Resource"] == "*" for name in functions
                              for it in statements(resources, name)), may)
    logs_only = "AWSLambdaBasicExecutionRole"
    managed = {arn for role in of_type(resources, "AWS::IAM::Role").values()
               for arn in role["ManagedPolicyArns"]}
    verdict.check("no function has a managed policy beyond writing logs",
                  all(arn.endswith(f"/{logs_only}") for arn in managed), managed)
    for name in ["StatusFunction", "WebhookFunction", "SweepFunction"]:
        verdict.check(f"{name} cannot write to the table", not may[name] & WRITES, may[name])
    reads = {name: [json.dumps(it["Resource"]) for it in statements(resources, name)
                    if any(action.startswith(("ssm:", "secretsmanager:", "kms:")) for action in actions(it))]
             for name in functions}
    verdict.check("who places calls may read what places, the webhook what signs, and nobody more",
                  all(len(them) == (name in SECRETS) and all(SECRETS[name] in it for it in them)
                      for name, them in reads.items()), reads)
    reached = [json.dumps(it.get("Condition")) for it in statements(resources, "AuthorizerFunction")]
    verdict.check("AuthorizerFunction notes the use of keys, and reaches nothing else of the table",
                  may["AuthorizerFunction"] & WRITES <= {"dynamodb:UpdateItem"}
                  and all("LeadingKeys" in it and "KEY#*" in it and "BIZ#" not in it for it in reached),
                  reached)
    verdict.check("nobody may scan, or delete the table",
                  not any({"dynamodb:Scan", "dynamodb:DeleteTable"} & all_of for all_of in may.values()))


def judge_doors(verdict, resources):
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    open_paths = {path for path, methods in paths.items() for method in methods.values()
                  if method.get("security") != [{"KeyAuthorizer": []}]}
    verdict.check("every route but health and the description asks for a key",
                  open_paths == {"/healthz", "/openapi.json"}, open_paths)
    verdict.check("the webhook is not on the API", not any("webhook" in path for path in paths), paths)
    permissions = of_type(resources, "AWS::Lambda::Permission").values()
    public = [it for it in permissions if it["Principal"] == "*"]
    verdict.check("only the webhook is open to the world",
                  {it["FunctionName"]["Ref"] for it in public} == {"WebhookFunction"}, public)
    # Both are needed: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    verdict.check("and by its URL alone, with both permissions that this needs",
                  sorted((it["Action"], it.get("FunctionUrlAuthType"), it.get("InvokedViaFunctionUrl"))
                         for it in public)
                  == [("lambda:InvokeFunction", None, True), ("lambda:InvokeFunctionUrl", "NONE", None)],
                  public)


def judge_records(verdict, resources):
    ledger = resources["Ledger"]
    verdict.check("no stack operation takes the table away",
                  ledger.get("DeletionPolicy") == "Retain" and ledger.get("UpdateReplacePolicy") == "Retain")
    functions = of_type(resources, "AWS::Lambda::Function")
    groups = of_type(resources, "AWS::Logs::LogGroup")
    kept = {name: it["LoggingConfig"]["LogGroup"]["Ref"] for name, it in functions.items()}
    verdict.check("every function has a log group of its own, which forgets in time",
                  len(set(kept.values())) == len(functions)
                  and all("RetentionInDays" in groups[group] for group in kept.values()), kept)


def main():
    verdict = Verdict()
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, tool_of in [("sam validate --lint", sam), ("cfn-lint", lint)]:
        is_content, said = tool_of(TEMPLATE)
        verdict.check(f"{name} accepts the template", is_content, said)
    resources = deployed(text)
    judge_doors(verdict, resources)
    judge_permissions(verdict, resources)
    judge_records(verdict, resources)
    traced = of_type(deployed(text, Tracing="Active"), "AWS::Lambda::Function").values()
    verdict.check("functions are traced where that is asked for, and only there",
                  all(it.get("TracingConfig", {}).get("Mode") for it in traced)
                  and not any("TracingConfig" in it
                              for it in of_type(resources, "AWS::Lambda::Function").values()), resources)
    circle = cycle(resources)
    verdict.check("no resources wait for each other in a circle", not circle, circle)
    circle = cycle(deployed(text.replace(*CYCLE)))
    verdict.check("a copy where some do is noticed", "WebhookFunction" in circle, circle)
    for slip, (right, wrong) in BROKEN.items():
        if right not in text:
            verdict.check(f"the template has something to break: {right.strip()}", False)
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "template.yaml"
            file.write_text(text.replace(right, wrong), encoding="utf-8")
            refusals = [not sam(file)[0], not lint(file)[0]]
        verdict.check(f"a copy with {slip} is refused by both", all(refusals), refusals)
    verdict.end()


if __name__ == "__main__":
    main()
