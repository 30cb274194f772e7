//! Reads as much of a template's YAML as its tests ask for: keys, values and lines, by
//! how far they are indented.

/// A part of a template: lines that belong together, without comments.
#[derive(Clone, Copy)]
pub(crate) struct Outline<'a> {
    lines: &'a [Line<'a>],
}

/// A line, and how far it is indented.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    indent: usize,
    text: &'a str,
}

/// The lines of a template that are neither blank nor comments.
pub(crate) fn lines(template: &str) -> Vec<Line<'_>> {
    let line = |line| {
        let text = str::trim(line);
        let indent = line.len() - line.trim_start().len();
        (!text.is_empty() && !text.starts_with('#')).then_some(Line { indent, text })
    };
    template.lines().filter_map(line).collect()
}

impl<'a> Outline<'a> {
    /// All of a template.
    pub(crate) fn of(lines: &'a [Line<'a>]) -> Self {
        Self { lines }
    }

    /// What stands under these keys, one inside the other; nothing if they are not there.
    pub(crate) fn at(self, path: &[&str]) -> Self {
        path.iter().fold(self, |outline, wanted| {
            let found = outline.entries().find(|(key, _, _)| key == wanted);
            found.map_or(Self { lines: &[] }, |(_, _, inside)| inside)
        })
    }

    /// The value of the last of these keys.
    #[track_caller]
    pub(crate) fn value(self, path: &[&str]) -> &'a str {
        let (last, before) = path.split_last().expect("a path has a key");
        let mut entries = self.at(before).entries();
        let found = entries.find(|(key, _, _)| key == last);
        let (_, value, _) = found.unwrap_or_else(|| panic!("the template has no {path:?}"));
        value.trim_matches('\'')
    }

    /// The number at the end of this path.
    #[track_caller]
    pub(crate) fn number(self, path: &[&str]) -> u64 {
        let value = self.value(path);
        let number = value.parse();
        number.unwrap_or_else(|_| panic!("{path:?} in the template is no number: {value}"))
    }

    /// Each key, its value if that stands on the same line, and what stands under it.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a str, &'a str, Self)> {
        let own = self.lines.first().map_or(0, |line| line.indent);
        let starts = self.lines.iter().enumerate();
        let starts = starts.filter(move |(_, line)| line.indent == own);
        starts.filter_map(move |(start, line)| {
            let (key, value) = match line.text.split_once(": ") {
                Some((key, value)) => (key, value),
                None => (line.text.strip_suffix(':')?, ""),
            };
            let rest = &self.lines[start + 1..];
            let inside = rest.iter().take_while(|line| line.indent > own).count();
            Some((
                key,
                value,
                Self {
                    lines: &rest[..inside],
                },
            ))
        })
    }

    /// The lines as they stand, without their indentation.
    pub(crate) fn texts(self) -> Vec<&'a str> {
        self.lines.iter().map(|line| line.text).collect()
    }
}

#[test]
fn keys_values_and_lists_are_told_apart() {
    let text = "A:\n  # no\n  B: 1\n  C:\n    - x\n    - {d: e}\nF:\n  B: '2'\n";
    let lines = lines(text);
    let outline = Outline::of(&lines);
    assert_eq!(outline.number(&["A", "B"]), 1);
    assert_eq!(outline.number(&["F", "B"]), 2);
    assert_eq!(outline.at(&["A", "C"]).texts(), ["- x", "- {d: e}"]);
    assert!(outline.at(&["A", "G"]).texts().is_empty());
    let keys: Vec<_> = outline.entries().map(|(key, _, _)| key).collect();
    assert_eq!(keys, ["A", "F"]);
}
