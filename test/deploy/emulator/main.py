"""MiniStack with what it lacks for the stacks of this project. Templates are deployed as they are: a gap is filled here.

Each part names the gap of MiniStack 1.5.33 that it fills. EMULATOR_HOME is a folder that is shared with the test: `ports.json` has
the port of each stage's database, `principals.json` gets the keys of functions and the database users of their roles, `runs.jsonl`
what functions print, `alarms.json` the alarms.
"""
import canaries  # noqa: F401
import executions  # noqa: F401
import functions  # noqa: F401
import permissions  # noqa: F401
import templates  # noqa: F401
from ministack import app

# The API has a path of that name itself.
app._HEALTH_PATHS = tuple(path for path in app._HEALTH_PATHS if path != "/health")
app.main()
