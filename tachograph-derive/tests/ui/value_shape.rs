use tachograph::LabelValue;

#[derive(LabelValue)]
struct Method(u8);

#[derive(LabelValue)]
enum Nothing {}

#[derive(LabelValue)]
enum Path {
    Root,
    Other(String),
    File { name: String },
}

#[derive(LabelValue)]
enum Generic<T> {
    A,
    B(T),
}

fn main() {}
