"""What the parts share: a folder with the test, and names."""
import json
import os
import threading

from ministack.core.responses import get_account_id, get_region

HOME = os.environ["EMULATOR_HOME"]


def arn(service, name):
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{name}"


def read(name):
    try:
        with open(os.path.join(HOME, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def write(name, value):
    file = os.path.join(HOME, name)
    with lock:
        with open(f"{file}.new", "w") as draft:
            json.dump(value, draft)
        os.replace(f"{file}.new", file)


lock = threading.Lock()
