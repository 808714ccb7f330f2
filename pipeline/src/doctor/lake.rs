//! The lake: whether its store does all that exactness rests on, tried on an object that is removed again.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::{Report, mebibytes};
use crate::aws::SdkConfig;
use crate::config::{Config, LakeUrl};
use crate::lake::probe::{Answer, Asked};
use crate::lake::{LakeError, Trouble};
use crate::limits::LAKE_FREE_BATCHES_MIN;
use crate::service;

pub(super) async fn examine(config: &Config, sdk: Option<&SdkConfig>, report: &mut Report<'_>) {
    let name = format!("lake {}", config.lake);
    let made = match &config.lake {
        LakeUrl::Directory(path) => folders_to_be_made(path),
        LakeUrl::S3 { .. } => Vec::new(),
    };
    match service::open_lake(config, sdk) {
        Ok(lake) => {
            let mut tell = |asked: Asked, tried| told(&name, asked, tried, config, report);
            lake.probe(&mut tell).await;
        }
        Err(error) => {
            let error = anyhow::Error::from(error);
            let fix = "make the directory, or let the process write there; for S3 name a region";
            report.failure(format!("{name}, open"), format!("{error:#}"), fix);
        }
    }
    if let LakeUrl::Directory(path) = &config.lake {
        space(&name, path, config.batch.bytes_max, report);
    }
    for folder in made {
        // What another has put something into meanwhile stays.
        let _kept = fs::remove_dir(folder);
    }
}

fn told(
    name: &str,
    asked: Asked,
    tried: Result<Answer, LakeError>,
    config: &Config,
    report: &mut Report<'_>,
) {
    let line = format!("{name}, {}", asked.as_str());
    match tried {
        Ok(Answer::AsItMust) if asked == Asked::Refuse => report.ok(line, "refused, as it must be"),
        Ok(Answer::AsItMust) => report.ok(line, "done"),
        Ok(Answer::Otherwise(what)) => {
            let fix = match asked {
                Asked::Refuse => {
                    "choose a store with conditional writes (If-None-Match): here every redelivery would count again"
                }
                _ => "choose another store for the lake: this one does not keep what it is given",
            };
            report.failure(line, what, fix);
        }
        Err(error) => {
            let trouble = error.trouble();
            let what = match &trouble {
                Trouble::Denied(why) => format!("denied by {why}"),
                Trouble::Throttled(why) | Trouble::Unavailable(why) => why.clone(),
            };
            report.failure(line, what, fix_of(asked, &trouble, config.lake.is_s3()));
        }
    }
}

fn fix_of(asked: Asked, trouble: &Trouble, is_s3: bool) -> &'static str {
    if !is_s3 {
        return "let the process write there, on a file system with hard links and free space";
    }
    match (trouble, asked) {
        (Trouble::Denied(why), _) if why.starts_with("kms") => {
            "allow kms:GenerateDataKey and kms:Decrypt on the lake's key"
        }
        (Trouble::Denied(_), Asked::Read | Asked::Copy) => {
            "allow s3:GetObject and s3:PutObject on the lake's objects"
        }
        (Trouble::Denied(_), Asked::List) => {
            "allow s3:ListBucket on the lake's bucket, with the lake's prefix"
        }
        (Trouble::Denied(_), Asked::Delete) => {
            "allow s3:DeleteObject below _trailflow/staging/ and _trailflow/leases/; the object that is left may be deleted"
        }
        (Trouble::Denied(_), Asked::Create | Asked::Refuse) => {
            "name a bucket that is there, in the region that is asked, and allow s3:PutObject on the lake's objects"
        }
        (Trouble::Throttled(_) | Trouble::Unavailable(_), _) => {
            "let this place reach the store: an endpoint in the VPC, a NAT gateway, or `lake.endpoint_url`; then ask again"
        }
    }
}

/// The lake's folders that are not there yet, the innermost first: opening and trying it makes them.
fn folders_to_be_made(root: &Path) -> Vec<PathBuf> {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let staging = root.join("_trailflow/staging");
    let folders = staging.ancestors().map(Path::to_path_buf);
    folders.take_while(|folder| !folder.is_dir()).collect()
}

/// Room for what a batch writes.
fn space(name: &str, path: &Path, batch_bytes: usize, report: &mut Report<'_>) {
    let Ok(told) = statvfs(path) else { return };
    let free = told.f_bavail.saturating_mul(told.f_frsize);
    let batch = u64::try_from(batch_bytes).unwrap_or(u64::MAX);
    let (asked, what) = (
        format!("{name}, space"),
        format!("{} free", mebibytes(free)),
    );
    let fix = "make room: rows are kept until somebody deletes them";
    if free < batch {
        report.failure(asked, what, fix);
    } else if free < batch.saturating_mul(LAKE_FREE_BATCHES_MIN) {
        report.warning(asked, what, fix);
    } else {
        report.ok(asked, what);
    }
}
