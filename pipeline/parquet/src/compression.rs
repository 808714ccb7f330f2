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
/// Of a page's bytes, what must go for compression to be worth its reading: an eighth. And what more
/// it may take when that saves two thirds of the time.
const PART: usize = 8;
/// Where nothing but letters is to be gained, as in addresses, repetitions are looked for in a table of
/// 64 places, and those of seven bytes at least.
const LETTERS: [CParameter; 2] = [CParameter::HashLog(6), CParameter::MinMatch(7)];

/// A smaller page is compressed before it is known whether letters would have been enough.
const LETTERS_BYTES_MIN: usize = 64 * 1024;

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
    /// The way for a chunk whose first page is this, with that dictionary; and the page as it is written.
    pub(crate) fn chosen(
        page: Vec<u8>,
        dictionary: Option<&[u8]>,
    ) -> Result<(Self, Vec<u8>), ParquetError> {
        let compressed = Self::Zstd.compressed(&page)?;
        let (mut plain_bytes, mut bytes) = (page.len(), compressed.len());
        if let Some(dictionary) = dictionary {
            plain_bytes += dictionary.len();
            bytes += Self::Zstd.compressed(dictionary)?.len();
        }
        if bytes + plain_bytes / PART >= plain_bytes {
            return Ok((Self::Plain, page));
        }
        if dictionary.is_none() && page.len() >= LETTERS_BYTES_MIN {
            let letters = Self::Letters.compressed(&page)?;
            if letters.len() <= compressed.len() + compressed.len() / PART {
                return Ok((Self::Letters, letters));
            }
        }
        Ok((Self::Zstd, compressed))
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
