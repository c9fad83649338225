//! `LabelValue`: an enum whose variants are the values of a label.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, LitStr, Variant};

use crate::{also, refuse_parameters};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(
            input.ident.span(),
            "a label value is an enum whose variants hold no data: for a struct of labels derive `LabelSet`",
        ));
    };
    if data.variants.is_empty() {
        return Err(syn::Error::new(input.ident.span(), "this enum has no value to count: give it a variant"));
    }
    refuse_parameters(input, "a label value")?;
    let mut errors = None;
    if let Some(attribute) = input.attrs.iter().find(|attribute| attribute.path().is_ident("label")) {
        let why = "a label is named where it is a field: write `#[label(rename = \"...\")]` there, or `#[label(\"...\")]` on a variant";
        also(&mut errors, syn::Error::new(attribute.span(), why));
    }
    let mut taken: HashMap<String, &Variant> = HashMap::new();
    let mut texts = Vec::new();
    for variant in &data.variants {
        match text(variant) {
            Err(error) => also(&mut errors, error),
            Ok((text, span)) => {
                if let Some(first) = taken.insert(text.clone(), variant) {
                    let why = format!(
                        "`{}` has the text {text:?} already, and one series cannot be two: write `#[label(\"...\")]` with another text",
                        first.ident
                    );
                    also(&mut errors, syn::Error::new(span, why));
                }
                texts.push(text);
            }
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let (name, variants, indices) = (&input.ident, data.variants.iter().map(|variant| &variant.ident), 0..texts.len());
    let (generics, types, condition) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::tachograph::LabelValue for #name #types #condition {
            const VALUES: &'static [&'static str] = &[#(#texts),*];

            #[inline]
            fn index(&self) -> usize {
                match self {
                    #(Self::#variants => #indices,)*
                }
            }
        }
    })
}

/// The text of a variant, and where it is written.
fn text(variant: &Variant) -> syn::Result<(String, Span)> {
    if !matches!(variant.fields, Fields::Unit) {
        let why = "a label value holds no data, or there would be no end of series: leave the fields out";
        return Err(syn::Error::new(variant.fields.span(), why));
    }
    let mut attributes = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("label"));
    let Some(attribute) = attributes.next() else {
        return Ok((snake_case(&variant.ident.unraw().to_string()), variant.ident.span()));
    };
    if let Some(second) = attributes.next() {
        return Err(syn::Error::new(second.span(), "this variant has a text already: leave one of them out"));
    }
    let text: LitStr = attribute
        .parse_args()
        .map_err(|_| syn::Error::new(attribute.span(), "write the text of this value: `#[label(\"...\")]`"))?;
    if text.value().is_empty() {
        let why = "to Prometheus an empty value is no label at all: give it a text, such as \"none\"";
        return Err(syn::Error::new(text.span(), why));
    }
    Ok((text.value(), text.span()))
}

/// `TimedOut` as `timed_out`, `HTTPError` as `http_error`, `Http2` as `http2`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                let ends_capitals = before.is_uppercase() && letters.get(at + 1).is_some_and(|after| after.is_lowercase());
                before.is_lowercase() || before.is_ascii_digit() || ends_capitals
            });
        if begins_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words_where_a_reader_would() {
        for (name, snake) in
            [("TimedOut", "timed_out"), ("HTTPError", "http_error"), ("Http2", "http2"), ("V2Only", "v2_only"), ("A", "a")]
        {
            assert_eq!(snake_case(name), snake);
        }
    }
}
