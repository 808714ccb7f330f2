//! The names that AWS gives to things: what makes each of them one.
//!
//! In: a name that a person wrote. Out: nothing, or what is wrong with it, to follow "that".

/// A bucket's name, by the rules of general purpose buckets.
pub(crate) fn bucket(name: &str) -> Result<(), &'static str> {
    let edge = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if !(3..=63).contains(&name.len()) {
        return Err("is not 3 to 63 characters long");
    }
    if !name
        .chars()
        .all(|letter| edge(letter) || matches!(letter, '-' | '.'))
    {
        return Err("has characters other than a-z, 0-9, `-` and `.`");
    }
    if !(name.starts_with(edge) && name.ends_with(edge)) || name.contains("..") {
        return Err("begins or ends with `-` or `.`, or has `..` in it");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("looks like an IP address");
    }
    Ok(())
}

/// The URL of a queue: `https://…/<account>/<name>`.
pub(crate) fn queue_url(url: &str) -> Result<(), &'static str> {
    let rest = after_scheme(url)?;
    let mut parts = rest.split('/');
    let (host, account, name) = (parts.next(), parts.next(), parts.next());
    if host.is_none_or(str::is_empty) {
        return Err("has no host");
    }
    if !account.is_some_and(is_account) {
        return Err("has no account of 12 digits after the host");
    }
    let name = name.map(|name| name.strip_suffix(".fifo").unwrap_or(name));
    if parts.next().is_some() || !name.is_some_and(is_queue_name) {
        return Err("does not end in the name of a queue after the account");
    }
    Ok(())
}

/// An address of a service: `http://host` or `https://host`, perhaps with a port and a path.
pub(crate) fn endpoint(url: &str) -> Result<(), &'static str> {
    let rest = after_scheme(url)?;
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        // An IPv6 address in brackets has colons of its own.
        Some((host, port)) if !port.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return Err("has a port that is no number up to 65535");
            }
            host
        }
        _ => authority,
    };
    if host.is_empty() || url.contains(char::is_whitespace) {
        return Err("has no host, or a blank in it");
    }
    Ok(())
}

/// A region's name, such as `eu-west-1` or `us-gov-east-1`.
pub(crate) fn region(name: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = name.split('-').collect();
    let lower =
        |part: &&str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number]
            if area.len() == 2
                && lower(area)
                && !middle.is_empty()
                && middle.iter().all(lower)
                && number.parse::<u8>().is_ok() =>
        {
            Ok(())
        }
        _ => Err("is not the name of a region"),
    }
}

/// The ARN of a role: `arn:<partition>:iam::<account>:role/<path and name>`.
pub(crate) fn role_arn(arn: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "sts", _, _, resource] if resource.starts_with("assumed-role/") => {
            Err("is the ARN of a session, not of a role")
        }
        ["arn", partition, "iam", "", account, resource]
            if partition.starts_with("aws") && is_account(account) =>
        {
            match resource.strip_prefix("role/") {
                Some(name) if is_role_name(name) => Ok(()),
                _ => Err("does not name a role"),
            }
        }
        _ => Err("is not the ARN of a role"),
    }
}

fn after_scheme(url: &str) -> Result<&str, &'static str> {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or("does not begin with https:// or http://")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|letter| letter.is_ascii_digit())
}

fn is_queue_name(text: &str) -> bool {
    (1..=80).contains(&text.len())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

/// A path and a name, of the characters that IAM allows.
fn is_role_name(text: &str) -> bool {
    !text.ends_with('/')
        && !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+=,.@_-/".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_aws() {
        type Rule = fn(&str) -> Result<(), &'static str>;
        let cases: [(Rule, &[&str], &[&str]); 5] = [
            (
                bucket,
                &["abc", "example.logs-1"],
                &["ab", "Abc", "a_b_c", "-abc", "abc.", "a..b", "10.0.0.1"],
            ),
            (
                queue_url,
                &[
                    "https://sqs.eu-west-1.amazonaws.com/111122223333/trail",
                    "http://127.0.0.1:9324/000000000000/trail_flow-1.fifo",
                ],
                &[
                    "sqs.eu-west-1.amazonaws.com/111122223333/trail",
                    "https:///111122223333/trail",
                    "https://sqs.eu-west-1.amazonaws.com/trail",
                    "https://sqs.eu-west-1.amazonaws.com/111122223333/",
                    "https://sqs.eu-west-1.amazonaws.com/111122223333/a/b",
                    "arn:aws:sqs:eu-west-1:111122223333:trail",
                ],
            ),
            (
                endpoint,
                &[
                    "http://localhost:4318",
                    "https://[::1]:4318/v1",
                    "https://[::1]",
                    "http://a",
                ],
                &[
                    "localhost:4318",
                    "http://",
                    "http://:4318",
                    "http://a:x",
                    "http://a b",
                ],
            ),
            (
                region,
                &["eu-west-1", "us-gov-east-1", "ap-southeast-10"],
                &["eu-west", "EU-WEST-1", "ireland", "e-west-1", "eu--1", ""],
            ),
            (
                role_arn,
                &[
                    "arn:aws:iam::111122223333:role/shop",
                    "arn:aws-us-gov:iam::111122223333:role/team/a/shop+1",
                ],
                &[
                    "shop",
                    "arn:aws:iam::1111:role/shop",
                    "arn:aws:iam::111122223333:user/shop",
                    "arn:aws:iam::111122223333:role/",
                    "arn:aws:sts::111122223333:assumed-role/shop/session",
                    "arn:aws:iam::111122223333:role/*",
                ],
            ),
        ];
        for (rule, good, bad) in cases {
            for name in good {
                assert_eq!(rule(name), Ok(()), "{name}");
            }
            for name in bad {
                assert!(rule(name).is_err(), "{name}");
            }
        }
    }
}
