//! Opens the lake's store: a directory, or a prefix of a bucket.
//!
//! In: where the lake is. Out: an `ObjectStore` whose paths begin at the lake's root.
//! Must hold: on S3 the credentials are those of the AWS provider chain, so that the lake is
//! written by the same role that reads the logs.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use chrono::{DateTime, Utc};
use object_store::aws::{AmazonS3Builder, AwsCredential, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use tokio::sync::Mutex;

use super::copied::ProvenCopies;
use crate::aws::s3_address;
use crate::clock::Clock;
use crate::config::{Aws, LakeUrl};
use crate::limits::{
    CONNECT_TIMEOUT, CREDENTIALS_RENEWAL, STORE_RETRIES_MAX, STORE_RETRY_TIME_MAX, STORE_TIMEOUT,
};

/// Why a lake cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is not there and cannot be made.
    #[error("the lake directory {path} cannot be used: choose another, or make it writable")]
    Directory {
        /// The directory.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The store refused its settings.
    #[error("the lake cannot be opened: {0}")]
    Store(#[from] object_store::Error),
    /// The SDK has no address for the bucket.
    #[error("the address of the lake's bucket is not known: {0}")]
    Address(String),
    /// Nothing says where S3 is.
    #[error("no AWS region is known. Set AWS_REGION, or `region` under [aws]")]
    Region,
}

/// Opens the store. `sdk` is needed for `s3://` only.
pub fn open(
    url: &LakeUrl,
    aws: &Aws,
    sdk: Option<&SdkConfig>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    match url {
        LakeUrl::Directory(path) => {
            let failed = |source| OpenError::Directory {
                path: path.display().to_string(),
                source,
            };
            std::fs::create_dir_all(path).map_err(failed)?;
            Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?))
        }
        LakeUrl::S3 { bucket, prefix } => {
            let sdk = sdk.ok_or(OpenError::Region)?;
            let region = sdk.region().ok_or(OpenError::Region)?;
            let mut builder = AmazonS3Builder::new()
                .with_http_connector(ProvenCopies::default())
                .with_bucket_name(bucket)
                .with_region(region.as_ref())
                .with_conditional_put(S3ConditionalPut::ETagMatch)
                .with_retry(RetryConfig {
                    max_retries: STORE_RETRIES_MAX,
                    retry_timeout: STORE_RETRY_TIME_MAX,
                    ..RetryConfig::default()
                });
            let mut client = ClientOptions::new()
                .with_connect_timeout(CONNECT_TIMEOUT)
                .with_timeout(STORE_TIMEOUT);
            if let Some(provider) = sdk.credentials_provider() {
                let chain = ProviderChain {
                    chain: provider,
                    clock,
                    kept: Mutex::new(None),
                };
                builder = builder.with_credentials(Arc::new(chain));
            }
            let endpoint = aws.lake_endpoint_url.as_deref();
            let address = s3_address(sdk, bucket, endpoint, aws.force_path_style);
            let address = address.map_err(OpenError::Address)?;
            client = client.with_allow_http(address.starts_with("http://"));
            // With this style the store takes the address as it is, wherever the bucket stands in it.
            let builder = builder
                .with_endpoint(address)
                .with_virtual_hosted_style_request(true);
            let store = builder.with_client_options(client).build()?;
            Ok(Arc::new(PrefixStore::new(store, prefix.as_str())))
        }
    }
}

/// The AWS SDK's credentials, for `object_store`, which asks before every request: kept until
/// shortly before they expire.
#[derive(Debug)]
struct ProviderChain {
    chain: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Credentials>>,
}

#[async_trait::async_trait]
impl CredentialProvider for ProviderChain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        let fresh = kept.as_ref().filter(|credentials| {
            let expiry = credentials.expiry().map(DateTime::<Utc>::from);
            expiry.is_none_or(|expiry| now + CREDENTIALS_RENEWAL < expiry)
        });
        let credentials = if let Some(credentials) = fresh {
            credentials.clone()
        } else {
            match self.chain.provide_credentials().await {
                Ok(credentials) => credentials,
                Err(error) => valid_at(kept.as_ref(), now).ok_or_else(|| {
                    let (store, source) = ("S3", error.into());
                    object_store::Error::Generic { store, source }
                })?,
            }
        };
        let credential = AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        };
        *kept = Some(credentials);
        Ok(Arc::new(credential))
    }
}

/// What is kept, while it holds: a chain that fails for a minute is no reason to stop before.
fn valid_at(kept: Option<&Credentials>, now: DateTime<Utc>) -> Option<Credentials> {
    let expiry = kept?.expiry().map(DateTime::<Utc>::from)?;
    kept.filter(|_| now < expiry).cloned()
}
