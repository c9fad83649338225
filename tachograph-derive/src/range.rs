//! `0..=5`: which integers are told apart.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{LitInt, Token};

/// Most values of one range; a label set may not have more combinations in all, and `other` is one beside these.
const MOST: i128 = 65_535;

/// A range that holds at least one integer.
pub(crate) struct Range {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// As a pattern, without suffixes: the field's type decides.
    pub(crate) pattern: TokenStream,
}

impl Parse for Range {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (first, low, begin) = signed(input)?;
        if input.parse::<Token![..=]>().is_err() {
            return Err(input.error(EXAMPLE));
        }
        let (last, high, end) = signed(input)?;
        let refuse = |why| Err(syn::Error::new_spanned(quote!(#begin ..= #end), why));
        match i128::from(last) - i128::from(first) {
            ..0 => refuse("this range is empty: write the lower end first"),
            MOST.. => refuse("this range has more than 65 535 integers: take the label as a run-time `&str`"),
            _ => Ok(Self { first, last, pattern: quote!(#low..=#high) }),
        }
    }
}

const EXAMPLE: &str = "write the first and the last integer to tell apart, as in `range = 0..=5`";

/// A literal with its sign: its value, itself without suffix, and as it is written.
fn signed(input: ParseStream<'_>) -> syn::Result<(i64, TokenStream, TokenStream)> {
    let minus = input.parse::<Option<Token![-]>>()?;
    let literal: LitInt = input.parse().map_err(|error| syn::Error::new(error.span(), EXAMPLE))?;
    let digits = literal.base10_digits();
    let value = if minus.is_some() { format!("-{digits}").parse() } else { digits.parse() };
    let value = value.map_err(|_| syn::Error::new(literal.span(), "an end of a range must fit an i64"))?;
    let plain = LitInt::new(digits, literal.span());
    Ok((value, quote!(#minus #plain), minus.into_iter().map(ToTokens::into_token_stream).chain([quote!(#literal)]).collect()))
}
