//! Cleans what spreadsheets and right-to-left editors leave in a cell.
//!
//! Nothing here can fail, and nothing here makes a text longer.

/// Reads well and stores well: no control or direction marks, no blank edges.
///
/// Line breaks inside stay, as `\n`.
pub(crate) fn clean(cell: &str) -> String {
    let kept: String = cell
        .chars()
        .filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c)))
        .collect();
    kept.trim().to_owned()
}

/// As [`clean`], on one line with single spaces.
pub(crate) fn clean_line(cell: &str) -> String {
    let spaced: String = cell
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !(c.is_control() || is_invisible(c)))
        .collect();
    spaced
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a cell holds nothing that a person could see.
pub(crate) fn is_blank(cell: &str) -> bool {
    cell.chars()
        .all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Marks that have no width and no meaning outside their editor.
///
/// The joiners U+200C and U+200D are not among them: they belong to words and emoji.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_marks_and_edges_go_and_line_breaks_stay() {
        assert_eq!(clean("\u{200f} דן\r\nכהן\u{202c}\u{a0}"), "דן\nכהן");
        assert_eq!(clean_line("\u{200f} דן\r\n\tכהן\u{a0}"), "דן כהן");
    }

    #[test]
    fn marks_alone_are_blank() {
        assert!(is_blank("\u{feff}\u{200f} \u{a0}\t"));
        assert!(!is_blank("0"));
    }
}
