use proptest::prelude::*;

use super::*;

/// `expected` is the E.164 form, or why there is none.
#[track_caller]
fn check_in(region: &str, text: &str, expected: Result<&str, BadPhone>) {
    let region: Region = region.parse().unwrap();
    let found = parse(text, region);
    let found = found.as_ref().map(PhoneNumber::expose).map_err(|&bad| bad);
    assert_eq!(found, expected, "{text:?} in {region:?}");
}

#[track_caller]
fn check(text: &str, expected: &str) {
    check_in("IL", text, Ok(expected));
}

#[track_caller]
fn refused(text: &str, why: BadPhone) {
    check_in("IL", text, Err(why));
}

#[test]
fn israeli_mobiles_are_read_in_every_common_form() {
    for text in [
        "0501234567",
        "501234567",
        "972501234567",
        "+972501234567",
        "00972501234567",
        "9720501234567",
        "+9720501234567",
        "+972 (0)50-123-4567",
        "050-1234567",
        "050-123-4567",
        "050 123 4567",
        "(050) 1234567",
        "050.123.4567",
        "050/1234567",
    ] {
        check(text, "+972501234567");
    }
}

#[test]
fn other_israeli_numbers_are_read() {
    check("03-6123456", "+97236123456");
    check("36123456", "+97236123456");
    check("077-2123456", "+972772123456");
    check("1-800-123-456", "+9721800123456");
}

#[test]
fn damage_by_spreadsheets_is_undone() {
    for text in [
        "5.01234567E+08",
        "5,01234567E+08",
        "5.01234567e8",
        "5.0123456700E+08",
        "9.72501234567E+11",
        "501234567.0",
        "501234567.00",
        "501234567,0",
        "0501234567.0",
        "=\"0501234567\"",
        "'0501234567",
        "\"0501234567\"",
    ] {
        check(text, "+972501234567");
    }
}

#[test]
fn marks_around_a_number_are_passed_over() {
    for text in [
        "’0501234567",
        "‘050-1234567’",
        "`0501234567",
        "´0501234567",
        "“0501234567”",
        "״0501234567״",
        "tel:+972-50-1234567",
        "TEL: 0501234567",
        "0501234567,",
        "0501234567; ",
        "\"0501234567,\"",
        "972+501234567",
        "972+50-123-4567",
    ] {
        check(text, "+972501234567");
    }
}

#[test]
fn digits_that_a_spreadsheet_dropped_are_not_guessed() {
    for text in ["9.72501E+11", "5.01E+08", "5.0123456E+08", "5E8"] {
        refused(text, BadPhone::DigitsLost);
    }
}

#[test]
fn marks_dashes_and_digits_of_other_scripts_are_read() {
    for text in [
        "\u{200f}050\u{2013}1234567\u{200e}",
        "\u{202a}+972\u{a0}50\u{a0}123\u{a0}4567\u{202c}",
        "050\u{5be}1234567",
        "050\u{2011}1234567",
        "٠٥٠١٢٣٤٥٦٧",
        "۰۵۰۱۲۳۴۵۶۷",
        "０５０１２３４５６７",
        "＋972501234567",
        "972-50-1234567+",
        "\u{feff}0501234567",
        "\t0501234567 ",
    ] {
        check(text, "+972501234567");
    }
}

#[test]
fn numbers_of_other_countries_need_their_prefix() {
    check("+1 (212) 555-0123", "+12125550123");
    check("0012125550123", "+12125550123");
    check("+39 06 1234 5678", "+390612345678");
    check("+44 20 7946 0123", "+442079460123");
    refused("12125550123", BadPhone::Invalid);
    refused("442079460123", BadPhone::Invalid);
}

#[test]
fn the_region_decides_what_a_national_number_is() {
    check_in("US", "(212) 555-0123", Ok("+12125550123"));
    check_in("US", "12125550123", Ok("+12125550123"));
    check_in("US", "00972501234567", Ok("+972501234567"));
    check_in("US", "0501234567", Err(BadPhone::Invalid));
    check_in("GB", "020 7946 0123", Ok("+442079460123"));
    check_in("IT", "06 1234 5678", Ok("+390612345678"));
    check_in("IT", "612345678", Ok("+390612345678"));
}

#[test]
fn a_block_that_the_library_does_not_know_is_taken_beside_ones_it_knows() {
    let known = |text| is_valid(&phonenumber::parse(None, text).unwrap());
    for number in [
        "+972501234567",
        "+972541234567",
        "+972551234567",
        "+447700900123",
    ] {
        assert!(!known(number), "{number} is no example any more");
        check(number, number);
    }
}

#[test]
fn nothing_is_missing_and_not_invalid() {
    for text in ["", "  ", "\u{200f}", "\"\"", "=\"\"", "tel:"] {
        refused(text, BadPhone::Missing);
    }
}

#[test]
fn what_is_not_one_valid_number_is_refused() {
    for text in [
        "abc",
        "12345",
        "050123456",
        "05012345678",
        "0001234567",
        "+0501234567",
        "+",
        "++972501234567",
        "972++501234567",
        "050+1234567",
        "97250+1234567",
        "tel:tel:0501234567",
        "0501234567;0521234567",
        ",0501234567",
        "+972",
        "+999501234567",
        "0501234567 / 0521234567",
        "0501234567, 0521234567",
        "0501234567x12",
        "call 0501234567",
        "-5.01234567E+08",
        "5.01234567E-08",
        "5.01234567E+99999999999999999999",
        "E",
        "5E",
        "E8",
        "5.012345671E+08",
        "*6555",
        "0000000000",
        "0123456789",
        "123456789",
        "1234567890",
        "1111111111",
        "+97250123456",
        "+9725012345678",
        "01234567890123456789012345678901234567890123456789012345678901234567890",
    ] {
        refused(text, BadPhone::Invalid);
    }
}

#[test]
fn zeros_that_make_another_number_are_refused() {
    refused("0040000)00480)00483", BadPhone::Invalid);
}

#[test]
fn only_codes_with_a_numbering_plan_are_regions() {
    assert_eq!("IL".parse::<Region>().unwrap().as_str(), "IL");
    for text in ["", "il", "XX", "ILS", "ZZ", "001", "AQ"] {
        assert_eq!(text.parse::<Region>(), Err(BadRegion), "{text}");
    }
}

#[test]
fn a_number_that_costs_its_caller_more_is_told_apart() {
    let check = |number: &str, expected: Kind| {
        assert_eq!(kind(&number.parse().unwrap()), expected, "{number}");
    };
    check("+19005551234", Kind::Costly);
    check("+9721900123456", Kind::Costly);
    check("+9721919123456", Kind::Costly);
    check("+9721700123456", Kind::Costly);
    check("+448712345678", Kind::Costly);
    check("+447012345678", Kind::Costly);
    check("+9721800123456", Kind::Other);
    check("+97236123456", Kind::Other);
    check("+972772123456", Kind::Other);
    check("+12125550100", Kind::Other);
    check("+33612345678", Kind::Mobile);
    // In blocks that the library does not know.
    check("+972501234567", Kind::Mobile);
    check("+972514567890", Kind::Mobile);
}

fn any_region() -> impl Strategy<Value = Region> {
    proptest::sample::select(
        ('A'..='Z')
            .flat_map(|a| ('A'..='Z').filter_map(move |b| format!("{a}{b}").parse().ok()))
            .collect::<Vec<Region>>(),
    )
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,70}", region in any_region()) {
        let _ = parse(&text, region);
    }

    #[test]
    fn no_digits_panic_in_any_region(text in "\\+?0{0,3}[0-9]{0,18}", region in any_region()) {
        let _ = parse(&text, region);
    }

    #[test]
    fn what_was_read_reads_as_itself(text in "(05|\\+9725|02|03|\\+1212)[0-9]{7,8}") {
        let region: Region = "IL".parse().unwrap();
        if let Ok(number) = parse(&text, region) {
            prop_assert_eq!(parse(number.expose(), region), Ok(number));
        }
    }
}

#[test]
fn a_number_is_in_its_country_as_far_as_anybody_can_tell() {
    let check = |number: &str, country: Option<&str>| {
        let found = country_of(&number.parse().unwrap()).map(|country| country.to_string());
        assert_eq!(found.as_deref(), country, "{number}");
    };
    check("+972501234567", Some("IL"));
    check("+97231234567", Some("IL"));
    check("+972550000001", Some("IL"));
    check("+33612345678", Some("FR"));
    check("+12015550123", Some("US"));
    check("+14165550123", Some("CA"));
    check("+12125550100", Some("US"));
    check("+18765550100", Some("JM"));
    check("+9990000000", None);
}

#[test]
fn a_costly_number_is_in_no_country() {
    for number in ["+19005551234", "+9721900123456", "+9721700123456"] {
        assert_eq!(country_of(&number.parse().unwrap()), None, "{number}");
    }
    for number in ["+18005551234", "+9721800123456"] {
        assert!(country_of(&number.parse().unwrap()).is_some(), "{number}");
    }
}
