"""Runs state machines in the interpreter of moto, with steps that do what a script says.

Reads {"definitions": {name: text}, "cases": [...]} as JSON and writes a JSON line for each case: how it ended, which
states it entered, and what each step was called with.
"""

import json
import logging
import sys
import threading
import time
from types import SimpleNamespace

import boto3
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

# It reports each error that a step was told to throw.
logging.disable(logging.CRITICAL)
# Pauses between attempts take no time.
retrier_decl.time = SimpleNamespace(sleep=lambda seconds: None)

work = json.load(sys.stdin)
script, calls, client = {}, [], None


def invoke(parameters, region, state_credentials):
    step = parameters["FunctionName"].split(":")[-1]
    payload = parameters["Payload"]
    if isinstance(payload, (bytes, str)):
        payload = json.loads(payload)
    token = payload.pop("taskToken", None) if isinstance(payload, dict) else None
    calls.append([step, json.loads(json.dumps(payload))])
    outcomes = script[step]
    outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
    if "error" in outcome:
        failure = {"errorType": outcome["error"], "errorMessage": "as scripted", "trace": []}
        return {"FunctionError": "Unhandled", "Payload": failure, "StatusCode": 200}
    if token is not None and "callBack" in outcome:
        call_back = {"taskToken": token, "output": "{}"}
        threading.Timer(0.01, client.send_task_success, kwargs=call_back).start()
    return {"Payload": outcome["result"], "StatusCode": 200, "ExecutedVersion": "$LATEST"}


lambda_eval_utils._invoke_lambda_function = invoke


def run(machine, case, number):
    global script
    script = case["script"]
    calls.clear()
    started = client.start_execution(stateMachineArn=machine, name=f"case-{number}", input=json.dumps(case["input"]))
    arn = started["executionArn"]
    while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.002)
    events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    result = {"status": execution["status"], "calls": list(calls), "entered": entered}
    for key in ("output", "error", "cause"):
        if execution.get(key) is not None:
            result[key] = execution[key]
    return result


with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    client = boto3.client("stepfunctions", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    machines = {
        name: client.create_state_machine(name=name, definition=text, roleArn="arn:aws:iam::123456789012:role/saga")
        for name, text in work["definitions"].items()
    }
    for number, case in enumerate(work["cases"]):
        print(json.dumps(run(machines[case["machine"]]["stateMachineArn"], case, number)), flush=True)
