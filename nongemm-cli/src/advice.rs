//! What would make measurements steadier, said but not done.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nongemm_core::measure::{Probes, growth, others_ns};
use nongemm_core::plugin::{Plugins, Quantity};

/// Processors used by others from which on it is worth saying.
const OTHERS_ABOVE: f64 = 0.1;

/// What to change on this machine. Watches it for half a second.
pub(crate) fn advice(plugins: &Plugins) -> Vec<String> {
    let mut advice = settings(Path::new("/sys/devices/system/cpu"));
    advice.extend(load(plugins));
    advice
}

/// From the processors' settings below `folder`.
fn settings(folder: &Path) -> Vec<String> {
    let read = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        text.trim().to_owned()
    };
    let mut advice = Vec::new();
    let governor = read("cpu0/cpufreq/scaling_governor");
    if !governor.is_empty() && governor != "performance" {
        advice.push(format!(
            "the frequency governor is `{governor}`; `performance` gives steadier times"
        ));
    }
    if read("intel_pstate/no_turbo") == "0" || read("cpufreq/boost") == "1" {
        advice.push(
            "the clock rises above nominal while the processor is cool (turbo); without it times are \
             steadier, and slower"
                .to_owned(),
        );
    }
    if read("smt/active") == "1" {
        advice.push(
            "two threads share each core; --threads with the number of cores gives steadier times"
                .to_owned(),
        );
    }
    advice
}

/// From what others do now.
fn load(plugins: &Plugins) -> Vec<String> {
    let probes = plugins.probes.iter().map(|entry| entry.plugin);
    let started = probes.filter_map(|probe| probe.start(Duration::ZERO).ok());
    let mut probes = Probes::new(started.collect());
    let (before, since) = (probes.read(), Instant::now());
    std::thread::sleep(Duration::from_millis(500));
    let grown = growth(&before, &probes.read());
    let wall = since.elapsed().as_nanos() as f64;
    let mut advice = Vec::new();
    let others = others_ns(&grown).unwrap_or(0.0) / wall;
    if others > OTHERS_ABOVE {
        advice.push(format!(
            "other processes use {others:.1} processors; stop them, or measure with --wait-quiet"
        ));
    }
    let steal = grown.get(&Quantity::StealNs).copied().unwrap_or(0.0) / wall;
    if steal > OTHERS_ABOVE {
        advice.push(format!(
            "the hypervisor takes {steal:.1} processors; measure when its other guests are idle"
        ));
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(files: &[(&str, &str)]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        settings(root.path())
    }

    #[test]
    fn only_what_can_be_changed_is_said() {
        assert!(advised(&[]).is_empty());
        let steady = [
            ("cpu0/cpufreq/scaling_governor", "performance\n"),
            ("intel_pstate/no_turbo", "1\n"),
            ("smt/active", "0\n"),
        ];
        assert!(advised(&steady).is_empty());
        let unsteady = [
            ("cpu0/cpufreq/scaling_governor", "powersave\n"),
            ("cpufreq/boost", "1\n"),
            ("smt/active", "1\n"),
        ];
        let advice = advised(&unsteady);
        assert_eq!(advice.len(), 3);
        assert!(advice[0].contains("`powersave`"));
    }
}
