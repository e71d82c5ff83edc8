"""Asks the account: `held` prints the names of what it holds, `alarm NAME STATE` sets an alarm, `bus NAME` makes a bus of events,
`file BUCKET` puts a file into a bucket."""
import json
import os
import sys

import botocore.session

HELD = {
    "athena": [("list_work_groups", {}, "WorkGroups", "Name")],
    "apigatewayv2": [("get_apis", {}, "Items", "Name")],
    "cloudformation": [("list_exports", {}, "Exports", "Name"), ("describe_stacks", {}, "Stacks", "StackName")],
    "cloudwatch": [("describe_alarms", {}, "MetricAlarms", "AlarmName"),
                   ("list_dashboards", {}, "DashboardEntries", "DashboardName")],
    "cognito-idp": [("list_user_pools", {"MaxResults": 60}, "UserPools", "Name")],
    "dynamodb": [("list_tables", {}, "TableNames", None)],
    "ec2": [("describe_security_groups", {}, "SecurityGroups", "GroupName"), ("describe_vpcs", {}, "Vpcs", "VpcId")],
    "events": [("list_event_buses", {}, "EventBuses", "Name"), ("list_rules", {}, "Rules", "Name")],
    "glue": [("get_databases", {}, "DatabaseList", "Name")],
    "iam": [("list_policies", {"Scope": "Local"}, "Policies", "PolicyName"), ("list_roles", {}, "Roles", "RoleName")],
    "kms": [("list_aliases", {}, "Aliases", "AliasName")],
    "lambda": [("list_functions", {}, "Functions", "FunctionName")],
    "logs": [("describe_log_groups", {}, "logGroups", "logGroupName")],
    "rds": [("describe_db_clusters", {}, "DBClusters", "DBClusterIdentifier"),
            ("describe_db_instances", {}, "DBInstances", "DBInstanceIdentifier")],
    "s3": [("list_buckets", {}, "Buckets", "Name")],
    "scheduler": [("list_schedules", {}, "Schedules", "Name")],
    "secretsmanager": [("list_secrets", {}, "SecretList", "Name")],
    "sns": [("list_topics", {}, "Topics", "TopicArn")],
    "sqs": [("list_queues", {}, "QueueUrls", None)],
    "ssm": [("describe_parameters", {}, "Parameters", "Name")],
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


match sys.argv[1:]:
    case ["held"]:
        print(json.dumps(held()))
    case ["alarm", name, state]:
        client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="evaluated by watch.ts")
    case ["bus", name]:
        client("events").create_event_bus(Name=name)
    case ["file", bucket]:
        client("s3").put_object(Bucket=bucket, Key="exports/one", Body=b"one")
