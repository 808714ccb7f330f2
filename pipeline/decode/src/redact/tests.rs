//! Which names are secrets, and what is left of values and texts with them.

use super::*;

fn redacted(json: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    // The last scalar of a slice has no byte after it to end it.
    let json = match json.last() {
        Some(b'0'..=b'9') => return without_secrets(std::str::from_utf8(json).unwrap()),
        _ => json,
    };
    Json::take(&mut Cursor::new(json))?.redacted()
}

#[test]
fn every_name_of_a_secret_is_suspect() {
    let mut suspects = 0;
    for ending in ENDINGS {
        for name in [
            ending.to_owned(),
            format!("x{ending}"),
            ending.to_uppercase(),
        ] {
            assert!(is_secret(name.as_bytes()) && may_name_secret(name.as_bytes()));
            suspects += 1;
        }
    }
    assert_eq!(suspects, 18);
    for name in ["Secretly", r"t\u006fken", r#"{\"a\":1}"#] {
        assert!(may_name_secret(name.as_bytes()), "{name}");
    }
    for name in ["", "roleArn", "tokens", "mysecretkey", "n"] {
        assert!(!may_name_secret(name.as_bytes()), "{name}");
    }
}

#[test]
fn secrets_go_and_everything_else_stays() {
    for (json, expected) in [
        (
            r#"{"credentials":{"accessKeyId":"ASIA1","sessionToken":"s3","expiration":"x"}}"#,
            r#"{"credentials":{"accessKeyId":"ASIA1","sessionToken":"REDACTED","expiration":"x"}}"#,
        ),
        (
            r#"{"a":[{"masterUserPassword":"x"}]}"#,
            r#"{"a":[{"masterUserPassword":"REDACTED"}]}"#,
        ),
        (
            r#"{"token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
            r#"{"token":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
        ),
        (
            r#"{"secretId":"prod/db","secretString":{"u":1}}"#,
            r#"{"secretId":"prod/db","secretString":"REDACTED"}"#,
        ),
        (r#"{"\u0074oken":"x"}"#, r#"{"\u0074oken":"REDACTED"}"#),
        (r#"{"roleArn":"arn:x"}"#, r#"{"roleArn":"arn:x"}"#),
        (
            r#"{"sAMLAssertion": "PD94" , "b":1}"#,
            r#"{"sAMLAssertion": "REDACTED" , "b":1}"#,
        ),
        (
            r#"{"DB_PASSWORD":"x","Secret":"y"}"#,
            r#"{"DB_PASSWORD":"REDACTED","Secret":"REDACTED"}"#,
        ),
        (
            r#"["{\"a\":{\"token\":\"x\"}}"]"#,
            r#"["{\"a\":{\"token\":\"REDACTED\"}}"]"#,
        ),
        (
            r#"["{\"token\" is no JSON"]"#,
            r#"["{\"token\" is no JSON"]"#,
        ),
        (
            r#"{"subjectFromWebIdentityToken":"sub"}"#,
            r#"{"subjectFromWebIdentityToken":"sub"}"#,
        ),
        (r#""token""#, r#""token""#),
        ("12", "12"),
    ] {
        assert_eq!(redacted(json.as_bytes()).as_deref(), Ok(expected), "{json}");
    }
}

#[test]
fn text_is_searched_to_its_end_and_goes_whole_where_a_secret_has_none() {
    for (json, expected) in [
        (
            r#"["{\"a\":1}{\"token\":\"x\"} 12"]"#,
            r#"["{\"a\":1}{\"token\":\"REDACTED\"} 12"]"#,
        ),
        (
            r#"["[{\"a\":1}]\n{\"token\":\"x\"}\n"]"#,
            r#"["[{\"a\":1}]\n{\"token\":\"REDACTED\"}\n"]"#,
        ),
        (
            r#"["\ufeff{\"token\":\"x\"}"]"#,
            r#"["{\"token\":\"REDACTED\"}"]"#,
        ),
        (r#"["{\"token\":\"x\",\"a\":"]"#, r#"["REDACTED"]"#),
        (r#"["{\"token\":\"x\",\"b\":\"\x\"}"]"#, r#"["REDACTED"]"#),
        (r#"["{\"token\":\"x\",\"b\":\"\u00"]"#, r#"["REDACTED"]"#),
        (
            r#"["{\"^\\d+$\":\"digits\",\"C:\\Logs\":\"DB\\_PASSWORD\"}"]"#,
            r#"["{\"^\\d+$\":\"digits\",\"C:\\Logs\":\"DB\\_PASSWORD\"}"]"#,
        ),
        (
            r#"["{\"a\":b,\"DB\\_PASSWORD\":\"x\"}"]"#,
            r#"["REDACTED"]"#,
        ),
        (
            r#"["[string]$p = \"{\\\"Version\\\":\\\"1\\\"}\"; aws s3 ls"]"#,
            r#"["[string]$p = \"{\\\"Version\\\":\\\"1\\\"}\"; aws s3 ls"]"#,
        ),
        (
            r#"["{\"PolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":["]"#,
            r#"["{\"PolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":["]"#,
        ),
        (
            r#"["{\"Doc\":\"{\\\"token\\\":\\\"x\\\",\\\"Statement\\\":["]"#,
            r#"["REDACTED"]"#,
        ),
        (r#"["{\"a\":1}, {\"token\" : \"x"]"#, r#"["REDACTED"]"#),
        (
            r#"["{\"a\":1, b, \"c\":\"token\"}"]"#,
            r#"["{\"a\":1, b, \"c\":\"token\"}"]"#,
        ),
    ] {
        assert_eq!(redacted(json.as_bytes()).as_deref(), Ok(expected), "{json}");
    }
}

/// A string's JSON as the record has it.
fn between_quotes(json: &str) -> &str {
    let raw = json.strip_prefix('"').unwrap();
    raw.strip_suffix('"').unwrap()
}

#[test]
fn texts_in_texts_and_behind_words_are_searched() {
    for (text, expected) in [
        (
            r#"{"password":"x","a":1}"#,
            r#"{"password":"REDACTED","a":1}"#,
        ),
        (
            r#""{\"password\":\"x\"}""#,
            r#""{\"password\":\"REDACTED\"}""#,
        ),
        (
            r#"{"a":"\"{\\\"password\\\":\\\"x\\\"}\""}"#,
            r#"{"a":"\"{\\\"password\\\":\\\"REDACTED\\\"}\""}"#,
        ),
        (
            r#"abc {"password":"x"} def"#,
            r#"abc {"password":"REDACTED"} def"#,
        ),
        (
            r#"body={"a":1,"token":"x"}{"b":2}"#,
            r#"body={"a":1,"token":"REDACTED"}{"b":2}"#,
        ),
        (r#"'{"password":"x"}'"#, r#"'{"password":"REDACTED"}'"#),
        (
            r#"a [{"password":"x"},1]"#,
            r#"a [{"password":"REDACTED"},1]"#,
        ),
        (r#"a {"b":1},{"password":"x"}"#, "a REDACTED"),
        (r#"a {"password":"x"#, "a REDACTED"),
        (r#"a {b} {"password":"x"}"#, "a REDACTED"),
        (r#"a "{\"password\":\"x\"}""#, r#"a "REDACTED"#),
        (r#"the "token": x"#, "the REDACTED"),
        (r#""token": "x""#, "REDACTED"),
        (r#"{"a":1} "token": "x""#, "REDACTED"),
        (r#"{"a":1} "b" "token": "x""#, "REDACTED"),
    ] {
        let json = serde_json::to_string(text).unwrap();
        let escaped = between_quotes(&json);
        assert_eq!(escaped_redacted(escaped).unwrap(), expected, "{text}");
        let expected = serde_json::to_string(expected).unwrap();
        assert_eq!(redacted(json.as_bytes()).unwrap(), expected, "{text}");
    }
    let escaped = r#""a {\u0022password\u0022:\u0022x\u0022}""#;
    assert_eq!(
        redacted(escaped.as_bytes()).unwrap(),
        r#""a {\"password\":\"REDACTED\"}""#
    );
}

#[test]
fn texts_without_secrets_stay_as_they_are() {
    for text in [
        "",
        "plain",
        "a\\b\n",
        r#"User: "ann" is not authorized: {"a":1}"#,
        r#"the "token" is bad"#,
        r#"{"a":"b"} and "c": d"#,
        r#"a {"password":null}"#,
        r#"{"secretId":"prod/db"}"#,
        r#""quoted" words: token"#,
    ] {
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(escaped_redacted(between_quotes(&json)).unwrap(), text);
        assert_eq!(redacted(json.as_bytes()).unwrap(), json);
    }
}

#[test]
fn texts_are_searched_as_deep_as_the_limit_and_go_whole_beyond_it() {
    let mut json = String::from(r#"{"password":"deep-hush","a":1}"#);
    for texts in 1..=JSON_TEXTS_MAX + 2 {
        json = serde_json::to_string(&json).unwrap();
        let clean = redacted(json.as_bytes()).unwrap().into_owned();
        assert!(!clean.contains("deep-hush"), "{texts}: {clean}");
        let kept = clean.contains("a\\");
        assert_eq!(kept, texts <= JSON_TEXTS_MAX, "{texts}: {clean}");
    }
}
