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
    // The chunk may end in bytes that are no page; the library stops by its count of values.
    while let Some((header, behind)) = Header::read(rest) {
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
    /// The header at the front, and what is behind it. `None` when there is none.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut thrift = Thrift { rest: bytes };
        let (mut inflated, mut stored) = (None, None);
        let mut id = 0_i64;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (2, INTEGER) => inflated = Some(thrift.integer()?),
                (3, INTEGER) => stored = Some(thrift.integer()?),
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

/// The type of a 32-bit integer in Thrift's compact protocol.
const INTEGER: u8 = 5;

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

    /// A signed number in zigzag.
    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        let half = i64::try_from(value >> 1).ok()?;
        Some(if value & 1 == 0 { half } else { -half - 1 })
    }

    fn over(&mut self, length: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
        Some(())
    }

    /// The type of the next field, and `None` at the end of the struct; `id` moves along.
    #[expect(clippy::option_option, reason = "damage, the end, or a field")]
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.integer()?,
            step => id.checked_add(i64::from(step))?,
        };
        Some(Some(byte & 0x0f))
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
            9 | 10 => self.skip_list(depth),
            12 => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            // A page header has no map.
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: u32) -> Option<()> {
        let byte = self.byte()?;
        let length = match byte >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        for _ in 0..length {
            match byte & 0x0f {
                // In a list a truth value takes a byte.
                1 | 2 => self.over(1)?,
                kind => self.skip(kind, depth)?,
            }
        }
        Some(())
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
        // A struct with one number and a list of two texts.
        bytes.extend([
            0x2c, 0x15, 0x08, 0x19, 0x28, 0x01, b'a', 0x01, b'b', 0x00, 0x00,
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
        assert!(Header::read(&[0x1b, 0x00]).is_none(), "a map");
        let nested = vec![0x1c; 40];
        assert!(Header::read(&nested).is_none(), "too deep");
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
