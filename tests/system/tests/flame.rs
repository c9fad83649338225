//! The programs that flame graphs are for read them, and understand what was meant.

use std::collections::BTreeSet;

use system::requests::{hostile, login, refused, scene};
use system::viewers::{self, Track};
use tachograph::profile::RequestProfile;
use tachograph::profile::flame::{FlameGraph, pprof, speedscope};

/// The total and own time of a name in speedscope's table, without the percentages.
fn row<'a>(track: &'a Track, name: &str) -> (&'a str, &'a str) {
    let row = track.rows.iter().find(|row| row.get(2).is_some_and(|cell| cell == name));
    let row = row.unwrap_or_else(|| panic!("no {name} in {track:?}"));
    let time = |cell: &'a str| cell.split(' ').next().unwrap_or_default();
    (time(&row[0]), time(&row[1]))
}

#[test]
fn speedscope_draws_one_request_in_the_order_of_time() {
    let profile = scene();
    let file = speedscope(std::slice::from_ref(&profile));
    viewers::speedscope_schema(&file).expect("a file of speedscope's");
    let viewed = viewers::speedscope(&file);
    assert_eq!(viewed.title, format!("POST /scene {} - speedscope", profile.request_id));
    let [request, concurrent] = &*viewed.tracks else { panic!("the log is on a track of its own: {viewed:?}") };
    for name in ["POST /scene", "scene_validation", "file_io", "fsync", "response_serialization"] {
        assert!(request.texts.iter().any(|text| text == name), "{name}: {viewed:?}");
    }
    assert_eq!(row(request, "POST /scene"), ("145.30ms", "1.80ms"));
    assert_eq!(row(request, "file_io"), ("98.30ms", "8.30ms"));
    assert_eq!(row(request, "fsync"), ("90.00ms", "90.00ms"));
    assert_eq!((&*request.name, row(concurrent, "log")), (&*profile.request_id, ("20.00ms", "20.00ms")));
    assert_eq!(concurrent.name, format!("{} (concurrent 1)", profile.request_id));
}

#[test]
fn speedscope_draws_several_requests_merged() {
    let file = speedscope(&[scene(), scene(), login()]);
    viewers::speedscope_schema(&file).expect("a file of speedscope's");
    let viewed = viewers::speedscope(&file);
    assert_eq!(viewed.title, "3 requests - speedscope");
    let [merged] = &*viewed.tracks else { panic!("one track: {viewed:?}") };
    assert!(merged.texts.iter().any(|text| text == "fsync"), "{viewed:?}");
    assert_eq!(row(merged, "POST /scene"), ("290.60ms", "0.00ns"));
    assert_eq!(row(merged, "auth_validation"), ("7.20ms", "7.20ms"));
    assert_eq!(row(merged, "log"), ("20.00ms", "20.00ms"));
    assert_eq!(row(merged, "unaccounted"), ("4.60ms", "4.60ms"));
}

#[test]
fn speedscope_takes_hostile_names_and_no_requests() {
    for profiles in [&[hostile()][..], &[hostile(), hostile()], &[]] {
        let file = speedscope(profiles);
        viewers::speedscope_schema(&file).expect("a file of speedscope's");
        if !profiles.is_empty() {
            assert!(viewers::speedscope(&file).tracks[0].rows.len() > 9);
        }
    }
}

#[test]
fn the_schema_of_speedscope_refuses_a_damaged_file() {
    for (profiles, whole, damaged) in [
        (&[scene()][..], r#""type":"C""#, r#""type":"E""#),
        (&[scene()], r#""events":["#, r#""event":["#),
        (&[scene(), scene()], r#""weights":["#, r#""weights":["1","#),
        (&[], r#""unit":"nanoseconds""#, r#""unit":"ns""#),
    ] {
        let file = speedscope(profiles);
        assert!(file.contains(whole), "{file}");
        assert!(viewers::speedscope_schema(&file.replacen(whole, damaged, 1)).is_err(), "{damaged}");
    }
}

/// The titles that inferno gave the frames of its SVG: `NAME (1,800 samples, 1.24%)`.
fn titles(svg: &str) -> Vec<&str> {
    svg.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next()).collect()
}

#[test]
fn inferno_draws_folded_stacks_with_their_totals() {
    let svg = viewers::inferno_flamegraph(&FlameGraph::of(&[scene(), refused()]).folded());
    let titles = titles(&svg);
    for title in [
        "all (146,000 samples, 100%)",
        "POST /scene (146,000 samples, 100.00%)",
        "file_io (98,300 samples, 67.33%)",
        "fsync (90,000 samples, 61.64%)",
        "log (10,000 samples, 6.85%)",
        "unaccounted (2,000 samples, 1.37%)",
    ] {
        assert!(titles.contains(&title), "{title}: {titles:?}");
    }
}

#[test]
fn inferno_reads_hostile_names_as_one_frame_each() {
    let folded = FlameGraph::of(&[hostile()]).folded();
    let svg = viewers::inferno_flamegraph(&folded);
    let titles = titles(&svg);
    assert!(titles.contains(&"all (12,000 samples, 100%)"), "{titles:?}");
    for name in ["_ (2,000", "a:b (1,000", "two lines_7 (1,000", "🦀 (1,000", "step_2 (1,000", "unaccounted (3,000"] {
        assert_eq!(titles.iter().filter(|title| title.starts_with(name)).count(), 1, "{name}: {titles:?}");
    }
}

#[test]
fn a_difference_is_what_inferno_makes_of_both() {
    let (before, now) = ([scene(), login()], [scene(), refused()]);
    let ours = FlameGraph::difference(&now, &before).folded();
    let folded = |profiles: &[RequestProfile]| FlameGraph::of(profiles).folded();
    let theirs = viewers::inferno_diff_folded(&folded(&before), &folded(&now));
    assert_eq!(ours.lines().collect::<BTreeSet<_>>(), theirs.lines().collect());
    let svg = viewers::inferno_flamegraph(&ours);
    let titles = titles(&svg);
    let auth = "auth_validation (2,600 samples, 1.78%; +0.34%)";
    assert!(titles.contains(&auth), "{titles:?}");
}

#[test]
fn pprof_adds_up_times_requests_and_tags() {
    let profile = pprof(&[scene(), refused(), login()]);
    let top = viewers::pprof(&profile, &["-top"]);
    assert!(top.starts_with("File: tachograph\nType: time\n"), "{top}");
    assert!(top.contains("Showing nodes accounting for 150ms, 100% of 150ms total"), "{top}");
    let line = |text: &str, name: &str| {
        let line =
            text.lines().find(|line| line.ends_with(&format!(" {name}"))).unwrap_or_else(|| panic!("no {name} in {text}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line(&top, "fsync")[0], "90ms");
    assert_eq!(line(&top, "file_io")[3..5], ["98.30ms", "65.53%"]);
    assert_eq!(line(&top, "auth_validation")[0], "5.60ms");

    let requests = viewers::pprof(&profile, &["-top", "-sample_index=requests"]);
    assert_eq!(line(&requests, "/scene")[0], "2");
    assert_eq!(line(&requests, "/auth")[0], "1");

    let tags = viewers::pprof(&profile, &["-tags"]);
    for part in ["146ms (97.33%): /scene", "4ms ( 2.67%): /auth", "4ms ( 2.67%): GET", "700us ( 0.47%): 503"] {
        assert!(tags.contains(part), "{part}: {tags}");
    }
    let refused = viewers::pprof(&profile, &["-top", "-tagfocus=status=5.."]);
    assert_eq!(line(&refused, "auth_validation")[3], "0.50ms");

    let raw = viewers::pprof(&profile, &["-raw"]);
    assert!(raw.contains("requests/count time/nanoseconds[dflt]"), "{raw}");
    assert!(raw.contains("endpoint:[/scene]"), "{raw}");
}

#[test]
fn pprof_takes_hostile_names_and_no_requests() {
    let top = viewers::pprof(&pprof(&[hostile()]), &["-top"]);
    assert!(top.contains("12ms, 100% of 12ms total"), "{top}");
    assert!(!top.contains('\u{1b}'), "{top}");
    viewers::pprof(&pprof(&[]), &["-raw"]);
}
