//! The buckets that may be read.
//!
//! A message can name any bucket; whoever may write to the queue would otherwise choose what is
//! read with this service's credentials.

use std::collections::BTreeSet;

/// Bucket names, exact ones only: no patterns, no prefixes. An empty list permits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketAllowList {
    names: BTreeSet<String>,
}

impl BucketAllowList {
    /// A list of exactly these names.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
        }
    }

    /// Whether objects of this bucket may be read.
    pub fn permits(&self, bucket: &str) -> bool {
        self.names.contains(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::BucketAllowList;

    #[test]
    fn permits_exact_names_only() {
        let allowed = BucketAllowList::new(["audit-logs".to_owned(), "*".to_owned()]);
        assert!(allowed.permits("audit-logs"));
        for other in [
            "audit-logs-2",
            "audit",
            "Audit-logs",
            "",
            "audit-logs/",
            "audit-*",
        ] {
            assert!(!allowed.permits(other), "{other:?}");
        }
        assert!(!BucketAllowList::default().permits(""));
    }
}
