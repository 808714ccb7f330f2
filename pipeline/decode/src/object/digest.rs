//! Counts the inflated bytes of an object while a decoder reads them, and hashes those that somebody may
//! compare with: the hash is the one that CloudTrail's digest files name (domain 1.10), and what
//! `ingest_log` keeps. AWS names none for flow logs, and a hash costs as much as inflating does.

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};

use super::decompress::read_buffered;

/// Passes bytes through and counts each one once, in the reader's own buffer.
#[derive(Debug)]
pub struct InflatedHash<R> {
    reader: R,
    /// Of the bytes so far, if a hash is wanted.
    sha256: Option<Sha256>,
    /// Bytes counted so far.
    counted_bytes: u64,
    /// How many bytes at the front of the reader's buffer are counted and not consumed.
    ahead: usize,
}

/// What an object's inflated bytes add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InflatedDigest {
    /// SHA-256 in lower-case hex, if it was wanted.
    pub sha256: Option<String>,
    /// Number of bytes.
    pub bytes: u64,
}

impl<R: BufRead> InflatedHash<R> {
    /// Starts with nothing read, and hashes what will be.
    pub fn new(reader: R) -> Self {
        Self {
            sha256: Some(Sha256::new()),
            ..Self::without_hash(reader)
        }
    }

    /// Starts with nothing read, and only counts.
    pub fn without_hash(reader: R) -> Self {
        Self {
            reader,
            sha256: None,
            counted_bytes: 0,
            ahead: 0,
        }
    }

    /// How many bytes were read so far.
    pub fn counted_bytes(&self) -> u64 {
        self.counted_bytes
    }

    /// The digest of the whole stream. Reads to the end first, because a decoder may stop at the
    /// last record, and because only the end proves a gzip checksum.
    pub fn finish(mut self) -> io::Result<InflatedDigest> {
        loop {
            match self.fill_buf().map(<[u8]>::len) {
                Ok(0) => break,
                Ok(length) => self.consume(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let hex = |sha256: Sha256| format!("{:x}", sha256.finalize());
        Ok(InflatedDigest {
            sha256: self.sha256.map(hex),
            bytes: self.counted_bytes,
        })
    }
}

impl<R: BufRead> BufRead for InflatedHash<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.reader.fill_buf()?;
        if let Some(fresh @ [_, ..]) = bytes.get(self.ahead..) {
            if let Some(sha256) = &mut self.sha256 {
                sha256.update(fresh);
            }
            self.counted_bytes += u64::try_from(fresh.len()).unwrap_or(u64::MAX);
            self.ahead = bytes.len();
        }
        Ok(bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.ahead = self.ahead.saturating_sub(amount);
        self.reader.consume(amount);
    }
}

impl<R: BufRead> Read for InflatedHash<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};

    use super::InflatedHash;

    /// From the definition of SHA-256: the empty text, and `abc`.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_each_byte_once_however_it_is_read() {
        let empty = InflatedHash::new(&b""[..])
            .finish()
            .expect("memory does not fail");
        assert_eq!((empty.sha256.as_deref(), empty.bytes), (Some(EMPTY), 0));
        for capacity in 1..5 {
            for read_bytes in 0..4 {
                let mut hash = InflatedHash::new(BufReader::with_capacity(capacity, &b"abc"[..]));
                let mut part = vec![0; read_bytes];
                hash.fill_buf().expect("memory does not fail");
                hash.read_exact(&mut part).expect("there are three bytes");
                hash.fill_buf().expect("memory does not fail");
                let digest = hash.finish().expect("memory does not fail");
                assert_eq!(
                    (digest.sha256.as_deref(), digest.bytes),
                    (Some(ABC), 3),
                    "{capacity} {read_bytes}"
                );
            }
        }
    }

    #[test]
    fn bytes_are_counted_without_a_hash_too() {
        let counted = InflatedHash::without_hash(&b"abc"[..]);
        let digest = counted.finish().expect("memory does not fail");
        assert_eq!((digest.sha256, digest.bytes), (None, 3));
    }
}
