//! What is around the service: its own address, the collector of traces, and the clock.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use chrono::{DateTime, Utc};
use reqwest::Client;
use tokio::net::TcpListener;

use super::Report;
use crate::causes::told;
use crate::clock::{Clock as _, SystemClock};
use crate::limits::{CLOCK_SKEW_MAX, CLOCK_SKEW_NOTICED, DOCTOR_REQUEST_MAX};

/// Whether metrics can be served.
pub(super) async fn listen(address: SocketAddr, report: &mut Report<'_>) {
    let asked = format!("metrics address {address}");
    match TcpListener::bind(address).await {
        Ok(_) => report.ok(asked, "free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_trailflow(address).await => {
            report.ok(asked, "a running service answers there");
        }
        Err(error) => {
            let fix = "set `listen.address` or TRAILFLOW_LISTEN to an address of this machine with a free port";
            report.failure(asked, error.to_string(), fix);
        }
    }
}

/// Whether whoever listens there answers as the service does.
async fn is_trailflow(address: SocketAddr) -> bool {
    let loopback = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    let url = format!(
        "http://{}/metrics",
        SocketAddr::new(loopback, address.port())
    );
    let Ok(client) = client() else { return false };
    let Ok(answer) = client.get(url).send().await else {
        return false;
    };
    answer
        .text()
        .await
        .is_ok_and(|text| text.contains("trailflow_"))
}

/// Whether traces are taken: an export of none.
pub(super) async fn collector(endpoint: &str, report: &mut Report<'_>) {
    let host = endpoint.split("://").nth(1).unwrap_or(endpoint);
    let host = host.split(['/', '?']).next().unwrap_or(host);
    let asked = format!("collector {}", host.rsplit('@').next().unwrap_or(host));
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let sent = async {
        let request = client()?
            .post(url)
            .header("content-type", "application/x-protobuf");
        request.body("").send().await
    };
    let fix = "name the base URL of a collector that takes OTLP over HTTP (port 4318); without one spans are lost, and rows \
               are not";
    match sent.await {
        Ok(answer) if answer.status().is_success() => report.ok(asked, "takes traces"),
        Ok(answer) => report.warning(asked, format!("answers {}", answer.status()), fix),
        Err(error) => {
            let error = error.without_url();
            report.warning(asked, told(error.to_string(), &error), fix);
        }
    }
}

/// How far this machine's clock is from the store's: S3 refuses requests of another time.
pub(super) async fn clock(address: &str, report: &mut Report<'_>) {
    let Ok(client) = client() else { return };
    // Without a signature it is refused, and says what time it is.
    let Ok(answer) = client.head(address).send().await else {
        return;
    };
    let date = answer
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
        return;
    };
    let apart = (SystemClock.now() - theirs.with_timezone(&Utc)).abs();
    let apart = apart.to_std().unwrap_or_default();
    let what = format!("{} s from the store's", apart.as_secs());
    let fix = "set this machine's clock by NTP: S3 refuses requests that are 15 minutes off, and leases go by it";
    if apart > CLOCK_SKEW_MAX {
        report.failure("clock", what, fix);
    } else if apart > CLOCK_SKEW_NOTICED {
        report.warning("clock", what, fix);
    } else {
        report.ok("clock", what);
    }
}

fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(DOCTOR_REQUEST_MAX).build()
}
