//! Faults in the simulated store: what `shared/ledger` would do if it had them.

use super::{Edit, edit};

const WRITE: &str = "tests/simulate/src/ledger/write.rs";
const PORTS: &str = "tests/simulate/src/ledger/ports.rs";
const BATCH: &str = "tests/simulate/src/ledger/batch.rs";

pub(super) const EDITS: &[Edit] = &[
    edit(
        WRITE,
        "        if by == self.stamp || self.claimed.iter().any(has_ours) {",
        r#"        let is_ours = by == self.stamp || self.claimed.iter().any(has_ours);
        if is_ours && !ringfence_core::planted::is("own-write-lost") {"#,
    ),
    edit(
        WRITE,
        "        if run.is_some() && refusal.run == Some(self.stamp) {",
        r#"        let is_any = ringfence_core::planted::is("others-run") && refusal.run.is_some();
        if run.is_some() && (is_any || refusal.run == Some(self.stamp)) {"#,
    ),
    edit(
        WRITE,
        "        let room = if added == 0 {",
        "        let room = if added == 0 || ringfence_core::planted::is_unguarded() {",
    ),
    edit(
        WRITE,
        "let is_state_refused = shelf.stored.rev != self.from_rev ||",
        r#"let is_other = shelf.stored.rev != self.from_rev && !ringfence_core::planted::is("any-rev");
        let is_state_refused = is_other ||"#,
    ),
    edit(
        WRITE,
        "            (used.at >= oldest_good(start.now)).then(|| used.clone())",
        r#"            let is_known = used.at >= oldest_good(start.now)
                || ringfence_core::planted::is("key-expired-kept");
            is_known.then(|| used.clone())"#,
    ),
    edit(
        WRITE,
        "        shelf.of_next.push(self.of_next.or(kept));",
        r#"        let kept = kept.filter(|_| !ringfence_core::planted::is("unknown-dropped"));
        shelf.of_next.push(self.of_next.or(kept));"#,
    ),
    edit(
        PORTS,
        "            write.of_next = Some(read.unwrap_or(0) + 1);",
        r#"            let read = read.filter(|_| !ringfence_core::planted::is("unread-extra"));
            write.of_next = Some(read.unwrap_or(0) + 1);"#,
    ),
    edit(
        BATCH,
        "            if left.is_empty() {",
        r#"            let is_taken = match batch {
                Batch::Read => ringfence_core::planted::is("left-over-read"),
                Batch::Write => ringfence_core::planted::is("left-over-written"),
            };
            if left.is_empty() || is_taken {"#,
    ),
    edit(
        "tests/simulate/src/ledger/pages.rs",
        "        (position / leads, (position % leads) as usize)",
        r#"        if ringfence_core::planted::is("page-edge") && position % leads == leads - 1 {
            return (position / leads + 1, 0);
        }
        (position / leads, (position % leads) as usize)"#,
    ),
    edit(
        PORTS,
        "            let is_last = page.len() < most;",
        r#"            let is_last = page.len() < most || ringfence_core::planted::is("one-page");"#,
    ),
    edit(
        WRITE,
        "    now.before(KEY_LIFE)\n",
        r#"    if ringfence_core::planted::is("key-for-ever") {
        return now.before(100 * KEY_LIFE);
    }
    if ringfence_core::planted::is("key-for-hours") {
        return now.before(KEY_LIFE / 2);
    }
    now.before(KEY_LIFE)
"#,
    ),
    edit(
        WRITE,
        "        shelf.leases = self.leases;",
        r#"        if !ringfence_core::planted::is("count-unwritten") {
            shelf.leases = self.leases;
        }"#,
    ),
];
