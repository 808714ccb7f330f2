//! Sessions lead to pods, whatever the order, and to nobody where they are shared.

use super::super::{batch_schema, decode};
use super::*;
use crate::{Cancelled, Provenance, RejectedRecord, Sink, Table};

#[derive(Default)]
struct Batches(Vec<RecordBatch>);

impl Sink for Batches {
    fn batch(&mut self, _: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        self.0.push(batch);
        Ok(())
    }

    fn reject(&mut self, _: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        panic!("{rejected:?}")
    }
}

fn rows(events: &[String]) -> RecordBatch {
    let mut batches = Batches::default();
    let provenance = Provenance {
        bucket: "b",
        key: "k",
    };
    decode(events.join("\n").as_bytes(), provenance, &mut batches).unwrap();
    arrow::compute::concat_batches(&batch_schema(), &batches.0).unwrap()
}

fn event(number: usize, time: &str, rest: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-{number:012}","eventTime":"{time}",{rest}}}"#
    )
}

/// A service account gets a key.
fn issued(number: usize, time: &str, account: &str, key: &str) -> String {
    event(
        number,
        time,
        &format!(
            r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","userIdentity":{{"type":"WebIdentityUser","userName":"system:serviceaccount:shop:{account}"}},"responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"arn":"{SESSION}"}}}}"#
        ),
    )
}

/// Of each account.
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/cart/1";

/// A service acts for a session, with a key that it made.
fn by_service(number: usize, time: &str, arn: &str, service: &str) -> String {
    event(
        number,
        time,
        &format!(
            r#""eventSource":"kms.amazonaws.com","eventName":"CreateGrant","userIdentity":{{"type":"AssumedRole","arn":"{arn}","accessKeyId":"ASIA8","invokedBy":{service}}}"#
        ),
    )
}

/// A key is used; with `next`, to get another one.
fn used(number: usize, time: &str, key: &str, next: Option<&str>) -> String {
    let response = next.map_or(String::from("null"), |next| {
        format!(r#"{{"credentials":{{"accessKeyId":"{next}"}}}}"#)
    });
    event(
        number,
        time,
        &format!(
            r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{"type":"AssumedRole","accessKeyId":"{key}"}},"responseElements":{response}"#
        ),
    )
}

fn accounts(rows: &RecordBatch) -> Vec<Option<&str>> {
    texts(rows, "k8s_sa").unwrap().iter().collect()
}

#[test]
fn a_key_leads_to_its_pod_whatever_the_order_and_through_roles() {
    let mut pods = PodSessions::default();
    let (ten, eleven) = ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z");
    let batch = rows(&[
        used(1, eleven, "ASIA1", Some("ASIA2")),
        issued(2, ten, "cart", "ASIA1"),
        used(3, eleven, "ASIA2", None),
        used(4, eleven, "ASIA9", None),
    ]);
    let named = pods.name(vec![batch]).unwrap();
    assert_eq!(
        accounts(&named[0]),
        [Some("cart"), Some("cart"), Some("cart"), None]
    );
    let later = rows(&[used(5, eleven, "ASIA2", None)]);
    let later = pods.name(vec![later]).unwrap();
    assert_eq!(accounts(&later[0]), [Some("cart")]);
}

#[test]
fn what_a_service_does_for_a_session_is_its_pods() {
    let ten = "2026-01-05T10:00:00Z";
    let mut pods = PodSessions::default();
    let ec2 = r#""ec2-frontend-api.amazonaws.com""#;
    let batch = rows(&[
        issued(1, ten, "cart", "ASIA1"),
        by_service(2, ten, SESSION, ec2),
        // By somebody with a key of their own.
        by_service(3, ten, SESSION, "null"),
        by_service(4, ten, "arn:aws:sts::111122223333:assumed-role/cart/2", ec2),
    ]);
    let named = pods.name(vec![batch]).unwrap();
    assert_eq!(
        accounts(&named[0]),
        [Some("cart"), Some("cart"), None, None]
    );
    // Renewed, it is the same pod's; issued to another too, it is nobody's.
    let renewed = rows(&[
        issued(5, ten, "cart", "ASIA2"),
        by_service(6, ten, SESSION, ec2),
    ]);
    let renewed = pods.name(vec![renewed]).unwrap();
    assert_eq!(accounts(&renewed[0]), [Some("cart"), Some("cart")]);
    let shared = rows(&[
        issued(7, ten, "shop", "ASIA3"),
        by_service(8, ten, SESSION, ec2),
    ]);
    let shared = pods.name(vec![shared]).unwrap();
    assert_eq!(accounts(&shared[0]), [Some("shop"), None]);
    // The other's session ends twelve hours after its last issue, however often this one's is renewed.
    let (evening, night) = ("2026-01-05T21:00:00Z", "2026-01-05T22:30:00Z");
    let later = rows(&[
        issued(9, evening, "shop", "ASIA4"),
        issued(10, night, "shop", "ASIA5"),
        by_service(11, night, SESSION, ec2),
    ]);
    let later = pods.name(vec![later]).unwrap();
    assert_eq!(
        accounts(&later[0]),
        [Some("shop"), Some("shop"), Some("shop")]
    );
}

#[test]
fn a_session_is_no_pods_before_it_began_or_when_others_bear_its_name() {
    let ec2 = r#""ec2-frontend-api.amazonaws.com""#;
    let mut pods = PodSessions::default();
    let ten = "2026-01-05T10:00:00Z";
    let early = rows(&[
        issued(1, ten, "cart", "ASIA1"),
        by_service(2, "2026-01-05T09:50:00Z", SESSION, ec2),
        by_service(3, "2026-01-05T09:58:00Z", SESSION, ec2),
    ]);
    let early = pods.name(vec![early]).unwrap();
    assert_eq!(accounts(&early[0]), [Some("cart"), None, Some("cart")]);
    let by_a_user = event(
        4,
        ten,
        &format!(
            r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{"type":"IAMUser","accessKeyId":"AKIA1"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIA7"}},"assumedRoleUser":{{"arn":"{SESSION}"}}}}"#
        ),
    );
    let shared = rows(&[by_a_user, by_service(5, ten, SESSION, ec2)]);
    let shared = pods.name(vec![shared]).unwrap();
    assert_eq!(accounts(&shared[0]), [None, None]);
}

#[test]
fn the_record_of_the_role_s_account_takes_no_session_from_its_pod() {
    let (ten, eleven) = ("2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z");
    let session = "arn:aws:sts::444455556666:assumed-role/orders/cart";
    let assumed = |number, time, who: &str, key: &str| {
        event(
            number,
            time,
            &format!(
                r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{{who}}},"responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"arn":"{session}"}}}}"#
            ),
        )
    };
    let pod = r#""type":"AssumedRole","accessKeyId":"ASIA1""#;
    let copy = r#""type":"AWSAccount","accountId":"111122223333""#;
    let mut pods = PodSessions::default();
    let batch = rows(&[
        issued(1, ten, "cart", "ASIA1"),
        assumed(2, ten, pod, "ASIA2"),
        assumed(3, ten, copy, "ASIA2"),
        by_service(4, ten, session, r#""secretsmanager.amazonaws.com""#),
        // Renewed; the copy comes first.
        assumed(5, eleven, copy, "ASIA3"),
        assumed(6, eleven, pod, "ASIA3"),
        by_service(7, eleven, session, r#""secretsmanager.amazonaws.com""#),
    ]);
    let named = pods.name(vec![batch]).unwrap();
    let cart = Some("cart");
    assert_eq!(
        accounts(&named[0]),
        [cart, cart, None, cart, None, cart, cart]
    );
}

#[test]
fn whoever_has_no_type_of_identity_is_somebody_else() {
    let ten = "2026-01-05T10:00:00Z";
    let mut pods = PodSessions::default();
    pods.learn(&rows(&[issued(1, ten, "cart", "ASIA1")]))
        .unwrap();
    // In a batch of its own, whose dictionary of types is empty.
    let untyped = event(
        2,
        ten,
        &format!(
            r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{{"accountId":"111122223333"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIA2"}},"assumedRoleUser":{{"arn":"{SESSION}"}}}}"#
        ),
    );
    let named = pods.name(vec![rows(&[untyped])]).unwrap();
    assert_eq!(accounts(&named[0]), [None]);
    let ec2 = r#""ec2-frontend-api.amazonaws.com""#;
    let shared = pods
        .name(vec![rows(&[by_service(3, ten, SESSION, ec2)])])
        .unwrap();
    assert_eq!(accounts(&shared[0]), [None]);
}

#[test]
fn a_key_is_forgotten_when_its_credentials_are_over() {
    let mut pods = PodSessions::default();
    pods.learn(&rows(&[issued(1, "2026-01-05T10:00:00Z", "cart", "ASIA1")]))
        .unwrap();
    let at = |time| vec![rows(&[used(2, time, "ASIA1", None)])];
    let within = pods.name(at("2026-01-05T22:00:00Z")).unwrap();
    assert_eq!(accounts(&within[0]), [Some("cart")]);
    let after = pods.name(at("2026-01-05T22:00:01Z")).unwrap();
    assert_eq!(accounts(&after[0]), [None]);
}

#[test]
fn the_oldest_keys_go() {
    let mut pods = PodSessions::default();
    let pod = Arc::new(Pod([None, None, Some(String::from("cart")), None]));
    for number in 0..=PODS_MAX {
        pods.issued((&format!("ASIA{number}"), None), 0, &pod);
    }
    assert!(pods.pod_of("ASIA0", 0).is_none());
    assert!(pods.pod_of(&format!("ASIA{PODS_MAX}"), 0).is_some());
    assert!(pods.newer.len() + pods.older.len() <= PODS_MAX);
}
