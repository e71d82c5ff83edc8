"""Functions, what they print, and their database."""
import fnmatch
import json
import os
import re
import time

from ministack.core import lambda_runtime as runtime
from ministack.services import cloudwatch, cloudwatch_logs, iam, lambda_svc
from shared import HOME, lock, read, write

# --- The class of an error that a function fails with.

said = 'error: String(err.message || err), trace: err.stack || ""'
assert runtime._NODEJS_WORKER_SCRIPT.count(said) == 1, "MiniStack's worker has changed"
class_and_message = '[(err && err.name) || "Error", String((err && err.message) || err)]'
runtime._NODEJS_WORKER_SCRIPT = runtime._NODEJS_WORKER_SCRIPT.replace(
    said, f'error: "\\u0001" + JSON.stringify({class_and_message}), trace: err.stack || ""')
execute_warm = lambda_svc._execute_function_warm


def execute(function, event, request_id):
    result = execute_warm(function, event, request_id)
    body = result.get("body")
    if result.get("error") and str(body.get("errorMessage", "")).startswith("\u0001"):
        body["errorType"], body["errorMessage"] = json.loads(body["errorMessage"][1:])
    return result


lambda_svc._execute_function_warm = execute


# --- A subscription's filter on one field of a line in JSON.

def line_matches(pattern, message):
    if not pattern:
        return True
    field, wanted = re.fullmatch(r'\{\s*\$\.(\w+)\s*=\s*"([^"]*)"\s*\}', pattern.strip()).groups()
    try:
        line = json.loads(message)
    except ValueError:
        return False
    return isinstance(line, dict) and fnmatch.fnmatchcase(str(line.get(field)), wanted)


cloudwatch_logs._subscription_pattern_matches = line_matches


# --- Each run of a function, with what it printed, as a line for watch.ts; and the metrics in it, which CloudWatch takes from logs.

def measured(text):
    for line in filter(lambda each: each.startswith("{") and '"_aws"' in each, text.splitlines()):
        said = json.loads(line)
        for group in said["_aws"]["CloudWatchMetrics"]:
            for names in group["Dimensions"]:
                dimensions = {name: str(said[name]) for name in names}
                for metric in group["Metrics"]:
                    values = said[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        cloudwatch.record_metric(group["Namespace"], metric["Name"], value, metric.get("Unit", "None"), dimensions)


emit_logs = lambda_svc._emit_lambda_logs


def emit(function, request_id, text, error, milliseconds, **rest):
    config = function.get("config") or function
    run = {"function": config["FunctionName"], "version": config.get("Version", "$LATEST"), "error": bool(error),
           "milliseconds": milliseconds, "at": int(time.time() * 1000), "text": text or ""}
    with lock, open(os.path.join(HOME, "runs.jsonl"), "a") as file:
        file.write(json.dumps(run) + "\n")
    measured(run["text"])
    return emit_logs(function, request_id, text, error, milliseconds, **rest)


lambda_svc._emit_lambda_logs = emit


# --- The database: the stand-in of its proxy has a port of its own for each stage, and asks who may log in as whom.

principals = {}
credentials_of = runtime.execution_credentials


def database_users(role_name):
    role = iam._roles.get(role_name) or {}
    documents = list((role.get("InlinePolicies") or {}).values())
    statements = [one for document in documents
                  for one in (json.loads(document) if isinstance(document, str) else document)["Statement"]]
    resources = [resource for one in statements if one["Effect"] == "Allow" and "rds-db:connect" in listed(one["Action"])
                 for resource in listed(one["Resource"])]
    # Through the proxy, or where there is none to the cluster itself.
    return [resource.rsplit("/", 1)[1] for resource in resources if re.search(r":dbuser:(prx|cluster)-", resource)]


def listed(value):
    return value if isinstance(value, list) else [value]


def remember_credentials(config):
    made = credentials_of(config)
    principals[made["AWS_ACCESS_KEY_ID"]] = {
        "secretAccessKey": made["AWS_SECRET_ACCESS_KEY"], "sessionToken": made["AWS_SESSION_TOKEN"],
        "dbUsers": database_users(config["Role"].rsplit("/", 1)[-1])}
    write("principals.json", principals)
    return made


runtime.execution_credentials = remember_credentials
spawn = runtime.Worker._spawn


def spawn_beside_database(worker):
    stage = worker.config["FunctionName"].split("-")[1]
    variables = dict(worker.config.get("Environment", {}).get("Variables", {}))
    if "DATABASE_HOST" in variables:
        variables["DATABASE_PORT"] = str(read("ports.json")[stage])
        if "NODE_EXTRA_CA_CERTS" in variables:  # A cluster's own address and authority.
            variables.update(DATABASE_HOST="localhost", NODE_EXTRA_CA_CERTS=os.environ["NODE_EXTRA_CA_CERTS"])
    worker.config = {**worker.config, "Environment": {"Variables": variables}}
    return spawn(worker)


runtime.Worker._spawn = spawn_beside_database
