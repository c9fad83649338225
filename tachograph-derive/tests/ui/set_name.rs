use tachograph::LabelSet;

#[derive(LabelSet)]
struct Names {
    le: bool,
    #[label(rename = "quantile")]
    share: bool,
    __name: bool,
    _hidden: bool,
    #[label(rename = "U__a_2e_b")]
    escaped: bool,
    #[label(rename = "2nd")]
    second: bool,
    #[label(rename = "")]
    none: bool,
    été: bool,
}

#[derive(LabelSet)]
struct Twice {
    ok: bool,
    #[label(rename = "ok")]
    fine: bool,
    #[label(rename = "http.status")]
    status: bool,
    #[label(rename = "http-status")]
    code: bool,
}

fn main() {}
