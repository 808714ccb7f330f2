//! Which files of a folder become one.
//!
//! In: files that can be merged, and how many bytes at a time. Out: groups, each of which becomes a file. Must
//! hold: a group is no larger than memory bears, but for a file that is; a sealed file that is large, or would be
//! written again alone, stays.

use object_store::ObjectMeta;

use crate::lake::seals::newest_in;
use crate::limits::SEALED_LARGE_SHARE;

/// A file that can be merged.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) file: ObjectMeta,
    pub(super) is_sealed: bool,
}

/// What is done with the files of a folder.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Files that become one, and further ones.
    pub(super) groups: Vec<Vec<Input>>,
    /// Sealed files that stay as they are.
    pub(super) stay: Vec<ObjectMeta>,
}

/// Groups files of up to so many bytes, in the order of their batches, and so about in that of their rows' times.
pub(super) fn plan(mut inputs: Vec<Input>, bytes_max: u64) -> Plan {
    let mut plan = Plan::default();
    inputs.sort_by_cached_key(|input| newest_in(&input.file.location));
    let (mut group, mut bytes) = (Vec::new(), 0);
    for input in inputs {
        let size = input.file.size;
        if input.is_sealed && size >= bytes_max / SEALED_LARGE_SHARE {
            plan.stay.push(input.file);
            continue;
        }
        if bytes + size > bytes_max {
            plan.close(std::mem::take(&mut group));
            bytes = 0;
        }
        bytes += size;
        group.push(input);
    }
    plan.close(group);
    plan
}

impl Plan {
    fn close(&mut self, group: Vec<Input>) {
        if group.iter().any(|input| !input.is_sealed) || group.len() > 1 {
            self.groups.push(group);
        } else {
            self.stay.extend(group.into_iter().map(|input| input.file));
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    /// Files by the last digit of their batch, their size, and whether they are sealed.
    fn planned(files: &[(u8, u64, bool)]) -> (Vec<Vec<u64>>, Vec<u64>) {
        let inputs = files.iter().map(|(digit, size, is_sealed)| Input {
            file: ObjectMeta {
                location: Path::from(format!(
                    "0199b2ae-7c00-7000-8000-00000000000{digit}.parquet"
                )),
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size: *size,
                e_tag: None,
                version: None,
            },
            is_sealed: *is_sealed,
        });
        let plan = plan(inputs.collect(), 100);
        let sizes = |group: &Vec<Input>| group.iter().map(|input| input.file.size).collect();
        let stay = plan.stay.iter().map(|file| file.size).collect();
        (plan.groups.iter().map(sizes).collect(), stay)
    }

    #[test]
    fn files_are_grouped_up_to_the_limit_and_large_sealed_ones_stay() {
        // Few and small.
        assert_eq!(
            planned(&[(2, 30, false), (1, 20, false), (3, 10, true)]),
            (vec![vec![20, 30, 10]], vec![])
        );
        // More than is merged at a time, and one that is larger alone.
        assert_eq!(
            planned(&[
                (1, 60, false),
                (2, 60, false),
                (3, 300, false),
                (4, 1, false)
            ]),
            (vec![vec![60], vec![60], vec![300], vec![1]], vec![])
        );
        // A large sealed file is not written again for a small one, nor one for nothing.
        assert_eq!(
            planned(&[(1, 50, true), (2, 5, false)]),
            (vec![vec![5]], vec![50])
        );
        assert_eq!(
            planned(&[(1, 49, true), (2, 99, false)]),
            (vec![vec![99]], vec![49])
        );
        assert_eq!(
            planned(&[(1, 40, true), (2, 30, true)]),
            (vec![vec![40, 30]], vec![])
        );
        assert_eq!(planned(&[]), (vec![], vec![]));
    }
}
