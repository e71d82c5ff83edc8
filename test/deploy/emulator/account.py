"""Asks the account: `account.py held` prints the names of what it holds, `account.py alarm NAME STATE` sets an alarm."""
import json
import os
import sys

import botocore.session

HELD = {
    "apigatewayv2": [("get_apis", {}, "Items", "Name")],
    "cloudformation": [("list_exports", {}, "Exports", "Name"), ("describe_stacks", {}, "Stacks", "StackName")],
    "cloudwatch": [("describe_alarms", {}, "MetricAlarms", "AlarmName"),
                   ("list_dashboards", {}, "DashboardEntries", "DashboardName")],
    "cognito-idp": [("list_user_pools", {"MaxResults": 60}, "UserPools", "Name")],
    "dynamodb": [("list_tables", {}, "TableNames", None)],
    "ec2": [("describe_security_groups", {}, "SecurityGroups", "GroupName"), ("describe_vpcs", {}, "Vpcs", "VpcId")],
    "events": [("list_event_buses", {}, "EventBuses", "Name"), ("list_rules", {}, "Rules", "Name")],
    "iam": [("list_policies", {"Scope": "Local"}, "Policies", "PolicyName"), ("list_roles", {}, "Roles", "RoleName")],
    "kms": [("list_aliases", {}, "Aliases", "AliasName")],
    "lambda": [("list_functions", {}, "Functions", "FunctionName")],
    "logs": [("describe_log_groups", {}, "logGroups", "logGroupName")],
    "rds": [("describe_db_clusters", {}, "DBClusters", "DBClusterIdentifier"),
            ("describe_db_instances", {}, "DBInstances", "DBInstanceIdentifier")],
    "s3": [("list_buckets", {}, "Buckets", "Name")],
    "scheduler": [("list_schedules", {}, "Schedules", "Name")],
    "sns": [("list_topics", {}, "Topics", "TopicArn")],
    "sqs": [("list_queues", {}, "QueueUrls", None)],
    "stepfunctions": [("list_state_machines", {}, "stateMachines", "name")],
}
session = botocore.session.get_session()


def client(service):
    return session.create_client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def held():
    names = []
    for service, lists in HELD.items():
        asked = client(service)
        for operation, arguments, key, name in lists:
            pages = (asked.get_paginator(operation).paginate(**arguments) if asked.can_paginate(operation)
                     else [getattr(asked, operation)(**arguments)])
            names += [f"{service} {each[name] if name else each}" for page in pages for each in page.get(key, [])]
    return sorted(set(names))


if sys.argv[1] == "held":
    print(json.dumps(held()))
else:
    client("cloudwatch").set_alarm_state(
        AlarmName=sys.argv[2], StateValue=sys.argv[3], StateReason="evaluated by watch.ts")
