//! Documents say what is so: the tests that they name exist, and every dependency has its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of each row of a document's tables, without their heads.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = document.lines().collect();
    let is_rule = |at: usize| lines.get(at).is_some_and(|line| line.starts_with("|---"));
    let bodies = lines.iter().enumerate();
    bodies
        .filter(|(at, _)| !is_rule(*at) && !is_rule(at + 1))
        .filter_map(|(_, line)| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect()
}

/// What is marked as code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The file of a test, by the name that documents use.
fn file_of(name: &str) -> PathBuf {
    let here = PathBuf::from(format!("tests/it/{name}.rs"));
    if root().join(&here).exists() {
        here
    } else {
        PathBuf::from(format!("{name}.rs"))
    }
}

/// Whether a file has a function of this name that is a test.
fn has_test(file: &str, name: &str) -> bool {
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    let is_it = |line: &str| line.contains(&format!("fn {name}()"));
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let mut found = lines.iter().enumerate().filter(|(_, line)| is_it(line));
    found.any(|(at, _)| {
        let attributes = lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#["));
        attributes.into_iter().any(is_test)
    })
}

/// How many tests and judges a text names. All of them have to exist.
#[track_caller]
fn proofs(text: &str) -> usize {
    let tests = code(text).filter_map(|name| name.split_once("::"));
    let mut count = 0;
    for (file, name) in tests {
        assert!(has_test(&read(file_of(file)), name), "{file}::{name}");
        count += 1;
    }
    for named in text.split("judge `").skip(1) {
        let name = named.split('`').next().expect("splitting gives one part");
        read(format!("tests/judges/{name}.py"));
        count += 1;
    }
    count
}

/// What a section of a manifest depends upon, but for ours.
fn dependencies(manifest: &str, section: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| line.trim() != section);
    let own = lines.skip(1).take_while(|line| !line.starts_with('['));
    own.filter(|line| !line.starts_with('#') && !line.contains("path = "))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = read("SECURITY.md");
    assert!(proofs(&page) > 50, "it names tests");
    let mut shown = BTreeSet::new();
    for row in rows(&page) {
        let item = row[0].split(' ').next().expect("splitting gives one part");
        let is_risk = item.starts_with("API") && item.len() > 3;
        let is_item = item.split('.').count() == 3;
        if is_risk || is_item {
            let last = row.last().expect("a row has cells");
            assert!(proofs(last) > 0, "{item} has a test that shows it");
            shown.insert(item.to_owned());
        }
    }
    let risks = (1..=10).map(|number| format!("API{number}"));
    let items = [
        "2.3.4", "2.4.1", "4.1.3", "4.1.5", "8.2.2", "8.4.1", "13.1.2", "13.2.2", "13.2.4",
        "14.2.7", "15.3.2", "15.4.2", "16.2.5", "16.5.3",
    ];
    let wanted: BTreeSet<String> = risks.chain(items.map(str::to_owned)).collect();
    assert_eq!(shown, wanted);
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let file = "#[test]\nfn a() {}\n\n#[tokio::test(start_paused = true)]\n\
                async fn b() {}\n\n/// Not `#[test]`.\nfn c() {}\n";
    assert!(has_test(file, "a") && has_test(file, "b"));
    for name in ["c", "d", ""] {
        assert!(!has_test(file, name), "{name}");
    }
    assert_eq!(
        rows("| a | b |\n|---|---|\n| c | d |\n\ne | f"),
        [["c", "d"]]
    );
}

#[test]
fn every_dependency_has_its_reason_and_its_user() {
    let manifest = read("Cargo.toml");
    let workspace = dependencies(&manifest, "[workspace.dependencies]");
    let fuzzers = dependencies(&read("tests/fuzz/Cargo.toml"), "[dependencies]");
    let all: BTreeSet<_> = workspace.union(&fuzzers).cloned().collect();
    assert!(all.len() > 40, "they are found: {all:?}");

    let page = read("docs/dependencies.md");
    let mut explained = BTreeSet::new();
    for row in rows(&page) {
        let name = row[0].trim_matches('`');
        assert!(row.len() == 2 && row[1].len() > 3, "{name} has a reason");
        assert!(explained.insert(name.to_owned()), "{name} is there once");
    }
    assert_eq!(explained, all);

    let members = manifest.lines().take_while(|line| *line != "]");
    let members = members.filter_map(|line| {
        let member = line.strip_prefix("    \"")?.strip_suffix("\",")?;
        Some(read(format!("{member}/Cargo.toml")))
    });
    let manifests: String = members.collect();
    for name in &workspace {
        let is_used = manifests.lines().any(|line| {
            let line = line.strip_prefix(name.as_str()).unwrap_or_default();
            line.starts_with(".workspace") || line.starts_with(" = ")
        });
        assert!(is_used, "{name} has a user");
    }
}
