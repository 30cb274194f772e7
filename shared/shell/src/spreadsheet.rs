//! Text that no spreadsheet computes, in whatever way it splits a file into cells.

/// What begins a formula, wide forms included: some spreadsheets read them as the plain ones.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A cell in which no formula begins: where one would, an apostrophe stands before it.
///
/// Where lists are separated by semicolons, or a program asks for several separators at once,
/// another cell begins within this one, and quotation marks do not hold it together.
///
/// <https://owasp.org/www-community/attacks/CSV_Injection>
pub fn harmless(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len() + 1);
    let mut begins = true;
    for c in cell.chars() {
        if begins && FORMULA.contains(&c) {
            text.push('\'');
        }
        let separates = matches!(c, ';' | '\t' | '\r' | '\n');
        begins = separates || (begins && matches!(c, ' ' | '"' | '\''));
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cell: &str, expected: &str) {
        assert_eq!(harmless(cell), expected);
    }

    #[test]
    fn no_cell_starts_a_formula() {
        check("=1+1", "'=1+1");
        check("+972501234567", "'+972501234567");
        check("-1", "'-1");
        check("@x", "'@x");
        check("\t=1", "'\t'=1");
        check("\r=1", "'\r'=1");
        check("＝1", "'＝1");
        check(" \"=1", " \"'=1");
    }

    #[test]
    fn nor_does_a_part_of_it() {
        check("a;=1+1", "a;'=1+1");
        check("a\";\"=1+1", "a\";\"'=1+1");
        check("a\n-1", "a\n'-1");
        check("a\t@x;+1", "a\t'@x;'+1");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for cell in ["", "דנה", "a=1", "a - b", "\"a\", b", "it's; here", "1-2"] {
            check(cell, cell);
        }
    }
}
