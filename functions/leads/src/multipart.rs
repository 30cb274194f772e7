//! Takes the file, and what is said of it, out of a multipart upload.
//!
//! Nothing larger than the limits is kept, and other fields are passed over.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream;
use multer::{Constraints, Field, Multipart, SizeLimit};
use thiserror::Error;

use crate::import::{PhoneColumn, list_name};
use crate::table::Limits;
use crate::text::clean_line;

/// Reads a whole upload: the field `file`, and `list_name` and `phone_column` if they are there.
///
/// # Errors
///
/// It is no multipart body, has no file, or passes a limit.
pub async fn file_and_fields(
    content_type: &str,
    body: Bytes,
    limits: &Limits,
) -> Result<Upload, UploadError> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| UploadError::NotMultipart)?;
    let sizes = SizeLimit::new()
        .whole_stream(u64::from(limits.file_bytes) + FIELDS_BYTES_MAX)
        .per_field(FIELDS_BYTES_MAX)
        .for_field("file", u64::from(limits.file_bytes));
    let constraints = Constraints::new().size_limit(sizes);
    let body = stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = Multipart::with_constraints(body, boundary, constraints);

    let (mut file, mut name, mut phone_column) = (None, None, None);
    // Bounded by the body's length.
    while let Some(part) = parts.next_field().await? {
        match part.name() {
            Some("file") if file.is_none() => file = Some(uploaded(part).await?),
            Some("list_name") => {
                let text = part.text().await?;
                name = list_name(&text).map_err(|_| UploadError::BadListName)?;
            }
            Some(PhoneColumn::FIELD) => {
                phone_column = Some(PhoneColumn::Header(part.text().await?));
            }
            Some(_) | None => {}
        }
    }
    let file = file.ok_or(UploadError::MissingFile)?;
    Ok(Upload {
        list_name: name,
        phone_column,
        ..file
    })
}

/// What was uploaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// As the client calls it, without a path.
    pub file_name: Option<String>,
    /// As the client declares it; file names and content tell more.
    pub content_type: Option<String>,
    pub bytes: Bytes,
    pub list_name: Option<String>,
    /// As the client names it.
    pub phone_column: Option<PhoneColumn>,
}

/// Why an upload cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UploadError {
    #[error("body is not multipart/form-data")]
    NotMultipart,
    #[error("multipart body is malformed")]
    Malformed,
    #[error("upload has no file")]
    MissingFile,
    #[error("list name is too long")]
    BadListName,
    #[error("upload is too large")]
    TooLarge,
}

impl UploadError {
    /// The word that clients compare; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotMultipart | Self::Malformed => "bad_multipart",
            Self::MissingFile | Self::BadListName => "bad_field",
            Self::TooLarge => "too_large",
        }
    }

    /// The form field at fault, if it is one.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::MissingFile => Some("file"),
            Self::BadListName => Some("list_name"),
            Self::NotMultipart | Self::Malformed | Self::TooLarge => None,
        }
    }
}

impl From<multer::Error> for UploadError {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
                Self::TooLarge
            }
            _ => Self::Malformed,
        }
    }
}

/// Room for the fields beside the file, and for the headers of all.
pub(crate) const FIELDS_BYTES_MAX: u64 = 16 * 1024;

/// No file system names files longer.
const FILE_NAME_CHARS_MAX: usize = 255;

async fn uploaded(part: Field<'_>) -> Result<Upload, UploadError> {
    let file_name = part.file_name().and_then(|name| {
        let name: String = name
            .rsplit(['/', '\\'])
            .next()?
            .chars()
            .take(FILE_NAME_CHARS_MAX)
            .collect();
        Some(clean_line(&name)).filter(|name| !name.is_empty())
    });
    let content_type = part.content_type().map(ToString::to_string);
    Ok(Upload {
        file_name,
        content_type,
        bytes: part.bytes().await?,
        list_name: None,
        phone_column: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    async fn read(body: &str) -> Result<Upload, UploadError> {
        let limits = Limits {
            file_bytes: 100,
            ..Limits::STANDARD
        };
        file_and_fields(TYPE, Bytes::from(body.replace('\n', "\r\n")), &limits).await
    }

    fn part(headers: &str, content: &str) -> String {
        format!("--XX\nContent-Disposition: form-data; {headers}\n\n{content}\n")
    }

    #[tokio::test]
    async fn the_file_and_the_name_are_found_among_other_fields() {
        let body = [
            part("name=\"token\"", "x"),
            part("name=\"list_name\"", " רשימת  מאי "),
            part("name=\"phone_column\"", "נייד"),
            part(
                "name=\"file\"; filename=\"C:\\dir/לידים.csv\"\nContent-Type: text/csv",
                "a,b",
            ),
            "--XX--\n".to_owned(),
        ];
        let upload = read(&body.concat()).await.ok().unwrap();
        assert_eq!(upload.file_name.as_deref(), Some("לידים.csv"));
        assert_eq!(upload.content_type.as_deref(), Some("text/csv"));
        assert_eq!(&upload.bytes[..], b"a,b");
        assert_eq!(upload.list_name.as_deref(), Some("רשימת מאי"));
        let is_named = upload.phone_column == Some(PhoneColumn::Header("נייד".to_owned()));
        assert!(is_named);
    }

    #[track_caller]
    fn check(found: Result<Upload, UploadError>, expected: UploadError) {
        assert_eq!(found.err(), Some(expected));
    }

    #[tokio::test]
    async fn what_cannot_be_taken_is_refused() {
        let file = |content: &str| part("name=\"file\"; filename=\"a.csv\"", content);
        let name = |content: &str| part("name=\"list_name\"", content);
        let limits = Limits::STANDARD;
        for content_type in ["", "text/csv", "multipart/form-data"] {
            check(
                file_and_fields(content_type, Bytes::new(), &limits).await,
                UploadError::NotMultipart,
            );
        }
        check(read("").await, UploadError::Malformed);
        check(read(&file("a,b")).await, UploadError::Malformed);
        check(read("--XX\nwhat\n--XX--\n").await, UploadError::Malformed);
        check(
            read(&format!("{}--XX--\n", name("a"))).await,
            UploadError::MissingFile,
        );
        check(
            read(&format!("{}--XX--\n", name(&"a".repeat(201)))).await,
            UploadError::BadListName,
        );
        check(
            read(&format!("{}--XX--\n", file(&"a".repeat(101)))).await,
            UploadError::TooLarge,
        );
        check(
            read(&format!("{}--XX--\n", name(&"a".repeat(17_000)))).await,
            UploadError::TooLarge,
        );
    }

    #[tokio::test]
    async fn a_field_that_is_passed_over_is_bounded_by_the_whole() {
        let body = format!("{}--XX--\n", part("name=\"other\"", &"a".repeat(20_000)));
        check(read(&body).await, UploadError::TooLarge);
    }
}
