//! The names in a record that have a column, about in AWS's order: it is a hint, not a rule.

use super::super::members::{Known, members};

members! {
    /// Of a record (domain 1.3).
    pub(super) enum Member {
        EventVersion = "eventVersion",
        UserIdentity = "userIdentity",
        EventTime = "eventTime",
        EventSource = "eventSource",
        EventName = "eventName",
        Region = "awsRegion",
        SourceIp = "sourceIPAddress",
        UserAgent = "userAgent",
        ErrorCode = "errorCode",
        ErrorMessage = "errorMessage",
        RequestParameters = "requestParameters",
        ResponseElements = "responseElements",
        AdditionalEventData = "additionalEventData",
        RequestId = "requestID",
        EventId = "eventID",
        ReadOnly = "readOnly",
        Resources = "resources",
        EventType = "eventType",
        ApiVersion = "apiVersion",
        ManagementEvent = "managementEvent",
        RecipientAccountId = "recipientAccountId",
        ServiceEventDetails = "serviceEventDetails",
        SharedEventId = "sharedEventID",
        VpceId = "vpcEndpointId",
        VpceAccount = "vpcEndpointAccountId",
        EventCategory = "eventCategory",
        TlsDetails = "tlsDetails",
        SessionFromConsole = "sessionCredentialFromConsole",
        Addendum = "addendum",
        InsightDetails = "insightDetails",
    }
}

members! {
    /// Of `userIdentity` (domain 1.5).
    pub(super) enum IdentityMember {
        Kind = "type",
        PrincipalId = "principalId",
        Arn = "arn",
        AccountId = "accountId",
        AccessKeyId = "accessKeyId",
        UserName = "userName",
        IdentityProvider = "identityProvider",
        SessionContext = "sessionContext",
        InvokedBy = "invokedBy",
        OnBehalfOf = "onBehalfOf",
    }
}

members! {
    /// Of its `sessionContext`.
    pub(super) enum SessionMember {
        SessionIssuer = "sessionIssuer",
        WebIdFederationData = "webIdFederationData",
        Attributes = "attributes",
        Ec2RoleDelivery = "ec2RoleDelivery",
        SourceIdentity = "sourceIdentity",
    }
}

members! {
    /// Of `sessionIssuer` in it.
    pub(super) enum IssuerMember {
        Kind = "type",
        PrincipalId = "principalId",
        Arn = "arn",
        AccountId = "accountId",
        UserName = "userName",
    }
}

members! {
    /// Of `attributes` in it.
    pub(super) enum AttributeMember {
        CreationDate = "creationDate",
        MfaAuthenticated = "mfaAuthenticated",
    }
}

members! {
    /// Of `tlsDetails`.
    pub(super) enum TlsMember {
        Version = "tlsVersion",
        CipherSuite = "cipherSuite",
        Host = "clientProvidedHostHeader",
    }
}
