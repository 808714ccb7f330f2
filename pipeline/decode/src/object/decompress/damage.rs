//! What can be wrong with an object's bytes, apart from the way they came.

use std::error::Error;
use std::fmt;
use std::io;

/// Why an object's bytes are no good; reading them again will not help. Travels inside an
/// [`io::Error`] and is found again by [`Damage::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Damage {
    /// The gzip stream ends in the middle.
    TruncatedGzip,
    /// The gzip stream is not one, or its checksum is wrong.
    CorruptGzip,
    /// After the last gzip member stands something that is neither a member nor zeros.
    TrailingGarbage,
    /// More bytes come out than the limit allows.
    TooLarge {
        /// The limit.
        inflated_bytes_max: u64,
    },
    /// Compressed by something else than gzip.
    UnsupportedCompression {
        /// Its name.
        format: &'static str,
    },
}

impl Damage {
    /// The damage inside an error, if that is what it is.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }

    /// Stable text for labels, `ingest_log` and quarantine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TruncatedGzip => "truncated_gzip",
            Self::CorruptGzip => "corrupt_gzip",
            Self::TrailingGarbage => "trailing_garbage",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedCompression { .. } => "unsupported_compression",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TruncatedGzip => {
                f.write_str("the gzip stream ends in the middle; copy the object again")
            }
            Self::CorruptGzip => {
                f.write_str("the gzip stream is corrupt; copy the object again from its source")
            }
            Self::TrailingGarbage => {
                f.write_str("bytes that are not gzip follow the gzip stream; remove them")
            }
            Self::TooLarge { inflated_bytes_max } => {
                write!(
                    f,
                    "inflates to more than {inflated_bytes_max} bytes; split the object"
                )
            }
            Self::UnsupportedCompression { format } => {
                write!(
                    f,
                    "compressed with {format}; only gzip and plain objects are read"
                )
            }
        }
    }
}

impl Error for Damage {}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        Self::new(io::ErrorKind::InvalidData, damage)
    }
}
