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

/// Whether a line is a flow log's header; whoever decodes flow logs knows.
pub type IsHeader = fn(&[u8]) -> bool;

/// Tells what the bytes are the beginning of.
pub fn sniff(first_bytes: &[u8], is_header: IsHeader) -> Content {
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
    let first_line = first_line.unwrap_or_default().trim_ascii();
    let is_record = || str::from_utf8(first_line).is_ok_and(is_default_line);
    if is_header(first_line) || is_record() {
        Content::FlowLogText
    } else {
        Content::Unknown
    }
}

/// A stream whose first bytes were looked at and put back.
pub type Sniffed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Sniffs a stream, however little of it a single read gives, and returns it whole.
pub fn sniff_stream<R: BufRead>(
    mut reader: R,
    is_header: IsHeader,
) -> io::Result<(Content, Sniffed<R>)> {
    let mut first_bytes = Vec::with_capacity(SNIFF_BYTES);
    let limit = u64::try_from(SNIFF_BYTES).unwrap_or(u64::MAX);
    reader.by_ref().take(limit).read_to_end(&mut first_bytes)?;
    Ok((
        sniff(&first_bytes, is_header),
        Cursor::new(first_bytes).chain(reader),
    ))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufReader, Read as _};

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::{Content, sniff, sniff_stream};
    use crate::flow_logs::is_header;

    const OBJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/objects");
    const FOLDERS: [(Content, &str); 5] = [
        (Content::Parquet, "parquet"),
        (Content::Json, "json"),
        (Content::FlowLogText, "flow_log_text"),
        (Content::Empty, "empty"),
        (Content::Unknown, "unknown"),
    ];

    /// Files stand in the folder that is named after what they are.
    #[test]
    fn every_object_is_what_its_folder_says() {
        for (content, name) in FOLDERS {
            let folder = fs::read_dir(format!("{OBJECTS}/{name}"));
            let mut count = 0;
            for entry in folder.expect("each content has a folder") {
                let path = entry.expect("an entry").path();
                let bytes = fs::read(&path).expect("a file");
                assert_eq!(sniff(&bytes, is_header), content, "{}", path.display());
                let (streamed, mut whole) =
                    sniff_stream(BufReader::with_capacity(1, &bytes[..]), is_header)
                        .expect("memory does not fail");
                assert_eq!(streamed, content, "{}", path.display());
                let mut again = Vec::new();
                whole.read_to_end(&mut again).expect("memory does not fail");
                assert_eq!(again, bytes, "{}", path.display());
                count += 1;
            }
            assert!(count > 0, "no example of {name}");
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
            let content = sniff(&bytes, is_header);
            assert_eq!(content == Content::Empty, bytes.is_empty(), "seed {seed}");
        }
    }
}
