use tachograph::LabelSet;

enum Method {
    Get,
}

#[derive(LabelSet)]
struct Request {
    method: Method,
}

fn main() {}
