//! The derives of `tachograph`: `LabelValue` for an enum of a label's values, `LabelSet` for a struct of labels.
//!
//! `tachograph` exports both, by its feature `derive`; its traits of the same names tell what they mean. What cannot be a label stops
//! the compiler with an error that says what to write.
//!
//! # Examples
//!
//! ```
//! use tachograph::{LabelSet, LabelValue, Registry};
//!
//! #[derive(LabelValue)]
//! enum Method {
//!     #[label("GET")]
//!     Get,
//!     Other,
//! }
//!
//! #[derive(LabelSet)]
//! struct Request<'a> {
//!     #[label(rename = "endpoint")]
//!     route: &'a str,
//!     method: Method,
//!     #[label(range = 0..=2)]
//!     retries: u8,
//! }
//!
//! let requests = Registry::new().typed_counter_family::<Request>("requests_total", "Requests.")?;
//! requests.inc(&Request { route: "/scene/{id}", method: Method::Get, retries: 0 });
//! # Ok::<(), tachograph::RegisterError>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod field;
mod range;
mod set;
mod value;

use proc_macro::TokenStream;
use syn::{DeriveInput, GenericParam, parse_macro_input};

/// Implements `tachograph::LabelValue` for an enum whose variants hold no data.
///
/// `#[label("...")]` on a variant gives it a text other than its name in snake case.
#[proc_macro_derive(LabelValue, attributes(label))]
pub fn derive_label_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    value::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Implements `tachograph::LabelSet` for a struct with named fields.
///
/// On a field, `#[label(rename = "...")]` names the label, `#[label(range = 0..=5)]` gives an integer and `#[label(values("a", "b"))]`
/// a string the values that are told apart. On the struct, `#[label(limit = 5_000)]` sets how many series there may be before
/// run-time strings give way.
#[proc_macro_derive(LabelSet, attributes(label))]
pub fn derive_label_set(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    set::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// What a value is counted as that is none of those told apart.
const OTHER: &str = "other";

/// Adds an error to those found before, so that all are shown at once.
fn also(errors: &mut Option<syn::Error>, error: syn::Error) {
    match errors {
        Some(errors) => errors.combine(error),
        None => *errors = Some(error),
    }
}

/// Refuses type and const parameters: how many values a label has must be known where it is declared.
fn refuse_parameters(input: &DeriveInput, what: &str) -> syn::Result<()> {
    match input.generics.params.iter().find(|parameter| !matches!(parameter, GenericParam::Lifetime(_))) {
        Some(parameter) => {
            Err(syn::Error::new_spanned(parameter, format!("{what} has no type or const parameters: write the type out")))
        }
        None => Ok(()),
    }
}
