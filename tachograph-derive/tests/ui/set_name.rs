use tachograph::LabelSet;

#[derive(LabelSet)]
struct Names {
    le: bool,
    #[label(rename = "quantile")]
    share: bool,
    __name: bool,
    #[label(rename = "bad-name")]
    bad: bool,
    #[label(rename = "2nd")]
    second: bool,
    #[label(rename = "")]
    none: bool,
    größe: bool,
}

#[derive(LabelSet)]
struct Twice {
    ok: bool,
    #[label(rename = "ok")]
    fine: bool,
}

fn main() {}
