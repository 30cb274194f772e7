//! What a new business is given where nobody says otherwise.

use ringfence_core::caps::Country;
use ringfence_shell::config::{BadConfig, Lookup};
use ringfence_shell::times::is_time_zone;

use crate::settings::{LIMIT_MAX, country};

/// What whoever runs the stack has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub limit: u32,
    /// Whose numbers need no country code, and where alone it may call.
    pub region: Country,
    pub time_zone: String,
}

impl Defaults {
    /// Reads `DEFAULT_LIMIT`, `DEFAULT_REGION` and `DEFAULT_TIME_ZONE`: 3, IL and Asia/Jerusalem.
    ///
    /// # Errors
    ///
    /// Names what is bad.
    pub fn from_env(lookup: Lookup<'_>) -> Result<Self, BadConfig> {
        let read = |name: &str, default: &str| {
            let set = lookup(name).filter(|text| !text.trim().is_empty());
            set.unwrap_or_else(|| default.to_owned())
        };
        let limit = read("DEFAULT_LIMIT", "3").parse().ok();
        let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
        let region = country(&read("DEFAULT_REGION", "IL"));
        let time_zone = Some(read("DEFAULT_TIME_ZONE", "Asia/Jerusalem"));
        let time_zone = time_zone.filter(|zone| is_time_zone(zone));
        if let (Some(limit), Some(region), Some(time_zone)) = (limit, region, &time_zone) {
            return Ok(Self {
                limit,
                region,
                time_zone: time_zone.clone(),
            });
        }
        let problems = [
            (
                limit.is_none(),
                format!("DEFAULT_LIMIT must be 1 to {LIMIT_MAX}"),
            ),
            (
                region.is_none(),
                "DEFAULT_REGION must be a region, such as IL".to_owned(),
            ),
            (
                time_zone.is_none(),
                "DEFAULT_TIME_ZONE must be an IANA name, such as Asia/Jerusalem".to_owned(),
            ),
        ];
        let bad = problems.into_iter().filter(|(is_bad, _)| *is_bad);
        Err(BadConfig(bad.map(|(_, problem)| problem).collect()))
    }

    /// Those of a stack that says nothing.
    ///
    /// # Panics
    ///
    /// Never: they are good.
    pub fn standard() -> Self {
        Self::from_env(&|_| None).expect("the defaults of the defaults are good")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_holds_and_the_rest_is_standard() {
        let us = |name: &str| (name == "DEFAULT_REGION").then(|| "US".to_owned());
        let expected = Defaults {
            region: "US".parse().unwrap(),
            ..Defaults::standard()
        };
        assert_eq!(Defaults::from_env(&us).unwrap(), expected);
        assert_eq!(
            Defaults::from_env(&|_| Some(" ".to_owned())).unwrap(),
            Defaults::standard()
        );
    }

    #[test]
    fn everything_that_is_bad_is_named_at_once() {
        for bad in ["0", "201", "ZZ", "Mars/Olympus"] {
            let BadConfig(problems) = Defaults::from_env(&|_| Some(bad.to_owned())).unwrap_err();
            assert_eq!(problems.len(), 3, "{bad}");
        }
    }
}
