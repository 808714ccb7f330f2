//! What the pages of a Parquet file would take, before any is inflated.
//!
//! The footer's sizes are only claims: the library believes the header of each page, reserves what
//! it names, and inflates gzip to whatever end it has. A file of a kilobyte could so ask for
//! gigabytes.
//!
//! In: the bytes of a file and its footer. Out: nothing, or why it is refused. Must hold: no page
//! that passes takes more than [`PARQUET_PAGE_BYTES_MAX`].

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::thrift::{INTEGER, STRUCT, TRUTH, Thrift};
use crate::Malformed;
use crate::limits::PARQUET_PAGE_BYTES_MAX;

/// Looks at every page of every column.
pub(super) fn check(bytes: &[u8], file: &ParquetMetaData) -> Result<(), Malformed> {
    for group in file.row_groups() {
        for column in group.columns() {
            chunk(bytes, column)?;
        }
    }
    Ok(())
}

fn chunk(bytes: &[u8], column: &ColumnChunkMetaData) -> Result<(), Malformed> {
    let (start, length) = column.byte_range();
    let part = usize::try_from(start).ok().and_then(|start| {
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        bytes.get(start..end)
    });
    let mut rest = part.ok_or(Malformed::NotParquet)?;
    let is_gzip = matches!(column.compression(), Compression::GZIP(_));
    // What we do not take for a header, the library may: it does not look at the types of fields.
    while !rest.is_empty() {
        let (header, behind) = Header::read(rest).ok_or(Malformed::NotParquet)?;
        let body = behind.get(..header.stored).ok_or(Malformed::NotParquet)?;
        if header.inflated > PARQUET_PAGE_BYTES_MAX {
            return Err(Malformed::ParquetTooLarge);
        }
        if is_gzip && is_longer(body, header.inflated) {
            return Err(Malformed::NotParquet);
        }
        rest = behind.get(header.stored..).unwrap_or_default();
    }
    Ok(())
}

/// Whether a gzip page inflates to more than its header says. Levels may stand before it, plain.
fn is_longer(body: &[u8], inflated: u64) -> bool {
    let start = memchr::memmem::find(body, &[0x1f, 0x8b]).unwrap_or(body.len());
    let mut found = MultiGzDecoder::new(body.get(start..).unwrap_or_default()).take(inflated + 1);
    std::io::copy(&mut found, &mut std::io::sink()).is_ok_and(|length| length > inflated)
}

/// The two sizes of a page.
struct Header {
    inflated: u64,
    stored: usize,
}

impl Header {
    /// The header at the front, and what is behind it. `None`: damage, or types that the format does
    /// not give these fields.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut thrift = Thrift::without_lists(bytes);
        let (mut inflated, mut stored) = (None, None);
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (2, INTEGER) => inflated = Some(thrift.integer()?),
                (3, INTEGER) => stored = Some(thrift.integer()?),
                // The type of the page, and its checksum.
                (1 | 4, INTEGER) => thrift.skip(kind)?,
                (5, STRUCT) => thrift.fields(&DATA_PAGE)?,
                (6, STRUCT) => thrift.fields(&[])?,
                (7, STRUCT) => thrift.fields(&DICTIONARY_PAGE)?,
                (8, STRUCT) => thrift.fields(&DATA_PAGE_V2)?,
                (1..=8, _) => return None,
                _ => thrift.skip(kind)?,
            }
        }
        let header = Self {
            inflated: u64::try_from(inflated?).ok()?,
            stored: usize::try_from(stored?).ok()?,
        };
        Some((header, thrift.rest()))
    }
}

/// The fields of `DataPageHeader`: values, three encodings, statistics (parquet.thrift).
const DATA_PAGE: [u8; 5] = [INTEGER, INTEGER, INTEGER, INTEGER, STRUCT];
/// Of `DictionaryPageHeader`: values, encoding, whether sorted.
const DICTIONARY_PAGE: [u8; 3] = [INTEGER, INTEGER, TRUTH];
/// Of `DataPageHeaderV2`: values, nulls, rows, encoding, two lengths, whether compressed, statistics.
const DATA_PAGE_V2: [u8; 8] = [
    INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, TRUTH, STRUCT,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of these sizes, as Thrift writes its header.
    fn header(inflated: u64, stored: u64) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x00];
        for size in [inflated, stored] {
            bytes.push(0x15);
            let mut zigzag = size << 1;
            while zigzag >= 0x80 {
                bytes.push(u8::try_from(zigzag & 0x7f).unwrap() | 0x80);
                zigzag >>= 7;
            }
            bytes.push(u8::try_from(zigzag).unwrap());
        }
        // Of a data page: four numbers, and statistics with a text.
        bytes.extend([
            0x2c, 0x15, 0x08, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x1c, 0x18, 0x01, b'a', 0x00,
            0x00, 0x00,
        ]);
        bytes
    }

    #[test]
    fn sizes_are_read_and_the_rest_is_passed_over() {
        let mut bytes = header(811_647_362, 5);
        bytes.extend(b"hello!");
        let (header, behind) = Header::read(&bytes).unwrap();
        assert_eq!((header.inflated, header.stored), (811_647_362, 5));
        assert_eq!(behind, b"hello!");
    }

    #[test]
    fn damage_is_no_header() {
        let whole = header(70, 5);
        for cut in 0..whole.len() {
            assert!(Header::read(&whole[..cut]).is_none(), "{cut}");
        }
        let mut map = header(70, 5);
        map.pop();
        map.extend([0xab, 0x00, 0x00]);
        assert!(
            Header::read(&map).is_none(),
            "a map in a field that is not known"
        );
        let nested = vec![0x1c; 40];
        assert!(Header::read(&nested).is_none(), "too deep");
    }

    /// The library reads a number wherever it expects one: each of these is another header to it.
    #[test]
    fn types_that_the_format_does_not_know_are_no_header() {
        let whole = header(70, 5);
        assert!(Header::read(&whole).is_some());
        let cases: [(&str, usize, u8); 4] = [
            ("the type of the page as a truth value", 0, 0x12),
            ("the inflated size as a text", 2, 0x18),
            ("the stored size as a truth value", 5, 0x12),
            ("the number of values as a truth value", 8, 0x12),
        ];
        for (case, place, kind) in cases {
            let mut bytes = whole.clone();
            bytes[place] = kind;
            assert!(Header::read(&bytes).is_none(), "{case}");
        }
        let wide = [
            0x15, 0x00, 0x15, 0xe6, 0xea, 0xe1, 0xb3, 0xea, 0xfd, 0xeb, 0x02, 0x15, 0x0a, 0x00,
        ];
        assert!(
            Header::read(&wide).is_none(),
            "a number of more than 32 bits"
        );
        assert!(Header::read(&header(1 << 32, 5)).is_none());
    }

    #[test]
    fn gzip_is_held_to_its_header() {
        let mut gzip = flate2::read::GzEncoder::new(&[b'a'; 100][..], flate2::Compression::fast());
        let mut page = b"levels".to_vec();
        gzip.read_to_end(&mut page).unwrap();
        assert!(!is_longer(&page, 100));
        assert!(is_longer(&page, 99));
    }
}
