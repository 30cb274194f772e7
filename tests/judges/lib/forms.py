"""Random forms, how they arrive once they are signed, and how they are forged on their way."""

import random

NAMES = ["CallSid", "AccountSid", "From", "To", "CallStatus", "Timestamp", "Body", "a", "A",
         "AnsweredBy", "SequenceNumber", "שם", "טלפון", "naïve", "x[]", "x y", "", "🙂"]
PIECES = ["completed", "+972501234567", "CA0123456789abcdef", "שלום", "עולם טוב", " ", "+", "&",
          "=", "%20", "%", "#", "'", '"', "\\", "\n", "é", "e\u0301", "🙂", "0", "\u202e"]
HOSTS = ["calls.example", "example.lambda-url.us-east-1.on.aws", "127.0.0.1", "xn--6dbbec0c.co.il",
         "[2001:db8::7]"]
PATHS = ["", "/", "/webhook/call_status", "/webhook/outbound_call", "/a%20b/%D7%A9"]
QUERIES = ["", "b=b1&c=0192", "x=&y=", "q=a%20b+c&q=d", "n=%D7%A9%D7%9C%D7%95%D7%9D", "e=a=b&&",
           "n=O'Neil", "n='%D7%A9'&n=''"]
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

HONEST = ["as it is", "shuffled", "repeated", "other port", "apostrophes escaped"]
FORGED = ["value changed", "parameter added", "parameter dropped", "path changed", "host changed",
          "other token", "signature changed", "idle bits changed", "no signature"]


def a_form(rng):
    """Random parameters, names often repeated and values often blank."""
    names = rng.sample(NAMES, rng.randint(1, len(NAMES)))
    pairs = []
    for _ in range(rng.randint(0, 20)):
        value = "".join(rng.choice(PIECES) for _ in range(rng.choice([0, 0, 1, 2, 5])))
        pairs.append((rng.choice(names), value))
    if pairs and rng.random() < 0.3:
        pairs.append(rng.choice(pairs))
    return pairs


def a_url(rng):
    scheme = rng.choice(["https", "https", "http"])
    port = rng.choice(["", "", ":443", ":80", ":8443"])
    query = rng.choice(QUERIES)
    return f"{scheme}://{rng.choice(HOSTS)}{port}{rng.choice(PATHS)}" + (f"?{query}" if query else "")


def escaped(url):
    """As some of Twilio's systems write a query, and others do not."""
    path, mark, query = url.partition("?")
    return path + mark + query.replace("'", "%27")


def other_port(url):
    """The same address, with its default port where there was none, or without it."""
    scheme, rest = url.split("://")
    port = {"https": ":443", "http": ":80"}[scheme]
    cut = min((rest.index(mark) for mark in "/?" if mark in rest), default=len(rest))
    host, tail = rest[:cut], rest[cut:]
    if host.endswith(port):
        return f"{scheme}://{host.removesuffix(port)}{tail}"
    has_port = ":" in host[host.rfind("]") + 1:]
    return url if has_port else f"{scheme}://{host}{port}{tail}"


def received(rng, form, how):
    """What arrives of a signed form, by way of a proxy, a retry or a forger."""
    form = {**form, "params": list(form["params"]), "how": how}
    params, url, signature = form["params"], form["url"], form["signature"]
    if not params and how in ("repeated", "value changed", "parameter dropped"):
        how = "as it is" if how in HONEST else "path changed"
    if how == "shuffled":
        rng.shuffle(params)
    elif how == "other port":
        form["url"] = other_port(url)
    elif how == "repeated":
        params.append(rng.choice(params))
    elif how == "value changed":
        place = rng.randrange(len(params))
        params[place] = (params[place][0], params[place][1] + "x")
    elif how == "parameter added":
        params.append(("CallStatus", "forged"))
    elif how == "parameter dropped":
        gone = rng.choice(params)
        form["params"] = [pair for pair in params if pair != gone]
    elif how == "path changed":
        form["url"] = f"{url}&x" if "?" in url else f"{url}/x"
    elif how == "host changed":
        own = next(host for host in HOSTS if f"://{host}" in url)
        form["url"] = url.replace(own, rng.choice([host for host in HOSTS if host != own]), 1)
    elif how == "other token":
        form["token"] += "x"
    elif how == "signature changed":
        place = rng.randrange(len(signature) - 2)
        other = BASE64[BASE64.index(signature[place]) - rng.randrange(1, 64)]
        form["signature"] = signature[:place] + other + signature[place + 1:]
    elif how == "idle bits changed":
        # Of the last character before the padding two bits mean nothing.
        form["signature"] = signature[:-2] + BASE64[BASE64.index(signature[-2]) + 1] + "="
    elif how == "no signature":
        form["signature"] = ""
    return form


def signed(seed, signer, count):
    """Forms that a library has signed: as many as they arrive, and as many forged."""
    rng = random.Random(f"{seed} {signer.name}")
    forms = [{"token": "".join(rng.choice("0123456789abcdef") for _ in range(32)),
              "url": a_url(rng), "params": a_form(rng)} for _ in range(count)]
    ways = [rng.choice(HONEST) for _ in forms]
    written = [{**form, "url": escaped(form["url"])} if how == "apostrophes escaped" else form
               for form, how in zip(forms, ways)]
    forms = [{**form, "signature": signature} for form, signature in zip(forms, signer.sign(written))]
    honest = [received(rng, form, how) for form, how in zip(forms, ways)]
    # Its own signature, so that nothing but the forgery speaks against it.
    own = [{**form, "signature": signature} for form, signature in zip(forms, signer.sign(forms))]
    return honest, [received(rng, form, rng.choice(FORGED)) for form in own]
