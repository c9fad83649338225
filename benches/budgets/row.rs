//! The rows of the table.

use std::fmt;

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Amount {
    /// So many nanoseconds.
    Nanoseconds(f64),
    /// So many bytes.
    Bytes(f64),
}

impl Amount {
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Nanoseconds(number) | Self::Bytes(number) => number,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, units) = match *self {
            Self::Nanoseconds(number) => (number, ["ns", "µs", "ms", "s"]),
            Self::Bytes(number) => (number, ["B", "KB", "MB", "GB"]),
        };
        let step = units.iter().enumerate().rev().find(|(at, _)| number >= 1_000f64.powi(*at as i32));
        let (at, unit) = step.unwrap_or((0, &units[0]));
        let scaled = number / 1_000f64.powi(at as i32);
        let digits = if scaled < 10.0 && scaled.fract() > 0.0 { 2 } else { 0 };
        write!(f, "{scaled:.digits$} {unit}")
    }
}

/// One thing that was measured.
#[derive(Debug)]
pub(crate) struct Row {
    what: &'static str,
    /// What the users of the product require.
    required: Option<Amount>,
    /// What we allow ourselves.
    budget: Option<Amount>,
    measured: Amount,
    floor: Option<Amount>,
}

impl Row {
    /// What has no budget.
    pub(crate) fn told(what: &'static str, measured: Amount) -> Self {
        Self { what, required: None, budget: None, measured, floor: None }
    }

    /// What must stay within `budget`.
    pub(crate) fn judged(what: &'static str, required: Amount, budget: Amount, measured: Amount) -> Self {
        Self { required: Some(required), ..Self::aimed(what, budget, measured) }
    }

    /// The same where nobody requires anything but we.
    pub(crate) fn aimed(what: &'static str, budget: Amount, measured: Amount) -> Self {
        Self { budget: Some(budget), ..Self::told(what, measured) }
    }

    /// Sets the floor beside it.
    pub(crate) fn above(mut self, floor: Amount) -> Self {
        self.floor = Some(floor);
        self
    }

    /// What was measured.
    pub(crate) fn what(&self) -> &'static str {
        self.what
    }

    /// Whether it is over its budget.
    pub(crate) fn is_broken(&self) -> bool {
        self.budget.is_some_and(|budget| self.measured.number() > budget.number())
    }

    fn cells(&self) -> [String; 7] {
        let or_none = |amount: Option<Amount>| amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string());
        let by_floor =
            self.floor.map_or_else(|| "-".to_owned(), |floor| format!("{:.2}", self.measured.number() / floor.number()));
        let verdict = match (self.budget, self.is_broken()) {
            (None, _) => "-",
            (Some(_), false) => "within",
            (Some(_), true) => "OVER",
        };
        [
            self.what.to_owned(),
            or_none(self.required),
            or_none(self.budget),
            self.measured.to_string(),
            or_none(self.floor),
            by_floor,
            verdict.to_owned(),
        ]
    }
}

/// Prints the table, as Markdown that can be read as it is.
pub(crate) fn print(rows: &[Row]) {
    let head = ["what", "required", "our budget", "measured", "floor", "by floor", "verdict"].map(str::to_owned);
    let cells: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let widths: [usize; 7] =
        std::array::from_fn(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for (at, row) in cells.iter().enumerate() {
        let padded: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("| {} |", padded.join(" | "));
        if at == 0 {
            println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
        }
    }
}
