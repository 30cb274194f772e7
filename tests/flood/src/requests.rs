//! Makes requests: half of what a part needs is right, and the rest is what strangers send.

mod callbacks;
mod files;

use bytes::Bytes;
use fastrand::Rng;
use http::request::Builder;
use http::{Request, Response};
use ringfence_carrier::settings::Secret;
use ringfence_local::gateway::{Function, ROUTES, Route};
use serde_json::{Value, json};

use crate::scene::{Office, Scene, phone};

/// Makes one request after the other, each from the chances of one seed.
pub(crate) struct Maker<'a> {
    rng: Rng,
    scene: &'a Scene,
    token: Secret,
    account: String,
    /// What was made by the flood, and may so be deleted by it.
    businesses: Vec<String>,
    keys: Vec<String>,
    uploads: Vec<String>,
    /// Entries of do-not-call lists.
    entries: Vec<String>,
    calls: Vec<callbacks::Call>,
}

/// A request, what to call it when it must be told of, and whose business it is about.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) request: Request<Bytes>,
    pub(crate) business: String,
}

const WORDS: [&str; 24] = [
    "",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "20",
    "41",
    "4294967296",
    "1e9",
    "null",
    "true",
    "x",
    "%00",
    "%F0%9F%99%82",
    "%D7%A9%D7%9C%D7%95%D7%9D",
    "..%2F..%2Fetc",
    "'%20OR%201=1",
    "csv",
    "json",
    "running",
    "completed",
    "2026-01-01T00:00:00Z",
    "%ff%fe",
];
const FIELDS: [&str; 22] = [
    "lead_ids",
    "concurrency",
    "when_full",
    "list_id",
    "outbound_list_id",
    "run_id",
    "hang_up",
    "delete_all",
    "rows",
    "list_name",
    "upload_id",
    "bytes",
    "name",
    "phone_e164",
    "limit",
    "region",
    "time_zone",
    "call_flow",
    "destinations",
    "caps",
    "role",
    "phone",
];
const PARAMETERS: [&str; 14] = [
    "page",
    "page_size",
    "limit",
    "cursor",
    "status",
    "run_id",
    "search",
    "list_id",
    "format",
    "errors",
    "outcome",
    "phone",
    "b",
    "c",
];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];
/// As many of each as are remembered.
const MADE_MAX: usize = 50;

fn remember<T>(made: &mut Vec<T>, one: T) {
    made.push(one);
    if made.len() > MADE_MAX {
        made.remove(0);
    }
}

impl<'a> Maker<'a> {
    pub(crate) fn new(seed: u64, scene: &'a Scene) -> Self {
        let telephony = &scene.stack.plan.telephony;
        Self {
            rng: Rng::with_seed(seed),
            scene,
            token: telephony.signing_tokens[0].clone(),
            account: telephony.account.sid.as_str().to_owned(),
            businesses: Vec::new(),
            keys: Vec::new(),
            uploads: Vec::new(),
            entries: Vec::new(),
            calls: Vec::new(),
        }
    }

    pub(crate) fn make(&mut self) -> Made {
        loop {
            // What is no address or no header at all never gets to a door.
            if let Ok(made) = self.try_make() {
                return made;
            }
        }
    }

    /// Remembers what an answer about this business names.
    pub(crate) fn learn(&mut self, business: &str, answer: &Response<Bytes>) {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        for (field, made) in [
            ("business_id", &mut self.businesses),
            ("key_id", &mut self.keys),
            ("upload_id", &mut self.uploads),
        ] {
            if let Some(id) = body[field].as_str().filter(|_| answer.status() == 201) {
                remember(made, id.to_owned());
            }
        }
        for row in ["items", "calls"]
            .iter()
            .flat_map(|rows| body[rows].as_array().into_iter().flatten())
        {
            if let Some(call) = callbacks::Call::of(business, row) {
                remember(&mut self.calls, call);
            }
            if let Some(entry) = row["id"].as_str() {
                remember(&mut self.entries, entry.to_owned());
            }
        }
    }

    fn try_make(&mut self) -> http::Result<Made> {
        let route = ROUTES[self.rng.usize(..ROUTES.len())];
        let (own, pattern, function) = route;
        let office = self.rng.usize(..self.scene.offices.len());
        let office = &self.scene.offices[office];
        let mut path = self.path(pattern, office);
        if self.one_in(12) {
            path.push_str(["/", "/x", "//", "%2F", ";a=b", "/../.."][self.rng.usize(..6)]);
        }
        let mut query = self.query();
        let call = self.rng.choice(&self.calls).cloned();
        let call = call.filter(|_| function == Function::Webhook && self.rng.bool());
        if let Some(call) = &call {
            query.clone_from(&call.query);
        }
        if !query.is_empty() {
            path = format!("{path}?{query}");
        }
        let method = if self.one_in(16) {
            METHODS[self.rng.usize(..METHODS.len())]
        } else {
            own
        };
        let name = format!("{method} {path}");
        let request = Request::builder().method(method).uri(path.as_str());
        let request = self.headed(request, office);
        let takes_files = pattern.ends_with("import-leads") || pattern.ends_with("do-not-call");
        let request = if function == Function::Webhook {
            let sid = call.and_then(|call| call.sid);
            self.callback(request, &path, sid)?
        } else if method == "POST" && takes_files && self.one_in(2) {
            let form = files::form(&mut self.rng);
            request
                .header("content-type", files::MULTIPART)
                .body(form)?
        } else {
            let kind = [
                "application/json",
                "application/json",
                "text/csv",
                files::MULTIPART,
                "",
            ];
            let request = request.header("content-type", kind[self.rng.usize(..kind.len())]);
            let body = if matches!(method, "POST" | "PUT") {
                self.body(route, office)
            } else {
                Bytes::new()
            };
            request.body(body)?
        };
        let business = office.id.clone();
        Ok(Made {
            name,
            request,
            business,
        })
    }

    fn headed(&mut self, mut request: Builder, office: &Office) -> Builder {
        if let Some(bearer) = self.bearer(office) {
            request = request.header("authorization", bearer);
        }
        if self.one_in(2) {
            request = request.header("x-business-id", &office.id);
        }
        if self.one_in(3) {
            let language = ["en", "he", "en;q=0", "*", "\u{e9}"][self.rng.usize(..5)];
            request = request.header("accept-language", language);
        }
        if self.one_in(6) {
            let key = format!("key-{}", self.rng.u32(..200));
            request = request.header("idempotency-key", key);
        }
        if self.one_in(8) {
            request = request.header("if-none-match", ["*", "W/\"1\"", "x"][self.rng.usize(..3)]);
        }
        request
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.rng.u32(..many) == 0
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.rng.usize(..WORDS.len())]
    }

    /// Fills in the stars of a pattern, mostly with ids of the right kind.
    fn path(&mut self, pattern: &str, office: &Office) -> String {
        let mut before = "";
        let mut parts = Vec::new();
        for part in pattern.split('/') {
            parts.push(match (part, before) {
                ("*", _) if self.one_in(5) => self.word().to_owned(),
                ("*", "runs") => self.rng.u32(1..30).to_string(),
                ("*", "do-not-call") => self.pick(|it| &it.entries, "AAAAAAAAAAAAAAAAAAAAAA"),
                ("*", "keys") => self.pick(|it| &it.keys, "0123456789abcdef"),
                ("*", "businesses") if pattern.ends_with("*") && !pattern.contains("keys") => {
                    self.pick(|it| &it.businesses, "b0123456789abcdef")
                }
                ("*", "businesses") => office.id.clone(),
                ("*", _) => self.rng.u32(1..200).to_string(),
                (part, _) => part.to_owned(),
            });
            before = part;
        }
        parts.join("/")
    }

    fn pick(&mut self, of: fn(&Self) -> &Vec<String>, otherwise: &str) -> String {
        match of(self).len() {
            0 => otherwise.to_owned(),
            many => {
                let at = self.rng.usize(..many);
                of(self)[at].clone()
            }
        }
    }

    fn query(&mut self) -> String {
        if self.one_in(2) {
            return String::new();
        }
        let pairs: Vec<String> = (0..self.rng.u32(1..4))
            .map(|_| {
                let name = PARAMETERS[self.rng.usize(..PARAMETERS.len())];
                format!("{name}={}", self.word())
            })
            .collect();
        pairs.join("&")
    }

    /// Of three, one has no key that is good.
    fn bearer(&mut self, office: &Office) -> Option<String> {
        let digit = self.rng.u64(..);
        let bearer = match self.rng.u32(..12) {
            0 | 1 => return None,
            2 => format!("Bearer rf_{digit:016x}_{}", "ab".repeat(32)),
            3 => format!("Bearer {}0", office.admin),
            4 => format!("Bearer {}", office.revoked),
            5 => "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
            6 => ["Basic YTpi", "Bearer", "bearer  ", "\u{7f}"][self.rng.usize(..4)].to_owned(),
            7 | 8 => format!("Bearer {}", office.agent),
            9 | 10 => format!("Bearer {}", office.admin),
            _ => format!("Bearer {}", self.scene.system_key),
        };
        Some(bearer)
    }

    /// A body that a route could take, and what becomes of it on the way.
    fn body(&mut self, (_, pattern, _): Route, office: &Office) -> Bytes {
        let mut body = self.right(pattern, office);
        match self.rng.u32(..16) {
            0..8 => {}
            8..13 => self.spoil(&mut body),
            13 => {
                let text = body.to_string();
                let cut = self.rng.usize(..=text.len());
                return Bytes::copy_from_slice(&text.as_bytes()[..cut]);
            }
            14 => {
                return (0..self.rng.usize(..200))
                    .map(|_| self.rng.u8(..))
                    .collect();
            }
            _ if self.one_in(200) => return Bytes::from(vec![b' '; 7 * 1024 * 1024]),
            _ => return Bytes::from("[".repeat(self.rng.usize(..2_000))),
        }
        Bytes::from(body.to_string())
    }

    fn right(&mut self, pattern: &str, office: &Office) -> Value {
        let leads: Vec<u32> = (0..self.rng.u32(..6))
            .map(|_| self.rng.u32(1..60))
            .collect();
        let number = phone(self.rng.u32(..3), self.rng.u32(..400));
        match pattern {
            "/api/outbound_calls/start" if self.one_in(2) => {
                json!({ "lead_ids": leads, "when_full": "queue" })
            }
            "/api/outbound_calls/start" | "/api/outbound/import-leads/bulk-delete" => {
                json!({ "lead_ids": leads })
            }
            "/api/outbound/bulk-enqueue" => json!({ "lead_ids": leads, "concurrency": 1 }),
            "/api/outbound/stop-queue" => {
                json!({ "run_id": self.rng.u32(1..30), "hang_up": self.one_in(2) })
            }
            "/api/outbound/import-leads" if self.one_in(4) => {
                let upload = self.pick(|it| &it.uploads, "018bcfff-2a2d-75bd-b152-1db423bea2b9");
                json!({ "upload_id": upload })
            }
            "/api/outbound/import-leads" => json!([{ "name": "=1+1", "phone": number }]),
            "/api/outbound/uploads" => json!({ "bytes": self.rng.u32(..100_000) }),
            "/api/outbound/do-not-call" => json!({ "phone": number, "reason": "asked" }),
            "/api/businesses" => json!({ "name": "New", "phone_e164": number }),
            "/api/business" => {
                json!({ "name": office.id.as_str(), "call_flow": { "kind": "say", "text": "x" } })
            }
            "/api/businesses/*/keys" => {
                let roles = ["agent", "admin", "system_admin"];
                json!({ "role": roles[self.rng.usize(..3)] })
            }
            _ => json!({}),
        }
    }

    /// Puts something of another kind somewhere. What bounds a business stays as it is.
    fn spoil(&mut self, body: &mut Value) {
        let deep = (0..self.rng.u32(..8)).fold(json!("x"), |inner, _| json!([{ "a": inner }]));
        let other = match self.rng.u32(..8) {
            0 => Value::Null,
            1 => json!(-1),
            2 => json!(1.5),
            3 => json!(u64::MAX),
            4 => json!("\u{202e}שלום\u{0}"),
            5 => json!({ "kind": "redirect", "url": "http://169.254.169.254/" }),
            6 => json!([1, "2", null, [], {}]),
            _ => deep,
        };
        let field = FIELDS[self.rng.usize(..FIELDS.len())];
        match body {
            _ if self.one_in(6) => *body = other,
            Value::Array(rows) => rows.push(other),
            Value::Object(fields) if !matches!(field, "caps" | "limit") => {
                fields.insert(field.to_owned(), other);
            }
            _ => *body = json!({ "lead_ids": other }),
        }
    }
}
