//! Every text for a person, Hebrew and English, in one place.
//!
//! The Hebrew ones are fixed: clients show and compare them.

use http::Request;
use ringfence_core::state::RunStatus;

/// The language of the texts in one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Hebrew,
    English,
}

impl Language {
    /// Hebrew, unless the first language that the client accepts is English.
    pub fn of<B>(request: &Request<B>) -> Self {
        let accepted = request
            .headers()
            .get("accept-language")
            .and_then(|value| value.to_str().ok());
        let first = accepted
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default()
            .trim();
        let primary = first.split(['-', ';']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("en") {
            Self::English
        } else {
            Self::Hebrew
        }
    }
}

/// Something to be said to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    AmbiguousPhoneColumn,
    BadBody,
    BadConcurrency { limit: u32 },
    BadField(String),
    BusinessBusy,
    CallsStarted { started: usize, asked: usize },
    CarrierFailed,
    Cleaned(u32),
    CleanupTooSoon,
    DailyCap { left: u32 },
    DestinationNotAllowed,
    DoNotCall,
    EmptyFile,
    Forbidden,
    Internal,
    KeyReused,
    LeadFailed,
    LeadInCall,
    LeadLimit { room: u32 },
    LeadNotFound,
    LeadsNotFound,
    LeadDeleted,
    ListNotFound,
    MethodNotAllowed,
    MissingRunId,
    MoreRowErrors { more: u32 },
    NoBusinessPhone,
    NoLeads,
    NoPhone,
    NoPublicHost,
    NoValidPhones,
    NotFound,
    OpenQuote { row: u32 },
    OnlyFree { available: u32 },
    RunAlreadyOver(RunStatus),
    RunNotFound,
    RunStarted { total: u32, concurrency: u32 },
    RunStopped { canceled: u32 },
    SlotsBusy { limit: u32 },
    TooLarge,
    TooManyColumns { most: u32 },
    TooManyLeads { most: u32 },
    TooManyRequests,
    TooManyRows { most: u32 },
    TooManyRuns { most: u32 },
    Unauthorized,
    Unconfirmed,
    UnsupportedFile,
    UploadEmpty,
    UploadNotFound,
    ZoneIsCapped,
}

impl Text {
    /// The text in `language`.
    pub fn say(&self, language: Language) -> String {
        match language {
            Language::Hebrew => self.hebrew(),
            Language::English => self.english(),
        }
    }

    fn hebrew(&self) -> String {
        match self {
            Self::AmbiguousPhoneColumn => {
                "לא ברור באיזו עמודה נמצאים מספרי הטלפון. יש לציין אותה בשדה phone_column"
                    .to_owned()
            }
            Self::BadBody => "גוף הבקשה אינו JSON תקין".to_owned(),
            Self::BadConcurrency { limit } => {
                format!("מספר השיחות במקביל חייב להיות בין 1 ל-{limit}")
            }
            Self::BadField(field) => format!("ערך לא תקין בשדה {field}"),
            Self::BusinessBusy => "לא ניתן למחוק עסק כשיש בו שיחות פעילות או הרצות".to_owned(),
            Self::CallsStarted { started, asked } => format!("הופעלו {started} שיחות מתוך {asked}"),
            Self::CarrierFailed => "ספק הטלפוניה לא קיבל את השיחה".to_owned(),
            Self::Cleaned(cleaned) => format!("נוקו {cleaned} משימות תקועות"),
            Self::CleanupTooSoon => "ניתן לנקות משימות תקועות פעם בדקה".to_owned(),
            Self::DailyCap { left } => format!("מכסת השיחות היומית: נותרו {left} שיחות להיום"),
            Self::DestinationNotAllowed => "לא ניתן להתקשר ליעד זה".to_owned(),
            Self::DoNotCall => "הליד ברשימת אל תתקשרו".to_owned(),
            Self::EmptyFile => "הקובץ ריק או לא מכיל שורות".to_owned(),
            Self::Forbidden => "אין הרשאה לפעולה זו".to_owned(),
            Self::Internal => "אירעה שגיאה פנימית".to_owned(),
            Self::KeyReused => "מפתח הבקשה כבר שימש לבקשה אחרת".to_owned(),
            Self::LeadInCall => "הליד נמצא כעת בשיחה".to_owned(),
            Self::LeadFailed => "לא ניתן להתקשר לליד".to_owned(),
            Self::LeadLimit { room } => format!("חריגה ממכסת הלידים. נותר מקום ל-{room} לידים"),
            Self::LeadNotFound => "הליד לא נמצא".to_owned(),
            Self::LeadsNotFound => "לא נמצאו כל הלידים שנבחרו".to_owned(),
            Self::LeadDeleted => "הליד נמחק".to_owned(),
            Self::ListNotFound => "הרשימה לא נמצאה".to_owned(),
            Self::MethodNotAllowed => "הפעולה אינה נתמכת בכתובת זו".to_owned(),
            Self::MissingRunId => "חסר run_id".to_owned(),
            Self::MoreRowErrors { more } => format!("ועוד {more} שורות שגויות"),
            Self::NoBusinessPhone => "מספר טלפון של העסק לא מוגדר".to_owned(),
            Self::NoLeads => "יש לבחור לפחות ליד אחד".to_owned(),
            Self::NoPhone => "אין מספר טלפון לליד".to_owned(),
            Self::NoPublicHost => "כתובת ציבורית לא מוגדרת, לא הופעלו שיחות".to_owned(),
            Self::NoValidPhones => "לא נמצאו טלפונים תקינים לייבוא".to_owned(),
            Self::NotFound => "לא נמצא".to_owned(),
            Self::OpenQuote { row } => format!("המירכאות בשורה {row} אינן נסגרות"),
            Self::OnlyFree { available } => {
                format!("ניתן להתחיל רק {available} שיחות יוצאות נוספות.")
            }
            Self::RunAlreadyOver(status) => format!("התור כבר הסתיים (סטטוס: {})", status.as_str()),
            Self::RunNotFound => "הרצה לא נמצאה".to_owned(),
            Self::RunStarted { total, concurrency } => {
                format!("הופעלו {total} שיחות בתור ({concurrency} במקביל)")
            }
            Self::RunStopped { canceled } => {
                format!("התור נעצר ({canceled} שיחות בוטלו, שיחות פעילות יסתיימו)")
            }
            Self::SlotsBusy { limit } => format!(
                "ניתן להוציא עד {} שיחות יוצאות במקביל. המתן לסיום שיחה פעילה ונסה שוב.",
                hebrew_number(*limit)
            ),
            Self::TooLarge => "הבקשה גדולה מדי".to_owned(),
            Self::TooManyColumns { most } => format!("הקובץ גדול מדי: עד {most} עמודות"),
            Self::TooManyLeads { most } => format!("ניתן לבחור עד {most} לידים"),
            Self::TooManyRequests => "יותר מדי בקשות. נסה שוב בעוד רגע.".to_owned(),
            Self::TooManyRows { most } => format!("הקובץ גדול מדי: עד {most} שורות"),
            Self::TooManyRuns { most } => format!("ניתן להפעיל עד {most} הרצות בו-זמנית"),
            Self::Unauthorized => "נדרש מפתח API תקין".to_owned(),
            Self::Unconfirmed => "לא התקבלה תשובה ברורה מספק הטלפוניה".to_owned(),
            Self::UnsupportedFile => "סוג הקובץ אינו נתמך".to_owned(),
            Self::UploadEmpty => "הקובץ עדיין לא הועלה".to_owned(),
            Self::UploadNotFound => "ההעלאה לא נמצאה".to_owned(),
            Self::ZoneIsCapped => {
                "כשיש מכסת שיחות יומית, רק מנהל המערכת משנה את אזור הזמן".to_owned()
            }
        }
    }

    fn english(&self) -> String {
        match self {
            Self::AmbiguousPhoneColumn => {
                "it is unclear which column holds the phones; name it in phone_column".to_owned()
            }
            Self::BadBody => "the request body is not valid JSON".to_owned(),
            Self::BadConcurrency { limit } => format!("concurrency must be 1 to {limit}"),
            Self::BadField(field) => format!("bad value in field {field}"),
            Self::BusinessBusy => {
                "a business with live calls or runs under way cannot be deleted".to_owned()
            }
            Self::CallsStarted { started, asked } => format!("Started {started} of {asked} calls"),
            Self::CarrierFailed => "the carrier did not take the call".to_owned(),
            Self::Cleaned(cleaned) => format!("Cleaned {cleaned} stuck jobs"),
            Self::CleanupTooSoon => "stuck jobs can be cleaned once a minute".to_owned(),
            Self::DailyCap { left } => format!("daily call cap: {left} calls are left today"),
            Self::DestinationNotAllowed => "this destination is not allowed".to_owned(),
            Self::DoNotCall => "the lead is on the do-not-call list".to_owned(),
            Self::EmptyFile => "the file is empty or has no rows".to_owned(),
            Self::Forbidden => "this is not allowed for your role".to_owned(),
            Self::Internal => "an internal error occurred".to_owned(),
            Self::KeyReused => "the idempotency key was used for another request".to_owned(),
            Self::LeadInCall => "the lead is in a call".to_owned(),
            Self::LeadFailed => "the lead cannot be called".to_owned(),
            Self::LeadLimit { room } => format!("too many leads; there is room for {room} more"),
            Self::LeadNotFound => "lead not found".to_owned(),
            Self::LeadsNotFound => "not all selected leads were found".to_owned(),
            Self::LeadDeleted => "the lead was deleted".to_owned(),
            Self::ListNotFound => "list not found".to_owned(),
            Self::MethodNotAllowed => "the method is not allowed here".to_owned(),
            Self::MissingRunId => "run_id is missing".to_owned(),
            Self::MoreRowErrors { more } => format!("and {more} more rows with errors"),
            Self::NoBusinessPhone => "the business has no phone number configured".to_owned(),
            Self::NoLeads => "select at least one lead".to_owned(),
            Self::NoPhone => "the lead has no phone number".to_owned(),
            Self::NoPublicHost => "no public host is configured; nothing was started".to_owned(),
            Self::NoValidPhones => "no valid phone numbers to import".to_owned(),
            Self::NotFound => "not found".to_owned(),
            Self::OpenQuote { row } => format!("a quotation mark in row {row} is never closed"),
            Self::OnlyFree { available } => {
                format!("Only {available} more outbound calls can be started.")
            }
            Self::RunAlreadyOver(status) => {
                format!("The queue is over already (status: {})", status.as_str())
            }
            Self::RunNotFound => "run not found".to_owned(),
            Self::RunStarted { total, concurrency } => {
                format!("Queued {total} calls ({concurrency} at a time)")
            }
            Self::RunStopped { canceled } => {
                format!("Queue stopped ({canceled} calls canceled, live calls will finish)")
            }
            Self::SlotsBusy { limit } => format!(
                "Up to {limit} outbound calls can be made at once. Wait for a call to end and try again."
            ),
            Self::TooLarge => "the request is too large".to_owned(),
            Self::TooManyColumns { most } => {
                format!("the file is too large: at most {most} columns")
            }
            Self::TooManyLeads { most } => format!("at most {most} leads can be selected"),
            Self::TooManyRequests => "too many requests; try again in a moment".to_owned(),
            Self::TooManyRows { most } => format!("the file is too large: at most {most} rows"),
            Self::TooManyRuns { most } => format!("at most {most} runs can be under way at once"),
            Self::Unauthorized => "a valid API key is required".to_owned(),
            Self::Unconfirmed => "the carrier gave no clear answer".to_owned(),
            Self::UnsupportedFile => "the file type is not supported".to_owned(),
            Self::UploadEmpty => "no file was uploaded yet".to_owned(),
            Self::UploadNotFound => "upload not found".to_owned(),
            Self::ZoneIsCapped => "the daily call cap keeps the time zone as it is".to_owned(),
        }
    }
}

/// The number as a word before a feminine noun, as the clients' text has it for three;
/// digits beyond ten.
fn hebrew_number(number: u32) -> String {
    let words = [
        "אפס",
        "אחת",
        "שתי",
        "שלוש",
        "ארבע",
        "חמש",
        "שש",
        "שבע",
        "שמונה",
        "תשע",
        "עשר",
    ];
    let word = usize::try_from(number)
        .ok()
        .and_then(|number| words.get(number));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_that_clients_compare_are_exact() {
        let say = |text: Text| text.say(Language::Hebrew);
        assert_eq!(
            say(Text::SlotsBusy { limit: 3 }),
            "ניתן להוציא עד שלוש שיחות יוצאות במקביל. המתן לסיום שיחה פעילה ונסה שוב."
        );
        assert_eq!(
            say(Text::OnlyFree { available: 2 }),
            "ניתן להתחיל רק 2 שיחות יוצאות נוספות."
        );
        assert_eq!(
            say(Text::RunStarted {
                total: 100,
                concurrency: 3
            }),
            "הופעלו 100 שיחות בתור (3 במקביל)"
        );
        assert_eq!(
            say(Text::RunStopped { canceled: 97 }),
            "התור נעצר (97 שיחות בוטלו, שיחות פעילות יסתיימו)"
        );
    }

    #[test]
    fn english_is_spoken_to_whoever_asks_for_it_first() {
        let language = |accepted: &str| {
            Language::of(
                &http::Request::builder()
                    .header("accept-language", accepted)
                    .body(lambda_http::Body::Empty)
                    .unwrap(),
            )
        };
        assert_eq!(language("en-GB,he;q=0.5"), Language::English);
        assert_eq!(language("he,en"), Language::Hebrew);
        assert_eq!(language(""), Language::Hebrew);
    }
}
