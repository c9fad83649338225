//! The health checks of the demo: six subsystems, each looked at for real.

mod scene_loader;

use std::time::Duration;

use tachograph::Registry;
use tachograph::health::checks::{FolderCheck, FrameCheck, FrameClock, LoadCheck, Loads, MemoryCheck};
use tachograph::health::{CheckOptions, HealthRegistry};

use crate::cli::HealthOptions;
use crate::editor::Editor;
use crate::folder::SceneFolder;
use scene_loader::SceneLoader;

/// What the checks look at.
pub(crate) struct Subjects<'a> {
    pub(crate) folder: SceneFolder,
    pub(crate) frames: FrameClock,
    pub(crate) loads: Loads,
    pub(crate) editor: &'a Editor,
}

/// Makes the checks, which run from here on.
pub(crate) fn register(
    registry: &Registry,
    subjects: Subjects<'_>,
    options: &HealthOptions,
) -> Result<HealthRegistry, Box<dyn std::error::Error>> {
    let health = HealthRegistry::new().with_version(env!("CARGO_PKG_VERSION"));
    if options.health_memory_degraded > options.health_memory_unhealthy {
        return Err("--health-memory-degraded is more than --health-memory-unhealthy, choose less".into());
    }
    let timeout = Duration::from_millis(options.health_timeout);
    let of = |affected: &[&str]| CheckOptions {
        interval: Duration::from_millis(options.health_interval),
        timeout,
        affected_endpoints: affected.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
        ..CheckOptions::default()
    };
    let Subjects { folder, frames, loads, editor } = subjects;
    let files = FolderCheck::new(folder.path(), "tscn");
    let limits = [options.health_memory_degraded, options.health_memory_unhealthy].map(|mebibytes| mebibytes << 20);
    let memory = MemoryCheck::new(registry).with_limits(limits[0], limits[1]);
    let loads = LoadCheck::new(loads).with_stuck_after(Duration::from_millis(options.health_stuck_after));
    let frames = FrameCheck::new(frames).with_min_fps(options.health_min_fps);
    health.register("scene_loader", SceneLoader::new(folder), of(&["/scene"]))?;
    health.register("file_system", files, of(&["/scene", "/scenes"]))?;
    health.register("memory", memory, of(&[]))?;
    // Half of the time for each of the two, which are asked at once.
    health.register("dap_lsp", editor.check(timeout / 2), of(&[]))?;
    health.register("resource_loader", loads, of(&["/scene"]))?;
    health.register("engine", frames, of(&[]))?;
    health.register_metrics(registry)?;
    Ok(health)
}
