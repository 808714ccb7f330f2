//! What an object is, by its first inflated bytes, when its key says nothing.

use std::io::{self, BufRead, Chain, Cursor, Read};

use crate::BYTE_ORDER_MARK;
use crate::limits::SNIFF_BYTES;

/// The content of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// A Parquet file.
    Parquet,
    /// A JSON object or array.
    Json,
    /// Flow-log lines, with a header or in the default format without one.
    FlowLogText,
    /// No bytes at all.
    Empty,
    /// Something else.
    Unknown,
}

/// Names that flow-log headers are made of: versions 2 to 5 and transit gateways. Later names are
/// not needed here, because a log without three of these has neither addresses nor times.
const FIELD_NAMES: [&str; 42] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "resource-type",
    "tgw-id",
    "tgw-attachment-id",
    "tgw-pair-attachment-id",
    "tgw-src-vpc-id",
    "tgw-dst-vpc-id",
    "tgw-src-vpc-account-id",
    "tgw-dst-vpc-account-id",
    "tgw-src-eni",
    "tgw-dst-eni",
    "packets-lost-no-route",
    "packets-lost-blackhole",
    "packets-lost-mtu-exceeded",
];

const HEADER_NAMES_MIN: usize = 3;

/// Tells what the bytes are the beginning of.
pub fn sniff(first_bytes: &[u8]) -> Content {
    if first_bytes.is_empty() {
        return Content::Empty;
    }
    if first_bytes.starts_with(b"PAR1") {
        return Content::Parquet;
    }
    let text = first_bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(first_bytes);
    let first_mark = text
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    if matches!(first_mark, Some(b'{' | b'[')) {
        return Content::Json;
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    let first_line = lines.find(|line| !line.trim_ascii().is_empty());
    match str::from_utf8(first_line.unwrap_or_default()) {
        Ok(line) if is_header(line) || is_default_line(line) => Content::FlowLogText,
        _ => Content::Unknown,
    }
}

/// A stream whose first bytes were looked at and put back.
pub type Sniffed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Sniffs a stream, however little of it a single read gives, and returns it whole.
pub fn sniff_stream<R: BufRead>(mut reader: R) -> io::Result<(Content, Sniffed<R>)> {
    let mut first_bytes = Vec::with_capacity(SNIFF_BYTES);
    let limit = u64::try_from(SNIFF_BYTES).unwrap_or(u64::MAX);
    reader.by_ref().take(limit).read_to_end(&mut first_bytes)?;
    Ok((sniff(&first_bytes), Cursor::new(first_bytes).chain(reader)))
}

/// Names as AWS writes them, and enough of them known. Names that are not known are no obstacle:
/// AWS adds some every year. As exports have them too: with underscores, between commas.
fn is_header(line: &str) -> bool {
    let line = line.replace('_', "-").replace(',', " ");
    let is_name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let known = line
        .split_ascii_whitespace()
        .filter(|name| FIELD_NAMES.contains(name))
        .count();
    known >= HEADER_NAMES_MIN && line.split_ascii_whitespace().all(is_name)
}

/// A record of the default format, as exports from elsewhere have it on line 1.
fn is_default_line(line: &str) -> bool {
    let values: Vec<&str> = line.split_ascii_whitespace().collect();
    matches!(
        values.as_slice(),
        [version, _, _, _, _, _, _, _, _, _, _, _, "ACCEPT" | "REJECT" | "-",
         "OK" | "NODATA" | "SKIPDATA"]
            if version.bytes().all(|byte| byte.is_ascii_digit())
    )
}

impl Content {
    /// Stable text for labels and `ingest_log`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Json => "json",
            Self::FlowLogText => "flow_log_text",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufReader, Read as _};

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::{Content, sniff, sniff_stream};

    const OBJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/objects");
    const ALL: [Content; 5] = [
        Content::Parquet,
        Content::Json,
        Content::FlowLogText,
        Content::Empty,
        Content::Unknown,
    ];

    /// Files stand in the folder that is named after what they are.
    #[test]
    fn every_object_is_what_its_folder_says() {
        for content in ALL {
            let folder = fs::read_dir(format!("{OBJECTS}/{}", content.as_str()));
            let mut count = 0;
            for entry in folder.expect("each content has a folder") {
                let path = entry.expect("an entry").path();
                let bytes = fs::read(&path).expect("a file");
                assert_eq!(sniff(&bytes), content, "{}", path.display());
                let (streamed, mut whole) = sniff_stream(BufReader::with_capacity(1, &bytes[..]))
                    .expect("memory does not fail");
                assert_eq!(streamed, content, "{}", path.display());
                let mut again = Vec::new();
                whole.read_to_end(&mut again).expect("memory does not fail");
                assert_eq!(again, bytes, "{}", path.display());
                count += 1;
            }
            assert!(count > 0, "no example of {}", content.as_str());
        }
    }

    #[test]
    fn random_bytes_never_panic() {
        for seed in 0..5000_u64 {
            let mut random = StdRng::seed_from_u64(seed);
            let starts: [&[u8]; 5] = [
                b"",
                b"PAR",
                b"\xef\xbb\xbf",
                b"version account-id ",
                b"2 - ",
            ];
            let mut bytes = starts[random.random_range(0..starts.len())].to_vec();
            bytes.extend((0..random.random_range(0..64)).map(|_| random.random::<u8>()));
            let content = sniff(&bytes);
            assert_eq!(content == Content::Empty, bytes.is_empty(), "seed {seed}");
        }
    }
}
