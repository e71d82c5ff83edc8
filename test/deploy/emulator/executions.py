"""Step Functions: versions, aliases, tokens."""
import json
import random
import threading
from types import FunctionType

from canaries import shift
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners
from permissions import machines_of_tokens

types = provisioners._RESOURCE_HANDLERS

# --- Versions and aliases of state machines, and executions that run the version that they were started with.

def states(action, **data):
    status, _, body = action(data)
    result = json.loads(body)
    if status >= 400:
        raise ValueError(result.get("message") or result)
    return result


def machine_version_create(logical_id, props, stack_name):
    made = states(stepfunctions._publish_state_machine_version, stateMachineArn=props["StateMachineArn"],
                  revisionId=props["StateMachineRevisionId"])["stateMachineVersionArn"]
    return made, {"Arn": made}


def routes(*weights):
    return [{"stateMachineVersionArn": version, "weight": weight} for version, weight in weights]


def machine_alias_create(logical_id, props, stack_name):
    version = props["DeploymentPreference"]["StateMachineVersionArn"]
    made = states(stepfunctions._create_state_machine_alias, name=props["Name"],
                  routingConfiguration=routes((version, 100)))["stateMachineAliasArn"]
    return made, {"Arn": made}


def machine_alias_update(physical_id, old, new, stack_name):
    preference = new["DeploymentPreference"]
    after, before = preference["StateMachineVersionArn"], old["DeploymentPreference"]["StateMachineVersionArn"]

    def route(*weights):
        states(stepfunctions._update_state_machine_alias, stateMachineAliasArn=physical_id,
               routingConfiguration=routes(*weights))

    if after != before and preference["Type"] == "CANARY":
        share = preference["Percentage"]
        shift(lambda: route((after, share), (before, 100 - share)), lambda: route((before, 100)), preference["Alarms"])
    route((after, 100))
    return physical_id, {"Arn": physical_id}


types["AWS::StepFunctions::StateMachineVersion"] = {
    "create": machine_version_create,
    "update": lambda physical_id, old, new, stack_name: (
        machine_version_create(None, new, stack_name) if old != new else (physical_id, {"Arn": physical_id})),
    "delete": lambda physical_id, props: states(
        stepfunctions._delete_state_machine_version, stateMachineVersionArn=physical_id),
}
types["AWS::StepFunctions::StateMachineAlias"] = {
    "create": machine_alias_create,
    "update": machine_alias_update,
    "delete": lambda physical_id, props: states(
        stepfunctions._delete_state_machine_alias, stateMachineAliasArn=physical_id),
}
start_execution, run_execution = stepfunctions._start_execution, stepfunctions._run_execution
versions = {}
waiting = threading.local()


def start_by_version(data):
    named = data.get("stateMachineArn", "")
    routing = (stepfunctions._state_machine_aliases.get(named) or {}).get("routingConfiguration") or []
    picked = random.choices(routing, [route["weight"] for route in routing])[0] if routing else {}
    version = picked.get("stateMachineVersionArn", named)
    if version in stepfunctions._state_machine_versions:
        execution = version.replace(":stateMachine:", ":execution:").rsplit(":", 1)[0]
        versions[f"{execution}:{data['name']}"] = version
    return start_execution(data)


def run_by_version(execution_arn):
    version = stepfunctions._state_machine_versions.get(versions.get(execution_arn))
    if version is None:
        return run_execution(execution_arn)
    machine = version["stateMachineArn"]
    record = {**stepfunctions._state_machines.get(machine), "definition": version["definition"]}
    stepfunctions._executions[execution_arn]["stateMachineVersionArn"] = version["stateMachineVersionArn"]
    waiting.machine = machine
    # The runner looks its machine up once, and finds the one of the version.
    return FunctionType(run_execution.__code__, {**run_execution.__globals__, "_state_machines": {machine: record}})(execution_arn)


stepfunctions._start_execution, stepfunctions._run_execution = start_by_version, run_by_version


# --- A task that waits for its token fails with the function that it called.

call_lambda, invoke_with_callback = stepfunctions._call_lambda, stepfunctions._invoke_with_callback


def call_or_fail(function, event):
    try:
        return call_lambda(function, event)
    except stepfunctions._ExecutionError as failed:
        task = stepfunctions._task_tokens.get(getattr(waiting, "token", None))
        if task is not None:
            task["error"] = {"Error": failed.error, "Cause": failed.cause}
            task["event"].set()
        raise


def invoke_and_wait(resource, data, token, state):
    waiting.token = token
    machines_of_tokens[token] = getattr(waiting, "machine", None)
    try:
        return invoke_with_callback(resource, data, token, state)
    finally:
        waiting.token = None


stepfunctions._call_lambda, stepfunctions._invoke_with_callback = call_or_fail, invoke_and_wait
