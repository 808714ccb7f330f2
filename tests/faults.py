"""What can go wrong between a client and AWS, each fault as a class that does it to one request.

In: an `Exchange`, which can forward the request and talk to the client. Out: what the client gets.
`Rules` says which requests a fault meets: a bounded number, or a share drawn by a seeded generator.
Must hold: every fault that was done is counted, by its rule's name and the operation.
"""

import asyncio
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field

TRICKLE_PIECES = 20


class Fault:
    """Something done to one request."""

    async def perform(self, exchange):
        """Do it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Refuse(Fault):
    """Answers by itself; the server never hears of the request."""

    status: int
    code: str
    message: str

    async def perform(self, exchange):
        await exchange.answer(error(exchange.request, self.status, self.code, self.message))


class FailEntries(Fault):
    """The reply of a batch call is a success in which every entry failed; the server never hears of it."""

    async def perform(self, exchange):
        entries = json.loads(exchange.request.body)["Entries"]
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries]
        body = json.dumps({"Successful": [], "Failed": failed}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        await exchange.answer(head.encode() + body)


class Reset(Fault):
    """Breaks the connection; the server never hears of the request."""

    async def perform(self, exchange):
        exchange.reset()


class LoseReply(Fault):
    """The request is carried out, and the connection breaks before the reply."""

    async def perform(self, exchange):
        await exchange.forward()
        exchange.reset()


class Lie(Fault):
    """The request is carried out, and the reply says that it failed."""

    async def perform(self, exchange):
        await exchange.forward()
        text = "We encountered an internal error. Please try again."
        await exchange.answer(error(exchange.request, 500, "InternalError", text))


@dataclass(frozen=True)
class Stall(Fault):
    """The reply stops halfway: for a time, or until the client gives up."""

    seconds: float | None

    async def perform(self, exchange):
        begun, rest = halves(await exchange.forward())
        await exchange.answer(begun)
        if self.seconds is None:
            await exchange.until_the_client_leaves()
            return
        await asyncio.sleep(self.seconds)
        await exchange.answer(rest)


class Silence(Fault):
    """The request is carried out, and nothing is ever answered; the connection stays open."""

    async def perform(self, exchange):
        await exchange.forward()
        await exchange.until_the_client_leaves()


class Cut(Fault):
    """The reply ends halfway, and the connection with it."""

    async def perform(self, exchange):
        begun, _ = halves(await exchange.forward())
        await exchange.answer(begun)
        exchange.close()


@dataclass(frozen=True)
class Trickle(Fault):
    """The reply comes in small pieces, over this time."""

    seconds: float

    async def perform(self, exchange):
        reply = (await exchange.forward()).bytes
        size = -(-len(reply) // TRICKLE_PIECES)
        for at in range(0, len(reply), size):
            await exchange.answer(reply[at : at + size])
            await asyncio.sleep(self.seconds / TRICKLE_PIECES)


@dataclass(frozen=True)
class Strike(Fault):
    """Calls somebody who ends the client, before the request is carried out or right after."""

    blow: object
    carried_out: bool

    async def perform(self, exchange):
        if self.carried_out:
            await exchange.forward()
        await asyncio.get_running_loop().run_in_executor(None, self.blow)
        exchange.reset()


def halves(reply):
    """A reply cut in mid-body, or in mid-head where it has no body."""
    whole = reply.bytes
    at = len(reply.head) + len(reply.body) // 2 if reply.body else len(reply.head) // 2
    return whole[:at], whole[at:]


def error(request, status, code, message):
    """An error as the service that was asked writes it."""
    if request.is_sqs():
        body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message}).encode()
        blamed = "Sender" if status < 500 else "Receiver"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "x-amzn-query-error": f"{code.removesuffix('Exception')};{blamed}",
        }
    else:
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
        ).encode()
        headers = {"Content-Type": "application/xml"}
    headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} {code}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + (b"" if request.method == "HEAD" else body)


@dataclass
class Rule:
    """A fault, and which requests meet it."""

    name: str
    fault: Fault
    operations: frozenset
    times: int | None = None
    """How many requests at most; no limit without it."""
    rate: float = 1.0
    """The share of the requests that meet it."""
    where: object = None
    """Which requests of these operations: a predicate."""
    spared: int = 0
    """How many of them pass before the first one meets it."""
    done: int = 0

    def may_meet(self, request):
        """Whether the fault is meant for it and has not been done often enough."""
        meant = (
            request.operation in self.operations
            and (self.times is None or self.done < self.times)
            and (self.where is None or self.where(request))
        )
        if meant and self.spared > 0:
            self.spared -= 1
            return False
        return meant


@dataclass
class Rules:
    """The rules in force. Any thread may change them; the proxy asks for each request."""

    seed: object = 0
    done: Counter = field(default_factory=Counter)
    """How often each fault was done: `(rule's name, operation)`."""
    passed: Counter = field(default_factory=Counter)
    """How many requests of each operation met none."""

    def __post_init__(self):
        self._dice = random.Random(self.seed)
        self._lock = threading.Lock()
        self._rules = []

    def add(self, rule):
        """Put a rule behind those in force."""
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self):
        """No faults from now on."""
        with self._lock:
            self._rules.clear()

    def choose(self, request):
        """The fault that this request meets, if any: of the first rule that is meant for it."""
        with self._lock:
            for rule in self._rules:
                if rule.may_meet(request) and self._dice.random() < rule.rate:
                    rule.done += 1
                    self.done[(rule.name, request.operation)] += 1
                    return rule.fault
            self.passed[request.operation] += 1
            return None

    def total(self, name):
        """How often the faults of a rule were done, whatever the operation."""
        with self._lock:
            return sum(count for (rule, _), count in self.done.items() if rule == name)
