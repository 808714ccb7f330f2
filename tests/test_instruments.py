"""The instruments measure: the proxy does to a request what its fault says, the ledger sees every wrong row."""

import http.client
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import duckdb
import pytest

import inputs
import lake
from faults import Rule, Rules, Strike
from ledger import Ledger
from named_faults import BROKEN, ENDLESS, S3_REFUSALS, SQS_REFUSALS
from proxy import Proxy

BODY = bytes(range(256)) * 400
PATIENCE_SECONDS = 4
GET, RECEIVE = "GetObject", "ReceiveMessage"
SQS_HEADERS = {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}


@pytest.fixture
def server():
    """A server that counts what it carries out and keeps the last request's head."""
    seen = SimpleNamespace(requests=[], port=None)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.requests.append((self.requestline, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        do_POST = do_PUT = do_GET

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.port = listening.server_port
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield seen
    listening.shutdown()
    listening.server_close()


def ask(proxy, method="GET", headers=None):
    """`(status, body)`, or what went wrong: `reset`, `short`, `silent`."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, "/bucket/key", headers=headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except (ConnectionResetError, http.client.RemoteDisconnected):
        return "reset"
    except http.client.IncompleteRead:
        return "short"
    except TimeoutError:
        return "silent"
    finally:
        connection.close()


SEEN = {
    "reset": ("reset", False),
    "reply-lost": ("reset", True),
    "done-but-said-to-have-failed": (500, True),
    "reply-pauses": ((200, BODY), True),
    "reply-cut-short": ("short", True),
    "reply-trickles": ((200, BODY), True),
    "reply-never-ends": ("silent", True),
    "reply-never-begins": ("silent", True),
}
"""What a client sees of each fault, and whether the server has carried out the request."""


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_happens_once_and_the_next_request_passes(name, server):
    with Proxy(server) as proxy:
        rule = proxy.rules.add(Rule(name, (BROKEN | ENDLESS)[name], frozenset({GET}), times=1))
        expected, carried_out = SEEN[name]
        seen = ask(proxy)
        assert (seen[0] if isinstance(expected, int) else seen) == expected
        assert len(server.requests) == int(carried_out)
        assert ask(proxy) == (200, BODY)
        assert rule.done == 1
        assert proxy.rules.done == {(name, GET): 1} and proxy.rules.passed == {GET: 1}
    assert SEEN.keys() == (BROKEN | ENDLESS).keys()


@pytest.mark.parametrize("name", S3_REFUSALS)
def test_a_refusal_comes_from_the_proxy_in_the_words_of_s3(name, server):
    fault = S3_REFUSALS[name]
    with Proxy(server) as proxy:
        proxy.rules.add(Rule(name, fault, frozenset({GET})))
        status, body = ask(proxy)
    assert (status, server.requests) == (fault.status, [])
    assert f"<Code>{fault.code}</Code>".encode() in body


@pytest.mark.parametrize("name", SQS_REFUSALS)
def test_a_refusal_comes_from_the_proxy_in_the_words_of_sqs(name, server):
    fault = SQS_REFUSALS[name]
    with Proxy(server) as proxy:
        proxy.rules.add(Rule(name, fault, frozenset({RECEIVE})))
        assert ask(proxy)[0] == 200, "a GET is no ReceiveMessage"
        status, body = ask(proxy, "POST", SQS_HEADERS)
    assert (status, len(server.requests)) == (fault.status, 1)
    assert f'"com.amazonaws.sqs#{fault.code}"'.encode() in body


def test_what_meets_no_rule_arrives_as_it_was_sent(server):
    with Proxy(server) as proxy:
        headers = {"Host": "bucket.example", "X-Mixed-Case": "a  b", "Content-Length": "0"}
        assert ask(proxy, "PUT", headers) == (200, BODY)
    line, headers = server.requests[0]
    assert line == "PUT /bucket/key HTTP/1.1"
    assert headers["Host"] == "bucket.example" and headers["X-Mixed-Case"] == "a  b"


def test_a_strike_falls_on_the_request_it_is_meant_for(server):
    struck = []
    with Proxy(server) as proxy:
        strike = Strike(lambda: struck.append(len(server.requests)), carried_out=False)
        proxy.rules.add(Rule("strike", strike, frozenset({GET}), times=1, spared=2))
        assert [ask(proxy) for _ in range(4)] == [(200, BODY), (200, BODY), "reset", (200, BODY)]
    assert struck == [2]


def test_the_same_seed_chooses_the_same_requests():
    request = SimpleNamespace(operation=GET)

    def chosen(seed):
        rules = Rules(seed)
        rules.add(Rule("some", S3_REFUSALS["slow-down"], frozenset({GET}), rate=0.3))
        return [rules.choose(request) is not None for _ in range(200)]

    assert chosen(7) == chosen(7) != chosen(8)
    assert 30 < sum(chosen(7)) < 90


@pytest.fixture(scope="module")
def exact(trailflow, tmp_path_factory):
    """A ledger, and a lake that owes it nothing."""
    folder = tmp_path_factory.mktemp("exact")
    ledger = Ledger(7)
    inputs.write_objects(folder / "source", ledger.objects(12))
    trailflow.backfill(folder / "source", folder / "lake")
    return ledger, folder / "lake"


def rewrite(path, select):
    """Replace a Parquet file by what a query makes of it."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS {select.format(file=path)}")
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet)")


@pytest.mark.parametrize("table", ["cloudtrail", "flow_logs", "ingest_log"])
def test_the_ledger_sees_a_row_that_is_lost_doubled_or_strange(table, exact, tmp_path):
    ledger, whole = exact
    assert str(ledger.verdict(whole)) == f"{ledger.rows} rows, 0 lost, 0 doubled, 0 strange"
    assert ledger.verdict(whole).is_exact()
    damages = {
        (1, 0, 0): "SELECT * FROM '{file}' OFFSET 1",
        (0, 1, 0): "SELECT * FROM '{file}' UNION ALL (SELECT * FROM '{file}' LIMIT 1)",
    }
    if table == "cloudtrail":
        stranger = "SELECT * REPLACE ('nobody' AS event_id) FROM '{file}' LIMIT 1"
        damages[(0, 0, 1)] = f"SELECT * FROM '{{file}}' UNION ALL ({stranger})"
    for (lost, doubled, strange), damage in damages.items():
        folder = tmp_path / f"{lost}{doubled}{strange}"
        shutil.copytree(whole, folder)
        rewrite(lake.files(folder, table)[0], damage)
        verdict = ledger.verdict(folder)
        assert (verdict.lost, verdict.doubled, verdict.strange) == (lost, doubled, strange)
        assert not verdict.is_exact()


@pytest.mark.parametrize("signal", inputs.GRAINS)
def test_the_ledger_sees_a_rollup_that_is_wrong(signal, exact, tmp_path):
    ledger, whole = exact
    shutil.copytree(whole, tmp_path / "lake")
    path = lake.files(tmp_path / "lake", f"rollups/{signal}")[0]
    rewrite(path, "SELECT * FROM '{file}' UNION ALL (SELECT * FROM '{file}' LIMIT 1)")
    verdict = ledger.verdict(tmp_path / "lake")
    assert not verdict.is_exact() and (verdict.lost, verdict.doubled) == (0, 0)
    assert f"rollups/{signal}" in str(verdict)
