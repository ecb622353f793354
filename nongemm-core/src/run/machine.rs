//! What the machine is, and how much memory it has to give.

use std::fs;
use std::path::Path;

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
        ceilings: Vec::new(),
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
/// tightest of its control groups leaves if that is less. `None` where neither tells.
pub fn available_memory() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = groups_leave(Path::new("/sys/fs/cgroup"), &own);
    match (meminfo("MemAvailable"), group) {
        (Some(system), Some(group)) => Some(system.min(group)),
        (system, group) => system.or(group),
    }
}

/// What the control groups (version 2) of a process leave it, from the text of its `/proc/self/cgroup`:
/// a batch system limits a group above the process's own, a container is a root of its own.
fn groups_leave(root: &Path, own: &str) -> Option<u64> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"));
    let path = Path::new(path.unwrap_or_default());
    let groups = path.ancestors().map(|group| root.join(group));
    groups.filter_map(|group| group_leaves(&group)).min()
}

fn group_leaves(group: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| -> Option<u64> { read(name)?.trim().parse().ok() };
    let limit = number("memory.max")?;
    let used = number("memory.current").unwrap_or(0);
    // Cached files count as used but are given up when memory is needed.
    let cached = read("memory.stat")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
    Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(path: &Path, limit: &str, used: &str, cached: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("memory.max"), limit).unwrap();
        fs::write(path.join("memory.current"), used).unwrap();
        let stat = format!("anon 5\ninactive_file {cached}\n");
        fs::write(path.join("memory.stat"), stat).unwrap();
    }

    #[test]
    fn the_tightest_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        group(&root.join("job/step"), "max\n", "10\n", "0");
        group(&root.join("job"), "1000\n", "400\n", "100");
        assert_eq!(groups_leave(root, "0::/job/step\n"), Some(700));
        assert_eq!(groups_leave(root, "0::/other\n"), None);
        group(root, "300\n", "100\n", "0");
        assert_eq!(groups_leave(root, "1:cpu:/x\n0::/job/step\n"), Some(200));
        assert_eq!(groups_leave(root, ""), Some(200));
    }
}
