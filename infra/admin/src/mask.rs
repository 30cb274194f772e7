//! Numbers as they are shown: by their last four digits, unless somebody wants them whole.

use ringfence_core::phone::PhoneNumber;

/// How numbers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    Masked,
    Whole,
}

impl Numbers {
    /// What `--reveal` means.
    pub(crate) const fn revealed(reveal: bool) -> Self {
        if reveal { Self::Whole } else { Self::Masked }
    }

    /// A number as it is shown.
    pub(crate) fn show(self, number: &PhoneNumber) -> String {
        match self {
            Self::Masked => format!("{number:?}"),
            Self::Whole => number.expose().to_owned(),
        }
    }

    /// A cell that holds a number, perhaps behind an apostrophe, as it is shown.
    pub(crate) fn show_cell(self, cell: &str) -> String {
        match self {
            Self::Masked if cell.is_empty() => String::new(),
            Self::Masked => {
                let kept = cell.chars().count().saturating_sub(4);
                format!("…{}", cell.chars().skip(kept).collect::<String>())
            }
            Self::Whole => cell.to_owned(),
        }
    }
}
