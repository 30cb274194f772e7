use super::*;

fn table(json: &str) -> Table {
    read(json.as_bytes(), &Limits::STANDARD).unwrap().table
}

/// `expected` shows the keys, if there are any, and each row as its number and its cells.
#[track_caller]
fn check(json: &str, expected: &[&str]) {
    let table = table(json);
    let keys = table.keys.iter().map(|keys| keys.join("|"));
    let rows = table.rows.iter().map(|row| {
        format!(
            "{} {}",
            row.number,
            row.cells.iter().collect::<Vec<_>>().join("|")
        )
    });
    assert_eq!(keys.chain(rows).collect::<Vec<_>>(), expected, "{json}");
}

#[track_caller]
fn refused(json: &str, expected: &ImportError) {
    let found = read(json.as_bytes(), &Limits::STANDARD).map(|body| body.table.rows.len());
    assert_eq!(found.as_ref(), Err(expected), "{json}");
}

#[test]
fn the_three_forms_are_read() {
    check(r#"[["a", "b"], ["c"]]"#, &["1 a|b", "2 c"]);
    check(
        r#"[{"x": "a", "y": "b"}, {"z": "c", "x": "d"}]"#,
        &["x|y|z", "1 a|b", "2 d||c"],
    );
    check(r#"{"rows": [["a"]]}"#, &["1 a"]);
    check(
        "\u{feff}{\"rows\": [{\"x\": \"a\"}], \"more\": [1]}",
        &["x", "1 a"],
    );
}

#[test]
fn the_list_may_have_a_name() {
    let name = |json: &str| {
        let body = read(json.as_bytes(), &Limits::STANDARD).unwrap();
        body.list_name
    };
    assert_eq!(
        name(r#"{"list_name": "מאי", "rows": []}"#).as_deref(),
        Some("מאי")
    );
    assert_eq!(name(r#"{"list_name": null, "rows": []}"#), None);
    assert_eq!(name("[]"), None);
}

#[test]
fn numbers_are_written_as_people_write_them() {
    check(
        "[[501234567, 501234567.0, 5.01234567e8, -1, 1.5, true, null, 0]]",
        &["1 501234567|501234567|501234567|-1|1.5|true||0"],
    );
}

#[test]
fn blank_rows_are_counted_and_left_out() {
    check(r#"[[], ["a"], ["", null], {}, ["b"]]"#, &["2 a", "5 b"]);
}

#[test]
fn a_row_that_cannot_be_used_is_told_by_its_number() {
    let told =
        |json: &str| -> Vec<String> { table(json).errors.iter().map(RowError::english).collect() };
    assert_eq!(
        told(r#"[{"x": 1}, [1], {"x": {"y": 1}}]"#),
        [
            "Row 2: the row is not like the others",
            "Row 3: unsupported value in column x"
        ]
    );
    assert_eq!(told("[[1, [2]]]"), ["Row 1: unsupported value in column 2"]);
}

#[test]
fn what_is_not_rows_is_refused_with_its_field() {
    for json in [
        "{}",
        "7",
        r#""a""#,
        "[1]",
        "[null]",
        r#"{"rows": 7}"#,
        r#"{"rows": null}"#,
    ] {
        refused(json, &ImportError::BadField { field: "rows" });
    }
    let field = "list_name";
    refused(
        r#"{"list_name": 7, "rows": []}"#,
        &ImportError::BadField { field },
    );
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    refused("[[1],\n[}", &ImportError::BadJson { line: 2, column: 2 });
    refused("", &ImportError::BadJson { line: 1, column: 0 });
    refused("[] []", &ImportError::BadJson { line: 1, column: 4 });
    let deep = "[".repeat(100_000);
    assert!(matches!(
        read(deep.as_bytes(), &Limits::STANDARD),
        Err(ImportError::BadJson { .. })
    ));
}

#[test]
fn limits_hold_while_reading() {
    let limits = Limits {
        rows: 2,
        columns: 2,
        ..Limits::STANDARD
    };
    let read = |json: &str| read(json.as_bytes(), &limits).map(|body| body.table.rows.len());
    let too_large = |what| Err(ImportError::TooLarge { what, limit: 2 });
    assert_eq!(read("[[1, 2], [3, 4]]"), Ok(2));
    assert_eq!(read("[[1], {}, [2], {}, {}]"), Ok(2));
    // The first ten rows of lists may be no leads.
    let lists = |rows: usize| format!("[{}]", vec!["[1]"; rows].join(","));
    assert_eq!(read(&lists(12)), Ok(12));
    assert_eq!(read(&lists(13)), too_large(Limited::Rows));
    let objects = |rows: usize| format!("[{}]", vec!["{\"a\": 1}"; rows].join(","));
    assert_eq!(read(&objects(2)), Ok(2));
    assert_eq!(read(&objects(3)), too_large(Limited::Rows));
    assert_eq!(
        read(r#"[[1], {"a": 1}, {"b": 1}, {"c": 1}]"#),
        too_large(Limited::Rows)
    );
    assert_eq!(read("[[1, 2, 3]]"), too_large(Limited::Columns));
    assert_eq!(
        read(r#"[{"a": 1, "b": 2, "c": 3}]"#),
        too_large(Limited::Columns)
    );
    assert_eq!(
        read(r#"[{"a": 1, "b": 2}, {"c": 3}]"#),
        too_large(Limited::Columns)
    );
}
