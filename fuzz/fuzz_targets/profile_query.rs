//! Filters of profiles, from a JSON body and from a query string of lines `name=value`: whatever comes, a query or an error is made
//! of it. An error is short, however long what it speaks of; a query asks for no more than is kept, and pages of it are parts of
//! what matches.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tachograph::http::Method;
use tachograph::profile::query::{Query, QueryError, Wanted};
use tachograph::profile::{ProfileOptions, Profiler, RequestProfile, Sizes};

/// More than all names of filters together, and twice what is repeated of an input, escaped.
const LONGEST_ERROR: usize = 2_000;

fn profiles() -> Vec<RequestProfile> {
    let profiler = Profiler::new(ProfileOptions { capacity: 8, ..ProfileOptions::default() });
    for status in [200, 404, 503] {
        let profile = profiler.start("/scene", Method::Get);
        drop(profile.phase("file_io"));
        profile.finish(status, Sizes::default());
    }
    profiler.profiles()
}

fn judge(read: Result<Query, QueryError>, most: usize) {
    match read {
        Err(cause) => assert!((1..LONGEST_ERROR).contains(&cause.to_string().len()), "{cause}"),
        Ok(query) => {
            assert!(query.limit.is_none_or(|limit| (1..=most).contains(&limit)), "{query:?}");
            assert!(query.before().is_none_or(|before| before.before().is_none()), "{query:?}");
            let matching = query.matching(profiles());
            assert!(matching.iter().all(|profile| query.matches(profile)), "{query:?}");
            assert!(query.page(&matching).iter().all(|profile| matching.contains(profile)), "{query:?}");
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let most = 1_160;
    for wanted in [Wanted::Profiles, Wanted::FlameGraph, Wanted::Unfiltered] {
        judge(Query::from_json(wanted, most, input), most);
        let text = String::from_utf8_lossy(input);
        let pairs = text.lines().map(|line| line.split_once('=').unwrap_or((line, "")));
        judge(Query::from_pairs(wanted, most, pairs), most);
    }
});
