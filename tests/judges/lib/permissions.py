"""What the functions may do: each by a role of its own, and no more than its code asks for.

Every check also has to notice a copy of the template that was broken on purpose.
"""

import json

from samcli.yamlhelper import yaml_parse

from stack import deployed, of_type

SECRETS = {"FillFunction": "TwilioPlacingParameter", "StartFunction": "TwilioPlacingParameter",
           "StopFunction": "TwilioPlacingParameter", "WebhookFunction": "TwilioSigningParameter"}
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
LEDGER = {"Fn::GetAtt": ["Ledger", "Arn"]}
KEEPERS = {"AuthorizerFunction", "BusinessFunction"}
NO_KEYS = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": LEDGER,
           "Condition": {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": "KEY#*"}}}
TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}

# Each is a slip that nobody notices by reading, and the text that it replaces.
SLIPS = {
    "a role of two": ("Role: !GetAtt SweepFunctionRole.Arn", "Role: !GetAtt StatusFunctionRole.Arn"),
    "a role that others may take": ("Principal: {Service: lambda.amazonaws.com}", "Principal: {AWS: '*'}"),
    "a managed policy": ("      Policies:\n        - PolicyName: sweep",
                         "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']\n"
                         "      Policies:\n        - PolicyName: sweep"),
    "a policy from elsewhere": ("      Description: What ringfence admin needs\n",
                                "      Roles: [!Ref SweepFunctionRole]\n"),
    "logs of everybody": ("Resource: !GetAtt SweepLogs.Arn", "Resource: '*'"),
    "logs of everybody in a list": ("Resource: !GetAtt SweepLogs.Arn", "Resource: ['*']"),
    "logs of another": ("Resource: !GetAtt SweepLogs.Arn", "Resource: !GetAtt FillLogs.Arn"),
    "logs that are deleted": ("- logs:PutLogEvents", "- logs:DeleteLogGroup"),
    "traces that nobody asked for": ("          - Traces\n", "          - TellsSomebody\n"),
    "traces where they are not asked for": ("Traces: !Equals [!Ref Tracing, Active]",
                                            "Traces: !Equals [!Ref Tracing, Disabled]"),
    "more beside the traces": ("['xray:PutTelemetryRecords', ", "['sqs:SendMessage', 'xray:PutTelemetryRecords', "),
    "every action of a service": ("Action: sqs:SendMessage", "Action: sqs:*"),
    "a webhook that writes": ("                  - dynamodb:BatchGetItem\n                  - dynamodb:GetItem\n                Res",
                              "                  - dynamodb:PutItem\n                Res"),
    "the other secret": ("!Split [':', !Ref TwilioSigningParameter]", "!Split [':', !Ref TwilioPlacingParameter]"),
    "every row for the authorizer": ("dynamodb:LeadingKeys: KEY#*", "dynamodb:LeadingKeys: '*'"),
    "keys for the webhook": ("['BIZ#*', 'LEADS#*']", "['BIZ#*', 'KEY#*', 'LEADS#*']"),
    "every row for the webhook": ("['BIZ#*', 'LEADS#*']", "['*']"),
    "keys for who needs none": ("ForAnyValue:StringLike", "ForAllValues:StringEquals"),
    "keys that are permitted": ("- Effect: Deny", "- Effect: Allow"),
    "a scan": ("- dynamodb:Query", "- dynamodb:Scan"),
}


def actions(statement):
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


def only(*kinds):
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(kinds)}}


def is_everything(statement):
    resource = statement["Resource"]
    return "*" in (resource if isinstance(resource, list) else [resource])


def permits(statement):
    return statement["Effect"] == "Allow"


def statements(resources, function):
    """What a function's role says, and the condition without which it does not, if there is one."""
    for policy in resources[f"{function}Role"]["Properties"]["Policies"]:
        condition, policy, _ = policy.get("Fn::If", (None, policy, None))
        for statement in policy["PolicyDocument"]["Statement"]:
            yield condition, statement


def roles(resources):
    """Which claims about the functions' roles do not hold, and what speaks against each."""
    functions = of_type(resources, "AWS::Lambda::Function")
    own = {name: resources.get(f"{name}Role", {"Properties": {}})["Properties"] for name in functions}
    trusted = [it["Principal"] for role in own.values() for it in role["AssumeRolePolicyDocument"]["Statement"]]
    attached = [name for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")
                for name, it in of_type(resources, kind).items() if it.keys() & {"Roles", "RoleName"}]
    return {
        "every function has a role of its own":
            {name: it["Role"] for name, it in functions.items() if it["Role"] != {"Fn::GetAtt": [f"{name}Role", "Arn"]}},
        "Lambda alone takes it": [it for it in trusted if it != {"Service": "lambda.amazonaws.com"}],
        "it has no managed policy, and none from elsewhere":
            [*attached, *(it["ManagedPolicyArns"] for it in own.values() if it.get("ManagedPolicyArns"))],
    }


def permissions(resources):
    """Which claims about what the functions may do do not hold, and what speaks against each."""
    functions = of_type(resources, "AWS::Lambda::Function")
    said = {name: list(statements(resources, name)) for name in functions}
    may = {name: [it for it in own if permits(it[1])] for name, own in said.items()}
    denied = {name: [it for condition, it in own if not permits(it) and not condition] for name, own in said.items()}
    # Without the index, which has no keys in it.
    reach = {name: [it.get("Condition") for _, it in own if it["Resource"] == LEDGER] for name, own in may.items()}
    acts = {name: set().union(*(actions(it) for _, it in own)) for name, own in may.items()}
    groups = {name: {"Fn::GetAtt": [it["LoggingConfig"]["LogGroup"]["Ref"], "Arn"]} for name, it in functions.items()}
    written = {name: [(it, actions(it)) for _, it in own if any(act.startswith("logs:") for act in actions(it))]
               for name, own in may.items()}
    secrets = {name: [json.dumps(it["Resource"]) for _, it in own
                      if any(act.startswith(("ssm:", "secretsmanager:", "kms:")) for act in actions(it))]
               for name, own in may.items()}
    keys = [json.dumps(it.get("Condition")) for _, it in may["AuthorizerFunction"]
            if any(act.startswith("dynamodb:") for act in actions(it))]
    return {
        "no function may do everything of a service":
            {name: all_of for name, all_of in acts.items() if any("*" in act for act in all_of)},
        # X-Ray knows no resources:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        "only traces go to everything, and only where they are asked for":
            [(condition, it) for own in may.values() for condition, it in own
             if (is_everything(it) or actions(it) & TRACES or condition)
             and (condition, actions(it)) != ("Traces", TRACES)],
        "a function writes its own logs, and does no more to them":
            {name: them for name, them in written.items()
             if [(it["Resource"], acts_of) for it, acts_of in them] != [(groups[name], LOGS)]},
        "status, the webhook and the sweep cannot write to the table":
            {name: acts[name] & WRITES for name in ("StatusFunction", "WebhookFunction", "SweepFunction")
             if acts[name] & WRITES},
        "who places calls may read what places, the webhook what signs, and nobody more":
            {name: them for name, them in secrets.items()
             if len(them) != (name in SECRETS) or not all(SECRETS[name] in it for it in them)},
        "the authorizer notes the use of keys, and reaches nothing else of the table":
            [*(acts["AuthorizerFunction"] & WRITES - {"dynamodb:UpdateItem"}),
             *(it for it in keys if "LeadingKeys" not in it or "KEY#*" not in it or "BIZ#" in it)],
        "the webhook reads what is said in a call, and no other rows":
            [it for it in reach["WebhookFunction"] if it != only("BIZ#*", "LEADS#*")],
        "keys are kept from everybody who reaches the table and needs none":
            {name: denied[name] for name, own in reach.items()
             if own and name not in KEEPERS and None in own and denied[name] != [NO_KEYS]},
        "nobody may scan, or delete the table":
            [name for name, all_of in acts.items() if all_of & {"dynamodb:Scan", "dynamodb:DeleteTable"}],
    }


def claims(text):
    resources = deployed(text)
    against = roles(resources)
    traces = yaml_parse(text)["Conditions"]["Traces"]
    against["traces are asked for by their parameter"] = (
        [] if traces == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]} else traces)
    # A role that is not as it should be may have no statements to look at.
    return against if any(against.values()) else against | permissions(resources)


def judge_permissions(verdict, text):
    ours = claims(text)
    for claim, against in ours.items():
        verdict.check(claim, not against, against)
    noticed = set()
    for slip, (right, wrong) in SLIPS.items():
        against = {claim for claim, it in claims(text.replace(right, wrong)).items() if it}
        verdict.check(f"a copy with {slip} is noticed", right in text and against, right)
        noticed |= against
    verdict.check("and every claim is broken by one", noticed == ours.keys(), ours.keys() - noticed)
