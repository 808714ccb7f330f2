"""What a message in the queue announces: an independent reading of the shapes, in Python.

It checks the emulators, not trailflow: that each route brings the shape it stands for.
"""

import json
from urllib.parse import unquote_plus


def read(body):
    """`(shape, keys)` of a message's body."""
    value = json.loads(body)
    if value.get("Type") == "Notification":
        shape, keys = read(value["Message"])
        return f"sns({shape})", keys
    if value.get("Event") == "s3:TestEvent":
        return "test_event", []
    if value.get("detail-type") == "Object Created":
        return "eventbridge", [value["detail"]["object"]["key"]]
    if value.get("Records"):
        return "s3", [unquote_plus(record["s3"]["object"]["key"]) for record in value["Records"]]
    return "unknown", []
