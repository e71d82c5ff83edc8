"""What Schemathesis is told beyond the document: ids that exist, and what no answer may hold."""

import json
import os
import zlib

import schemathesis

told = json.loads(os.environ["FUZZ_TOLD"])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most generated ids name nothing: every other well-formed one gives way to one that exists."""
    for name, value in list((case.path_parameters or {}).items()):
        ids = told["ids"].get(name)
        if not ids or not isinstance(value, str) or value[:4] != ids[0][:4] or len(value) != len(ids[0]):
            continue
        number = zlib.crc32(f"{told['seed']} {value} {case.body!r}".encode("utf-8", "replace"))
        if number % 2 == 0 or value in told["spared"].get(name, []):
            case.path_parameters[name] = ids[number // 2 % len(ids)]


@schemathesis.check
def nothing_leaked(ctx, response, case):
    """The secrets of the shop, others' data and the inside of the program are in no answer."""
    text = response.text + json.dumps(dict(response.headers), default=str)
    for name, canary in told["canaries"].items():
        # A problem's instance is the path that was asked for.
        if canary in text.replace(case.formatted_path, ""):
            raise AssertionError(f"The answer holds {name}")
