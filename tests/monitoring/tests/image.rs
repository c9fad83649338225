//! The `Dockerfile`, as far as it can be judged without an engine: what it says, what its build stage makes on this host, and
//! whether the build's context is whole.

use std::fs;
use std::process::Command;

use system::daemon::Daemon;
use system::demo::repository;
use system::http;
use tempfile::TempDir;

fn read(path: &str) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Runs to the end, and returns what it has written.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_image_is_pinned_and_runs_as_nobody_special() {
    let dockerfile = read("monitoring/Dockerfile");
    let of = |word: &str| -> Vec<&str> {
        dockerfile.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
    };
    let manifest = read("Cargo.toml");
    let value = |key: &str| {
        let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.unwrap_or_else(|| panic!("no {key}")).trim_matches('"')
    };
    let (rust, version) = (value("rust-version"), value("version"));
    assert_eq!(of("FROM"), [&*format!("rust:{rust}-slim-bookworm AS build"), "busybox:1.37.0-glibc"]);
    let user = *of("USER").last().expect("a user");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    assert!(of("ADD").is_empty(), "COPY does less");
    assert_eq!(of("STOPSIGNAL"), ["SIGTERM"]);
    assert!(dockerfile.contains(&format!("image.version=\"{version}\"")));

    let compose = read("monitoring/docker-compose.yml");
    assert!(compose.contains(&format!("image: tachograph:{version}\n")) && compose.contains(&format!("user: \"{user}\"\n")));
}

/// What the build stage makes is what the image holds: everything that the demo needs, in one folder.
#[test]
fn the_build_stage_runs_on_this_host_and_what_it_makes_can_serve() {
    let folder = TempDir::new().unwrap();
    let script = repository().join("monitoring/build_image_stage.sh");
    run(Command::new(script).arg(folder.path()).env("CARGO_PROFILE", "dev"));
    let inside = |path: &str| folder.path().join("usr/local").join(path);
    for licence in ["share/doc/tachograph/LICENSE-MIT", "share/doc/tachograph/LICENSE-APACHE"] {
        assert!(inside(licence).is_file(), "{licence}");
    }
    let daemon = Daemon::start("/health/live", |elsewhere, address| {
        let mut command = Command::new(inside("bin/tachograph"));
        command.args(["serve", "--listen", &address.to_string()]).current_dir(elsewhere).env_remove("CARGO_MANIFEST_DIR");
        command
    });
    let scenes = http::get(daemon.address(), "/scenes").unwrap();
    assert!(scenes.body.contains("lobby.tscn"), "{}", scenes.body);
}

#[test]
fn the_build_stage_touches_no_system() {
    let script = repository().join("monitoring/build_image_stage.sh");
    let folder = TempDir::new().unwrap();
    let library = folder.path().join("usr/lib/libc.so.6");
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    fs::write(&library, "of a system").unwrap();
    for place in [folder.path().to_str().unwrap(), "/", "//usr/.."] {
        // No cargo: what is refused is refused before anything is built.
        let output =
            Command::new(&script).arg(place).env("PATH", "/usr/bin:/bin").env("CARGO_PROFILE", "none").output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && told.contains("has a usr/ that is not of this script"), "{place}: {told}");
    }
    assert_eq!(fs::read_to_string(&library).unwrap(), "of a system");
    let output = Command::new(&script).output().unwrap();
    assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("usage: "));
}

/// Cargo needs the manifests of the whole workspace, and the files that they name.
#[test]
fn the_context_of_the_build_is_whole_and_holds_nothing_else() {
    let root = repository();
    let ignored = read(".dockerignore");
    let kept: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix("!/")).collect();
    let belongs = |file: &str| kept.iter().any(|kept| file == *kept || file.starts_with(&format!("{kept}/")));
    let folder = TempDir::new().unwrap();
    for file in run(Command::new("git").arg("ls-files").current_dir(&root)).lines() {
        if belongs(file) && !file.starts_with("benches/record/") {
            let copy = folder.path().join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(root.join(file), copy).unwrap();
        }
    }
    // It fails when a manifest or the file of a target is missing.
    let metadata = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    assert!(run(Command::new("cargo").args(metadata).current_dir(folder.path())).contains("\"name\":\"tachograph\""));
    for present in ["Cargo.lock", "monitoring/build_image_stage.sh", "scenes/lobby.tscn", "LICENSE-MIT"] {
        assert!(folder.path().join(present).is_file(), "{present}");
    }
    for absent in [".git", "monitoring/alertmanager", "README.md", "ci"] {
        assert!(!folder.path().join(absent).exists(), "{absent}");
    }
}
