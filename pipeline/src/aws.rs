//! How AWS is reached: the SDK's default provider chain, and one HTTP client for all of it.
//!
//! Out: settings for the clients. Must hold: credentials come from where the SDK finds them (IRSA,
//! Pod Identity, ECS, instance profile, SSO, environment, profile); nothing is stored here.

pub use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::{Builder, tls};

use crate::config::Aws;
use crate::limits::{CONNECT_TIMEOUT, READ_TIMEOUT};

/// Loads the SDK's settings, with ours on top.
pub async fn sdk_config(aws: &Aws) -> SdkConfig {
    // ring rather than the default provider: a C library that takes minutes to build.
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    // Without a limit one silent connection would hold its batch for ever.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts);
    if let Some(region) = &aws.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &aws.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// An S3 client.
pub fn s3(sdk: &SdkConfig, aws: &Aws) -> aws_sdk_s3::Client {
    // Emulators and gateways have no host name for each bucket.
    let path_style = aws.force_path_style || sdk.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(sdk)
        .force_path_style(path_style)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// An SQS client.
pub fn sqs(sdk: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(sdk)
}
