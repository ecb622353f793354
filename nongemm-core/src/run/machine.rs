//! What the machine is, and how much memory it has to give.

use std::fs;

use crate::record::Machine;

/// Describes this machine from `/proc` and `/sys`; what cannot be read is left empty.
pub fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let release = read("/etc/os-release");
    let name = field(&release, "PRETTY_NAME", '=').trim_matches('"');
    let kernel = read("/proc/sys/kernel/osrelease");
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    Machine {
        cpu: field(&cpuinfo, "model name", ':').to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory: meminfo("MemTotal").unwrap_or(0),
        gpu: Vec::new(),
        os: format!("{name}, {} {}", std::env::consts::OS, kernel.trim()),
        governor: Some(governor.trim().to_owned()).filter(|text| !text.is_empty()),
    }
}

fn field<'t>(text: &'t str, key: &str, separator: char) -> &'t str {
    text.lines()
        .filter_map(|line| line.split_once(separator))
        .find(|(name, _)| name.trim() == key)
        .map_or("", |(_, value)| value.trim())
}

fn meminfo(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let value = field(&text, key, ':').split_whitespace().next()?;
    value.parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes of memory that this process can still get: what the system has available, or what the
/// control group leaves if that is less. `None` where neither tells.
pub fn available_memory() -> Option<u64> {
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let group = number("/sys/fs/cgroup/memory.max").map(|limit| {
        let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
        let stat = fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
        // Cached files count as used but are given up when memory is needed.
        let cached = stat
            .lines()
            .find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
        limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0)))
    });
    match (meminfo("MemAvailable"), group) {
        (Some(system), Some(group)) => Some(system.min(group)),
        (system, group) => system.or(group),
    }
}
