//! The answer to a copy, believed only when it says that the copy was made.
//!
//! S3 answers 200 before a copy has ended, and says in the body what became of it: an error may stand there
//! (Amazon S3 API Reference, CopyObject). `object_store` knows two codes of such errors and takes any other
//! for success; the staged file would then be deleted, and it is the only one.
//!
//! In: requests to S3, and its answers. Out: the same, but that a 200 to a copy without a result is a 503, which
//! is tried again. Must hold: what is not a copy is passed on as it is.

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

/// Names what is copied; no other request has it.
const COPY_SOURCE: &str = "x-amz-copy-source";
/// The element that a copy's answer is.
const RESULT: &[u8] = b"CopyObjectResult";
/// What an answer without it becomes: Service Unavailable.
const UNAVAILABLE: u16 = 503;

/// Connects to S3.
#[derive(Debug, Default)]
pub(super) struct ProvenCopies(ReqwestConnector);

impl HttpConnector for ProvenCopies {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.0.connect(options)?;
        Ok(HttpClient::new(Proving(client)))
    }
}

#[derive(Debug)]
struct Proving(HttpClient);

#[async_trait]
impl HttpService for Proving {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_copy = request.headers().contains_key(COPY_SOURCE);
        let answer = self.0.execute(request).await?;
        if is_copy && answer.status().is_success() {
            return proven(answer).await;
        }
        Ok(answer)
    }
}

/// The answer, if its body has a result.
async fn proven(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (mut head, body) = answer.into_parts();
    let body = body.bytes().await?;
    if !body.windows(RESULT.len()).any(|part| part == RESULT) {
        let unavailable = UNAVAILABLE.try_into();
        head.status = unavailable.map_err(|error| HttpError::new(HttpErrorKind::Decode, error))?;
    }
    Ok(HttpResponse::from_parts(head, body.into()))
}

#[cfg(test)]
mod tests {
    use object_store::client::HttpRequestBody;

    use super::*;

    /// A server that has one answer.
    #[derive(Debug)]
    struct Says(&'static str);

    #[async_trait]
    impl HttpService for Says {
        async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
            Ok(HttpResponse::new(self.0.to_owned().into()))
        }
    }

    async fn status_and_body(says: &'static str, is_copy: bool) -> (u16, String) {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        if is_copy {
            let source = "bucket/key".parse().unwrap();
            request.headers_mut().insert(COPY_SOURCE, source);
        }
        let answer = Proving(HttpClient::new(Says(says))).call(request).await;
        let (head, body) = answer.unwrap().into_parts();
        let body = body.bytes().await.unwrap().to_vec();
        (head.status.as_u16(), String::from_utf8(body).unwrap())
    }

    #[tokio::test]
    async fn a_copy_is_believed_when_it_names_its_result() {
        let made = "<?xml version=\"1.0\"?>\n\n <CopyObjectResult xmlns=\"s3\"><ETag>e</ETag></CopyObjectResult>";
        let refused = "<Error><Code>ServiceUnavailable</Code></Error>";
        for (says, is_copy, status) in [
            (made, true, 200),
            (refused, true, 503),
            ("", true, 503),
            // Of a reading this is the object.
            (refused, false, 200),
            ("", false, 200),
        ] {
            let (found, body) = status_and_body(says, is_copy).await;
            assert_eq!((found, body.as_str()), (status, says), "copy: {is_copy}");
        }
    }
}
