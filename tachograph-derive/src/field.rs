//! One field of a label set: its name, and how its value becomes an index or a string.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Field, LitStr, Token, Type, parenthesized};

use crate::OTHER;
use crate::range::Range;

/// A field that is a label.
pub(crate) struct LabelField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) name: String,
    /// Where the name is written.
    pub(crate) span: Span,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// A type that knows its values.
    Value(&'a Type),
    Range(Range),
    Texts(Vec<String>),
    RunTime,
}

/// What the attributes of a field say.
#[derive(Default)]
struct Told {
    rename: Option<LitStr>,
    range: Option<(Span, Range)>,
    values: Option<(Span, Vec<LitStr>)>,
}

impl<'a> LabelField<'a> {
    pub(crate) fn parse(field: &'a Field) -> syn::Result<Self> {
        let ident = field.ident.as_ref().expect("only structs with named fields come here");
        let told = Told::parse(field)?;
        let (name, span) = match &told.rename {
            Some(name) => (name.value(), name.span()),
            None => (ident.unraw().to_string(), ident.span()),
        };
        if let Some(why) = illegal(&name) {
            return Err(syn::Error::new(span, why));
        }
        Ok(Self { ident, name, span, kind: kind(&field.ty, told)? })
    }

    /// The name for scrapers that know legacy names only. Two labels must not fall together there.
    pub(crate) fn legacy_name(&self) -> String {
        self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }

    pub(crate) fn is_run_time(&self) -> bool {
        matches!(self.kind, Kind::RunTime)
    }

    /// The label as the trait describes it.
    pub(crate) fn label(&self) -> TokenStream {
        let name = &self.name;
        let values = match &self.kind {
            Kind::RunTime => return quote!(::tachograph::TypedLabel::run_time(#name)),
            Kind::Value(ty) => quote_spanned!(ty.span()=> <#ty as ::tachograph::LabelValue>::VALUES),
            Kind::Range(range) => {
                let texts = (range.first..=range.last).map(|integer| integer.to_string());
                quote!(&[#(#texts,)* #OTHER])
            }
            Kind::Texts(texts) => quote!(&[#(#texts),*]),
        };
        quote!(::tachograph::TypedLabel::dense(#name, #values))
    }

    /// How many values there are, and the index of this one; `None` for a run-time string.
    pub(crate) fn index(&self) -> Option<(TokenStream, TokenStream)> {
        let ident = self.ident;
        Some(match &self.kind {
            Kind::RunTime => return None,
            Kind::Value(ty) => (
                quote_spanned!(ty.span()=> <#ty as ::tachograph::LabelValue>::VALUES.len()),
                quote_spanned!(ty.span()=> <#ty as ::tachograph::LabelValue>::index(&self.#ident)),
            ),
            Kind::Range(range) => {
                let (pattern, first) = (&range.pattern, range.first);
                let other = (range.last - range.first + 1) as usize;
                let index = quote!(match self.#ident {
                    integer @ #pattern => (integer as i64 - #first) as usize,
                    _ => #other,
                });
                (quote!((#other + 1)), index)
            }
            Kind::Texts(texts) => {
                let other = texts.iter().position(|text| text == OTHER).expect("`other` is always among them");
                let (count, indices) = (texts.len(), 0..texts.len());
                let index = quote!(match self.#ident {
                    #(#texts => #indices,)*
                    _ => #other,
                });
                (quote!(#count), index)
            }
        })
    }
}

impl Told {
    fn parse(field: &Field) -> syn::Result<Self> {
        let mut told = Self::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("label")) {
            attribute.parse_nested_meta(|meta| {
                let twice = || Err(meta.error("this is said twice: leave one of them out"));
                if meta.path.is_ident("rename") {
                    match told.rename.replace(meta.value()?.parse()?) {
                        Some(_) => twice(),
                        None => Ok(()),
                    }
                } else if meta.path.is_ident("range") {
                    match told.range.replace((meta.path.span(), meta.value()?.parse()?)) {
                        Some(_) => twice(),
                        None => Ok(()),
                    }
                } else if meta.path.is_ident("values") {
                    let content;
                    parenthesized!(content in meta.input);
                    let values = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
                    match told.values.replace((meta.path.span(), values.into_iter().collect())) {
                        Some(_) => twice(),
                        None => Ok(()),
                    }
                } else {
                    Err(meta.error("a field's label takes `rename = \"...\"`, `range = 0..=5` or `values(\"a\", \"b\")`"))
                }
            })?;
        }
        Ok(told)
    }
}

fn kind(ty: &Type, told: Told) -> syn::Result<Kind<'_>> {
    let refuse = |span, why| Err(syn::Error::new(span, why));
    let name = last_name(ty);
    match (name.as_deref(), told.range, told.values) {
        (_, Some((span, _)), Some(_)) => {
            refuse(span, "a label has a range or values, not both: `range` is for integers, `values` for strings")
        }
        (Some("&str"), Some((span, _)), None) => refuse(
            span,
            "a range is for integers: a string takes `values(\"a\", \"b\")`, or nothing if it is known only at run time",
        ),
        (Some("&str"), None, Some((span, values))) => texts(span, values).map(Kind::Texts),
        (Some("&str"), None, None) => Ok(Kind::RunTime),
        (Some("bool"), Some((span, _)), None) | (Some("bool"), None, Some((span, _))) => {
            refuse(span, "a bool has its values already: leave this out")
        }
        (Some("String" | "str" | "Cow"), ..) => refuse(ty.span(), "a label only looks at a string: take it as `&'a str`"),
        (Some("f32" | "f64"), ..) => {
            refuse(ty.span(), "a float has no end of values: sort it into an enum that derives `LabelValue`, or observe it")
        }
        (_, None, Some((span, _))) => refuse(span, "values are for strings, `&'a str`: an integer takes `range = 0..=5`"),
        (_, Some((_, range)), None) => Ok(Kind::Range(range)),
        (Some(name), None, None) if INTEGERS.contains(&name) => {
            refuse(ty.span(), "say which integers to tell apart: `#[label(range = 0..=5)]`; all others count as `other`")
        }
        (_, None, None) => Ok(Kind::Value(ty)),
    }
}

const INTEGERS: [&str; 12] = ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];

/// The last word of a type's path, or `&str`.
fn last_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Paren(inner) => last_name(&inner.elem),
        Type::Group(inner) => last_name(&inner.elem),
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => (last_name(&reference.elem)? == "str").then(|| "&str".to_owned()),
        _ => None,
    }
}

/// The texts that are told apart, `other` among them.
fn texts(span: Span, values: Vec<LitStr>) -> syn::Result<Vec<String>> {
    if values.is_empty() {
        return Err(syn::Error::new(
            span,
            "say which texts to tell apart: `values(\"a\", \"b\")`; all others count as `other`",
        ));
    }
    let mut texts: Vec<String> = Vec::new();
    for value in &values {
        let text = value.value();
        if text.is_empty() {
            return Err(syn::Error::new(value.span(), "to Prometheus an empty value is no label at all: give it a text"));
        }
        if texts.contains(&text) {
            return Err(syn::Error::new(value.span(), "this text is there twice: leave one of them out"));
        }
        texts.push(text);
    }
    if !texts.iter().any(|text| text == OTHER) {
        texts.push(OTHER.to_owned());
    }
    Ok(texts)
}

/// What is wrong with a label's name.
fn illegal(name: &str) -> Option<&'static str> {
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        Some("a label's name begins with a letter of a to z: write `#[label(rename = \"...\")]`")
    } else if name.starts_with("U__") {
        Some("what begins with `U__` is an escaped name: write `#[label(rename = \"...\")]`")
    } else if name == "le" || name == "quantile" {
        Some("histograms and summaries write `le` and `quantile` themselves: write `#[label(rename = \"...\")]`")
    } else {
        None
    }
}
