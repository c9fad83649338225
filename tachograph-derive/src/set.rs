//! `LabelSet`: a struct whose fields are labels.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Fields, LitInt, Token};

use crate::field::LabelField;
use crate::{also, refuse_parameters};

/// Most run-time strings of a set, as in `tachograph`.
const MAX_STRINGS: usize = 4;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    refuse_parameters(input, "a label set")?;
    let fields = labels(named_fields(input)?)?;
    let limit = limit(input)?;
    if let (Some(limit), false) = (&limit, fields.iter().any(LabelField::is_run_time)) {
        let why = "a limit is for run-time strings, and this label set has none: leave it out";
        return Err(syn::Error::new(limit.span(), why));
    }
    let limit = limit.map(|limit| quote!(const LIMIT: usize = #limit;));

    let name = &input.ident;
    let (generics, types, condition) = input.generics.split_for_impl();
    let descriptions = fields.iter().map(LabelField::label);
    let (counts, indices): (Vec<_>, Vec<_>) = fields.iter().filter_map(LabelField::index).unzip();
    let strings = fields.iter().filter(|field| field.is_run_time()).map(|field| field.ident);
    let whole = whole_type(input);
    let check = quote_spanned! {name.span()=>
        const _: () = ::tachograph::TypedLabel::check(<#whole as ::tachograph::LabelSet>::LABELS);
    };
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::tachograph::LabelSet for #name #types #condition {
            const LABELS: &'static [::tachograph::TypedLabel] = &[#(#descriptions),*];
            #limit

            #[inline]
            #[allow(unreachable_patterns, reason = "a range may hold all integers of its type")]
            fn index(&self) -> usize {
                let index = 0;
                #(let index = index * #counts + #indices;)*
                index
            }

            #[inline]
            fn with_strings<__R>(&self, f: impl ::core::ops::FnOnce(&[&str]) -> __R) -> __R {
                f(&[#(self.#strings),*])
            }
        }

        #check
    })
}

fn named_fields(input: &DeriveInput) -> syn::Result<&Punctuated<Field, Token![,]>> {
    let refuse = |why| Err(syn::Error::new(input.ident.span(), why));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => Ok(&fields.named),
            Fields::Unnamed(_) => refuse("labels have names: give the fields names"),
            _ => refuse("a label set has at least one label: register a metric without labels instead"),
        },
        Data::Enum(_) => {
            refuse("a label set is a struct with a field for each label: for the values of one label derive `LabelValue`")
        }
        Data::Union(_) => refuse("a label set is a struct with a field for each label"),
    }
}

/// The fields as labels, or all that is wrong with them.
fn labels(fields: &Punctuated<Field, Token![,]>) -> syn::Result<Vec<LabelField<'_>>> {
    let mut errors = None;
    let mut labels: Vec<LabelField<'_>> = Vec::new();
    for field in fields {
        match LabelField::parse(field) {
            Err(error) => also(&mut errors, error),
            Ok(label) => {
                if let Some(first) = labels.iter().find(|first| first.legacy_name() == label.legacy_name()) {
                    let why = format!("`{}` is the label {:?} already: rename one of them", first.ident, first.name);
                    also(&mut errors, syn::Error::new(label.span, why));
                }
                labels.push(label);
            }
        }
    }
    if let Some(fifth) = labels.iter().filter(|label| label.is_run_time()).nth(MAX_STRINGS) {
        let why = "a label set has at most 4 run-time strings: give this one its values, `#[label(values(\"a\", \"b\"))]`, or leave it out";
        also(&mut errors, syn::Error::new(fifth.ident.span(), why));
    }
    match errors {
        Some(errors) => Err(errors),
        None => Ok(labels),
    }
}

/// The limit of series that the struct's attributes set.
fn limit(input: &DeriveInput) -> syn::Result<Option<LitInt>> {
    let mut limit = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("label")) {
        let example = |span| syn::Error::new(span, "a label set takes `limit = 5_000`: how many series there may be");
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("limit") {
                return Err(example(meta.path.span()));
            }
            match limit.replace(meta.value()?.parse::<LitInt>().map_err(|error| example(error.span()))?) {
                Some(_) => Err(meta.error("this is said twice: leave one of them out")),
                None => Ok(()),
            }
        })?;
    }
    Ok(limit)
}

/// The type with every lifetime `'static`, to name it where there are none.
fn whole_type(input: &DeriveInput) -> TokenStream {
    let name: &Ident = &input.ident;
    let statics = input.generics.lifetimes().map(|_| quote!('static));
    quote_spanned!(name.span()=> #name<#(#statics),*>)
}
