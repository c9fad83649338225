//! Writes what is generated under `monitoring/`: `cargo run --package monitoring`. With `--check` it writes nothing, and fails
//! when a file is not what would be written.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::{env, fs, io};

use monitoring::files;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let check = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("error: no argument writes the generated files, --check compares them; not {arguments:?}");
            return ExitCode::from(2);
        }
    };
    match generate(check) {
        Ok(drifted) if drifted.is_empty() => ExitCode::SUCCESS,
        Ok(drifted) => {
            for path in drifted {
                eprintln!("error: monitoring/{path} is not what is generated");
            }
            eprintln!("run 'cargo run --package monitoring', look at what changes, and keep it");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes what has changed, and says so; or, when it only checks, returns what would change.
fn generate(check: bool) -> io::Result<Vec<String>> {
    let folder = files::folder();
    let mut drifted = Vec::new();
    for file in files::all(&folder)? {
        let path = folder.join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|there| there == file.content) {
            continue;
        }
        if check {
            drifted.push(file.path);
            continue;
        }
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
        fs::write(&path, file.content).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        println!("wrote monitoring/{}", file.path);
    }
    Ok(drifted)
}
