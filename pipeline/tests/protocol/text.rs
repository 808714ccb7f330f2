//! Names and sentences, so that people can read a trace.

use std::fmt;

use super::property::Property;
use super::state::{BatchNo, Decision, Request, Set, State, members, only};

/// The name of a worker.
pub(crate) struct W(pub(crate) usize);
/// The name of a batch.
pub(crate) struct B(pub(crate) BatchNo);
/// The name of a file.
pub(crate) struct F(pub(crate) usize);
/// The names of sources.
pub(crate) struct S(pub(crate) Set);
/// The names of messages.
pub(crate) struct M(pub(crate) Set);
/// The names of files.
struct Files(Set);

impl fmt::Display for W {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{}", self.0 + 1)
    }
}

impl fmt::Display for B {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B{}", self.0 + 1)
    }
}

impl fmt::Display for F {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["events", "log"][self.0])
    }
}

impl fmt::Display for S {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, self.0, |source| String::from(["a", "b"][source]))
    }
}

impl fmt::Display for M {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, self.0, |message| format!("m{}", message + 1))
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, self.0, |file| F(file).to_string())
    }
}

fn listed(f: &mut fmt::Formatter<'_>, set: Set, name: fn(usize) -> String) -> fmt::Result {
    let names: Vec<String> = members(set).map(name).collect();
    if names.is_empty() {
        f.write_str("nothing")
    } else {
        f.write_str(&names.join(" and "))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Claim(source, batch) => {
                write!(f, "claim {} for {}", S(only(source)), B(batch))
            }
            Self::Commit(batch, sources) => write!(f, "commit {} with {}", B(batch), S(sources)),
            Self::Abandon(batch) => write!(f, "abandon {}", B(batch)),
            Self::Stage(batch, file) => write!(f, "stage the {} of {}", F(file), B(batch)),
            Self::Copy(batch, file) => write!(f, "publish the {} of {}", F(file), B(batch)),
            Self::Delete(batch, file) => write!(f, "delete the staged {} of {}", F(file), B(batch)),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("undecided"),
            Self::Committed(sources) => write!(f, "committed with {}", S(*sources)),
            Self::Abandoned => f.write_str("abandoned"),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneCommit => "a source is in two committed batches",
            Self::OneDecision => "a decision was replaced",
            Self::AcknowledgedIsPublished => {
                "a source of an acknowledged message is in no batch that is committed and published"
            }
            Self::RowsOnce => "rows of a source stand twice where readers look",
            Self::OnlyCommittedIsPublished => {
                "a file of a batch that is not committed stands where readers look"
            }
            Self::NoFileLost => "a file of a committed batch is neither staged nor published",
            Self::NoDeadEnd => "without further faults nothing leads from here to the end",
        })
    }
}

/// What the lake and the queue have.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, batch) in (0..).zip(&self.batches) {
            if batch.opened {
                let (name, rows) = (B(number), S(batch.rows));
                let (staged, published) = (Files(batch.staged), Files(batch.published));
                let decision = batch.decision;
                writeln!(
                    f,
                    "       {name}: {decision}; rows of {rows}; staged: {staged}; published: {published}"
                )?;
            }
        }
        writeln!(f, "       acknowledged: {}", M(self.acknowledged))
    }
}
