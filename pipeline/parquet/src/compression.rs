//! Compression of pages.
//!
//! In: pages. Out: pages by zstd at its fastest level, or as they are. Must hold: one compressor of
//! each kind a thread, whatever the number of columns that are open: it holds most of a mebibyte.

use std::cell::RefCell;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

const LEVEL: i32 = 1;
/// Of a page's bytes, what must go for compression to be worth its reading: a sixteenth. And what more
/// it may take when that saves a third of the time.
const PART: usize = 16;
/// Where nothing but letters is to be gained, as in addresses, repetitions are looked for in a table of
/// 64 places, and those of seven bytes at least.
const LETTERS: [CParameter; 2] = [CParameter::HashLog(6), CParameter::MinMatch(7)];

/// How the pages of a chunk are written; all in the same way, for a chunk has one codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As they are.
    Plain,
    /// By zstd: repetitions, and letters that are more frequent than others.
    Zstd,
    /// By zstd, for the letters.
    Letters,
}

thread_local! {
    static ZSTD: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static LETTERS_ONLY: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

impl Codec {
    /// The way for a chunk whose first page is this, with that dictionary.
    pub(crate) fn of(page: &[u8], dictionary: Option<&[u8]>) -> Result<Self, ParquetError> {
        let bytes = |codec: Self, page: &[u8]| Ok::<_, ParquetError>(codec.compressed(page)?.len());
        let compressed = bytes(Self::Zstd, page)?;
        let of_dictionary = match dictionary {
            Some(dictionary) => bytes(Self::Zstd, dictionary)?,
            None => 0,
        };
        let plain = page.len() + dictionary.map_or(0, <[u8]>::len);
        if compressed + of_dictionary + plain / PART >= plain {
            return Ok(Self::Plain);
        }
        let few_more = compressed + compressed / PART;
        Ok(
            if dictionary.is_none() && bytes(Self::Letters, page)? <= few_more {
                Self::Letters
            } else {
                Self::Zstd
            },
        )
    }

    /// A page as it is written.
    pub(crate) fn put(self, page: Vec<u8>) -> Result<Vec<u8>, ParquetError> {
        match self {
            Self::Plain => Ok(page),
            Self::Zstd | Self::Letters => self.compressed(&page),
        }
    }

    fn compressed(self, page: &[u8]) -> Result<Vec<u8>, ParquetError> {
        let (compressor, parameters): (_, &[CParameter]) = match self {
            Self::Plain | Self::Zstd => (&ZSTD, &[]),
            Self::Letters => (&LETTERS_ONLY, &LETTERS),
        };
        compressor.with_borrow_mut(|compressor| {
            if let Some(compressor) = compressor {
                return Ok(compressor.compress(page)?);
            }
            let mut new = Compressor::new(LEVEL)?;
            for parameter in parameters {
                new.set_parameter(*parameter)?;
            }
            Ok(compressor.insert(new).compress(page)?)
        })
    }

    /// What the footer calls it.
    pub(crate) fn name(self) -> Result<Compression, ParquetError> {
        Ok(match self {
            Self::Plain => Compression::UNCOMPRESSED,
            Self::Zstd | Self::Letters => Compression::ZSTD(ZstdLevel::try_new(LEVEL)?),
        })
    }
}
