//! Which addresses are the operator's own.
//!
//! In: networks in CIDR notation, then addresses as a log writes them. Out: own, not own, or no
//! address at all.
//!
//! Must hold: no answer without an address; an IPv4 address mapped into IPv6 is the IPv4 address.

use std::fmt;
use std::net::Ipv6Addr;
use std::str;

/// What is own when the configuration does not say: private, shared and unique local ranges, and the one for
/// benchmarks that pods get where EKS's custom networking needs room (EKS Best Practices Guide).
pub const OWN_NETWORKS_DEFAULT: [&str; 6] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.19.0.0/16",
    "fc00::/7",
];

/// Ranges that no packet from the internet bears as its source (RFC 6890), besides the own ones.
const NOT_PUBLIC: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// The longest an IPv6 address can be written: eight groups, or six and a dotted IPv4 address.
const ADDRESS_BYTES_MAX: usize = 45;

/// Up to so many ranges, comparing with each is faster than searching.
const RANGES_COMPARED_MAX: usize = 16;

/// The operator's networks, ready to be asked about each address of a log.
#[derive(Debug, Clone)]
pub struct OwnNetworks {
    own: Ranges,
    not_public: Ranges,
}

/// A network that the configuration names wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError {
    /// The network as written.
    pub network: String,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a network. Fix: write an address and a prefix length, such as \
             10.0.0.0/8 or fd00::/8.",
            self.network
        )
    }
}

impl std::error::Error for NetworkError {}

impl OwnNetworks {
    /// Reads networks in CIDR notation. Bits behind the prefix are ignored.
    pub fn parse(networks: &[String]) -> Result<Self, NetworkError> {
        Self::of(networks.iter().map(String::as_str))
    }

    fn of<'a>(networks: impl Iterator<Item = &'a str>) -> Result<Self, NetworkError> {
        Ok(Self {
            own: Ranges::of(networks)?,
            not_public: Ranges::of(NOT_PUBLIC.into_iter())?,
        })
    }

    /// Whether the address is own; `None` when the text is not an address.
    pub fn contains(&self, address: &str) -> Option<bool> {
        Address::parse(address.as_bytes()).map(|address| self.own.contain(address))
    }

    /// As [`Self::contains`], for the address between two places of a buffer. It reads sixteen
    /// bytes of the buffer at once, which a copy of the address would make slow.
    pub(super) fn contains_within(&self, buffer: &[u8], start: usize, end: usize) -> Option<bool> {
        let length = end.checked_sub(start)?;
        let word = buffer.get(start..).and_then(<[u8]>::first_chunk).copied();
        let address = match (word, u32::try_from(length)) {
            (Some(word), Ok(length @ 0..16)) => parse_ipv4_in(u128::from_le_bytes(word), length),
            _ => None,
        };
        let address = match address {
            Some(address) => Address::V4(address),
            None => Address::parse(buffer.get(start..end)?)?,
        };
        Some(self.own.contain(address))
    }

    /// Whether the address is somebody else's on the internet.
    pub(super) fn is_public(&self, address: &str) -> bool {
        Address::parse(address.as_bytes())
            .is_some_and(|address| !self.own.contain(address) && !self.not_public.contain(address))
    }
}

impl Default for OwnNetworks {
    fn default() -> Self {
        Self::of(OWN_NETWORKS_DEFAULT.into_iter()).unwrap_or_else(|_| Self {
            own: Ranges::default(),
            not_public: Ranges::default(),
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Address {
    V4(u32),
    V6(u128),
}

impl Address {
    fn parse(text: &[u8]) -> Option<Self> {
        if let Some(address) = parse_ipv4(text) {
            return Some(Self::V4(address));
        }
        if text.len() > ADDRESS_BYTES_MAX || !text.contains(&b':') {
            return None;
        }
        let address: Ipv6Addr = str::from_utf8(text).ok()?.parse().ok()?;
        Some(match address.to_ipv4_mapped() {
            Some(mapped) => Self::V4(mapped.to_bits()),
            None => Self::V6(address.to_bits()),
        })
    }
}

/// A dotted IPv4 address.
fn parse_ipv4(text: &[u8]) -> Option<u32> {
    let mut padded = [0; 16];
    padded.get_mut(..text.len())?.copy_from_slice(text);
    parse_ipv4_in(u128::from_le_bytes(padded), u32::try_from(text.len()).ok()?)
}

/// A dotted IPv4 address in the first bytes of a word. By hand and without a loop over its bytes,
/// because it runs twice for every record and the lengths of the numbers cannot be guessed.
fn parse_ipv4_in(word: u128, length: u32) -> Option<u32> {
    const DOTS: u128 = u128::from_ne_bytes([b'.'; 16]);
    // Behind the text stand dots, so that the fourth number ends like the others.
    let behind = u128::MAX.checked_shl(8 * length)?;
    let word = (word & !behind) | (DOTS & behind);
    let dots = dots(low_half(word))? | (dots(low_half(word >> 64))? << 8);
    if dots.count_ones() + length != 3 + 16 {
        return None;
    }
    let first = dots.trailing_zeros();
    let dots = dots & (dots - 1);
    let second = dots.trailing_zeros();
    let dots = dots & (dots - 1);
    let third = dots.trailing_zeros();
    let numbers = [
        number(word, 0, first),
        number(word, first + 1, second),
        number(word, second + 1, third),
        number(word, third + 1, length),
    ];
    let fits = numbers.iter().all(|number| *number <= 255);
    fits.then(|| {
        numbers
            .iter()
            .fold(0, |address, number| (address << 8) | number)
    })
}

/// The number between two places of a word; one that is too great when it has not 1 to 3 digits.
#[inline]
fn number(word: u128, start: u32, end: u32) -> u32 {
    let length = end - start;
    if !(1..=3).contains(&length) {
        return u32::MAX;
    }
    // The last digit goes to the third byte; the zeros below it are leading zeros.
    let digits = low_half(word >> (8 * start)) & 0x000F_0F0F;
    let digits = u32::try_from(digits).unwrap_or_default() << (8 * (3 - length));
    (digits & 0xF) * 100 + ((digits >> 8) & 0xF) * 10 + ((digits >> 16) & 0xF)
}

fn low_half(word: u128) -> u64 {
    u64::try_from(word & u128::from(u64::MAX)).unwrap_or_default()
}

/// Which of eight bytes are dots, one bit for each; `None` when one is neither dot nor digit.
fn dots(word: u64) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOWS: u64 = 0x7F * ONES;
    const HIGHS: u64 = 0x80 * ONES;
    // In both, the high bit of a byte is set where the byte is not (or no digit).
    let differs = word ^ (u64::from(b'.') * ONES);
    let no_dots = (((differs & LOWS) + LOWS) | differs) & HIGHS;
    let values = word ^ (u64::from(b'0') * ONES);
    let no_digits = (((values & LOWS) + 0x76 * ONES) | values) & HIGHS;
    // Every byte is one of both, so these are complements. The product gathers the eight bits in
    // the highest byte.
    let gathered = ((no_digits >> 7).wrapping_mul(0x0102_0408_1020_4080)) >> 56;
    (no_dots ^ no_digits == HIGHS).then(|| u32::try_from(gathered).unwrap_or_default())
}

/// Networks as ranges of addresses: sorted, and joined where they overlap.
#[derive(Debug, Clone, Default)]
struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    fn of<'a>(networks: impl Iterator<Item = &'a str>) -> Result<Self, NetworkError> {
        let mut ranges = Self::default();
        for network in networks {
            ranges.add(network.trim()).ok_or_else(|| NetworkError {
                network: network.to_owned(),
            })?;
        }
        ranges.v4 = joined(ranges.v4);
        ranges.v6 = joined(ranges.v6);
        Ok(ranges)
    }

    fn add(&mut self, network: &str) -> Option<()> {
        let (address, length) = network.split_once('/')?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length: u32 = length.parse().ok()?;
        if let Some(address) = parse_ipv4(address.as_bytes()) {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            (length <= u32::BITS).then(|| self.v4.push((address & !host, address | host)))
        } else {
            let address = address.parse::<Ipv6Addr>().ok()?.to_bits();
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            (length <= u128::BITS).then(|| self.v6.push((address & !host, address | host)))
        }
    }

    fn contain(&self, address: Address) -> bool {
        match address {
            Address::V4(address) => range_holds(&self.v4, address),
            Address::V6(address) => range_holds(&self.v6, address),
        }
    }
}

fn joined<T: Copy + Ord>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

fn range_holds<T: Copy + Ord>(ranges: &[(T, T)], address: T) -> bool {
    if ranges.len() <= RANGES_COMPARED_MAX {
        // Without a branch: which of them holds the address cannot be guessed.
        let holding = ranges
            .iter()
            .filter(|(first, last)| (first..=last).contains(&&address));
        return holding.count() > 0;
    }
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after
        .checked_sub(1)
        .and_then(|before| ranges.get(before))
        .is_some_and(|r| address <= r.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_own_foreign_or_no_address() {
        let default = OwnNetworks::default();
        let named =
            OwnNetworks::parse(&["198.51.100.0/24".into(), "2001:db8::/32".into()]).unwrap();
        for (networks, address, own) in [
            (&default, "10.0.0.0", Some(true)),
            (&default, "10.255.255.255", Some(true)),
            (&default, "11.0.0.0", Some(false)),
            (&default, "172.15.255.255", Some(false)),
            (&default, "172.31.255.255", Some(true)),
            (&default, "100.127.0.1", Some(true)),
            (&default, "100.128.0.1", Some(false)),
            (&default, "fd12:3456::1", Some(true)),
            (&default, "2001:db8::1", Some(false)),
            (&default, "::ffff:10.1.2.3", Some(true)),
            (&default, "::ffff:203.0.113.9", Some(false)),
            (&default, "-", None),
            (&default, "", None),
            (&default, "10.0.0", None),
            (&default, "10.0.0.256", None),
            (&default, "10.0.0.0001", None),
            (&default, "10.0.0.1.", None),
            (&default, "10..0.1", None),
            (&default, "eni-0123", None),
            (&default, "10.0.0.1a", None),
            (&default, "1000.0.0.1", None),
            (&default, "10.0.0.1.1", None),
            (&default, ".10.0.0.1", None),
            (&default, "255.255.255.255", Some(false)),
            (&default, "255.255.255.2555", None),
            (&default, "1.2.3.4\0", None),
            (&default, "1.2.3.\u{b4}", None),
            (&named, "198.51.100.7", Some(true)),
            (&named, "198.51.101.7", Some(false)),
            (&named, "10.0.0.1", Some(false)),
            (&named, "2001:db8:ffff::1", Some(true)),
        ] {
            assert_eq!(networks.contains(address), own, "{address}");
            for (before, behind) in [
                ("", ""),
                ("", "0123456789abcdef"),
                ("7", "7777777777777777"),
            ] {
                let buffer = format!("{before}{address}{behind}");
                let end = before.len() + address.len();
                let within = networks.contains_within(buffer.as_bytes(), before.len(), end);
                assert_eq!(within, own, "{address} in {buffer}");
            }
        }
        assert!(default.is_public("203.0.113.9"));
        assert!(!named.is_public("10.0.0.1"), "private, though not own");
        assert!(!default.is_public("169.254.169.254"));
    }

    #[test]
    fn touching_and_overlapping_networks_are_one() {
        let all = OwnNetworks::parse(&["0.0.0.0/0".into(), "10.0.0.0/8".into()]).unwrap();
        assert_eq!(all.contains("255.255.255.255"), Some(true));
        assert_eq!(all.contains("2001:db8::1"), Some(false));
        let one = OwnNetworks::parse(&["10.1.2.3/32".into(), "::/0".into()]).unwrap();
        assert_eq!(one.contains("10.1.2.3"), Some(true));
        assert_eq!(one.contains("10.1.2.4"), Some(false));
        assert_eq!(one.contains("2001:db8::1"), Some(true));
        assert_eq!(
            OwnNetworks::parse(&[]).unwrap().contains("10.0.0.1"),
            Some(false)
        );
    }

    #[test]
    fn many_networks_are_searched() {
        let many: Vec<String> = (0..100)
            .map(|third| format!("198.51.{}.0/25", third * 2))
            .collect();
        let many = OwnNetworks::parse(&many).unwrap();
        assert_eq!(many.contains("198.51.198.127"), Some(true));
        assert_eq!(many.contains("198.51.198.128"), Some(false));
        assert_eq!(many.contains("198.50.255.255"), Some(false));
    }

    #[test]
    fn every_number_of_an_address_is_read() {
        for number in 0..=255_u32 {
            for text in [
                format!("{number}.0.0.0"),
                format!("1.{number}.22.255"),
                format!("10.9.{number}.8"),
                format!("255.255.255.{number}"),
            ] {
                let address: std::net::Ipv4Addr = text.parse().unwrap();
                assert_eq!(
                    parse_ipv4(text.as_bytes()),
                    Some(address.to_bits()),
                    "{text}"
                );
            }
        }
        assert_eq!(parse_ipv4(b"256.1.1.1"), None);
        assert_eq!(parse_ipv4(b"1.1.1.999"), None);
    }

    #[test]
    fn a_bad_network_is_named() {
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            "fc00::/129",
            "10.0.0.0/",
            "10.0.0/8",
            "x/8",
            "::/+1",
        ] {
            let error = OwnNetworks::parse(&["10.0.0.0/8".into(), bad.into()]).unwrap_err();
            assert_eq!(error.network, bad);
            assert!(error.to_string().contains(bad), "{error}");
        }
    }
}
