"""How IAM is asked."""
import json

from ministack.core import iam_actions, iam_evaluator

# --- Requests count as encrypted: this machine is all the way that they go.

condition_key = iam_evaluator._resolve_condition_key
iam_evaluator._resolve_condition_key = lambda key, context: (
    "true" if key.lower() == "aws:securetransport" else condition_key(key, context))


# --- What Step Functions and EventBridge ask IAM: about the machine of an alias or a token, and with the source of events.

machines_of_tokens = {}
resource_of, context_of = iam_actions.extract_resource_arn, iam_actions.request_tag_context


def resource_asked_for(service, method, path, headers, body, *rest):
    resource = resource_of(service, method, path, headers, body, *rest)
    if service != "states":
        return resource
    token = json.loads(body or b"{}").get("taskToken")
    if token is not None:
        return machines_of_tokens.get(token, resource)
    return ":".join(resource.split(":")[:7]) if ":stateMachine:" in resource else resource


def context_asked_with(service, action, body, *rest):
    context = context_of(service, action, body, *rest)
    if action == "events:PutEvents":
        sources = sorted({entry.get("Source") for entry in json.loads(body)["Entries"]})
        context["events:source"] = sources[0] if len(sources) == 1 else sources
    return context


iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource_asked_for, context_asked_with
