//! What the model remembers: the store, the queue, and where every worker stands.
//!
//! Must hold: a [`State`] has all that the future depends on. Batches that nobody can name any
//! more, and numbers of claims, are not in it; that is why the graph is finite although workers
//! die, batches are opened and messages are delivered without limit.

/// Objects to ingest.
pub(crate) const SOURCES: usize = 2;
/// At most this many workers run at once.
pub(crate) const WORKERS_MAX: usize = 3;
/// Batches that somebody can name at once.
pub(crate) const BATCHES_MAX: usize = 10;
/// Requests that were given up by their sender and may still be executed.
pub(crate) const IN_FLIGHT_MAX: usize = 2;

/// A set of sources, files or messages, a bit each.
pub(crate) type Set = u8;
/// The index of a batch in [`State::batches`].
pub(crate) type BatchNo = u8;

/// The set of one member.
pub(crate) const fn only(member: usize) -> Set {
    1 << member
}

/// True when the member is in the set.
pub(crate) const fn holds(set: Set, member: usize) -> bool {
    set & only(member) != 0
}

/// The members of a set, lowest first.
pub(crate) fn members(set: Set) -> impl Iterator<Item = usize> {
    (0..8).filter(move |member| holds(set, *member))
}

/// Everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Running workers.
    pub(crate) workers: [Worker; WORKERS_MAX],
    /// What the store has of each batch.
    pub(crate) batches: [Batch; BATCHES_MAX],
    /// The newest claim of each source.
    pub(crate) claims: [Option<BatchNo>; SOURCES],
    /// Requests on their way to the store whose sender has had an error already.
    pub(crate) in_flight: [Option<Request>; IN_FLIGHT_MAX],
    /// Messages that were deleted from the queue.
    pub(crate) acknowledged: Set,
}

/// `_trailflow/batches/<batch>`, `_trailflow/staging/<batch>/` and the published files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Batch {
    /// Somebody opened it.
    pub(crate) opened: bool,
    /// What its key says.
    pub(crate) decision: Decision,
    /// The sources whose rows are in its files.
    pub(crate) rows: Set,
    /// Files in staging.
    pub(crate) staged: Set,
    /// Files where readers look.
    pub(crate) published: Set,
}

/// The key `_trailflow/batches/<batch>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Decision {
    /// The key is absent.
    #[default]
    Open,
    /// With these sources.
    Committed(Set),
    /// By anybody.
    Abandoned,
}

/// A lane of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worker {
    /// Waits for a delivery. A worker that died is replaced by such a one.
    Idle,
    /// The batch is open (`pipeline/lane.rs`).
    Filling {
        batch: BatchNo,
        /// Messages that hang on the batch.
        held: Set,
        slots: [Slot; SOURCES],
    },
    /// The batch takes no more (`pipeline/settle.rs`).
    Closing {
        batch: BatchNo,
        /// Sources to commit.
        sources: Set,
        /// Messages to acknowledge if all goes well.
        done: Set,
        step: Step,
    },
    /// Only the queue is left to be told.
    Acknowledging { done: Set },
}

/// Where one object of an open batch stands (`lake/claim.rs`, `pipeline/ingest.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// No message of the batch names the source.
    Unnamed,
    /// About to create the next claim, for the first time or after an error.
    Create(Key),
    /// About to read the decision on the batch of the newest claim.
    Follow {
        batch: BatchNo,
        /// No newer claim was created since that one was read.
        newest: bool,
    },
    /// About to abandon it, for the first time or after an error.
    Abandon(BatchNo),
    /// It is abandoned: about to delete a file of its staging.
    Drop(BatchNo, usize),
    /// It is committed with the source: finishing its publication.
    Publish(BatchNo, usize, Move),
    /// Read to its end.
    Read,
    /// A committed batch has it.
    Duplicate,
    /// Claimed by others, or the claim failed.
    Left,
    /// Claimed, but its reading failed.
    Failed,
}

/// What is at the key that a claim is created at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Absent,
    Ours,
    Theirs,
}

/// The two requests that publish a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Copy,
    Delete,
}

/// What a closing batch does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Stage(usize),
    /// For the first time or after an error.
    Commit,
    Publish(usize, Move),
    /// The batch is given up: about to abandon it.
    Abandon,
    /// It is abandoned: about to delete a staged file.
    Drop(usize),
}

/// A request that is executed later than its sender believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Claim(usize, BatchNo),
    Commit(BatchNo, Set),
    Abandon(BatchNo),
    Stage(BatchNo, usize),
    Copy(BatchNo, usize),
    Delete(BatchNo, usize),
}

impl Slot {
    /// Nothing is left to do for the source.
    pub(crate) const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Unnamed | Self::Read | Self::Duplicate | Self::Left | Self::Failed
        )
    }

    /// The batch of somebody else that it looks at.
    pub(crate) const fn target(&self) -> Option<BatchNo> {
        match self {
            Self::Follow { batch, .. }
            | Self::Abandon(batch)
            | Self::Drop(batch, _)
            | Self::Publish(batch, _, _) => Some(*batch),
            Self::Unnamed
            | Self::Create(_)
            | Self::Read
            | Self::Duplicate
            | Self::Left
            | Self::Failed => None,
        }
    }
}

impl Worker {
    /// The batch it may still decide.
    pub(crate) const fn batch(&self) -> Option<BatchNo> {
        match self {
            Self::Filling { batch, .. } | Self::Closing { batch, .. } => Some(*batch),
            Self::Idle | Self::Acknowledging { .. } => None,
        }
    }
}

impl Request {
    /// The batch it is about.
    pub(crate) const fn batch(self) -> BatchNo {
        match self {
            Self::Claim(_, batch)
            | Self::Commit(batch, _)
            | Self::Abandon(batch)
            | Self::Stage(batch, _)
            | Self::Copy(batch, _)
            | Self::Delete(batch, _) => batch,
        }
    }
}

impl State {
    /// An empty lake, a full queue.
    pub(crate) fn new() -> Self {
        Self {
            workers: [Worker::Idle; WORKERS_MAX],
            batches: [Batch::default(); BATCHES_MAX],
            claims: [None; SOURCES],
            in_flight: [None; IN_FLIGHT_MAX],
            acknowledged: 0,
        }
    }

    /// What the store has of a batch.
    pub(crate) fn batch(&self, batch: BatchNo) -> &Batch {
        &self.batches[usize::from(batch)]
    }

    /// The same, to be changed.
    pub(crate) fn batch_mut(&mut self, batch: BatchNo) -> &mut Batch {
        &mut self.batches[usize::from(batch)]
    }

    /// Opens a batch.
    pub(crate) fn open(&mut self) -> BatchNo {
        let free = self.batches.iter().position(|batch| !batch.opened);
        let batch = u8::try_from(free.expect("room for one more batch")).unwrap();
        self.batch_mut(batch).opened = true;
        batch
    }

    /// True when a running worker may still decide the batch.
    pub(crate) fn is_owned(&self, batch: BatchNo) -> bool {
        self.workers
            .iter()
            .any(|worker| worker.batch() == Some(batch))
    }
}
