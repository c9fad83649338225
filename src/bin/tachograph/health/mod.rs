//! The health checks of the demo: six subsystems, each looked at for real.

mod scene_loader;

use tachograph::Registry;
use tachograph::health::checks::{FolderCheck, MemoryCheck};
use tachograph::health::{CheckOptions, HealthRegistry};

use crate::folder::SceneFolder;
use scene_loader::SceneLoader;

/// Makes the checks, which run from here on.
pub(crate) fn register(registry: &Registry, folder: &SceneFolder) -> Result<HealthRegistry, Box<dyn std::error::Error>> {
    let health = HealthRegistry::new().with_version(env!("CARGO_PKG_VERSION"));
    let options = |affected: &[&str]| CheckOptions {
        affected_endpoints: affected.iter().map(|endpoint| (*endpoint).to_owned()).collect(),
        ..CheckOptions::default()
    };
    health.register("scene_loader", SceneLoader::new(folder.clone()), options(&["/scene"]))?;
    health.register("file_system", FolderCheck::new(folder.path(), "tscn"), options(&["/scene", "/scenes"]))?;
    health.register("memory", MemoryCheck::new(registry), options(&[]))?;
    health.register_metrics(registry)?;
    Ok(health)
}
