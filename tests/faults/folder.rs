//! A folder of scenes that goes, and comes back; a scene that becomes something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::http::{Connection, eventually, get, request};
use crate::program::Program;
use crate::{BEARER, LOBBY, check, load, scenes, until_status, value};

/// Puts something into the place of the folder.
type Misfortune = (&'static str, fn(&Path), u16);

/// With the status of a load.
const MISFORTUNES: [Misfortune; 4] = [
    ("removed", |_| (), 404),
    ("replaced by a file", |place| fs::write(place, "no folder").unwrap(), 500),
    ("replaced by a link that leads in a circle", |place| symlink(place, place).unwrap(), 500),
    ("replaced by an empty folder", |place| fs::create_dir(place).unwrap(), 404),
];

fn remove(place: &Path) {
    match fs::symlink_metadata(place) {
        Ok(there) if there.is_dir() => fs::remove_dir(place).unwrap(),
        Ok(_) => fs::remove_file(place).unwrap(),
        Err(_) => {}
    }
}

#[test]
fn a_folder_that_goes_is_told_without_its_path_and_is_there_again_when_it_comes_back() {
    let folder = scenes("comes_and_goes");
    let place = folder.join("scenes");
    let aside = folder.join("aside");
    fs::create_dir(&place).unwrap();
    fs::rename(folder.join("lobby.tscn"), place.join("lobby.tscn")).unwrap();
    let program = Program::serve(&["--scenes", place.to_str().unwrap(), "--health-interval", "50", "--rate-limit", "0"]);
    let address = program.address;
    let hidden = place.to_str().unwrap();
    for (what, happen, status) in MISFORTUNES {
        until_status(address, "file_system", "healthy");
        until_status(address, "scene_loader", "healthy");
        assert_eq!((load(address).status, get(address, "/scenes").status), (200, 200), "before it is {what}");
        fs::rename(&place, &aside).unwrap();
        happen(&place);

        let listing = get(address, "/scenes");
        let listed = if what.ends_with("empty folder") { 200 } else { 500 };
        assert_eq!(listing.status, listed, "{what}: {}", listing.text());
        let loaded = load(address);
        assert_eq!(loaded.status, status, "{what}: {}", loaded.text());
        for answer in [&listing, &loaded] {
            assert!(!answer.text().contains("comes_and_goes") && !answer.text().contains("os error"), "{}", answer.text());
        }
        let unwell = if listed == 200 { "degraded" } else { "unhealthy" };
        until_status(address, "file_system", unwell);
        until_status(address, "scene_loader", "unhealthy");
        for name in ["file_system", "scene_loader"] {
            let told = check(address, name).to_string();
            assert!(!told.contains(hidden) && !told.contains("comes_and_goes"), "{told}");
        }
        assert_eq!(get(address, "/metrics").status, 200);

        remove(&place);
        fs::rename(&aside, &place).unwrap();
    }
    until_status(address, "file_system", "healthy");
    until_status(address, "scene_loader", "healthy");
    assert_eq!((load(address).status, get(address, "/scenes").status), (200, 200));
    drop(program);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_may_not_be_read_is_told_without_its_path() {
    // To root, everything is readable.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let folder = scenes("unreadable");
    let file = folder.join("lobby.tscn");
    let program = Program::serve(&["--scenes", folder.to_str().unwrap()]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o0)).unwrap();
    let answer = load(program.address);
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(!answer.text().contains("unreadable/"), "{}", answer.text());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o0)).unwrap();
    assert_eq!(get(program.address, "/scenes").status, 500);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(get(program.address, "/scenes").status, 200);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_pipe_that_comes_in_place_of_a_scene_holds_nobody_up() {
    const CLIENTS: usize = 4;
    const LOADS: usize = 300;
    let folder = scenes("pipe");
    let (scene, kept) = (folder.join("lobby.tscn"), folder.join("kept"));
    // Two threads that hang would be all that there are for loads.
    let fixed = ["--max-loads", "2", "--rate-limit", "0", "--health-interval", "50"];
    let program = Program::serve(&[&["--scenes", folder.to_str().unwrap()], &fixed[..]].concat());
    let address = program.address;
    fs::copy(&scene, &kept).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let swap = folder.join("swap");
            while !done.load(Ordering::Relaxed) {
                mknodat(CWD, &swap, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
                fs::rename(&swap, &scene).unwrap();
                fs::hard_link(&kept, &swap).unwrap();
                fs::rename(&swap, &scene).unwrap();
            }
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    for _ in 0..LOADS {
                        let answer = connection.request("POST", "/scene", &[BEARER], LOBBY);
                        assert!([200, 400].contains(&answer.status), "{}: {}", answer.status, answer.text());
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        done.store(true, Ordering::Relaxed);
        swapping.join().unwrap();
    });
    assert_eq!(load(address).status, 200);
    until_status(address, "file_system", "healthy");
    until_status(address, "scene_loader", "healthy");
    assert_eq!(value(address, "scene_load_errors_total{error_type=\"busy\"}"), 0.0);
    drop(program);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_scene_that_goes_while_it_is_listed_and_loaded_is_only_not_there() {
    let folder = scenes("flickers");
    let (scene, aside) = (folder.join("lobby.tscn"), folder.join("aside"));
    let program = Program::serve(&["--scenes", folder.to_str().unwrap(), "--rate-limit", "0"]);
    let address = program.address;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flickering = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&scene, &aside).unwrap();
                fs::rename(&aside, &scene).unwrap();
            }
        });
        let mut connection = Connection::open(address);
        for _ in 0..300 {
            let answer = connection.request("POST", "/scene", &[BEARER], LOBBY);
            assert!([200, 404].contains(&answer.status), "{}: {}", answer.status, answer.text());
            assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200);
        }
        done.store(true, Ordering::Relaxed);
        flickering.join().unwrap();
    });
    eventually("it is there", || (request(address, "POST", "/scene", &[BEARER], LOBBY).status == 200).then_some(()));
    drop(program);
    fs::remove_dir_all(folder).unwrap();
}
