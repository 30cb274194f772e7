//! What a business has set.

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_carrier::call_flow::{CallFlow, CallFlowWire};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_flows::business::{SetAnswer, Settings, set};
use ringfence_flows::ledger::States;
use ringfence_flows::world::Office;
use ringfence_ledger::{BusinessConfig, Change, Creation, Ledger};
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::secrets::random_business_id;
use ringfence_shell::times::{is_time_zone, rfc3339};
use serde::{Deserialize, Serialize};

/// As many slots as one state item serves well.
const LIMIT_MAX: u32 = 200;
/// The customer's limit where nobody says otherwise.
const LIMIT_DEFAULT: u32 = 3;
const NAME_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
struct Wish {
    name: Option<String>,
    phone_e164: Option<String>,
    limit: Option<u32>,
    region: Option<String>,
    time_zone: Option<String>,
    call_flow: Option<CallFlowWire>,
}

#[derive(Serialize)]
struct View {
    success: bool,
    business_id: String,
    name: String,
    phone_e164: Option<String>,
    limit: u32,
    region: String,
    time_zone: String,
    call_flow: CallFlowWire,
    created_at: String,
}

/// A wish that was checked.
struct Checked {
    name: Option<String>,
    phone: Option<PhoneNumber>,
    limit: Option<u32>,
    region: Option<String>,
    time_zone: Option<String>,
    call_flow: Option<CallFlow>,
}

impl Wish {
    fn check(self) -> Result<Checked, Failure> {
        let name = self.name.map(|name| name.trim().to_owned());
        let is_name = |name: &String| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        // The numbering plans are known by the capital letters of their regions.
        let is_region = |region: &String| region.parse::<phonenumber::country::Id>().is_ok();
        if !name.as_ref().is_none_or(is_name) {
            return Err(Failure::bad_field("name"));
        }
        if !self
            .limit
            .is_none_or(|limit| (1..=LIMIT_MAX).contains(&limit))
        {
            return Err(Failure::bad_field("limit"));
        }
        if !self.region.as_ref().is_none_or(is_region) {
            return Err(Failure::bad_field("region"));
        }
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
            region: self.region,
            time_zone: self.time_zone,
            call_flow: call_flow
                .map_err(|bad| Failure::bad_field(&format!("call_flow.{}", bad.field)))?,
        })
    }
}

/// A business to be made.
#[derive(Debug, Clone)]
pub struct NewBusiness {
    pub caller_id: Option<PhoneNumber>,
    pub limit: u32,
    pub config: BusinessConfig,
}

/// Makes a business under a fresh id.
///
/// # Errors
///
/// It could not be found out whether it was made, or the system has no randomness.
pub async fn found(ledger: &Ledger, new: &NewBusiness) -> anyhow::Result<BusinessId> {
    let business: BusinessId = random_business_id()?.parse()?;
    let mut state = State::new(new.limit);
    state.caller_ids.extend(new.caller_id.clone());
    match ledger
        .create_business(&business, &new.config, &state)
        .await?
    {
        Creation::Created => Ok(business),
        Creation::Exists => anyhow::bail!("business {business} exists already"),
    }
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
    if wish.limit.is_some() {
        Caller::of(request, Role::SystemAdmin)?;
    }
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let config = office.ledger().config(business).await.map_err(internal)?;
    let mut config = config.ok_or_else(Failure::not_found)?;
    let settings = Settings {
        limit: wish.limit,
        caller_id: wish.phone,
    };
    let state = match set(office, business, &settings).await.map_err(internal)? {
        SetAnswer::Set(state) => state,
        SetAnswer::NotFound => return Err(Failure::not_found()),
    };
    let unchanged = config.clone();
    config.name = wish.name.unwrap_or(config.name);
    config.region = wish.region.unwrap_or(config.region);
    config.time_zone = wish.time_zone.unwrap_or(config.time_zone);
    config.call_flow = wish
        .call_flow
        .map_or(config.call_flow, |flow| flow.to_json());
    if config != unchanged {
        match office
            .ledger()
            .put_config(business, &config)
            .await
            .map_err(internal)?
        {
            Change::Changed => {}
            Change::NoSuchBusiness => return Err(Failure::not_found()),
        }
    }
    view(business, &config, &state, StatusCode::OK).map_err(internal)
}

/// Makes a business.
pub(crate) async fn create(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    Caller::of(request, Role::SystemAdmin)?;
    let wish: Wish = body::json(request)?;
    let wish = wish.check()?;
    let name = wish.name.ok_or_else(|| Failure::bad_field("name"))?;
    let new = NewBusiness {
        caller_id: wish.phone,
        limit: wish.limit.unwrap_or(LIMIT_DEFAULT),
        config: BusinessConfig {
            name,
            region: wish.region.unwrap_or_else(|| "IL".to_owned()),
            time_zone: wish
                .time_zone
                .unwrap_or_else(|| "Asia/Jerusalem".to_owned()),
            call_flow: wish.call_flow.unwrap_or_else(default_flow).to_json(),
            created_at: office.now(),
        },
    };
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let business = found(office.ledger(), &new).await.map_err(internal)?;
    let mut state = State::new(new.limit);
    state.caller_ids.extend(new.caller_id);
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
        created_at: rfc3339(config.created_at),
    };
    Ok(json(status, &view))
}
