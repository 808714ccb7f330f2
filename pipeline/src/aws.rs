//! How AWS is reached: the SDK's default provider chain, and one HTTP client for all of it.
//!
//! Out: settings for the clients. Must hold: credentials come from where the SDK finds them (IRSA,
//! Pod Identity, ECS, instance profile, SSO, environment, profile); nothing is stored here.

pub use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::{Builder, tls};
use aws_types::service_config::ServiceConfigKey;
use chrono::{DateTime, Utc};
use futures::FutureExt as _;

use crate::causes::told;
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

/// The address at which S3 answers for a bucket, its name included, by the SDK's own rules: partition, FIPS, dual
/// stack, `AWS_ENDPOINT_URL_S3`, and the path where a name with dots fits no certificate. `endpoint` wins over
/// all of them. Nothing where no region is known, or what the rules say against it.
pub fn s3_address(
    sdk: &SdkConfig,
    bucket: &str,
    endpoint: Option<&str>,
    force_path_style: bool,
) -> Result<String, String> {
    let service = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url");
    let service = service.build().map_err(|error| error.to_string())?;
    let configured = sdk
        .service_config()
        .and_then(|all| all.load_config(service));
    // What the program set wins over the service's own variable, as for a client.
    let ours = sdk.get_origin("endpoint_url").is_client_config();
    let configured = configured.filter(|_| !ours);
    let configured = configured.or_else(|| sdk.endpoint_url().map(str::to_owned));
    // The lake's own endpoint is no concern of settings that are for AWS's.
    let of_aws = endpoint.is_none();
    let endpoint = endpoint.map(str::to_owned).or(configured);
    let params = Params::builder()
        .bucket(bucket)
        .set_region(sdk.region().map(ToString::to_string))
        .use_fips(of_aws && sdk.use_fips().unwrap_or_default())
        .use_dual_stack(of_aws && sdk.use_dual_stack().unwrap_or_default())
        .force_path_style(force_path_style || endpoint.is_some())
        .set_endpoint(endpoint)
        .build()
        .map_err(|error| error.to_string())?;
    let rules = DefaultResolver::new();
    // They are compiled in: there is nothing to wait for.
    let found = rules.resolve_endpoint(&params).now_or_never();
    let found = found.ok_or("the SDK's rules do not answer")?;
    let found = found.map_err(|error| told(error.to_string(), error.as_ref()))?;
    Ok(found.url().trim_end_matches('/').to_owned())
}

/// An SQS client.
pub fn sqs(sdk: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(sdk)
}

/// Credentials that were found, without what is secret of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredentials {
    /// The id of the key, which is no secret.
    pub access_key_id: String,
    /// When they end, if they do.
    pub expires: Option<DateTime<Utc>>,
}

/// Asks the provider chain, once.
pub async fn credentials(sdk: &SdkConfig) -> Result<FoundCredentials, String> {
    let provider = sdk.credentials_provider();
    let provider = provider.ok_or("no provider of credentials is set up")?;
    let found = provider.provide_credentials().await;
    let found = found.map_err(|error| told(error.to_string(), &error))?;
    Ok(FoundCredentials {
        access_key_id: found.access_key_id().to_owned(),
        expires: found.expiry().map(DateTime::from),
    })
}

/// Whose credentials they are: the ARN, which anybody may ask for.
pub async fn caller(sdk: &SdkConfig) -> Result<String, String> {
    let asked = aws_sdk_sts::Client::new(sdk).get_caller_identity();
    let found = asked.send().await.map_err(|error| said(&error))?;
    found.arn.ok_or_else(|| String::from("it names no ARN"))
}

/// What AWS said, in a line: its code and its words, or why it could not be asked. The SDK's own text has
/// the whole response in it.
pub fn said<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => return format!("{code}: {message}"),
        (Some(code), None) => return code.to_owned(),
        (None, _) => {}
    }
    let text = match error.raw_response() {
        Some(response) => format!("HTTP status {}", response.status().as_u16()),
        None => error.to_string(),
    };
    told(text, error)
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_config::Region;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    #[test]
    fn the_words_are_those_of_aws_and_of_the_network() {
        let response = || {
            let body = SdkBody::from("<Error>much more</Error>");
            HttpResponse::new(403_u16.try_into().unwrap(), body)
        };
        let metadata = aws_sdk_s3::error::ErrorMetadata::builder();
        let refused = metadata.code("AccessDenied").message("no").build();
        let refused = SdkError::service_error(GetObjectError::generic(refused), response());
        assert_eq!(said(&refused), "AccessDenied: no");
        let bare = GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().build());
        let bare = said(&SdkError::service_error(bare, response()));
        assert!(
            bare.starts_with("HTTP status 403") && !bare.contains("much more"),
            "{bare}"
        );
        let silent = io::Error::other("connection refused");
        let silent: SdkError<GetObjectError, HttpResponse> = SdkError::timeout_error(silent);
        assert!(
            said(&silent).ends_with(": connection refused"),
            "{}",
            said(&silent)
        );
    }

    #[test]
    fn the_lake_is_where_the_sdk_finds_its_bucket() {
        let sdk = |region: &'static str, fips, endpoint: Option<&str>| {
            let sdk = SdkConfig::builder()
                .region(Region::new(region))
                .use_fips(fips);
            let mut sdk = sdk.behavior_version(BehaviorVersion::latest());
            sdk.set_endpoint_url(endpoint.map(str::to_owned));
            sdk.build()
        };
        let (here, elsewhere) = ("http://127.0.0.1:9000", "http://127.0.0.1:9001/");
        for (sdk, bucket, lakes, path_style, address) in [
            (
                sdk("eu-west-1", false, None),
                "lake",
                None,
                false,
                "https://lake.s3.eu-west-1.amazonaws.com",
            ),
            (
                sdk("eu-west-1", false, None),
                "lake",
                None,
                true,
                "https://s3.eu-west-1.amazonaws.com/lake",
            ),
            (
                sdk("eu-west-1", false, None),
                "my.lake",
                None,
                false,
                "https://s3.eu-west-1.amazonaws.com/my.lake",
            ),
            (
                sdk("cn-north-1", false, None),
                "lake",
                None,
                false,
                "https://lake.s3.cn-north-1.amazonaws.com.cn",
            ),
            (
                sdk("us-east-1", true, None),
                "lake",
                None,
                false,
                "https://lake.s3-fips.us-east-1.amazonaws.com",
            ),
            (
                sdk("eu-west-1", false, Some(here)),
                "lake",
                None,
                false,
                "http://127.0.0.1:9000/lake",
            ),
            (
                sdk("eu-west-1", false, Some(here)),
                "lake",
                Some(elsewhere),
                false,
                "http://127.0.0.1:9001/lake",
            ),
        ] {
            assert_eq!(
                s3_address(&sdk, bucket, lakes, path_style).as_deref(),
                Ok(address)
            );
        }
    }
}
