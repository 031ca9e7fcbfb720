# SPDX-License-Identifier: MIT
"""Runs the quick tests of the Node package on the addon of this build; each is
a TAP line. Skips where there is no node, or no addon could be built."""
import os
import shutil
import subprocess
import sys

FILES = ["semantics", "defects", "samples"]

addon = os.path.join(os.environ["DATALYR_BUILD"], "node", "datalyr.node")
node = shutil.which("node")
runner = os.path.join(os.environ["DATALYR_SOURCE"], "bindings", "node", "test",
                      "run.js")

if node is None or not os.path.exists(addon):
    why = "node is not installed" if node is None else \
        "there is no addon: node_api.h is missing, or the build is sanitized"
    print(f"1..1\nok 1 - the Node package does what its page says # SKIP {why}")
    sys.exit(0)

environment = dict(os.environ, DATALYR_NODE_ADDON=addon)
sys.exit(subprocess.run([node, runner, *FILES], env=environment,
                        check=False).returncode)
