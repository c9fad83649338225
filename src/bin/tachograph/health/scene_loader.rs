//! Can scenes be loaded? The smallest one is.

use std::time::{Duration, Instant};

use tachograph::health::{CheckResult, HealthCheck};

use crate::folder::{SceneFolder, SceneName};
use crate::scene;

/// From how long on a scene of this size takes too long: the limit of a slow request.
const SLOW: Duration = Duration::from_millis(100);

/// Loads the smallest scene of the folder, and times it.
pub(crate) struct SceneLoader {
    folder: SceneFolder,
}

impl SceneLoader {
    pub(crate) fn new(folder: SceneFolder) -> Self {
        Self { folder }
    }

    fn look(&self) -> Result<CheckResult, String> {
        let started = Instant::now();
        let scenes = self.folder.list().map_err(|cause| format!("the scenes cannot be listed: {cause}"))?;
        let smallest = scenes.into_iter().min_by_key(|file| file.size_bytes).ok_or("there is no scene to load")?;
        let name = SceneName::parse(&smallest.name).expect("a listed file has a name that is sound");
        let text = self.folder.read(&name).map_err(|cause| format!("{} cannot be read: {cause}", name.as_str()))?;
        let scene = scene::parse(&text).map_err(|cause| format!("{} is broken: {cause}", name.as_str()))?;
        let took = started.elapsed();
        let milliseconds = took.as_secs_f64() * 1e3;
        let told = format!("{} loaded in {milliseconds:.1} ms", name.as_str());
        let result = if took < SLOW { CheckResult::healthy(told) } else { CheckResult::degraded(told + ", that is slow") };
        let result = result.detail("scene", name.as_str()).detail("nodes", scene.node_count);
        Ok(result.detail("load_ms", milliseconds))
    }
}

impl HealthCheck for SceneLoader {
    async fn check(&self) -> CheckResult {
        self.look().unwrap_or_else(CheckResult::unhealthy)
    }
}
