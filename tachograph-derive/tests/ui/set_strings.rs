use tachograph::LabelSet;

#[derive(LabelSet)]
struct Strings<'a> {
    a: &'a str,
    b: &'a str,
    c: &'static str,
    d: &'a str,
    #[label(values("x", "y"))]
    fixed: &'a str,
    e: &'a str,
}

fn main() {}
