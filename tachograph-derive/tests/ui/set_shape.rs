use tachograph::LabelSet;

#[derive(LabelSet)]
enum Method {
    Get,
}

#[derive(LabelSet)]
struct Pair(bool, bool);

#[derive(LabelSet)]
struct Empty {}

#[derive(LabelSet)]
struct Unit;

#[derive(LabelSet)]
struct Generic<T> {
    value: T,
}

#[derive(LabelSet)]
#[label(series = 5)]
struct Unknown {
    ok: bool,
}

#[derive(LabelSet)]
#[label(limit = "many")]
struct Many {
    ok: bool,
}

#[derive(LabelSet)]
#[label(limit = 5)]
struct Dense {
    ok: bool,
}

#[derive(LabelSet)]
#[label(limit = 5)]
#[label(limit = 6)]
struct Twice<'a> {
    path: &'a str,
}

fn main() {}
