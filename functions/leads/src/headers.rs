//! Knows what the headers of a list of leads are called, in English and in Hebrew.

use crate::text::clean_line;

mod numbers;

/// What a column holds, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Phone,
    /// A phone number, but perhaps not the lead's.
    SomePhone,
    /// Numbers that are no phone numbers, whatever they look like.
    Identifier,
    /// "Number": a phone number, or only the number of the row.
    Number,
    Name,
    FirstName,
    LastName,
    City,
    Notes,
}

/// The role that a header announces, whatever its case, spacing and punctuation.
pub(crate) fn role(header: &str) -> Option<Role> {
    let words = words(header);
    let plain = words.join(" ");
    let known = SYNONYMS
        .iter()
        .find(|(_, names)| names.contains(&plain.as_str()));
    known
        .map(|(role, _)| *role)
        .or_else(|| numbers::role(&words))
}

/// Whose phone number a header announces: its words, but for those that only say that it is one.
pub(crate) fn owner(header: &str) -> Vec<String> {
    numbers::owner(&words(header))
}

/// Whether an owner is whoever the row is about, and not an agent or a spouse.
pub(crate) fn is_called_lead(owner: &[String]) -> bool {
    const WORDS: [&str; 8] = [
        "customer",
        "client",
        "lead",
        "person",
        "לקוח",
        "הלקוח",
        "ליד",
        "הליד",
    ];
    !owner.is_empty() && owner.iter().all(|word| WORDS.contains(&word.as_str()))
}

/// Whether two headers differ in nothing but case, spacing and punctuation.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let (words_of_one, words_of_other) = (words(one), words(other));
    if words_of_one.is_empty() {
        return clean_line(one) == clean_line(other);
    }
    words_of_one == words_of_other
}

/// The name of the variable that a column becomes: `Policy Number` is `policy_number`.
///
/// `None` when nothing is left of the header, or it is too long to be a name.
pub(crate) fn variable_name(header: &str) -> Option<String> {
    let name = words(header).join("_");
    let is_name = !name.is_empty() && name.chars().count() <= VARIABLE_NAME_CHARS_MAX;
    is_name.then_some(name)
}

/// Longer headers are explanations, not names.
const VARIABLE_NAME_CHARS_MAX: usize = 60;

const SYNONYMS: [(Role, &[&str]); 7] = [
    (
        Role::Phone,
        &[
            "phone",
            "phone number",
            "phone no",
            "mobile",
            "mobile phone",
            "mobile number",
            "cell",
            "cell phone",
            "cellphone",
            "tel",
            "telephone",
            "telephone number",
            "טלפון",
            "טלפון נייד",
            "נייד",
            "מס טלפון",
            "מס נייד",
            "מספר טלפון",
            "מספר נייד",
            "פלאפון",
            "סלולרי",
        ],
    ),
    (Role::Number, &["מספר"]),
    (
        Role::Name,
        &[
            "name",
            "full name",
            "fullname",
            "customer",
            "customer name",
            "client",
            "client name",
            "שם",
            "שם מלא",
            "לקוח",
            "שם לקוח",
            "שם הלקוח",
        ],
    ),
    (Role::FirstName, &["first name", "firstname", "שם פרטי"]),
    (
        Role::LastName,
        &["last name", "lastname", "surname", "שם משפחה"],
    ),
    (Role::City, &["city", "עיר"]),
    (Role::Notes, &["notes", "note", "הערות", "הערה"]),
];

/// The header's words in lower case. Apostrophes and quotation marks belong to Hebrew
/// abbreviations and do not part words; other punctuation does.
fn words(header: &str) -> Vec<String> {
    let is_part_of_a_word = |c: &char| !matches!(c, '\'' | '"' | '`' | '’' | '׳' | '״');
    let plain: String = clean_line(header)
        .to_lowercase()
        .chars()
        .filter(is_part_of_a_word)
        .collect();
    plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[&str], expected: Option<Role>) {
        for header in headers {
            assert_eq!(role(header), expected, "{header:?}");
        }
    }

    #[test]
    fn the_synonyms_of_the_contract_are_known() {
        check(
            &[
                "phone",
                "phone_number",
                "mobile",
                "cell",
                "tel",
                "telephone",
            ],
            Some(Role::Phone),
        );
        check(
            &["טלפון", "נייד", "מס טלפון", "מספר טלפון"],
            Some(Role::Phone),
        );
        check(&["מספר"], Some(Role::Number));
        check(
            &["name", "full_name", "full name", "customer", "client"],
            Some(Role::Name),
        );
        check(&["שם", "שם מלא", "לקוח"], Some(Role::Name));
        check(&["city", "עיר"], Some(Role::City));
        check(&["notes", "הערות", "הערה"], Some(Role::Notes));
    }

    #[test]
    fn case_spacing_and_punctuation_do_not_matter() {
        check(
            &[
                "\u{feff}Phone",
                " PHONE-NUMBER ",
                "Phone #",
                "מס' טלפון",
                "מס׳ טלפון:",
                "טלפון (נייד)",
            ],
            Some(Role::Phone),
        );
        check(&["\u{200f}שם\u{a0}מלא*"], Some(Role::Name));
    }

    #[test]
    fn other_headers_have_no_role() {
        check(&["", "company", "שם החברה", "050-1234567"], None);
    }

    #[test]
    fn variables_have_plain_names() {
        assert_eq!(
            variable_name(" Policy-Number: ").as_deref(),
            Some("policy_number")
        );
        assert_eq!(variable_name("תאריך סיום").as_deref(), Some("תאריך_סיום"));
        assert_eq!(variable_name("ת\"ז").as_deref(), Some("תז"));
        assert_eq!(variable_name("?"), None);
        assert_eq!(variable_name(&"x".repeat(61)), None);
    }
}
