//! What a business has set.

use std::collections::BTreeSet;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_carrier::call_flow::{CallFlow, CallFlowWire};
use ringfence_core::caps::{Caps, Country, Destinations};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_flows::business::{NewZone, SetAnswer, Settings, set};
use ringfence_flows::ledger::States;
use ringfence_flows::world::Office;
use ringfence_ledger::{BusinessConfig, ConfigChange, ConfigChanged, Creation, Ledger};
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::secrets::random_business_id;
use ringfence_shell::texts::Text;
use ringfence_shell::times::{is_time_zone, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caps::{CapsView, CapsWish, by_name};
use crate::defaults::Defaults;
use crate::describe;

/// As many slots as one state item serves well.
pub(crate) const LIMIT_MAX: u32 = 200;
const NAME_CHARS_MAX: usize = 200;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Wish {
    #[schemars(length(min = 1, max = NAME_CHARS_MAX), regex(pattern = r"\S"))]
    name: Option<String>,
    #[schemars(regex(pattern = r"^\+[1-9][0-9]{6,14}$"))]
    phone_e164: Option<String>,
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<u32>,
    /// Whose numbers need no country code.
    #[schemars(transform = describe::region)]
    region: Option<String>,
    #[schemars(transform = describe::time_zone)]
    time_zone: Option<String>,
    /// In force two minutes later: so long a call may have the one before.
    call_flow: Option<CallFlowWire>,
    /// Where it may call.
    #[schemars(length(min = 1), transform = describe::regions)]
    destinations: Option<Vec<String>>,
    #[serde(default, deserialize_with = "by_name")]
    caps: Option<CapsWish>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct View {
    success: bool,
    business_id: String,
    name: String,
    phone_e164: Option<String>,
    limit: u32,
    region: String,
    time_zone: String,
    call_flow: CallFlowWire,
    destinations: Vec<String>,
    caps: CapsView,
    created_at: String,
}

/// A wish that was checked.
struct Checked {
    name: Option<String>,
    phone: Option<PhoneNumber>,
    limit: Option<u32>,
    region: Option<Country>,
    time_zone: Option<String>,
    call_flow: Option<CallFlow>,
    destinations: Option<Destinations>,
    caps: Option<CapsWish>,
}

/// A country whose numbering plan is known, by its two capital letters.
pub(crate) fn country(word: &str) -> Option<Country> {
    let known = word.parse::<phonenumber::country::Id>().ok();
    known.and_then(|_| word.parse().ok())
}

/// Reads the countries that a business may call, each once.
fn destinations(words: &[String]) -> Result<Destinations, Failure> {
    let countries = words.iter().enumerate().map(|(place, word)| {
        country(word).ok_or_else(|| Failure::bad_field(&format!("destinations[{place}]")))
    });
    let countries: BTreeSet<Country> = countries.collect::<Result<_, _>>()?;
    if countries.is_empty() {
        return Err(Failure::bad_field("destinations"));
    }
    Ok(Destinations::Only(countries.into_iter().collect()))
}

impl Wish {
    fn check(self) -> Result<Checked, Failure> {
        let name = self.name.map(|name| name.trim().to_owned());
        let is_name = |name: &String| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        let bad_region = || Failure::bad_field("region");
        let region = |word: String| country(&word).ok_or_else(bad_region);
        if !name.as_ref().is_none_or(is_name) {
            return Err(Failure::bad_field("name"));
        }
        if !self
            .limit
            .is_none_or(|limit| (1..=LIMIT_MAX).contains(&limit))
        {
            return Err(Failure::bad_field("limit"));
        }
        let region = self.region.map(region).transpose()?;
        if !self
            .time_zone
            .as_ref()
            .is_none_or(|zone| is_time_zone(zone))
        {
            return Err(Failure::bad_field("time_zone"));
        }
        let phone = self.phone_e164.map(|number| number.parse()).transpose();
        let call_flow = self.call_flow.map(CallFlow::try_from).transpose();
        Ok(Checked {
            name,
            phone: phone.map_err(|_| Failure::bad_field("phone_e164"))?,
            limit: self.limit,
            region,
            time_zone: self.time_zone,
            call_flow: call_flow
                .map_err(|bad| Failure::bad_field(&format!("call_flow.{}", bad.field)))?,
            destinations: self.destinations.as_deref().map(destinations).transpose()?,
            caps: self.caps.map(CapsWish::check).transpose()?,
        })
    }
}

/// A business to be made.
#[derive(Debug, Clone)]
pub struct NewBusiness {
    pub caller_id: Option<PhoneNumber>,
    pub limit: u32,
    /// Where it may call; its region only, unless said otherwise.
    pub destinations: Option<Destinations>,
    pub caps: Caps,
    pub config: BusinessConfig,
}

impl NewBusiness {
    /// Its state before it has called anybody.
    fn state(&self) -> anyhow::Result<State> {
        let mut state = State::new(self.limit);
        state.caller_ids.extend(self.caller_id.clone());
        state.caps = self.caps.clone();
        state.destinations = match &self.destinations {
            Some(destinations) => destinations.clone(),
            None => Destinations::Region(self.config.region.parse()?),
        };
        Ok(state)
    }
}

/// Makes a business under a fresh id.
///
/// # Errors
///
/// It could not be found out whether it was made, or the system has no randomness.
pub async fn found(ledger: &Ledger, new: &NewBusiness) -> anyhow::Result<BusinessId> {
    let business: BusinessId = random_business_id()?.parse()?;
    match found_as(ledger, &business, new).await? {
        Creation::Created => Ok(business),
        Creation::Exists => anyhow::bail!("business {business} exists already"),
    }
}

/// Makes a business under an id of the caller's choice.
///
/// # Errors
///
/// It could not be found out whether it was made.
pub async fn found_as(
    ledger: &Ledger,
    business: &BusinessId,
    new: &NewBusiness,
) -> anyhow::Result<Creation> {
    let state = new.state()?;
    ledger.create_business(business, &new.config, &state).await
}

/// Shows what a business has set.
pub(crate) async fn show(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::Admin)?;
    let business = caller.business()?;
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let config = office.ledger().config(business).await.map_err(internal)?;
    let stored = office.ledger().load(business).await.map_err(internal)?;
    let (Some(config), Some(stored)) = (config, stored) else {
        return Err(Failure::not_found());
    };
    view(business, &config, &stored.state, StatusCode::OK).map_err(internal)
}

/// Changes what a business has set: the state first, because it decides.
pub(crate) async fn change(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::Admin)?;
    let business = caller.business()?;
    let wish: Wish = body::json(request)?;
    let wish = wish.check()?;
    let is_for_the_system =
        wish.limit.is_some() || wish.destinations.is_some() || wish.caps.is_some();
    if is_for_the_system {
        Caller::of(request, Role::SystemAdmin)?;
    }
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let config = office.ledger().config(business).await.map_err(internal)?;
    let mut config = config.ok_or_else(Failure::not_found)?;
    let time_zone = wish.time_zone.as_ref().unwrap_or(&config.time_zone);
    let new_zone = match caller.role {
        Role::Agent | Role::Admin => NewZone::UnlessCapped,
        Role::SystemAdmin => NewZone::Anyway,
    };
    let settings = Settings {
        limit: wish.limit,
        caller_id: wish.phone,
        // With the region goes where a business may call, which costs. An admin says only how
        // its numbers are read.
        region: wish.region.filter(|_| caller.role == Role::SystemAdmin),
        destinations: wish.destinations,
        caps: wish.caps.map(|caps| caps.in_zone(time_zone)),
        time_zone: wish.time_zone.clone().map(new_zone),
    };
    let state = match set(office, business, &settings).await.map_err(internal)? {
        SetAnswer::Set(state) => state,
        SetAnswer::ZoneIsCapped => {
            let (status, text) = (StatusCode::FORBIDDEN, Text::ZoneIsCapped);
            return Err(Failure::new(status, "forbidden", text));
        }
        SetAnswer::NotFound => return Err(Failure::not_found()),
    };
    let change = ConfigChange {
        name: wish.name,
        region: wish.region.map(|region| region.to_string()),
        time_zone: wish.time_zone,
        call_flow: wish.call_flow.map(|flow| flow.to_json()),
    };
    if change != ConfigChange::default() {
        let changed = office.ledger().change_config(business, &change).await;
        config = match changed.map_err(internal)? {
            ConfigChanged::To(config) => config,
            ConfigChanged::NoSuchBusiness => return Err(Failure::not_found()),
        };
    }
    view(business, &config, &state, StatusCode::OK).map_err(internal)
}

/// Makes a business.
pub(crate) async fn create(
    office: &impl Office<Ledger = Ledger>,
    defaults: &Defaults,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    Caller::of(request, Role::SystemAdmin)?;
    let wish: Wish = body::json(request)?;
    let wish = wish.check()?;
    let name = wish.name.ok_or_else(|| Failure::bad_field("name"))?;
    let time_zone = wish.time_zone.unwrap_or_else(|| defaults.time_zone.clone());
    let caps = wish.caps.map(|caps| caps.in_zone(&time_zone));
    let region = wish.region.unwrap_or(defaults.region);
    let new = NewBusiness {
        caller_id: wish.phone,
        limit: wish.limit.unwrap_or(defaults.limit),
        destinations: wish.destinations,
        caps: Caps::WIDEST.changed(caps.unwrap_or_default()),
        config: BusinessConfig {
            name,
            region: region.to_string(),
            time_zone,
            call_flow: wish.call_flow.unwrap_or_else(default_flow).to_json(),
            created_at: office.now(),
        },
    };
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let business = found(office.ledger(), &new).await.map_err(internal)?;
    let state = new.state().map_err(internal)?;
    view(&business, &new.config, &state, StatusCode::CREATED).map_err(internal)
}

/// What is said where nobody has configured anything.
pub fn default_flow() -> CallFlow {
    CallFlow::Say {
        text: "שלום {{name}}".to_owned(),
        language: "he-IL".to_owned(),
        voice: None,
    }
}

fn view(
    business: &BusinessId,
    config: &BusinessConfig,
    state: &State,
    status: StatusCode,
) -> anyhow::Result<Response<Body>> {
    let flow = CallFlow::parse(&config.call_flow)?;
    let view = View {
        success: true,
        business_id: business.to_string(),
        name: config.name.clone(),
        phone_e164: state.caller_id().map(|number| number.expose().to_owned()),
        limit: state.limit,
        region: config.region.clone(),
        time_zone: config.time_zone.clone(),
        call_flow: CallFlowWire::from(&flow),
        destinations: match &state.destinations {
            Destinations::Any => Vec::new(),
            Destinations::Region(region) => vec![region.to_string()],
            Destinations::Only(countries) => countries.iter().map(Country::to_string).collect(),
        },
        caps: CapsView::of(&state.caps),
        created_at: rfc3339(config.created_at),
    };
    Ok(json(status, &view))
}
