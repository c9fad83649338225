//! The health checks of the demo: six subsystems, each looked at for real.

mod scene_loader;

use std::time::Duration;

use tachograph::Registry;
use tachograph::health::checks::{FolderCheck, MemoryCheck};
use tachograph::health::{CheckOptions, HealthRegistry};

use crate::cli::Options;
use crate::editor::Editor;
use crate::folder::SceneFolder;
use scene_loader::SceneLoader;

/// Makes the checks, which run from here on.
pub(crate) fn register(
    registry: &Registry,
    folder: &SceneFolder,
    editor: &Editor,
    settings: &Options,
) -> Result<HealthRegistry, Box<dyn std::error::Error>> {
    let interval = Duration::from_millis(settings.health_interval);
    let timeout = Duration::from_millis(settings.health_timeout);
    let health = HealthRegistry::new().with_version(env!("CARGO_PKG_VERSION"));
    let options = |affected: &[&str]| CheckOptions {
        interval,
        timeout,
        affected_endpoints: affected.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
        ..CheckOptions::default()
    };
    health.register("scene_loader", SceneLoader::new(folder.clone()), options(&["/scene"]))?;
    health.register("file_system", FolderCheck::new(folder.path(), "tscn"), options(&["/scene", "/scenes"]))?;
    health.register("memory", MemoryCheck::new(registry), options(&[]))?;
    // Half of the time for each of the two, which are asked at once.
    health.register("dap_lsp", editor.check(timeout / 2), options(&[]))?;
    health.register_metrics(registry)?;
    Ok(health)
}
