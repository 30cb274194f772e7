//! The parts of the work for an event, by the functions in which each begins.
//!
//! They are functions that the compiler has left whole. One that it takes apart some day shows as
//! a part without instructions, whose work is among the rest.

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The SDK signs requests.
    Signing,
    /// The SDK writes requests as JSON.
    Writing,
    /// The SDK reads answers.
    Reading,
    /// What else the SDK does for each request.
    Sdk,
    /// What is decided, in `shared/core`.
    Decision,
    /// The state as attribute values, and back.
    State,
    /// The request to the carrier, and its answer, without HTTP.
    Carrier,
    /// The signature of a callback, with its form.
    Signature,
    /// A callback's fields, and messages of the queue.
    Messages,
    /// Lines of the log, and metrics.
    Logs,
    /// Everything else: what passes it all on, copies, and what is dropped.
    Rest,
    /// The embedded services and the simulated carrier, which are not there on Lambda.
    Services,
}

impl Part {
    /// Those that are told.
    pub(super) const ALL: [Self; 11] = [
        Self::Signing,
        Self::Writing,
        Self::Reading,
        Self::Sdk,
        Self::Decision,
        Self::State,
        Self::Carrier,
        Self::Signature,
        Self::Messages,
        Self::Logs,
        Self::Rest,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Signing => "the SDK signs requests",
            Self::Writing => "the SDK writes requests",
            Self::Reading => "the SDK reads answers",
            Self::Sdk => "the rest of the SDK",
            Self::Decision => "what is decided",
            Self::State => "the state to and from attribute values",
            Self::Carrier => "the request to the carrier",
            Self::Signature => "the callback's signature",
            Self::Messages => "the callback's fields, and messages",
            Self::Logs => "log lines and metrics",
            Self::Rest => "everything else",
            Self::Services => "embedded services",
        }
    }
}

/// Where a part begins.
pub(super) struct Root {
    /// How the function's name ends.
    function: &'static str,
    pub(super) part: Part,
    /// The part that calls this one, whose count has this one's in it.
    pub(super) within: Option<Part>,
}

const fn root(function: &'static str, part: Part, within: Option<Part>) -> Root {
    Root {
        function,
        part,
        within,
    }
}

const ROOTS: [Root; 18] = [
    root(
        "SigV4Signer as aws_smithy_runtime_api::client::auth::Sign>::sign_http_request",
        Part::Signing,
        Some(Part::Sdk),
    ),
    root(
        "SharedRequestSerializer as aws_smithy_runtime_api::client::ser_de::SerializeRequest>::serialize_input",
        Part::Writing,
        Some(Part::Sdk),
    ),
    root(
        "SharedResponseDeserializer as aws_smithy_runtime_api::client::ser_de::DeserializeResponse>::deserialize_nonstreaming_with_config",
        Part::Reading,
        Some(Part::Sdk),
    ),
    root(
        "aws_smithy_runtime_api::client::http::HttpConnector>::call::{{closure}}",
        Part::Services,
        Some(Part::Sdk),
    ),
    root(
        "aws_smithy_runtime::client::orchestrator::try_op::{{closure}}::{{closure}}",
        Part::Sdk,
        None,
    ),
    root(
        "aws_smithy_runtime::client::orchestrator::apply_configuration",
        Part::Sdk,
        None,
    ),
    root("ringfence_core::fill::fill", Part::Decision, None),
    root(
        "ringfence_ledger::states::StateWrite::new",
        Part::State,
        None,
    ),
    root("ringfence_ledger::state::from_item", Part::State, None),
    root(
        "ringfence_carrier::twilio::Twilio<T>::send::{{closure}}",
        Part::Carrier,
        None,
    ),
    root("ringfence_carrier::twilio::call_form", Part::Carrier, None),
    // Nobody but the simulated carrier is waited for within a time.
    root(
        "<tokio::time::timeout::Timeout<T> as core::future::future::Future>::poll",
        Part::Services,
        Some(Part::Carrier),
    ),
    root("webhook::verified", Part::Signature, None),
    root(
        "ringfence_carrier::callback::Callback::parse",
        Part::Messages,
        None,
    ),
    root(
        "ringfence_shell::message::Message::parse",
        Part::Messages,
        None,
    ),
    root(
        "ringfence_shell::message::Message::to_json",
        Part::Messages,
        None,
    ),
    root("tracing_core::event::Event::dispatch", Part::Logs, None),
    root(
        "ringfence_shell::metrics::EmbeddedMetrics::write",
        Part::Logs,
        None,
    ),
];

/// Where parts begin of which DHAT does not see the function above: it jumps to these.
const JUMPED_TO: [(&str, Part); 2] = [
    (
        "RequestSerializer as aws_smithy_runtime_api::client::ser_de::SerializeRequest>::serialize_input",
        Part::Writing,
    ),
    (
        "ResponseDeserializer as aws_smithy_runtime_api::client::ser_de::DeserializeResponse>::deserialize_nonstreaming_with_config",
        Part::Reading,
    ),
];

/// The part that an allocation with this caller is of, if it is known by it.
pub(super) fn part_of(caller: &str) -> Option<Part> {
    let jumped_to = JUMPED_TO
        .iter()
        .find(|(function, _)| caller.ends_with(function));
    let jumped_to = jumped_to.map(|&(_, part)| part);
    jumped_to.or_else(|| root_of(caller).map(|root| root.part))
}

/// What begins in this function, if anything does.
pub(super) fn root_of(name: &str) -> Option<&'static Root> {
    ROOTS.iter().find(|root| name.ends_with(root.function))
}
