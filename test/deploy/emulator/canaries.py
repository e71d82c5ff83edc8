"""Versions that take turns."""
import os
import random
import time

from ministack.services import cloudformation as cfn
from ministack.services import cloudwatch, lambda_svc
from ministack.services.cloudformation import stacks

# How long a canary lasts: five minutes on AWS.
CANARY_SECONDS = float(os.environ["EMULATOR_CANARY_SECONDS"])

# --- CodeDeploy: an alias moves as a canary, and back when an alarm of its group rings.

def shift(begin, back, alarms):
    begin()
    until = time.monotonic() + CANARY_SECONDS
    while time.monotonic() < until:
        ringing = [name for name in alarms if (cloudwatch._alarms.get(name) or {}).get("StateValue") == "ALARM"]
        if ringing:
            back()
            raise ValueError(f"The deployment was stopped and rolled back, because of the alarm {', '.join(ringing)}")
        time.sleep(0.2)


update_keeping_seed, on_worker_thread = stacks._update_keeping_seed, stacks._runs_on_worker_thread


def group_of(stack_name, logical_id):
    stack = cfn._stacks[stack_name]
    policy = stack["_template"]["Resources"].get(logical_id, {}).get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    return policy and stack["_resources"][policy["DeploymentGroupName"]["Ref"]]["Properties"]


def update_by_group(type_name, physical_id, old, new, stack_name, logical_id, *rest):
    group = type_name == "AWS::Lambda::Alias" and group_of(stack_name, logical_id)
    if group and old["FunctionVersion"] != new["FunctionVersion"] and old != new:
        def route(weights):
            lambda_svc._update_alias(old["FunctionName"], old["Name"], {"RoutingConfig": {"AdditionalVersionWeights": weights}})

        alarms = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
        shift(lambda: route({new["FunctionVersion"]: 0.1}), lambda: route({}), alarms)
        route({})
    return update_keeping_seed(type_name, physical_id, old, new, stack_name, logical_id, *rest)


stacks._update_keeping_seed = update_by_group
stacks._runs_on_worker_thread = lambda type_name: (
    on_worker_thread(type_name) or type_name in ("AWS::Lambda::Alias", "AWS::StepFunctions::StateMachineAlias"))


# --- An alias sends a share of its invocations to another version.

find_version = lambda_svc._effective_func_record_for_qualifier


def by_weight(function, qualifier):
    alias = ((function or {}).get("aliases") or {}).get(qualifier) or {}
    for version, share in (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}).items():
        if random.random() < share:
            return find_version(function, version)
    return find_version(function, qualifier)


lambda_svc._effective_func_record_for_qualifier = by_weight
