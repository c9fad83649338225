//! What is unusual but right, without a warning.
#![deny(warnings)]

use tachograph::{LabelSet, LabelValue, Registry};

#[derive(Clone, Copy, LabelValue)]
#[repr(u8)]
enum r#Kind {
    r#Type = 7,
    #[label("größe \"x\"\n")]
    Size = 3,
}

type Tries = i64;

#[derive(LabelSet)]
#[label(limit = 65_536)]
struct Odd<'a, 'b: 'a>
where
    'a: 'b,
{
    r#type: Kind,
    #[label(range = -9223372036854775808..=-9223372036854775807, rename = "low")]
    tries: Tries,
    #[label(range = 0..=255)]
    #[label(rename = "all")]
    byte: u8,
    #[label(values("other"))]
    fixed: &'static str,
    #[label(rename = "quiet.text")]
    _quiet: &'a str,
    text: &'b str,
}

#[derive(LabelSet)]
struct OnlyStrings<'a> {
    a: &'a str,
}

fn main() {
    let registry = Registry::new();
    let odd = registry.typed_gauge_family::<Odd>("odd", "").unwrap();
    odd.set(&Odd { r#type: Kind::Type, tries: i64::MIN, byte: 255, fixed: "?", _quiet: "", text: "t" }, 1.0);
    odd.set(&Odd { r#type: Kind::Size, tries: 0, byte: 0, fixed: "other", _quiet: "", text: "t" }, 2.0);
    let strings = registry.typed_counter_family::<OnlyStrings>("strings_total", "").unwrap();
    strings.inc(&OnlyStrings { a: &String::from("x") });
    assert_eq!(
        registry.snapshot().text(),
        "# HELP odd \n# TYPE odd gauge\n\
         odd{type=\"größe \\\"x\\\"\\n\",low=\"other\",all=\"0\",fixed=\"other\",quiet_text=\"\",text=\"t\"} 2\n\
         odd{type=\"type\",low=\"-9223372036854775808\",all=\"255\",fixed=\"other\",quiet_text=\"\",text=\"t\"} 1\n\
         # HELP strings_total \n# TYPE strings_total counter\nstrings_total{a=\"x\"} 1\n"
    );
}
