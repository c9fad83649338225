use tachograph::LabelSet;

#[derive(LabelSet)]
struct Grid<'a> {
    name: &'a str,
    #[label(range = 0..=255)]
    row: u8,
    #[label(range = 0..=254)]
    column: u8,
}

fn main() {}
