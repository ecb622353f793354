//! The frequency that the processors run at.

use std::fs;
use std::path::Path;

use crate::reread::Reread;

/// More than `/proc/cpuinfo` takes for a thousand processors.
const CPUINFO_LIMIT: usize = 2 << 20;

/// Frequencies from the kernel's governor, else from `/proc/cpuinfo`. The highest is given: the
/// processors that work run faster than those that idle.
pub(super) enum Frequency {
    /// One file per processor, in kilohertz.
    Governor(Vec<Reread>),
    /// One line per processor, in megahertz. Under a hypervisor it is often nominal and never changes.
    CpuInfo(Reread),
}

impl Frequency {
    pub(super) fn open(root: &Path) -> Option<Self> {
        let folder = root.join("sys/devices/system/cpu");
        let files: Vec<Reread> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Reread::open(&entry.path().join("cpufreq/scaling_cur_freq"), 32))
            .collect();
        let mut governor = Frequency::Governor(files);
        if governor.hertz().is_some() {
            return Some(governor);
        }
        let mut info = Frequency::CpuInfo(Reread::open(&root.join("proc/cpuinfo"), CPUINFO_LIMIT)?);
        info.hertz().is_some().then_some(info)
    }

    /// The highest frequency in hertz.
    pub(super) fn hertz(&mut self) -> Option<f64> {
        match self {
            Frequency::Governor(files) => {
                let kilohertz = files.iter_mut().filter_map(Reread::number);
                kilohertz.map(|x| x * 1e3).reduce(f64::max)
            }
            Frequency::CpuInfo(info) => {
                let lines = info.read()?.lines();
                let megahertz = lines
                    .filter_map(|line| line.strip_prefix("cpu MHz")?.split_once(':'))
                    .filter_map(|(_, value)| value.trim().parse::<f64>().ok());
                megahertz.map(|x| x * 1e6).reduce(f64::max)
            }
        }
    }
}
