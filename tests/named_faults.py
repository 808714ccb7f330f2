"""The faults by name: what AWS and the network do to a client, in AWS's own words."""

from faults import Cut, FailEntries, Lie, LoseReply, Refuse, Reset, Silence, Stall, Trickle

SHORT_SECONDS = 2.0

S3_REFUSALS = {
    "slow-down": Refuse(503, "SlowDown", "Please reduce your request rate."),
    "internal-error": Refuse(500, "InternalError", "We encountered an internal error. Please try again."),
    "access-denied": Refuse(403, "AccessDenied", "Access Denied"),
    "expired-token": Refuse(400, "ExpiredToken", "The provided token has expired."),
}
SQS_REFUSALS = {
    "throttled": Refuse(400, "ThrottlingException", "Rate exceeded"),
    "internal-error": Refuse(500, "InternalFailure", "The request processing has failed."),
    "access-denied": Refuse(400, "AccessDeniedException", "Access to the resource is denied."),
    "expired-token": Refuse(400, "ExpiredTokenException", "The security token in the request is expired"),
}
ENTRIES_FAIL = {"every-entry-fails": FailEntries()}
"""What a batch call answers when it is carried out for none of its entries."""
CONFLICT = {
    "conflict": Refuse(409, "ConditionalRequestConflict", "A conflicting operation occurred."),
}
"""S3's answer to a create-if-absent that raced; the key may stay absent."""

SAID_TO_BE_DONE = {
    "error-in-a-200": Refuse(200, "ServiceUnavailable", "Service is unable to handle request."),
}
"""S3's answer to a copy that failed after it had begun to answer."""

BROKEN = {
    "reset": Reset(),
    "reply-lost": LoseReply(),
    "done-but-said-to-have-failed": Lie(),
    "reply-pauses": Stall(SHORT_SECONDS),
    "reply-cut-short": Cut(),
    "reply-trickles": Trickle(SHORT_SECONDS),
}
ENDLESS = {
    "reply-never-ends": Stall(None),
    "reply-never-begins": Silence(),
}

KMS_DENIED = Refuse(
    403,
    "AccessDenied",
    "User: arn:aws:sts::111122223333:assumed-role/trailflow/1 is not authorized to perform: kms:Decrypt on "
    "resource: arn:aws:kms:eu-west-1:111122223333:key/12345678-90ab-cdef-1234-567890abcdef because no "
    "identity-based policy allows the kms:Decrypt action",
)
"""How S3 refuses an object whose key the caller may not use."""

SQS_OPERATIONS = frozenset({"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibility"})
SOURCE_OPERATIONS = frozenset({"GetObject", "HeadObject"})
LAKE_OPERATIONS = frozenset(
    {"CreateObject", "PutObject", "CopyObject", "DeleteObjects", "ListObjects", "GetObject", "HeadObject"}
)
"""What trailflow asks of each; a create-if-absent is `CreateObject`."""
