//! Where large files wait: a bucket that clients put them into with a signed address.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::{Bytes, BytesMut};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_ledger::UploadId;
use ringfence_shell::config::{BadConfig, Lookup};

/// A bucket.
pub struct Store {
    client: Client,
    bucket: String,
}

/// Where a file may be put, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub url: String,
    /// They are signed, and so must be sent.
    pub headers: BTreeMap<String, String>,
}

/// What was found in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    File(Bytes),
    /// Nothing was put there yet, or it was deleted again.
    Nothing,
    TooLarge,
}

impl Store {
    /// A store in the bucket of this name.
    pub fn new(client: &Client, bucket: impl Into<String>) -> Self {
        let config = client.config().to_builder();
        // The checksum of a body that does not exist yet would be signed into the address.
        let config = config
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Self {
            client: Client::from_conf(config.build()),
            bucket: bucket.into(),
        }
    }

    /// Signs an address under which a file can be put until `valid_for` has passed.
    ///
    /// No file of another size than `bytes` can be put there.
    ///
    /// # Errors
    ///
    /// There are no credentials to sign with.
    pub async fn address(
        &self,
        business: &BusinessId,
        upload: UploadId,
        bytes: u32,
        now: Timestamp,
        valid_for: Duration,
    ) -> Result<Address> {
        let terms = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_millis(now.as_millis()))
            .expires_in(valid_for)
            .build()?;
        let signed = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key(business, upload))
            .content_length(i64::from(bytes))
            .presigned(terms)
            .await
            .context("failed to sign an address")?;
        let headers = signed.headers();
        Ok(Address {
            url: signed.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// Reads a file, unless it has more than `most` bytes: then hardly any of it is read.
    ///
    /// # Errors
    ///
    /// The bucket could not be read.
    pub async fn read(&self, business: &BusinessId, upload: UploadId, most: u32) -> Result<Found> {
        let asked = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key(business, upload))
            .send()
            .await;
        let mut object = match asked {
            Ok(object) => object,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(Found::Nothing);
            }
            Err(error) => return Err(error).context("failed to read an upload"),
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let told = usize::try_from(object.content_length().unwrap_or_default()).unwrap_or(0);
        if told > most {
            return Ok(Found::TooLarge);
        }
        let mut file = BytesMut::with_capacity(told);
        // Bounded by what a file may have.
        while let Some(chunk) = object.body.next().await {
            file.extend_from_slice(&chunk.context("failed to read an upload to its end")?);
            if file.len() > most {
                return Ok(Found::TooLarge);
            }
        }
        Ok(Found::File(file.freeze()))
    }

    /// Deletes a file, if there is one.
    ///
    /// # Errors
    ///
    /// It may still be there; the bucket deletes it after a day.
    pub async fn delete(&self, business: &BusinessId, upload: UploadId) -> Result<()> {
        let sent = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(key(business, upload))
            .send()
            .await;
        sent.context("failed to delete an upload")?;
        Ok(())
    }
}

/// Where an upload lies. It begins with the business, which no other can name.
fn key(business: &BusinessId, upload: UploadId) -> String {
    format!("{business}/{upload}")
}

/// Reads the bucket's name, `UPLOADS_BUCKET`.
///
/// # Errors
///
/// It is missing.
pub fn bucket_from_env(lookup: Lookup<'_>) -> Result<String, BadConfig> {
    lookup("UPLOADS_BUCKET")
        .filter(|bucket| !bucket.is_empty())
        .ok_or_else(|| BadConfig(vec!["UPLOADS_BUCKET is missing".to_owned()]))
}
