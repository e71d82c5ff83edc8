"""Checks compose.yaml against the schema of the Compose specification, and the rendered Kubernetes manifests.

container-files.py SCHEMA compose.yaml RENDERED...
"""

import json
import sys

import jsonschema
import yaml

schema, compose, *rendered = sys.argv[1:]
with open(schema) as file:
    validator = jsonschema.Draft7Validator(json.load(file))
with open(compose) as file:
    errors = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(yaml.safe_load(file))]
for path in rendered:
    with open(path) as file:
        for document in yaml.safe_load_all(file):
            template = document.get("spec", {}).get("template") or document.get("spec", {}).get("jobTemplate", {}).get("spec", {}).get("template")
            for container in template["spec"]["containers"] if template else []:
                name = f"{path} {document['metadata']['name']}/{container['name']}"
                if "@" not in container["image"] and ":" not in container["image"].split("/")[-1]:
                    errors.append(f"{name}: its image has no version")
                if container["securityContext"].get("allowPrivilegeEscalation") is not False:
                    errors.append(f"{name}: may get more privileges")
                if "memory" not in container["resources"].get("limits", {}):
                    errors.append(f"{name}: has no limit of memory")
print("\n".join(errors) or f"{compose} and {len(rendered)} sets of manifests are valid")
sys.exit(1 if errors else 0)
