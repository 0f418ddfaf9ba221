"""What no command can bring about yet, done to the documents by hand."""

import json

from support import REGION, Cloud


def make_automatic(cloud: Cloud, disk_id: str, index: int = 0, **more: object) -> None:
    """Turn a snapshot of a disk (the oldest is 0) into one that a policy made."""
    document = cloud.root / "chains" / REGION / disk_id / "chain.json"
    chain = json.loads(document.read_text())
    chain["nodes"][index] |= {"kind": "auto", "name": "auto2.0_20220311_sp-x", **more}
    document.write_text(json.dumps(chain))
