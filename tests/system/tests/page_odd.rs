//! The live page where things are not as they should be.

use std::path::Path;

use system::browser;
use system::demo::Demo;

fn visit(part: &str) {
    let demo = Demo::start(&["--traffic", "20"]);
    browser::visit("page_odd.js", part, demo.address(), Path::new("."));
}

#[test]
fn hostile_names_are_only_names() {
    visit("hostile");
}

#[test]
fn what_is_ill_stands_at_the_head_and_what_is_not_measured_is_not_there() {
    visit("ill");
}

#[test]
fn a_page_without_a_place_says_so_and_comes_again() {
    visit("crowded");
}

#[test]
fn what_is_not_understood_is_told_and_the_rest_goes_on() {
    visit("garbage");
}

#[test]
fn a_fault_of_the_page_brings_the_servers_tables_back() {
    visit("broken");
}

#[test]
fn a_token_that_is_refused_later_is_asked_for_again() {
    visit("expired");
}

#[test]
fn the_words_of_a_chart_tell_of_the_first_figures_at_once() {
    visit("words");
}

#[test]
fn a_stream_that_is_cut_again_and_again_loses_nothing_that_is_looked_at() {
    visit("cut");
}

#[test]
fn it_works_behind_a_path_of_a_proxy() {
    visit("prefix");
}

#[test]
fn a_page_that_nobody_looks_at_tells_by_its_title_what_is_ill() {
    visit("hidden");
}

#[test]
fn days_take_no_more_memory_than_an_hour() {
    visit("bounded");
}
