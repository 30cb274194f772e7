use proptest::prelude::*;

use super::*;

fn region() -> Region {
    "IL".parse().unwrap()
}

fn csv_file(bytes: &[u8]) -> Result<Import, ImportError> {
    read_file(bytes, None, region(), &Limits::STANDARD)
}

fn csv(text: &str) -> Result<Import, ImportError> {
    csv_file(text.as_bytes())
}

fn json(text: &str) -> Result<Import, ImportError> {
    read_json(text.as_bytes(), region(), &Limits::STANDARD)
}

fn shown(import: &Import) -> Vec<String> {
    let show = |lead: &NewLead| format!("{} {} {}", lead.row, lead.phone.expose(), lead.name);
    import.leads.iter().map(show).collect()
}

#[test]
fn a_lead_has_what_its_row_says() {
    let import = csv("\u{feff}שם,טלפון,עיר,הערות,Policy No,ריק\n\
         \u{200f}דן  כהן,050-1234567,חיפה,\"שורה\r\nועוד\",77,\n")
    .unwrap();
    let lead = NewLead {
        name: "דן כהן".to_owned(),
        phone: "+972501234567".parse().unwrap(),
        city: Some("חיפה".to_owned()),
        notes: Some("שורה\nועוד".to_owned()),
        variables: BTreeMap::from([("policy_no".to_owned(), "77".to_owned())]),
        row: 2,
    };
    let mapping = Mapping {
        phone: "טלפון".to_owned(),
        name: Some("שם".to_owned()),
        method: Method::Header,
        has_header: true,
        kind: Kind::Csv,
    };
    let (leads, errors) = (vec![lead], Vec::new());
    let expected = Import {
        leads,
        skipped: 0,
        duplicates: 0,
        errors,
        mapping,
        list_name: None,
    };
    assert_eq!(import, expected);
}

#[test]
fn every_row_is_a_lead_a_duplicate_or_an_error() {
    let import = csv(
        "name,phone\nDan,0501234567\nDan,+972-50-123-4567\n\nNoa,05\nAdi,\n\
         Ron,9.72501E+11\nTal,0521234567\n",
    )
    .unwrap();
    assert_eq!(
        shown(&import),
        ["2 +972501234567 Dan", "8 +972521234567 Tal"]
    );
    assert_eq!((import.duplicates, import.skipped), (1, 3));
    let errors: Vec<String> = import.errors.iter().map(RowError::hebrew).collect();
    assert_eq!(
        errors,
        [
            "שורה 5: טלפון לא תקין - 05",
            "שורה 6: חסר מספר טלפון",
            "שורה 7: טלפון לא תקין - 9.72501E+11 (ספרות אבדו בגיליון האלקטרוני)",
        ]
    );
}

#[test]
fn a_number_in_a_second_phone_column_is_found() {
    let import = csv(
        "name,phone,mobile,agent phone\nDan,03-6123456,0501234567,0541234567\n\
         Noa,,0521234567,\nAdi,12,0531234567,\nRon,,12,0541234567\nTal,,,0541234567\n",
    )
    .unwrap();
    assert_eq!(
        shown(&import),
        [
            "2 +972501234567 Dan",
            "3 +972521234567 Noa",
            "4 +972531234567 Adi"
        ]
    );
    let errors: Vec<String> = import.errors.iter().map(RowError::english).collect();
    assert_eq!(
        errors,
        ["Row 5: invalid phone - 12", "Row 6: no phone number"]
    );
}

#[test]
fn a_number_that_costs_more_than_a_call_is_an_error_of_its_row() {
    let import = csv(
        "name,phone,mobile\nDan,+1 900 555 1234,\nNoa,1-919-123-456,0521234567\n\
         Adi,1-700-123-456,\nRon,0501234567,\nTal,1-800-123-456,\n",
    )
    .unwrap();
    assert_eq!(
        shown(&import),
        [
            "3 +972521234567 Noa",
            "5 +972501234567 Ron",
            "6 +9721800123456 Tal"
        ]
    );
    let errors: Vec<String> = import.errors.iter().map(RowError::english).collect();
    assert_eq!(
        errors,
        [
            "Row 2: premium-rate or shared-cost number - +19005551234",
            "Row 4: premium-rate or shared-cost number - +9721700123456",
        ]
    );
}

#[test]
fn the_forms_of_json_give_the_same_leads() {
    let expected = ["1 +972501234567 דן", "2 +972521234567 נועה"];
    for rows in [
        r#"[{"שם": "דן", "טלפון": "050-1234567"}, {"טלפון": 521234567, "שם": "נועה"}]"#,
        r#"[["דן", "0501234567"], ["נועה", 521234567]]"#,
    ] {
        assert_eq!(shown(&json(rows).unwrap()), expected, "{rows}");
        let named = json(&format!(r#"{{"list_name": " מאי ", "rows": {rows}}}"#)).unwrap();
        assert_eq!(shown(&named), expected, "{rows}");
        assert_eq!(named.list_name.as_deref(), Some("מאי"));
    }
}

#[test]
fn json_lists_may_have_a_header_row() {
    let import = json(r#"[["phone", "id", "name"], ["0501234567", 7, "Dan"]]"#).unwrap();
    assert_eq!(shown(&import), ["2 +972501234567 Dan"]);
    assert_eq!(
        import.leads[0].variables,
        BTreeMap::from([("id".to_owned(), "7".to_owned())])
    );
    assert_eq!(
        serde_json::to_value(&import.mapping).unwrap(),
        serde_json::json!({
            "phone": "phone", "name": "name", "method": "header", "has_header": true, "kind": "json",
        })
    );
}

#[test]
fn errors_of_rows_come_in_the_order_of_the_file() {
    let import = json(r#"[["0501234567"], ["05"], [[1]], {"a": 1}, ["06"]]"#).unwrap();
    let rows: Vec<u32> = import.errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, [2, 3, 4, 5]);
}

#[test]
fn files_in_old_encodings_are_read() {
    let (bytes, ..) = encoding_rs::WINDOWS_1255.encode("שם;נייד\r\nדן;050-1234567\r\n");
    let import = csv_file(&bytes).unwrap();
    assert_eq!(shown(&import), ["2 +972501234567 דן"]);
}

#[test]
fn the_sample_of_the_demo_has_a_hundred_leads_that_nobody_can_be() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../infra/local/sample/leads.csv"
    );
    let bytes = std::fs::read(path).unwrap();
    let import = csv_file(&bytes).unwrap();
    assert_eq!(
        (import.leads.len(), import.duplicates, import.skipped),
        (100, 0, 0)
    );
    assert_eq!(
        (import.mapping.method, import.mapping.has_header),
        (Method::Header, true)
    );
    for lead in &import.leads {
        let is_fictitious = lead
            .phone
            .expose()
            .get(5..)
            .is_some_and(|end| end.starts_with("55501"));
        assert!(is_fictitious, "{lead:?}");
        assert!(!lead.name.is_empty() && lead.city.is_some(), "{lead:?}");
    }
}

#[test]
fn a_file_without_rows_is_empty() {
    for text in ["", "\n\n", "\u{feff}", "name,phone\n", " , \n"] {
        assert_eq!(csv(text), Err(ImportError::EmptyFile), "{text:?}");
    }
    for text in ["[]", r#"{"rows": []}"#, "[[], {}]", r#"[["phone"]]"#] {
        assert_eq!(json(text), Err(ImportError::EmptyFile), "{text:?}");
    }
}

#[test]
fn a_file_without_phone_numbers_tells_what_is_wrong_with_each_row() {
    let Err(ImportError::NoValidPhones { errors }) = csv("name,phone\nDan,05\nNoa,x\n") else {
        panic!("no phone is valid");
    };
    assert_eq!(
        errors.iter().map(|error| error.row).collect::<Vec<_>>(),
        [2, 3]
    );
    assert!(matches!(
        csv("a,b,c\n1,2,3\n"),
        Err(ImportError::NoValidPhones { .. })
    ));
}

#[test]
fn binary_files_are_not_supported() {
    let found = csv_file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_eq!(
        found,
        Err(ImportError::UnsupportedFile(Unsupported::NotText))
    );
}

#[test]
fn limits_refuse_the_file_but_a_long_cell_only_its_row() {
    let limits = Limits {
        file_bytes: 200,
        rows: 3,
        columns: 3,
        text_bytes: 1_000,
        cell_bytes: 20,
    };
    let csv = |text: &str| read_file(text.as_bytes(), None, region(), &limits);
    let too_large = |what, limit| Err(ImportError::TooLarge { what, limit });
    assert_eq!(csv(&"\n".repeat(201)), too_large(Limited::FileBytes, 200));
    let json = read_json(&[b' '; 201], region(), &limits);
    assert_eq!(json, too_large(Limited::FileBytes, 200));
    assert_eq!(csv("a\nb\nc\nd"), too_large(Limited::Rows, 3));
    let leads = "phone\n0501234567\n0521234567\n0531234567\n";
    assert_eq!(csv(leads).unwrap().leads.len(), 3, "a header is no row");
    assert_eq!(
        csv(&format!("{leads}0541234567\n")),
        too_large(Limited::Rows, 3)
    );
    assert_eq!(csv("a,b,c,d"), too_large(Limited::Columns, 3));
    assert!(csv("phone,b,c,,\n0501234567\n").is_ok());

    let import = csv(&format!(
        "phone,notes\n0501234567,{}\n0521234567,x",
        "n".repeat(21)
    ))
    .unwrap();
    assert_eq!(shown(&import), ["3 +972521234567 "]);
    assert_eq!(
        import.errors[0].english(),
        "Row 2: the content of column notes is too long"
    );
}

#[test]
fn debug_shows_neither_names_nor_whole_numbers() {
    let import = csv("name,phone,other\nDan,0501234567,0521234567\nNoa,05012345\n").unwrap();
    let shown = format!("{import:?}");
    for secret in ["Dan", "501234", "521234567"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_list_name_is_one_line_of_bounded_length() {
    assert_eq!(list_name(" a\nb "), Ok(Some("a b".to_owned())));
    assert_eq!(list_name("\u{200f}"), Ok(None));
    let field = "list_name";
    assert_eq!(
        list_name(&"x".repeat(201)),
        Err(ImportError::BadField { field })
    );
}

/// Text that comes close to a file of leads.
fn almost_csv() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\"",
        "name",
        "טלפון",
        "0501234567",
        "+972",
        "5.01E+08",
        "דן",
        "sep=",
        "\u{200f}",
        "x",
        "1",
        " ",
    ]);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn almost_json() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"phone\"",
        "\"rows\"",
        "\"list_name\"",
        "\"0501234567\"",
        "1e400",
        "501234567",
        "null",
        "\"דן\"",
        "[[\"0501234567\"]]",
        "true",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = csv_file(&bytes);
        let _ = read_json(&bytes, region(), &Limits::STANDARD);
    }

    #[test]
    fn what_comes_close_to_a_file_does_not_panic(text in almost_csv()) {
        let _ = csv(&text);
    }

    #[test]
    fn what_comes_close_to_json_does_not_panic(text in almost_json()) {
        let _ = json(&text);
    }

    #[test]
    fn no_row_disappears(rows in proptest::collection::vec("(05[0-9]{0,8}|[a-z]{1,5}),[a-z]{1,5}", 1..30)) {
        let text = format!("phone,name\n{}\n", rows.join("\n"));
        if let Ok(import) = csv(&text) {
            let told = import.leads.len() + import.errors.len() + import.duplicates as usize;
            prop_assert_eq!(told, rows.len());
        }
    }
}
