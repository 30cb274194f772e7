use super::*;
use crate::delimited;
use crate::table::Limits;

fn layout(csv: &str) -> Option<Layout> {
    let table = delimited::read(csv, &Limits::STANDARD).unwrap();
    find(&table, "IL".parse().unwrap(), None).unwrap()
}

/// Checks which columns are candidates for the one of the phones, by number.
#[track_caller]
fn undecided(csv: &str, expected: &[u32]) {
    let table = delimited::read(csv, &Limits::STANDARD).unwrap();
    match find(&table, "IL".parse().unwrap(), None) {
        Err(ImportError::AmbiguousPhoneColumn { candidates }) => {
            let columns: Vec<u32> = candidates.iter().map(|it| it.column).collect();
            assert_eq!(columns, expected, "{csv:?}");
        }
        Ok(found) => panic!("{csv:?}: {:?}", found.map(|layout| layout.phone)),
        Err(other) => panic!("{csv:?}: {other}"),
    }
}

/// Checks how the phone column was found, and its title, where a request names `column`.
#[track_caller]
fn check_named(csv: &str, column: PhoneColumn, expected: Option<(Method, &str)>) {
    let table = delimited::read(csv, &Limits::STANDARD).unwrap();
    let found = match find(&table, "IL".parse().unwrap(), Some(&column)) {
        Ok(found) => found.map(|layout| (layout.method, layout.titles[layout.phone].clone())),
        Err(ImportError::BadField { field }) => {
            assert_eq!(field, "phone_column");
            None
        }
        Err(other) => panic!("{csv:?}: {other}"),
    };
    let expected = expected.map(|(method, title)| (method, title.to_owned()));
    assert_eq!(found, expected, "{csv:?}");
}

/// `expected` is how the phone column was found, its title and those of the name, and the
/// number of rows before the leads.
#[track_caller]
fn check(csv: &str, expected: (Method, &str, &[&str], usize)) {
    let found = layout(csv).unwrap();
    let names: Vec<&str> = found
        .name
        .iter()
        .map(|&index| &*found.titles[index])
        .collect();
    let phone = &*found.titles[found.phone];
    assert_eq!(
        (found.method, phone, &names[..], found.rows_before),
        expected,
        "{csv:?}"
    );
}

#[test]
fn headers_are_believed() {
    check(
        "name,phone\nDan,0501234567",
        (Method::Header, "phone", &["name"], 1),
    );
    check(
        "נייד,עיר,שם\n0501234567,חיפה,דן",
        (Method::Header, "נייד", &["שם"], 1),
    );
    check(
        "id,Phone\n036123456,x\n036123457,y",
        (Method::Header, "Phone", &[], 1),
    );
}

#[test]
fn of_two_phone_columns_the_fuller_one_is_taken() {
    check(
        "שם,טלפון,נייד\nדן,,0501234567\nנועה,03-6123456,0521234567",
        (Method::Header, "נייד", &["שם"], 1),
    );
}

#[test]
fn a_column_called_number_must_hold_phone_numbers() {
    check(
        "מספר,שם\n0501234567,דן",
        (Method::Header, "מספר", &["שם"], 1),
    );
    check(
        "מספר,שם,ליצירת קשר\n1,דן,0501234567\n2,נועה,0521234567",
        (Method::Content, "ליצירת קשר", &["שם"], 1),
    );
}

#[test]
fn a_header_may_stand_below_a_title() {
    check(
        "לקוחות מאי 2026\n\nשם,טלפון\nדן,0501234567",
        (Method::Header, "טלפון", &["שם"], 2),
    );
}

#[test]
fn words_above_phone_numbers_are_a_header() {
    check(
        "Kunde,Rufnummer\nDan,0501234567",
        (Method::Content, "Rufnummer", &["Kunde"], 1),
    );
    check(
        "לא ידוע 7,אין\nדן,0501234567",
        (Method::Content, "column_2", &["column_1"], 0),
    );
}

#[test]
fn without_header_the_content_tells() {
    check(
        "דן,0501234567\nנועה,0521234567",
        (Method::Content, "column_2", &["column_1"], 0),
    );
    check(
        "501234567,1,דן\n521234567,2,נועה",
        (Method::Content, "column_1", &["column_3"], 0),
    );
    check(
        "0501234567\n0521234567",
        (Method::Content, "column_1", &[], 0),
    );
}

#[test]
fn identifiers_that_pass_for_phone_numbers_are_not_dialled() {
    check(
        "ח.פ,שם חברה,טל נייד\n514567890,אור,501234567",
        (Method::Header, "טל נייד", &["שם חברה"], 1),
    );
    check(
        "ID,Name,Phone 1\n36123456,Dan,501234567",
        (Method::Header, "Phone 1", &["Name"], 1),
    );
    check(
        "פוליסה,שם,טל'\n36123456,דן,501234567",
        (Method::Header, "טל'", &["שם"], 1),
    );
    check(
        "Customer ID,Customer,Contact No.\n36123456,Dan,501234567",
        (Method::Header, "Contact No.", &["Customer"], 1),
    );
    // Not even where nothing else is left.
    check(
        "ת.ז,ליצירת קשר\n36123456,501234567",
        (Method::Content, "ליצירת קשר", &[], 1),
    );
    assert!(layout("ח.פ,שם,עיר\n514567890,אור,חיפה").is_none());
}

#[test]
fn nothing_is_guessed_where_two_columns_are_equally_likely() {
    undecided("512345678,501234567,דן", &[1, 2]);
    undecided("רישום,שם,אצל\n514567890,אור,501234567", &[1, 3]);
    // A company's number looks like a mobile's, and its phone may be a fixed line.
    undecided("514567890,03-6123456,אור", &[1, 2]);
    undecided(
        "Agent phone,Spouse phone,Name\n0501234567,0521234567,Dan",
        &[1, 2],
    );
}

#[test]
fn mobiles_and_written_numbers_are_likelier_than_others() {
    check(
        "36123456,501234567,דן",
        (Method::Content, "column_2", &["column_3"], 0),
    );
    check(
        "512345678,0501234567,דן",
        (Method::Content, "column_2", &["column_3"], 0),
    );
    check(
        "מספר,שם,ליצירת קשר\n36123456,דן,0501234567",
        (Method::Content, "ליצירת קשר", &["שם"], 1),
    );
}

#[test]
fn a_phone_of_somebody_must_look_like_one() {
    check(
        "Customer phone,Name,Reach\n0501234567,Dan,0521234567",
        (Method::Header, "Customer phone", &["Name"], 1),
    );
    check(
        "Phone plan,Name,Reach\ngold,Dan,0521234567",
        (Method::Content, "Reach", &["Name"], 1),
    );
    // A title is no header.
    check(
        "רשימת טלפונים של מאי\nשם,נייד\nדן,0501234567",
        (Method::Header, "נייד", &["שם"], 2),
    );
}

#[test]
fn a_named_column_is_taken() {
    let csv = "name,phone,Other No.\nDan,0501234567,0521234567";
    let header = |text: &str| PhoneColumn::Header(text.to_owned());
    let other = Some((Method::Header, "Other No."));
    check_named(csv, header("other no"), other);
    check_named(csv, header(" 3 "), other);
    check_named(csv, PhoneColumn::Number(3), other);
    check_named(csv, header(""), Some((Method::Header, "phone")));
    check_named(csv, header("no such"), None);
    for number in [0, 4, u32::MAX] {
        check_named(csv, PhoneColumn::Number(number), None);
    }
    let bare = "512345678,501234567,דן";
    check_named(bare, header("column_2"), Some((Method::Header, "column_2")));
    // Even an identifier, below a title and beside a phone.
    check_named(
        "לידים 2026\nח.פ,שם,נייד\n514567890,אור,0501234567",
        header("ח.פ."),
        Some((Method::Header, "ח.פ")),
    );
}

#[test]
fn dates_and_identity_numbers_lose_against_phone_numbers() {
    check(
        "2026-01-15,31234567,דן,0501234567\n2026-01-16,31234568,נועה,0521234567\n\
         2026-01-17,31234569,עדי,050-bad",
        (Method::Content, "column_4", &["column_3"], 0),
    );
}

#[test]
fn of_two_columns_the_likelier_one_is_taken() {
    check(
        "דן,0501234567\nנועה,05\nעדי,052",
        (Method::Fallback, "column_2", &["column_1"], 0),
    );
    check(
        "דן,x1\nנועה,y2",
        (Method::Fallback, "column_2", &["column_1"], 0),
    );
}

#[test]
fn many_columns_without_phone_numbers_have_no_layout() {
    assert!(layout("a,b,c\n1,2,3\n4,5,6").is_none());
    assert!(layout("a1,b1,0501234567\nc1,d1,6\ne1,f1,7").is_none());
    assert!(layout("").is_none());
}

#[test]
fn first_and_last_name_are_joined_and_stay_variables() {
    let csv = "שם משפחה,שם פרטי,טלפון\nכהן,דן,0501234567";
    check(csv, (Method::Header, "טלפון", &["שם פרטי", "שם משפחה"], 1));
    let variables = layout(csv).unwrap().variables;
    assert_eq!(
        variables,
        [(0, "שם_משפחה".to_owned()), (1, "שם_פרטי".to_owned())]
    );
}

#[test]
fn every_other_column_is_a_variable_with_a_name_of_its_own() {
    let found =
        layout("phone,name,Policy No.,,policy-no,Policy no 2,עיר,הערות\n0501234567,x").unwrap();
    let names: Vec<&str> = found.variables.iter().map(|(_, name)| &**name).collect();
    assert_eq!(
        names,
        ["policy_no", "column_4", "policy_no_2", "policy_no_2_2"]
    );
    assert_eq!((found.city, found.notes), (Some(6), Some(7)));
}

#[test]
fn somebody_s_phone_is_not_dialled_for_another_s() {
    check(
        "שם,טלפון סוכן,מספר\nדן,0541234567,0501234567",
        (Method::Header, "מספר", &["שם"], 1),
    );
    undecided(
        "name,spouse phone,telefon\nDan,0541234567,0501234567",
        &[2, 3],
    );
    undecided(
        "Manager mobile,customer,whats app\n0541234567,Dan,0501234567",
        &[1, 3],
    );
    check(
        "Agent phone,customer,Customer phone\n054-1234567,Dan,501234567",
        (Method::Header, "Customer phone", &["customer"], 1),
    );
    undecided(
        "Agent phone,customer,Spouse phone\n054-1234567,Dan,501234567",
        &[1, 3],
    );
    // Not even where the agent's is the only one that is written as a phone number.
    undecided(
        "Agent phone,customer,Kontakt\n054-1234567,Dan,501234567",
        &[1, 3],
    );
    // A row's number may pass for a phone number now and then.
    check(
        "מספר,שם,טלפון סוכן\n501234567,דן,0541234567\n2,נועה,0541234567\n3,גל,0541234567",
        (Method::Header, "טלפון סוכן", &["שם"], 1),
    );
}

#[test]
fn two_phones_of_one_owner_are_one_person_s() {
    let csv = "Customer phone,Customer,Customer mobile 2\n036123456,Dan,050-1234567";
    let found = layout(csv).unwrap();
    assert_eq!((found.phone, &found.more_phones[..]), (2, &[0][..]));
}
