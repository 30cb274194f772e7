//! Tests of the decision that everything rests on.

mod asking;
mod books;
mod claims;
mod endings;
mod facts;
mod fairness;
mod look_ups;
mod neighbours;
mod numbers;
mod pause;
mod rest;
