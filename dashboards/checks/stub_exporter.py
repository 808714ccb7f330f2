"""Serves every declared metric with invented, rising values, to try the dashboards without a service.

The names and labels come from the same lists that the service is held to (`catalogue`), so a panel
that is empty here names something that nobody serves.
"""

import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUCKETS = ("0.1", "1", "10", "+Inf")
# Values for labels whose values the dashboards and rules choose by. Other labels get two of their own.
VOCABULARY = {
    "api": ("AssumeRole", "AssumeRoleWithWebIdentity"),
    "outcome": ("success", "failure"),
    "principal_kind": ("web_identity", "service"),
    "failure_class": ("access_denied",),
    "reject_class": ("internal", "scan"),
    "table": ("cloudtrail", "flow_logs"),
    "stage": ("event_to_object", "object_to_received", "message_to_received", "received_to_committed"),
    "state": ("used", "limit"),
    "kind": ("role_policy", "key_policy", "route"),
    "log_status": ("OK", "SKIPDATA"),
    "flow_direction": ("ingress", "egress"),
    "service": ("S3", "ec2"),
    "way": ("nat_or_appliance", "internet_gateway"),
    "le": BUCKETS,
    "version": ("0.0.0-stub",),
}
OBJECT_OUTCOMES = ("ingested", "retried")


def label_values(metric, label):
    """The values that one label of one metric takes here."""
    if metric.name == "trailflow_objects_total" and label == "outcome":
        return OBJECT_OUTCOMES
    return VOCABULARY.get(label, (f"{label}-1", f"{label}-2"))


def label_sets(metric):
    """Every combination of the labels' values."""
    choices = [[f'{label}="{value}"' for value in label_values(metric, label)] for label in metric.labels]
    return [",".join(pairs) for pairs in itertools.product(*choices)]


def gauge_value(metric, seconds):
    """Gauges that mean something have a plausible value, the others a rising one."""
    if metric.name.endswith("_timestamp_seconds"):
        return time.time() - 120
    if metric.name.endswith(("_ready", "_build_info")):
        return 1
    return 10 + seconds


def exposition(metrics, seconds):
    """The text that /metrics answers `seconds` after the start."""
    lines = []
    for metric in metrics:
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels in label_sets(metric):
            if metric.kind == "histogram":
                lines += histogram_lines(metric.name, labels, seconds)
            else:
                value = 7 + 3 * seconds if metric.kind == "counter" else gauge_value(metric, seconds)
                lines.append(f"{metric.name}{{{labels}}} {value}")
    return "\n".join(lines) + "\n"


def histogram_lines(name, labels, seconds):
    comma = "," if labels else ""
    for number, bound in enumerate(BUCKETS, 1):
        yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {number * (1 + seconds)}'
    yield f"{name}_sum{{{labels}}} {2 * (1 + seconds)}"
    yield f"{name}_count{{{labels}}} {len(BUCKETS) * (1 + seconds)}"


def serve(metrics):
    """Serves on a free loopback port until the process ends. Returns the URL."""
    started = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = exposition(metrics, int(time.monotonic() - started)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/metrics"
