//! Can scenes be loaded? One is, each time the same.

use std::time::{Duration, Instant};

use tachograph::health::{CheckResult, HealthCheck};

use crate::folder::{ReadError, SceneFolder, SceneName};
use crate::scene;

/// From how long on the smallest scene takes too long: the limit of a slow request.
const SLOW: Duration = Duration::from_millis(100);

/// Loads a test scene, and times it.
pub(crate) struct SceneLoader {
    folder: SceneFolder,
    /// None when there was no scene at the start.
    scene: Option<SceneName>,
}

impl SceneLoader {
    /// Takes the smallest scene of the folder that can be loaded now; if none can, the smallest.
    pub(crate) fn new(folder: SceneFolder) -> Self {
        let mut files = folder.list().unwrap_or_default();
        files.sort_by_key(|file| file.size_bytes);
        let names: Vec<_> = files.iter().filter_map(|file| SceneName::parse(&file.name).ok()).collect();
        let sound = names.iter().find(|name| load(&folder, name).is_ok());
        let scene = sound.or(names.first()).cloned();
        Self { folder, scene }
    }
}

impl HealthCheck for SceneLoader {
    async fn check(&self) -> CheckResult {
        let Some(name) = &self.scene else {
            return CheckResult::unhealthy("there was no scene at the start, put one into the folder and start again");
        };
        let started = Instant::now();
        let loaded = load(&self.folder, name);
        let took = started.elapsed();
        let milliseconds = took.as_micros() as f64 / 1e3;
        let result = match loaded {
            Err(told) => CheckResult::unhealthy(format!("{} {told}", name.as_str())),
            Ok(_) if took >= SLOW => CheckResult::degraded(format!("{} took {milliseconds:.1} ms", name.as_str())),
            Ok(nodes) => {
                let told = format!("{} loaded in {milliseconds:.1} ms", name.as_str());
                CheckResult::healthy(told).detail("nodes", nodes)
            }
        };
        result.detail("scene", name.as_str().to_owned()).detail("load_ms", milliseconds)
    }
}

/// Returns how many nodes the scene has.
fn load(folder: &SceneFolder, name: &SceneName) -> Result<usize, String> {
    let text = folder.read(name).map_err(|cause: ReadError| format!("cannot be read: {cause}"))?;
    let scene = scene::parse(&text).map_err(|cause| format!("is broken: {cause}"))?;
    Ok(scene.node_count)
}
