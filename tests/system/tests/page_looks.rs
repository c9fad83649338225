//! How the live page looks, and what it is to who does not see it.

use std::path::Path;

use system::browser;
use system::demo::Demo;

/// Pictures lie where a person finds them who wants to look at them.
fn visit(part: &str) {
    let demo = Demo::start(&["--traffic", "20"]);
    browser::visit("page_looks.js", part, demo.address(), Path::new(env!("CARGO_TARGET_TMPDIR")));
}

#[test]
fn nothing_overlaps_or_is_off_the_screen() {
    visit("layout");
}

#[test]
fn nothing_moves_while_figures_come_in() {
    visit("still");
}

#[test]
fn letters_stand_out_in_light_and_in_dark() {
    visit("contrast");
}

#[test]
fn a_screen_reader_gets_names_and_words() {
    visit("spoken");
}

#[test]
fn without_scripts_there_is_the_table_of_figures() {
    visit("scriptless");
}
