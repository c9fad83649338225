#!/usr/bin/env bash
# The engine alone on other kinds of machine: of 32 bits, and WebAssembly. Compiled for all of them; its tests run on the first, a program
# on the second.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need node nodejs
targets=(i686-unknown-linux-gnu wasm32-wasip1 wasm32-unknown-unknown)
rustup target add "${targets[@]}"
for name in "${targets[@]}"; do
    echo "-- $name"
    cargo check --quiet --locked --lib --no-default-features --target "$name"
done

echo "-- a program under WASI"
folder=$target/wasi
mkdir -p "$folder/src"
cat >"$folder/Cargo.toml" <<END
[package]
name = "wasi"
edition = "2024"
[dependencies]
tachograph = { path = "$PWD", default-features = false }
[workspace]
END
cat >"$folder/src/main.rs" <<'END'
use tachograph::{Buckets, Quantiles, Registry};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    registry.register_engine_metrics()?;
    registry.gauge_callback("level", "Asked.", || 0.5)?;
    registry.counter_family("jobs_total", "Jobs.", ["queue"])?.inc_by(["mail"], u64::from(u32::MAX) + 2);
    registry.histogram("wait_seconds", "Wait.", Buckets::seconds(&[10.0])?)?.observe(7_000_000_000);
    registry.summary("batch_items", "Items.", Quantiles::whole(&[0.5])?)?.observe(3);
    let text = String::from(registry.snapshot().text());
    for line in [
        "level 0.5\n",
        "jobs_total{queue=\"mail\"} 4294967297\n",
        "wait_seconds_sum 7\n",
        "batch_items{quantile=\"0.5\"} 3\n",
        "tachograph_observations_refused_total 0\n",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    registry.snapshot_with(move |snapshot| sender.send(snapshot.series_count()).expect("we listen"));
    assert!(receiver.try_recv()? > 5, "who asks takes the snapshot himself");
    println!("counted on {} bits", usize::BITS);
    Ok(())
}
END
cp Cargo.lock "$folder/Cargo.lock"
CARGO_TARGET_DIR=$target/wasi-target cargo build --quiet --manifest-path "$folder/Cargo.toml" --target wasm32-wasip1
cat >"$folder/run.mjs" <<'END'
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";
const wasi = new WASI({ version: "preview1" });
const module = await WebAssembly.compile(await readFile(process.argv[2]));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
END
told=$(node --no-warnings "$folder/run.mjs" "$target/wasi-target/wasm32-wasip1/debug/wasi.wasm")
echo "$told"
[[ $told == "counted on 32 bits" ]] || fail "the program did not say that it counted"

echo "-- the tests of the engine on 32 bits"
need_multilib
cargo test --quiet --locked --no-default-features --features derive --target i686-unknown-linux-gnu \
    --lib --test registry --test render --test threads --test typed --test slots
