use std::borrow::Cow;
use tachograph::LabelSet;

#[derive(LabelSet)]
struct Integers<'a> {
    plain: u8,
    #[label(range = 5..=0)]
    empty: i32,
    #[label(range = 0..6)]
    open: u8,
    #[label(range = 0)]
    single: u8,
    #[label(range = "0..=5")]
    quoted: u8,
    #[label(range = -1..=65_534)]
    long: i32,
    #[label(range = 0..=99999999999999999999)]
    huge: u128,
    #[label(range = 0..=5)]
    text: &'a str,
    #[label(values("1", "2"))]
    number: u16,
}

#[derive(LabelSet)]
struct Texts<'a> {
    owned: String,
    cow: Cow<'a, str>,
    #[label(values())]
    none: &'a str,
    #[label(values("a", "b", "a"))]
    twice: &'a str,
    #[label(values("a", ""))]
    empty: &'a str,
    #[label(values(1, 2))]
    numbers: &'a str,
    #[label(values("a"), range = 0..=5)]
    both: &'a str,
    #[label(rename = "x", rename = "y")]
    named_twice: &'a str,
    #[label(skip)]
    unknown: &'a str,
}

#[derive(LabelSet)]
struct Others {
    #[label(range = 0..=1)]
    flag: bool,
    seconds: f64,
}

fn main() {}
