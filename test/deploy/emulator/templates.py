"""Types of CloudFormation, and what it refuses."""
import json

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation as cfn
from ministack.services import cloudwatch_logs, ec2, rds, s3
from ministack.services.cloudformation import engine, provisioners, stacks
from shared import arn, write

types = provisioners._RESOURCE_HANDLERS

# --- What preflight asks a region: MiniStack knows neither Aurora Serverless nor every endpoint.

ec2._VPCE_INTERFACE_SERVICES = [*ec2._VPCE_INTERFACE_SERVICES, "states", "email"]
orderable = rds._describe_orderable_options


def orderable_serverless(params):
    status, headers, body = orderable({**params, "EngineVersion": [""], "DBInstanceClass": ["db.r5.large"]})
    text = body.decode() if isinstance(body, bytes) else body
    # In each zone of the region, of which MiniStack names two.
    second, third = (f"<AvailabilityZone><Name>{get_region()}{zone}</Name></AvailabilityZone>" for zone in "bc")
    return status, headers, text.replace("db.r5.large", "db.serverless").replace(second, second + third).encode()


rds._ACTION_MAP["DescribeOrderableDBInstanceOptions"] = orderable_serverless


# --- Types that are recorded and do nothing: there is neither a network nor a day to wait for.

def recorded(name_property=None, attributes=lambda name: {}):
    def create(logical_id, props, stack_name):
        name = props.get(name_property) or provisioners._physical_name(stack_name, logical_id, lowercase=True, max_len=60)
        return name, attributes(name)

    def update(physical_id, old, new, stack_name):
        return physical_id, attributes(physical_id)

    return {"create": create, "update": update, "delete": lambda physical_id, props: None}


for name in ("EC2::FlowLog", "EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress", "RDS::DBProxyTargetGroup",
             "Events::Archive", "CodeDeploy::Application", "CodeDeploy::DeploymentGroup", "CloudWatch::CompositeAlarm",
             "Backup::BackupSelection"):
    types[f"AWS::{name}"] = recorded()
types["AWS::EventSchemas::Registry"] = recorded(
    "RegistryName", lambda name: {"RegistryArn": arn("schemas", f"registry/{name}"), "RegistryName": name})
types["AWS::EventSchemas::Schema"] = recorded(
    "SchemaName", lambda name: {"SchemaArn": arn("schemas", f"schema/{name}"), "SchemaName": name, "SchemaVersion": "1"})
types["AWS::Backup::RestoreTestingPlan"] = recorded(
    "RestoreTestingPlanName", lambda name: {"RestoreTestingPlanArn": arn("backup", f"restore-testing-plan:{name}")})
types["AWS::Backup::RestoreTestingSelection"] = recorded("RestoreTestingSelectionName")
types["AWS::IAM::OIDCProvider"] = recorded("Url", lambda name: {
    "Arn": f"arn:aws:iam::{get_account_id()}:oidc-provider/{name.removeprefix('https://')}"})
# The stand-in of RDS Proxy listens on this machine.
types["AWS::RDS::DBProxy"] = recorded("DBProxyName", lambda name: {
    "Endpoint": "localhost", "DBProxyArn": arn("rds", f"db-proxy:prx-{name}"), "VpcId": "vpc-0"})
types["AWS::RDS::DBProxyEndpoint"] = recorded("DBProxyEndpointName", lambda name: {
    "Endpoint": "localhost", "DBProxyEndpointArn": arn("rds", f"db-proxy-endpoint:{name}"), "IsDefault": False, "VpcId": "vpc-0"})


# --- An attribute that the type lacks.

def with_attributes(type_name, more):
    handlers = types[type_name]
    create, update = handlers["create"], handlers["update"]

    def created(*args):
        physical_id, attributes = create(*args)
        return physical_id, {**attributes, **more(physical_id)}

    def updated(*args, **kwargs):
        physical_id, attributes = update(*args, **kwargs)
        return physical_id, {**attributes, **more(physical_id)}

    types[type_name] = {**handlers, "create": created, "update": updated}


with_attributes("AWS::Cognito::UserPool", lambda pool: {
    "ProviderURL": f"https://cognito-idp.{get_region()}.amazonaws.com/{pool}"})


# --- The tags of a bucket, by which CDK knows that it may empty it.

create_bucket, update_bucket = types["AWS::S3::Bucket"]["create"], types["AWS::S3::Bucket"]["update"]


def tagged(bucket, props):
    s3._bucket_tags[bucket[0]] = {tag["Key"]: tag["Value"] for tag in props.get("Tags", [])}
    return bucket


types["AWS::S3::Bucket"] = {
    **types["AWS::S3::Bucket"],
    "create": lambda logical_id, props, stack_name: tagged(create_bucket(logical_id, props, stack_name), props),
    "update": lambda physical_id, old, new, stack_name: tagged(update_bucket(physical_id, old, new, stack_name), new),
}


# --- What AWS refuses: to make a log group that is there, as one is that was kept, and to delete a bucket that has files.

def refusing(type_name, action, refusal):
    perform = types[type_name][action]

    def checked(*args):
        reason = refusal(*args)
        if reason:
            raise ValueError(reason)
        return perform(*args)

    types[type_name] = {**types[type_name], action: checked}


refusing("AWS::Logs::LogGroup", "create", lambda logical_id, props, stack_name: (
    props.get("LogGroupName") in cloudwatch_logs._log_groups and f"{props['LogGroupName']} already exists"))
refusing("AWS::S3::Bucket", "delete", lambda physical_id, props: (
    (s3._buckets.get(physical_id) or {}).get("objects") and f"The bucket {physical_id} is not empty"))


# --- Alarms: watch.ts evaluates them, metric math too, and sets their states by SetAlarmState.

definitions = {}
alarm_of = provisioners._cw_metric_alarm_record


def alarm_record(name, props):
    definitions[name] = {**props, "AlarmName": name}
    write("alarms.json", definitions)
    if not props.get("Metrics"):
        return alarm_of(name, props)
    record = alarm_of(name, {**props, "Metrics": None, "MetricName": "math", "Namespace": "none"})
    return {**record, "Metrics": props["Metrics"]}


provisioners._cw_metric_alarm_record = alarm_record


# --- What an update policy refers to comes first.

extract_deps = engine._extract_deps
engine._extract_deps = lambda resource, names: extract_deps(resource, names) | {
    name for name, _ in engine._intrinsic_references(resource.get("UpdatePolicy", {})) if name in names}


# --- CloudFormation takes no export away, and changes none, that another stack imports.

resolve_outputs = stacks._resolve_stack_outputs


def outputs_of(outputs, conditions, resources, params, mappings, stack_name, stack_id):
    resolved, exports = resolve_outputs(outputs, conditions, resources, params, mappings, stack_name, stack_id)
    for output in cfn._stacks[stack_name].get("Outputs") or []:
        name = output.get("ExportName")
        if not name or (exports.get(name) or {}).get("Value") == output["OutputValue"]:
            continue
        users = [other for other, stack in list(cfn._stacks.items()) if other != stack_name
                 and f'"Fn::ImportValue": "{name}"' in json.dumps(stack.get("_template") or {})]
        if users:
            raise ValueError(f"Cannot delete or change export {name} as it is in use by {', '.join(users)}")
    return resolved, exports


stacks._resolve_stack_outputs = outputs_of
