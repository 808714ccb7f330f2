//! A block of addresses in CIDR notation.
//!
//! In: what a person wrote. Out: its canonical form, or what to write instead.

use std::net::IpAddr;

/// Why a text is not a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotANetwork {
    pub(crate) what: &'static str,
    pub(crate) fix: String,
}

/// The canonical form of a block: no bit of its address stands behind the prefix.
pub(crate) fn canonical(text: &str) -> Result<String, NotANetwork> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => wrong("has no prefix length", format!("write \"{text}/32\"")),
            Ok(IpAddr::V6(_)) => wrong("has no prefix length", format!("write \"{text}/128\"")),
            Err(_) => not_cidr(),
        });
    };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u32>()) else {
        return Err(not_cidr());
    };
    let network = match address {
        IpAddr::V4(v4) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
        IpAddr::V4(_) => {
            return Err(wrong(
                "has a prefix longer than 32",
                "shorten it".to_owned(),
            ));
        }
        IpAddr::V6(_) => {
            return Err(wrong(
                "has a prefix longer than 128",
                "shorten it".to_owned(),
            ));
        }
    };
    if network != address {
        let fix = format!("write \"{network}/{length}\", or correct the prefix");
        return Err(wrong("has address bits behind its prefix", fix));
    }
    Ok(format!("{network}/{length}"))
}

fn not_cidr() -> NotANetwork {
    wrong(
        "is not a block in CIDR notation",
        "write one such as \"10.0.0.0/8\"".to_owned(),
    )
}

fn wrong(what: &'static str, fix: String) -> NotANetwork {
    NotANetwork { what, fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_no_bits_behind_its_prefix() {
        for (text, due) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("192.0.2.1/32", Some("192.0.2.1/32")),
            ("2001:0DB8::/32", Some("2001:db8::/32")),
            ("::/0", Some("::/0")),
            ("10.1.0.0/8", None),
            ("10.0.0.0", None),
            ("10.0.0.0/33", None),
            ("2001:db8::/129", None),
            ("10.0.0/8", None),
            ("", None),
        ] {
            assert_eq!(canonical(text).ok().as_deref(), due, "{text}");
        }
    }
}
