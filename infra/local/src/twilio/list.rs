//! Twilio's list of calls: filters and pages, newest first.

use jiff::Zoned;
use jiff::civil::Date;
use ringfence_core::call::CallStatus;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::View;
use super::request::value;
use super::resource;
use super::world::World;

const PAGE_SIZE_DEFAULT: u32 = 50;
const PAGE_SIZE_MAX: u32 = 1_000;

/// Answers one page of the list as it was at `moment`; `Err` is Twilio's error code.
pub(super) fn page(
    world: &World,
    query: &[(String, String)],
    moment: Instant,
) -> Result<Value, u32> {
    let number = |name: &str, default: u32| match value(query, name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| 20001_u32),
    };
    let page_size = number("PageSize", PAGE_SIZE_DEFAULT)?.clamp(1, PAGE_SIZE_MAX) as usize;
    let page = number("Page", 0)? as usize;
    let filter = Filter::read(query)?;
    let before = match value(query, "PageToken") {
        // The page goes on below the last call of the one before it, so that calls made
        // in the meantime move nothing.
        Some(token) => {
            let sid = token.strip_prefix("PA").ok_or(20001_u32)?;
            world.serial(sid).ok_or(20001_u32)?
        }
        None => u64::MAX,
    };
    let skip = if before == u64::MAX {
        page.saturating_mul(page_size)
    } else {
        0
    };

    let newest_first = world.calls.range(..before).rev();
    let mut views = newest_first
        .filter_map(|(_, call)| call.view_at(moment))
        .filter(|view| filter.matches(view))
        .skip(skip);
    let found: Vec<View<'_>> = views.by_ref().take(page_size).collect();
    let has_more = views.next().is_some();

    let settings = &world.settings;
    let base = format!("/2010-04-01/Accounts/{}/Calls.json", settings.account_sid);
    let uri_of = |page: usize, token: Option<&str>| {
        let kept = query
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        let mut uri = form_urlencoded::Serializer::new(String::new());
        uri.extend_pairs(kept);
        uri.append_pair("PageSize", &page_size.to_string());
        uri.append_pair("Page", &page.to_string());
        if let Some(token) = token {
            uri.append_pair("PageToken", token);
        }
        format!("{base}?{}", uri.finish())
    };
    let next_token = match found.last() {
        Some(last) if has_more => Some(format!("PA{}", last.call.sid)),
        Some(_) | None => None,
    };
    let start = page.saturating_mul(page_size);
    Ok(json!({
        "calls": found.iter().map(|view| resource::call(settings, view)).collect::<Vec<_>>(),
        "page": page,
        "page_size": page_size,
        "start": start,
        "end": (start + found.len()).saturating_sub(1),
        "uri": uri_of(page, value(query, "PageToken")),
        "first_page_uri": uri_of(0, None),
        "previous_page_uri": page.checked_sub(1).map(|page| uri_of(page, None)),
        "next_page_uri": next_token.map(|token| uri_of(page + 1, Some(&token))),
    }))
}

/// The conditions that every listed call fulfils.
struct Filter<'a> {
    to: Option<&'a str>,
    from: Option<&'a str>,
    status: Option<&'a str>,
    start: Vec<(Bound, Moment)>,
    end: Vec<(Bound, Moment)>,
}

#[derive(Clone, Copy)]
enum Bound {
    On,
    UpTo,
    From,
}

enum Moment {
    Day(Date),
    Instant(jiff::Timestamp),
}

impl<'a> Filter<'a> {
    fn read(query: &'a [(String, String)]) -> Result<Self, u32> {
        Ok(Self {
            to: value(query, "To"),
            from: value(query, "From"),
            status: value(query, "Status"),
            start: bounds(query, "StartTime")?,
            end: bounds(query, "EndTime")?,
        })
    }

    fn matches(&self, view: &View<'_>) -> bool {
        let order = &view.call.order;
        // A call that is not dialled yet has no start time, so any filter on it leaves it out.
        let start = view
            .reached(CallStatus::Initiated)
            .map(|mark| resource::zoned(mark.at));
        let end = view.ended().map(|mark| resource::zoned(mark.at));
        self.to.is_none_or(|to| to == order.to.expose())
            && self.from.is_none_or(|from| from == order.from.expose())
            && self
                .status
                .is_none_or(|status| status == view.rest_status().as_str())
            && are_met(&self.start, start.as_ref())
            && are_met(&self.end, end.as_ref())
    }
}

fn bounds(query: &[(String, String)], name: &str) -> Result<Vec<(Bound, Moment)>, u32> {
    let mut bounds = Vec::new();
    for (suffix, bound) in [("", Bound::On), ("<", Bound::UpTo), (">", Bound::From)] {
        if let Some(text) = value(query, &format!("{name}{suffix}")) {
            let instant = text.parse().map(Moment::Instant);
            let day = || text.parse().map(Moment::Day);
            bounds.push((bound, instant.or_else(|_| day()).map_err(|_| 20001_u32)?));
        }
    }
    Ok(bounds)
}

/// A day alone stands for its midnight, except that being on it means all of it.
fn are_met(bounds: &[(Bound, Moment)], at: Option<&Zoned>) -> bool {
    bounds.iter().all(|(bound, moment)| {
        let Some(at) = at else { return false };
        let order = match moment {
            Moment::Day(day) => at.datetime().cmp(&day.at(0, 0, 0, 0)),
            Moment::Instant(instant) => at.timestamp().cmp(instant),
        };
        match (bound, moment) {
            (Bound::On, Moment::Day(day)) => at.date() == *day,
            (Bound::On, Moment::Instant(_)) => order.is_eq(),
            (Bound::UpTo, _) => order.is_le(),
            (Bound::From, _) => order.is_ge(),
        }
    })
}
