//! Inflates an object as it arrives.
//!
//! In: the bytes of an object. Out: the bytes that are in it. What they are is told by their
//! first bytes and never by the key or a header, because an HTTP layer may have inflated them
//! already: gzip is inflated, anything else passes through.
//!
//! Must hold: every gzip member is read, and its checksum compared, before the end is reported;
//! no more than the limit comes out; a failed transport is never reported as [`Damage`], nor the
//! other way round, because the one is worth another try and the other is not.
//! How many bytes come out before damage is noticed depends on the pieces they arrive in.
//! One layer is taken off: gzip in gzip comes out as gzip, and is then unknown content.

mod damage;
mod source;
mod whole;

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::mem;

#[expect(
    clippy::disallowed_types,
    reason = "the multi-member decoder takes padding for damage; `Members` reads every member"
)]
use flate2::bufread::GzDecoder;

pub use damage::Damage;
pub(super) use source::read_buffered;
use source::{Source, TransportError};
use whole::Whole;

use crate::limits::{INFLATE_BUFFER_BYTES, WHOLE_COMPRESSED_BYTES_MAX};

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// Compressions that AWS does not use for logs, but that somebody's copy may.
const UNSUPPORTED: [(&[u8], &str); 6] = [
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
];

/// Inflates `compressed`, as it is read, to at most `inflated_bytes_max` bytes.
pub fn inflated<R: BufRead>(compressed: R, inflated_bytes_max: u64) -> Inflated<R> {
    Inflated {
        form: Form::Unread(Source::new(compressed)),
        left_bytes: inflated_bytes_max,
        limit_bytes: inflated_bytes_max,
        failure: None,
    }
}

/// The inflated bytes of an object; see [`inflated`]. Once it has failed it never reports an end.
pub struct Inflated<R: BufRead> {
    form: Form<R>,
    left_bytes: u64,
    limit_bytes: u64,
    failure: Option<Failure>,
}

enum Form<R: BufRead> {
    Unread(Source<R>),
    Plain(Source<R>),
    Gzip(Box<BufReader<Members<R>>>),
    /// Inflated in one go.
    Whole(Cursor<Whole>),
}

/// What a reader that failed says when it is asked again.
#[derive(Clone, Copy)]
enum Failure {
    Damage(Damage),
    Transport(io::ErrorKind),
}

impl<R: BufRead> Inflated<R> {
    /// Reads on until all compressed bytes are held, if they are few: then they are inflated in one
    /// go. Waits for the transport, and inflates nothing yet. `expected_bytes`: how many it will be, as
    /// far as is known.
    pub fn gather(&mut self, expected_bytes: Option<u64>) -> io::Result<()> {
        let expected_bytes = expected_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        if let Form::Unread(source) = &mut self.form {
            let gathered = source.gather(
                expected_bytes.unwrap_or_default(),
                WHOLE_COMPRESSED_BYTES_MAX,
            );
            gathered.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Whether all compressed bytes are held, so that nothing waits for the transport any more.
    pub fn is_gathered(&self) -> bool {
        matches!(&self.form, Form::Unread(source) if source.whole().is_some())
    }

    /// Looks at the first bytes and settles the form.
    fn open(&mut self) -> io::Result<()> {
        let Form::Unread(source) = &mut self.form else {
            return Ok(());
        };
        let first = source.look_ahead()?;
        let is_gzip = first.starts_with(GZIP_MAGIC);
        if let Some((_, format)) = UNSUPPORTED
            .iter()
            .find(|(magic, _)| first.starts_with(magic))
        {
            return Err(Damage::UnsupportedCompression { format }.into());
        }
        let whole = source.whole().filter(|_| is_gzip).and_then(whole::inflate);
        let source = mem::take(source);
        self.form = if let Some(inflated) = whole {
            Form::Whole(inflated)
        } else if is_gzip {
            let members = Members::new(source);
            Form::Gzip(Box::new(BufReader::with_capacity(
                INFLATE_BUFFER_BYTES,
                members,
            )))
        } else {
            Form::Plain(source)
        };
        Ok(())
    }

    /// Gives an error its true cause and remembers it.
    fn failed(&mut self, error: io::Error) -> io::Error {
        let error = match error.downcast::<TransportError>() {
            Ok(TransportError(transport)) => transport,
            Err(error) if Damage::of(&error).is_some() => error,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Damage::TruncatedGzip.into()
            }
            Err(_) => Damage::CorruptGzip.into(),
        };
        self.failure = match (Damage::of(&error), error.kind()) {
            (Some(damage), _) => Some(Failure::Damage(damage)),
            // Both mean "ask again".
            (None, io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => None,
            (None, kind) => Some(Failure::Transport(kind)),
        };
        error
    }

    /// Makes sure that bytes are buffered and allowed, and says whether there are any.
    fn fill(&mut self) -> io::Result<bool> {
        match self.failure {
            Some(Failure::Damage(damage)) => return Err(damage.into()),
            Some(Failure::Transport(kind)) => return Err(kind.into()),
            None => {}
        }
        let filled = self
            .open()
            .and_then(|()| self.form.fill_buf().map(<[u8]>::is_empty));
        let is_end = filled.map_err(|error| self.failed(error))?;
        if self.left_bytes == 0 && !is_end {
            let inflated_bytes_max = self.limit_bytes;
            return Err(self.failed(Damage::TooLarge { inflated_bytes_max }.into()));
        }
        Ok(!is_end)
    }
}

impl<R: BufRead> BufRead for Inflated<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.fill()? {
            return Ok(&[]);
        }
        let bytes = self.form.fill_buf()?;
        let allowed = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        Ok(bytes.get(..allowed).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        self.left_bytes = self
            .left_bytes
            .saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.form.consume(amount);
    }
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

impl<R: BufRead> fmt::Debug for Inflated<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflated")
            .field("left_bytes", &self.left_bytes)
            .finish_non_exhaustive()
    }
}

impl<R: BufRead> Form<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Unread(source) | Self::Plain(source) => source.fill_buf(),
            Self::Gzip(members) => members.fill_buf(),
            // Piece by piece, so that a piece is still in the cache when the next reader sees it.
            Self::Whole(inflated) => {
                let rest = inflated.fill_buf()?;
                Ok(rest.get(..INFLATE_BUFFER_BYTES).unwrap_or(rest))
            }
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Unread(source) | Self::Plain(source) => source.consume(amount),
            Self::Gzip(members) => members.consume(amount),
            Self::Whole(inflated) => inflated.consume(amount),
        }
    }
}

/// The members of a gzip stream, one after the other.
struct Members<R: BufRead> {
    #[expect(clippy::disallowed_types, reason = "as above")]
    decoder: GzDecoder<Source<R>>,
    /// Zeros have begun: no member comes behind them, also when a read was interrupted among them.
    is_padding: bool,
    is_end: bool,
}

impl<R: BufRead> Members<R> {
    #[expect(clippy::disallowed_types, reason = "as above")]
    fn new(source: Source<R>) -> Self {
        Self {
            decoder: GzDecoder::new(source),
            is_padding: false,
            is_end: false,
        }
    }

    /// Goes to the next member, if there is one. Zeros after the last are padding, as `tar` and
    /// `gzip` themselves take them.
    fn advance(&mut self) -> io::Result<bool> {
        let source = self.decoder.get_mut();
        if !self.is_padding {
            let ahead = source.look_ahead()?;
            if ahead.is_empty() {
                return Ok(false);
            }
            // One byte of the magic number at the very end is the start of a member, too.
            if ahead.starts_with(GZIP_MAGIC) || GZIP_MAGIC.starts_with(ahead) {
                let source = mem::take(source);
                drop(self.decoder.reset(source));
                return Ok(true);
            }
            self.is_padding = true;
        }
        loop {
            let padding = source.fill_buf()?;
            if padding.iter().any(|byte| *byte != 0) {
                return Err(Damage::TrailingGarbage.into());
            }
            let length = padding.len();
            if length == 0 {
                return Ok(false);
            }
            source.consume(length);
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read_bytes = self.decoder.read(into)?;
            if read_bytes > 0 || into.is_empty() || self.is_end {
                return Ok(read_bytes);
            }
            self.is_end = !self.advance()?;
        }
    }
}

#[cfg(test)]
mod tests;
