//! Holds numbers against the numbering plans of their countries.

use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, Type};

/// Reads a number that begins with its country's code.
pub(super) fn international(digits: &str) -> Option<PhoneNumber> {
    phonenumber::parse(None, format!("+{digits}")).ok()
}

/// Whether the number is one of its country's plan, whole.
pub(super) fn is_valid(number: &PhoneNumber) -> bool {
    kinds(number).next().is_some()
}

/// Whether another third digit would make the number valid.
///
/// Numbering plans open block by block, and the library's copy of them is a snapshot that also
/// leaves out blocks nobody was given, such as 050-1. A block opened since must be callable, and a
/// number that nobody has harms nobody: the carrier refuses it.
pub(super) fn is_beside_valid_numbers(number: &PhoneNumber) -> bool {
    neighbours(number).any(|neighbour| is_valid(&neighbour))
}

/// What the number is in its country's plan, or else what its neighbours are.
pub(super) fn likely_kinds(number: &PhoneNumber) -> Vec<Type> {
    let own: Vec<Type> = kinds(number).collect();
    if own.is_empty() {
        return neighbours(number)
            .flat_map(|neighbour| kinds(&neighbour).collect::<Vec<_>>())
            .collect();
    }
    own
}

/// What the whole number is in its country's plan; nothing if it is none.
///
/// The library's own check is content with the beginning of a number: it calls `+97297250...` valid.
fn kinds(number: &PhoneNumber) -> impl Iterator<Item = Type> {
    // The commonest first: most who ask take the first answer.
    const TYPES: [Type; 10] = [
        Type::Mobile,
        Type::FixedLine,
        Type::Voip,
        Type::TollFree,
        Type::SharedCost,
        Type::Uan,
        Type::PersonalNumber,
        Type::PremiumRate,
        Type::Pager,
        Type::Voicemail,
    ];
    // The library looks for the country without a leading zero, which Italian numbers need.
    let main_country = || {
        DATABASE
            .by_code(&number.country().code())?
            .into_iter()
            .next()
    };
    let plan = number.metadata(&DATABASE).or_else(main_country);
    let digits = number.national().to_string();
    let is_of_kind = move |kind: &Type| {
        let descriptor = plan.and_then(|plan| plan.descriptors().get(*kind));
        descriptor.is_some_and(|descriptor| {
            let found = || descriptor.national_number().find(&digits);
            let is_whole = || found().is_some_and(|found| found.len() == digits.len());
            descriptor.is_match(&digits) && is_whole()
        })
    };
    TYPES.into_iter().filter(is_of_kind)
}

/// The numbers that differ in the third digit only.
fn neighbours(number: &PhoneNumber) -> impl Iterator<Item = PhoneNumber> {
    let code = number.country().code();
    let digits = number.national().to_string();
    (0..=9).filter_map(move |third| {
        let (head, tail) = (digits.get(..2)?, digits.get(3..)?);
        international(&format!("{code}{head}{third}{tail}"))
    })
}
