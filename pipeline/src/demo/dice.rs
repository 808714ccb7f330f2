//! Every random choice of the generator, from one seed.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngCore};

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";

/// A seeded source of numbers, names and addresses.
#[derive(Debug)]
pub(super) struct Dice(SplitMix);

/// SplitMix64: quick, and the same in every release of every library. What it makes is guessed
/// by nobody.
#[derive(Debug)]
struct SplitMix(u64);

impl RngCore for SplitMix {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).unwrap_or_default()
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next_u64().to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(random) {
                *byte = random;
            }
        }
    }
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix(seed))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent.min(100), 100)
    }

    /// One of `items`; the default stands for an empty list, which no caller has.
    pub(super) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        items.choose(&mut self.0).copied().unwrap_or_default()
    }

    /// One of `items`, each as often as its weight says.
    pub(super) fn pick_weighted<T: Copy>(&mut self, items: &[(u32, T)]) -> Option<T> {
        let chosen = items.choose_weighted(&mut self.0, |(weight, _)| *weight);
        chosen.ok().map(|(_, item)| *item)
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    pub(super) fn uuid(&mut self) -> String {
        let bytes = self.0.random();
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }

    pub(super) fn hex(&mut self, length: usize) -> String {
        self.text(HEX, length)
    }

    pub(super) fn alphanumeric(&mut self, length: usize) -> String {
        self.text(ALPHANUMERIC, length)
    }

    /// The id of temporary credentials.
    pub(super) fn access_key_id(&mut self) -> String {
        format!("ASIA{}", self.text(BASE32, 16))
    }

    fn text(&mut self, letters: &[u8], length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        let letter = |byte| letters.get(usize::from(byte) % letters.len()).copied();
        bytes
            .into_iter()
            .filter_map(letter)
            .map(char::from)
            .collect()
    }

    /// An address of a documentation range, standing for the internet.
    pub(super) fn internet_address(&mut self) -> String {
        let network = self.pick(&["192.0.2", "198.51.100"]);
        format!("{network}.{}", self.between(1, 254))
    }

    /// An address of the one documentation range that is refused in the flow logs and appears
    /// in no accepted flow, so that no accepted flow is by chance the other half of a reject.
    pub(super) fn refused_internet_address(&mut self) -> String {
        format!("203.0.113.{}", self.between(1, 254))
    }

    pub(super) fn ephemeral_port(&mut self) -> i32 {
        self.0.random_range(32_768..=60_999)
    }
}

/// An id of `length` characters that depends on nothing but the name it stands for.
pub(super) fn name_id(letters: &[u8; 32], name: &str, length: usize) -> String {
    // FNV-1a: the standard library's hasher may change between its releases.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut id = String::new();
    for byte in name.bytes().chain(std::iter::repeat(0xff)) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        if byte == 0xff {
            let index = usize::try_from(hash >> 59).unwrap_or_default();
            id.extend(letters.get(index).copied().map(char::from));
            if id.len() == length {
                break;
            }
        }
    }
    id
}

/// The alphabet of role and user ids.
pub(super) const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// The alphabet of interface and instance ids, twice over to fill 32 places.
pub(super) const HEX_LETTERS: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
