//! Tells from the words of a header whether its numbers are phone numbers.
//!
//! Identity, company and policy numbers can pass for phone numbers of strangers, so a header
//! that speaks of them counts as much as one that speaks of phones.

use super::Role;

/// The role of a header that no list of synonyms has, by the words in it.
pub(super) fn role(words: &[String]) -> Option<Role> {
    let senses: Vec<Sense> = terms(words).iter().map(|term| sense(term)).collect();
    if senses.len() > TERMS_MAX {
        return None;
    }
    let has = |wanted: Sense| senses.contains(&wanted);
    let is_of_numbers = has(Sense::Number);
    let is_phone = has(Sense::Phone)
        || has(Sense::Contact) && is_of_numbers
        // Tal is a name, too.
        || has(Sense::ShortForPhone) && !has(Sense::Other);
    let is_other = has(Sense::Identifier)
        || !is_phone && (has(Sense::Fax) || has(Sense::Owner) && is_of_numbers);
    match (is_phone, is_other) {
        (false, false) => None,
        (false, true) => Some(Role::Identifier),
        (true, false) => {
            let is_somebody_s = has(Sense::Other) || has(Sense::Owner) || has(Sense::Fax);
            Some(if is_somebody_s {
                Role::SomePhone
            } else {
                Role::Phone
            })
        }
        // "Phone ID" is an id and "account phone" a phone; in Hebrew the main word comes first.
        (true, true) => {
            let are_main = |sense: &&Sense| {
                let told = [Sense::Phone, Sense::ShortForPhone, Sense::Identifier];
                told.contains(sense)
            };
            let is_hebrew = words.iter().any(|word| word.contains(is_hebrew));
            let main = if is_hebrew {
                senses.iter().find(are_main)
            } else {
                senses.iter().rev().find(are_main)
            };
            Some(if main == Some(&Sense::Identifier) {
                Role::Identifier
            } else {
                Role::SomePhone
            })
        }
    }
}

/// The words that do not say that it is a phone number, or which of several.
pub(super) fn owner(words: &[String]) -> Vec<String> {
    let is_owner = |term: &String| match sense(term) {
        Sense::Identifier | Sense::Owner | Sense::Other => true,
        Sense::Phone
        | Sense::ShortForPhone
        | Sense::Fax
        | Sense::Contact
        | Sense::Number
        | Sense::Which => false,
    };
    terms(words).into_iter().filter(is_owner).collect()
}

/// Longer headers are sentences, which may speak of anything.
const TERMS_MAX: usize = 6;

/// What one word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Phone,
    ShortForPhone,
    Fax,
    /// With "number", a phone number.
    Contact,
    Number,
    /// Numbers of this kind are no phone numbers.
    Identifier,
    /// With "number", an identifier; with a phone, perhaps somebody else's.
    Owner,
    /// Says which phone, and not whose.
    Which,
    Other,
}

fn sense(term: &str) -> Sense {
    let told = |term: &str| {
        let mut senses = WORDS.iter();
        senses
            .find_map(|(sense, words)| words.split(' ').any(|word| word == term).then_some(*sense))
    };
    // The Hebrew article is a part of its word.
    told(term)
        .or_else(|| told(term.strip_prefix('ה')?))
        .unwrap_or(Sense::Other)
}

/// The words without the numbers in them, and abbreviations such as `ח.פ` as one.
fn terms(words: &[String]) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    let mut is_abbreviation = false;
    for word in words {
        let term = word.trim_end_matches(char::is_numeric);
        let is_letter = term.chars().count() == 1;
        match terms.last_mut() {
            Some(last) if is_letter && is_abbreviation => last.push_str(term),
            _ if term.is_empty() => {}
            _ => terms.push(term.to_owned()),
        }
        is_abbreviation = is_letter;
    }
    terms
}

fn is_hebrew(c: char) -> bool {
    matches!(c, 'א'..='ת')
}

/// Each with its words, parted by spaces.
const WORDS: [(Sense, &str); 8] = [
    (
        Sense::Phone,
        "phone phones telephone telephones tel mobile mobiles mob cell cellphone cellular \
         smartphone landline gsm msisdn whatsapp טלפון טלפונים טלפ נייד ניידים סלולר סלולרי \
         סלולאר סלולארי פלאפון פלאפונים ווטסאפ וואטסאפ ואטסאפ",
    ),
    (Sense::ShortForPhone, "טל"),
    (Sense::Fax, "fax פקס"),
    (
        Sense::Contact,
        "contact call callback dial reach קשר התקשרות להתקשרות חיוג לחיוג",
    ),
    (Sense::Number, "no nr num number numbers מס מספר מספרי"),
    (
        Sense::Identifier,
        "id ids tz identity ssn passport account acct policy invoice order contract vat tax \
         reference ref serial sku code zip zipcode postal postcode iban bank branch license \
         licence ticket claim amount price sum balance total debt bill date birthday dob uuid \
         key barcode תז זהות חפ חצ עמ עוסק פוליסה פוליסת חשבון חשבונית הזמנה חוזה דרכון אסמכתא \
         מזהה זיהוי מיקוד קוד רישיון רשיון רישוי רכב כרטיס אשראי בנק סניף תביעה סכום יתרה חוב \
         מחיר תאריך עמותה שותפות מקט ברקוד",
    ),
    (
        Sense::Owner,
        "customer client company employee member subscriber user lead agent case file row record \
         student patient supplier vendor לקוח חברה עובד חבר מנוי סוכן תיק שורה רשומה ספק",
    ),
    (
        Sense::Which,
        "home work office main primary secondary second first other additional alternative alt \
         personal private direct the to e international local בית בבית עבודה בעבודה משרד ראשי \
         נוסף משני אישי פרטי ישיר ליצירת",
    ),
];

#[cfg(test)]
mod tests {
    use crate::headers::{Role, role};

    #[track_caller]
    fn check(headers: &[&str], expected: Role) {
        for header in headers {
            assert_eq!(role(header), Some(expected), "{header:?}");
        }
    }

    #[test]
    fn a_phone_word_counts_with_numbers_and_marks_around_it() {
        check(
            &[
                "Phone 1",
                "phone2",
                "Mobile #2",
                "Tel.",
                "Contact No.",
                "contact number",
                "Home phone",
                "טל'",
                "טל׳",
                "טל נייד",
                "טל. 2",
                "מס' הטלפון",
                "הנייד",
                "טלפון נוסף",
                "מספר ליצירת קשר",
                "WhatsApp number",
            ],
            Role::Phone,
        );
    }

    #[test]
    fn a_phone_that_may_be_somebody_else_s_is_told_apart() {
        check(
            &[
                "Customer phone",
                "Account Phone",
                "agent's mobile",
                "Phone/Fax",
                "טלפון לקוח",
                "טל' לקוח",
                "טלפון בעל הפוליסה",
                "טלפון של האמא",
            ],
            Role::SomePhone,
        );
    }

    #[test]
    fn identifiers_are_no_phone_numbers() {
        check(
            &[
                "ID",
                "I.D. number",
                "Customer ID",
                "customer no.",
                "Phone ID",
                "Policy",
                "Order #",
                "Invoice number",
                "account",
                "fax",
                "ח.פ",
                "ח\"פ",
                "ח״פ.",
                "ת.ז.",
                "תעודת זהות",
                "עוסק מורשה",
                "מס' עוסק",
                "פוליסה",
                "מספר הפוליסה",
                "פוליסה טלפון",
                "מספר לקוח",
                "מס' הלקוח",
                "מספר חברה",
            ],
            Role::Identifier,
        );
    }

    #[test]
    fn a_name_and_a_sentence_announce_nothing() {
        for header in [
            "טל כהן",
            "company",
            "איש קשר",
            "ליצירת קשר",
            "מספר ילדים",
            "נא להתקשר לנייד של האמא רק אחרי הצהריים",
        ] {
            assert_eq!(role(header), None, "{header:?}");
        }
    }
}
