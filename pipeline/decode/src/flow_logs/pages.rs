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
        let mut thrift = Thrift { rest: bytes };
        let (mut inflated, mut stored) = (None, None);
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (2, INTEGER) => inflated = Some(thrift.integer()?),
                (3, INTEGER) => stored = Some(thrift.integer()?),
                // The type of the page, and its checksum.
                (1 | 4, INTEGER) => thrift.skip(kind, DEPTH_MAX)?,
                (5, STRUCT) => thrift.fields(&DATA_PAGE)?,
                (6, STRUCT) => thrift.fields(&[])?,
                (7, STRUCT) => thrift.fields(&DICTIONARY_PAGE)?,
                (8, STRUCT) => thrift.fields(&DATA_PAGE_V2)?,
                (1..=8, _) => return None,
                _ => thrift.skip(kind, DEPTH_MAX)?,
            }
        }
        let header = Self {
            inflated: u64::try_from(inflated?).ok()?,
            stored: usize::try_from(stored?).ok()?,
        };
        Some((header, thrift.rest))
    }
}

/// Deeper than any header that the format knows.
const DEPTH_MAX: u32 = 16;

/// The types of Thrift's compact protocol that page headers are made of. A truth value is its type,
/// 1 or 2.
const TRUTH: u8 = 1;
const INTEGER: u8 = 5;
const STRUCT: u8 = 12;

/// The fields of `DataPageHeader`: values, three encodings, statistics (parquet.thrift).
const DATA_PAGE: [u8; 5] = [INTEGER, INTEGER, INTEGER, INTEGER, STRUCT];
/// Of `DictionaryPageHeader`: values, encoding, whether sorted.
const DICTIONARY_PAGE: [u8; 3] = [INTEGER, INTEGER, TRUTH];
/// Of `DataPageHeaderV2`: values, nulls, rows, encoding, two lengths, whether compressed, statistics.
const DATA_PAGE_V2: [u8; 8] = [
    INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, TRUTH, STRUCT,
];

/// Thrift's compact protocol, as much of it as finds the end of a struct.
struct Thrift<'a> {
    rest: &'a [u8],
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A signed number in zigzag. One that is wider than the format says, the library cuts.
    fn integer(&mut self) -> Option<i32> {
        let value = u32::try_from(self.varint()?).ok()?;
        let half = i32::try_from(value >> 1).ok()?;
        Some(if value & 1 == 0 { half } else { -half - 1 })
    }

    fn over(&mut self, length: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
        Some(())
    }

    /// The type of the next field, and `None` at the end of the struct; `id` moves along.
    #[expect(clippy::option_option, reason = "damage, the end, or a field")]
    fn field(&mut self, id: &mut i16) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => i16::try_from(self.integer()?).ok()?,
            step => id.checked_add(i16::from(step))?,
        };
        Some(Some(byte & 0x0f))
    }

    /// Passes over a struct whose first fields have these types.
    fn fields(&mut self, kinds: &[u8]) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            let place = usize::try_from(id).ok()?.checked_sub(1)?;
            match kinds.get(place) {
                Some(&TRUTH) if kind <= 2 => {}
                Some(known) if *known != kind => return None,
                _ => self.skip(kind, DEPTH_MAX)?,
            }
        }
        Some(())
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.over(1),
            4..=6 => self.varint().map(drop),
            7 => self.over(8),
            8 => {
                let length = self.varint()?;
                self.over(length)
            }
            12 => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            // A page header has no list and no map.
            _ => None,
        }
    }
}

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
