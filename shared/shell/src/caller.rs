//! Who is calling: known from the authorizer's context alone.
//!
//! Here, and nowhere else behind the API, does a request's text become a [`BusinessId`],
//! without which the ledger can neither be read nor written.

use http::StatusCode;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use ringfence_core::ids::BusinessId;

use crate::reply::Failure;
use crate::texts::Text;

/// What a key may do. Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Starts, watches and stops calls.
    Agent,
    /// Also imports leads and manages the business.
    Admin,
    /// Also creates businesses and sets their limits; names the business it speaks for.
    SystemAdmin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Admin, Self::SystemAdmin];

    /// The word stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::SystemAdmin => "system_admin",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Somebody with a valid key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    /// The id of the key, for the records.
    pub key_id: String,
    /// Absent for a `system_admin` who named none.
    business: Option<BusinessId>,
}

/// The names in the authorizer's context.
pub const ROLE: &str = "role";
pub const BUSINESS: &str = "business";
pub const KEY_ID: &str = "key_id";
/// The header in which a `system_admin` names the business.
pub const BUSINESS_HEADER: &str = "x-business-id";

impl Caller {
    /// Reads the caller from what the authorizer has passed on.
    ///
    /// # Errors
    ///
    /// 401 without a valid key, 403 when its role is below `least`.
    pub fn of(request: &Request, least: Role) -> Result<Self, Failure> {
        let context = request.request_context_ref();
        let Some(RequestContext::ApiGatewayV2(context)) = context else {
            return Err(Failure::unauthorized());
        };
        let fields = context
            .authorizer
            .as_ref()
            .map(|authorizer| &authorizer.fields);
        let text = |name: &str| fields?.get(name)?.as_str().map(str::to_owned);
        let role = text(ROLE).and_then(|word| Role::parse(&word));
        let (Some(role), Some(key_id)) = (role, text(KEY_ID)) else {
            return Err(Failure::unauthorized());
        };
        if role < least {
            return Err(Failure::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                Text::Forbidden,
            ));
        }
        let own = text(BUSINESS).and_then(|id| id.parse().ok());
        let named = request
            .headers()
            .get(BUSINESS_HEADER)
            .and_then(|id| id.to_str().ok());
        let business = match role {
            Role::SystemAdmin => named.and_then(|id| id.parse().ok()),
            Role::Agent | Role::Admin => own,
        };
        Ok(Self {
            role,
            key_id,
            business,
        })
    }

    /// The business that the caller speaks for.
    ///
    /// # Errors
    ///
    /// 400 when a `system_admin` names none.
    pub fn business(&self) -> Result<&BusinessId, Failure> {
        self.business
            .as_ref()
            .ok_or_else(|| Failure::bad_field(BUSINESS_HEADER))
    }

    /// The business of this id, as far as the caller may reach it: any for a
    /// `system_admin`, the own one for the others.
    ///
    /// # Errors
    ///
    /// 404 for another one, exactly as if it did not exist.
    pub fn business_of(&self, id: &str) -> Result<BusinessId, Failure> {
        let named = id.parse().map_err(|_| Failure::not_found())?;
        if self.role == Role::SystemAdmin || self.business()? == &named {
            Ok(named)
        } else {
            Err(Failure::not_found())
        }
    }
}

/// What the platform calls this request, for logs and for people who report a problem.
pub fn request_id(request: &Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.request_id.clone().unwrap_or_default()
        }
        Some(_) | None => String::new(),
    }
}
