use tachograph::LabelValue;

#[derive(LabelValue)]
enum Same {
    #[label("get")]
    Fetch,
    Get,
    #[label("get")]
    Load,
}

#[derive(LabelValue)]
#[label("method")]
enum Method {
    #[label("")]
    None,
    #[label(rename = "GET")]
    Get,
    #[label]
    Post,
    #[label("A")]
    #[label("B")]
    Put,
}

fn main() {}
