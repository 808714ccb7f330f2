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

use super::thrift::{FALSE, INTEGER, STRUCT, TRUE, Thrift};
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
        if is_gzip && header.is_compressed {
            let stream = body.get(header.levels..).ok_or(Malformed::NotParquet)?;
            if is_longer(stream, header.values) {
                return Err(Malformed::NotParquet);
            }
        }
        rest = behind.get(header.stored..).unwrap_or_default();
    }
    Ok(())
}

/// Whether gzip inflates to more than so many bytes. An error before that stops the library too, which
/// inflates the same bytes in the same way.
fn is_longer(stream: &[u8], inflated: u64) -> bool {
    // Of a page of nothing but nulls, which has no stream, the library inflates none.
    if inflated == 0 {
        return false;
    }
    let mut found = MultiGzDecoder::new(stream).take(inflated + 1);
    std::io::copy(&mut found, &mut std::io::sink()).is_ok_and(|length| length > inflated)
}

/// What a page takes, and where its compressed part begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// Plain bytes before what is compressed: of a page of version 2, its levels.
    levels: usize,
    /// With the levels.
    inflated: u64,
    /// Without them: what the compressed part inflates to.
    values: u64,
    /// With the levels.
    stored: usize,
    /// False where the header says that there is nothing to inflate, whatever the column says.
    is_compressed: bool,
}

impl Header {
    /// The header at the front, and what is behind it. `None`: damage, or types that the format does
    /// not give these fields.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut thrift = Thrift::without_lists(bytes);
        let (mut inflated, mut stored) = (None, None);
        // The library goes by this struct wherever it stands, whatever the type of the page.
        let mut levels = Levels {
            bytes: 0,
            is_compressed: true,
        };
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
                (8, STRUCT) => levels = Levels::read(&mut thrift)?,
                (1..=8, _) => return None,
                _ => thrift.skip(kind)?,
            }
        }
        let (inflated, stored) = (
            u64::try_from(inflated?).ok()?,
            usize::try_from(stored?).ok()?,
        );
        let header = Self {
            levels: levels.bytes,
            inflated,
            values: inflated.checked_sub(u64::try_from(levels.bytes).ok()?)?,
            stored,
            is_compressed: levels.is_compressed,
        };
        (header.levels <= header.stored).then(|| (header, thrift.rest()))
    }
}

/// What `DataPageHeaderV2` says of the levels, which stand before the values and are never compressed.
struct Levels {
    bytes: usize,
    /// Of the values. Where this is not said, they are.
    is_compressed: bool,
}

impl Levels {
    /// `None`: damage, a length that is negative or missing, or types that the format does not know.
    fn read(thrift: &mut Thrift<'_>) -> Option<Self> {
        let (mut definition, mut repetition) = (None, None);
        let mut is_compressed = true;
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                // Values, nulls, rows, the encoding; statistics.
                (1..=4, INTEGER) | (8, STRUCT) => thrift.skip(kind)?,
                (5, INTEGER) => definition = Some(thrift.integer()?),
                (6, INTEGER) => repetition = Some(thrift.integer()?),
                (7, TRUE) => is_compressed = true,
                (7, FALSE) => is_compressed = false,
                (..=8, _) => return None,
                _ => thrift.skip(kind)?,
            }
        }
        let definition = usize::try_from(definition?).ok()?;
        let repetition = usize::try_from(repetition?).ok()?;
        Some(Self {
            bytes: definition.checked_add(repetition)?,
            is_compressed,
        })
    }
}

/// The fields of `DataPageHeader`: values, three encodings, statistics (parquet.thrift).
const DATA_PAGE: [u8; 5] = [INTEGER, INTEGER, INTEGER, INTEGER, STRUCT];
/// Of `DictionaryPageHeader`: values, encoding, whether sorted.
const DICTIONARY_PAGE: [u8; 3] = [INTEGER, INTEGER, TRUE];

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::GzipLevel;
    use parquet::file::properties::{WriterProperties, WriterVersion};

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
        let page = gzip(&[b'a'; 100], 0);
        assert!(!is_longer(&page, 100));
        assert!(is_longer(&page, 99));
        assert!(!is_longer(b"", 0));
        let twice = [gzip(&[b'a'; 100], 0), gzip(&[b'b'; 100], 0)].concat();
        assert!(!is_longer(&twice, 200));
        assert!(is_longer(&twice, 199));
        // An error within the bound is the library's too; behind it, there was too much already.
        assert!(!is_longer(&page[..20], 100));
        assert!(is_longer(&[&page[..], b"no gzip"].concat(), 99));
    }

    /// What these bytes are as gzip, with a comment of so many bytes in its header.
    fn gzip(bytes: &[u8], comment: usize) -> Vec<u8> {
        let mut found = Vec::new();
        let mut encoder = flate2::GzBuilder::new();
        if comment > 0 {
            encoder = encoder.comment(vec![b'c'; comment - 1]);
        }
        let mut encoder = encoder.read(bytes, flate2::Compression::best());
        encoder.read_to_end(&mut found).unwrap();
        found
    }

    /// The header of a page of version 2 with these two lengths, and whether it is compressed.
    fn header_v2(inflated: u8, stored: u8, lengths: [u8; 2], compressed: Option<u8>) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x06, 0x15, inflated << 1, 0x15, stored << 1, 0x5c];
        bytes.extend([0x15, 0x08, 0x15, 0x00, 0x15, 0x08, 0x15, 0x00]);
        for length in lengths {
            bytes.extend([0x15, length]);
        }
        bytes.extend(compressed.map(|truth| 0x10 | truth));
        bytes.extend([0x00, 0x00]);
        bytes
    }

    #[test]
    fn levels_are_read_and_must_lie_within_the_page() {
        let read = |bytes: &[u8]| Header::read(bytes).map(|(header, _)| header);
        let expected = Header {
            levels: 5,
            inflated: 50,
            values: 45,
            stored: 20,
            is_compressed: true,
        };
        // Lengths are zigzag: 4 and 6 are 2 and 3; 1 is -1.
        let whole = header_v2(50, 20, [4, 6], Some(TRUE));
        assert_eq!(read(&whole), Some(expected));
        assert_eq!(read(&header_v2(50, 20, [4, 6], None)), Some(expected));
        let plain = read(&header_v2(50, 20, [4, 6], Some(FALSE))).unwrap();
        assert!(!plain.is_compressed);
        assert!(read(&header_v2(50, 5, [4, 6], Some(TRUE))).is_some());
        for (case, bytes) in [
            ("a negative length", header_v2(50, 20, [1, 6], None)),
            ("another", header_v2(50, 20, [4, 1], None)),
            ("negative in sum only", header_v2(50, 20, [60, 59], None)),
            ("more than is stored", header_v2(50, 4, [4, 6], None)),
            ("more than it inflates to", header_v2(4, 20, [4, 6], None)),
        ] {
            assert_eq!(read(&bytes), None, "{case}");
        }
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
        let mut missing = header_v2(50, 20, [4, 6], None);
        missing.drain(17..19);
        assert_eq!(read(&missing), None, "a length is missing");
        let mut end = whole;
        end[19] = 0x10;
        assert_eq!(read(&end), None, "to the library the struct ends here");
    }

    /// The levels of a page of version 2 stand before its gzip and may hold the two bytes that gzip begins with.
    #[test]
    fn levels_that_look_like_gzip_do_not_hide_a_page_that_inflates_to_more() {
        let row = |row: usize| {
            let byte = [0x1f, 0x8b, 0x55].get(row / 8).copied().unwrap_or(0x55_u8);
            let random =
                |place| BuildHasherDefault::<DefaultHasher>::default().hash_one((row, place));
            let letters =
                (0..200).map(|place| char::from(b'!' + u8::try_from(random(place) % 90).unwrap()));
            (byte >> (row % 8) & 1 == 1).then(|| letters.collect::<String>())
        };
        let column: ArrayRef = Arc::new((0..400).map(row).collect::<StringArray>());
        let batch = RecordBatch::try_from_iter([("instance-id", column)]).unwrap();
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_compression(Compression::GZIP(GzipLevel::default()))
            .set_dictionary_enabled(false)
            .build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let metadata = writer.close().unwrap();
        assert_eq!(check(&file, &metadata), Ok(()));

        let (start, length) = metadata.row_group(0).column(0).byte_range();
        let start = usize::try_from(start).unwrap();
        let end = start + usize::try_from(length).unwrap();
        let found = |what: &[u8]| start + memchr::memmem::find(&file[start..end], what).unwrap();
        let stream = found(&[0x1f, 0x8b, 0x08]);
        assert!(found(&[0x1f, 0x8b]) < stream, "the levels hold the pair");
        // As long as what stood there, and inflates to many times as much.
        let bomb = vec![0; 1024 * 1024];
        let comment = end - stream - gzip(&bomb, 0).len();
        file.splice(stream..end, gzip(&bomb, comment));
        assert_eq!(check(&file, &metadata), Err(Malformed::NotParquet));
    }
}
