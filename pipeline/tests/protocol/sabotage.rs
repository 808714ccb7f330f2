//! Broken protocols: each rule of the real one, left out.
//!
//! In: a rule. Out: the property whose breach the search must find without it. Must hold: every
//! rule here breaks something; one that did not would be superfluous, or unseen by the model.

use super::property::Property;

/// One rule, broken: what a worker does instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// It takes a claim that is there for its own.
    RefusedClaimIsOurs,
    /// It takes an error for a claim that was created.
    UnansweredClaimIsOurs,
    /// It creates the next claim although the batch is undecided.
    ClaimWhileOpen,
    /// It waits for a batch that is abandoned.
    AbandonedIsBusy,
    /// It waits for a batch whose worker is dead.
    LeaseNeverEnds,
    /// It takes a commit without the source for one with it.
    BelieveCommitWithout,
    /// It acknowledges what others committed without publishing it.
    DoneUnpublished,
    /// It drops the staging of a batch before it abandons it.
    DropBeforeAbandon,
    /// It abandons by a plain PUT.
    AbandonOverwrites,
    /// It takes an error for an abandonment, and drops the staging.
    UnansweredAbandonIsBelieved,
    /// It commits a source whose reading failed.
    FailedIsCommitted,
    /// It keeps the rows of a source whose reading failed midway.
    MidwayFailureIsKept,
    /// It acknowledges a message of which a source is busy elsewhere.
    BusyIsDone,
    /// It commits before the files are staged.
    CommitBeforeStage,
    /// It commits by a plain PUT.
    CommitOverwrites,
    /// It takes any decision that is there for its own commit.
    RefusedCommitIsOurs,
    /// It takes any decision that is there for an abandonment.
    RefusedCommitIsTheirs,
    /// It drops its staging when it does not learn whether it committed.
    DropAfterUnknownCommit,
    /// It acknowledges although it was fenced.
    FencedIsDone,
    /// It publishes before it commits.
    PublishBeforeCommit,
    /// It deletes a staged file before it copies it.
    DeleteBeforeCopy,
    /// It takes a staged file that is gone for lost.
    GoneIsAnError,
    /// It acknowledges before it publishes.
    AcknowledgeBeforePublish,
}

/// Every broken rule, and what comes of it.
pub(crate) const TABLE: [(Sabotage, Property); 23] = [
    (Sabotage::RefusedClaimIsOurs, Property::OneCommit),
    (Sabotage::UnansweredClaimIsOurs, Property::OneCommit),
    (Sabotage::ClaimWhileOpen, Property::OneCommit),
    (Sabotage::AbandonedIsBusy, Property::NoDeadEnd),
    (Sabotage::LeaseNeverEnds, Property::NoDeadEnd),
    (
        Sabotage::BelieveCommitWithout,
        Property::AcknowledgedIsPublished,
    ),
    (Sabotage::DoneUnpublished, Property::AcknowledgedIsPublished),
    (Sabotage::DropBeforeAbandon, Property::NoFileLost),
    (Sabotage::AbandonOverwrites, Property::OneDecision),
    (Sabotage::UnansweredAbandonIsBelieved, Property::NoFileLost),
    (
        Sabotage::FailedIsCommitted,
        Property::AcknowledgedIsPublished,
    ),
    (Sabotage::MidwayFailureIsKept, Property::RowsOnce),
    (Sabotage::BusyIsDone, Property::AcknowledgedIsPublished),
    (Sabotage::CommitBeforeStage, Property::NoFileLost),
    (Sabotage::CommitOverwrites, Property::OneDecision),
    (
        Sabotage::RefusedCommitIsOurs,
        Property::OnlyCommittedIsPublished,
    ),
    (Sabotage::RefusedCommitIsTheirs, Property::NoFileLost),
    (Sabotage::DropAfterUnknownCommit, Property::NoFileLost),
    (Sabotage::FencedIsDone, Property::AcknowledgedIsPublished),
    (
        Sabotage::PublishBeforeCommit,
        Property::OnlyCommittedIsPublished,
    ),
    (Sabotage::DeleteBeforeCopy, Property::NoFileLost),
    (Sabotage::GoneIsAnError, Property::NoDeadEnd),
    (
        Sabotage::AcknowledgeBeforePublish,
        Property::AcknowledgedIsPublished,
    ),
];

impl Sabotage {
    /// True where requests that change nothing by the real rules change something.
    pub(crate) const fn changes_waiting(self) -> bool {
        matches!(
            self,
            Self::AbandonOverwrites
                | Self::DropBeforeAbandon
                | Self::CommitBeforeStage
                | Self::PublishBeforeCommit
                | Self::CommitOverwrites
                | Self::RefusedCommitIsOurs
                | Self::FencedIsDone
                | Self::DeleteBeforeCopy
                | Self::GoneIsAnError
        )
    }

    /// True where it takes two sources to break something.
    pub(crate) const fn needs_two_sources(self) -> bool {
        matches!(self, Self::BelieveCommitWithout | Self::MidwayFailureIsKept)
    }
}
