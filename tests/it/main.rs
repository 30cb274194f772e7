//! Stories, told through the HTTP API on the embedded stack, in simulated time.

mod apart;
mod businesses;
mod crashes;
mod keys;
mod leads;
mod ledger;
mod limits;
mod main_job;
mod numbers_hidden;
mod placing;
mod recovery;
mod refusals;
mod reports;
mod sharing;
mod signatures;
mod starts;
mod stopping;
mod store;
mod story;
mod template;
mod twiml;
mod unclear;
mod watching;
