//! The list of calls.

use super::*;

/// Calls to +972501230000, ...1 and so on, a minute apart, all over after 12 seconds.
async fn calls(desk: &Desk, count: u32) -> Vec<String> {
    let mut sids = Vec::new();
    for nth in 0..count {
        let to = format!("+97250123{nth:04}");
        sids.push(desk.create(&format!("c={nth}"), &[("To", &to)]).await.sid());
        pass(60.0).await;
    }
    sids
}

async fn list(desk: &Desk, query: &str) -> Value {
    let reply = desk.ask("GET", &format!("/Calls.json?{query}"), "").await;
    assert_eq!(reply.status, 200, "{query}");
    reply.body
}

fn sids(page: &Value) -> Vec<String> {
    let calls = page["calls"].as_array().unwrap();
    calls
        .iter()
        .map(|call| call["sid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn filters_are_all_met() {
    let desk = Desk::calm();
    let made = calls(&desk, 3).await;
    desk.twilio.script(number(TO), Script::stays_queued());
    let queued = desk.create("c=q", &[]).await.sid();

    let check = async |query: &str, expected: &[&String]| {
        let found = sids(&list(&desk, query).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    };
    check("", &[&queued, &made[2], &made[1], &made[0]]).await;
    check("To=%2B972501230001", &[&made[1]]).await;
    check("To=%2B972501230001&From=%2B15550001111", &[]).await;
    check("Status=queued", &[&queued]).await;
    check("Status=completed&To=%2B972501230002", &[&made[2]]).await;
    // A call in the queue has no start time.
    check("StartTime=2019-10-18", &[&made[2], &made[1], &made[0]]).await;
    check("StartTime%3C=2019-10-18", &[]).await;
    check("StartTime%3E=2019-10-18T17:01:00Z", &[&made[2], &made[1]]).await;
    check("EndTime%3C=2019-10-18T17:01:12Z", &[&made[1], &made[0]]).await;
    let bad = desk.ask("GET", "/Calls.json?StartTime=yesterday", "").await;
    assert_eq!(bad.status, 400);
}

#[tokio::test(start_paused = true)]
async fn pages_join_without_gap_or_repetition_while_calls_are_made() {
    let desk = Desk::calm();
    let mut made = calls(&desk, 5).await;
    made.reverse();
    assert_eq!(sids(&list(&desk, "PageSize=2&Page=1").await), made[2..4]);
    let mut page = list(&desk, "PageSize=2&From=%2B97231234567").await;
    let mut found = sids(&page);
    desk.create("c=new", &[]).await.sid();
    while let Some(next) = page["next_page_uri"].as_str() {
        let path = next.strip_prefix("/2010-04-01/Accounts/").unwrap();
        page = desk
            .ask("GET", path.strip_prefix(ACCOUNT).unwrap(), "")
            .await
            .body;
        found.extend(sids(&page));
        assert!(found.len() <= 5, "the list does not end");
    }
    assert_eq!(found, made);
    assert_eq!((&page["page"], &page["page_size"]), (&2.into(), &2.into()));
}
