//! `runs.csv`: one row per run, failed ones too.

use std::io::{self, Write};

use nongemm_core::record::RunRecord;
use serde_json::Value;

use super::write_table;

/// Columns: title, and where the value is in the record (a JSON pointer). A test checks that every
/// scalar of the schema is here.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("run", "/id"),
    ("schema", "/schema"),
    ("status", "/status"),
    ("error", "/error"),
    ("started", "/started"),
    ("model", "/spec/model"),
    ("backend", "/spec/backend"),
    ("device", "/spec/device"),
    ("dtype", "/spec/dtype"),
    ("batch", "/spec/batch"),
    ("seq", "/spec/seq"),
    ("image", "/spec/image"),
    ("weights", "/spec/weights"),
    ("dataset", "/spec/dataset"),
    ("threads", "/spec/threads"),
    ("settings", "/spec/settings"),
    ("median_ns", "/latency/median_ns"),
    ("mad_ns", "/latency/mad_ns"),
    ("ci95_low_ns", "/latency/ci95_ns/0"),
    ("ci95_high_ns", "/latency/ci95_ns/1"),
    ("min_ns", "/latency/min_ns"),
    ("n", "/latency/n"),
    ("stop", "/latency/stop"),
    ("target_ci", "/latency/target_ci"),
    ("warmup_runs", "/latency/warmup_runs"),
    ("steady", "/latency/steady"),
    ("outlier_positions", "/latency/outliers"),
    ("disturbed_positions", "/latency/disturbed"),
    ("wall_median_ns", "/profile/wall_median_ns"),
    ("profile_n", "/profile/n"),
    ("profile_middle", "/profile/middle"),
    ("perturbation", "/profile/perturbation"),
    ("perturbation_ci95_low", "/profile/perturbation_ci95/0"),
    ("perturbation_ci95_high", "/profile/perturbation_ci95/1"),
    ("unreliable", "/profile/unreliable"),
    ("unattributed_ns", "/profile/unattributed_ns"),
    ("device_wall_median_ns", "/profile/device/wall_median_ns"),
    ("device_unattributed_ns", "/profile/device/unattributed_ns"),
    ("weights_bytes", "/memory/weights_bytes"),
    ("activation_bytes", "/memory/activation_bytes"),
    ("peak_rss_bytes", "/memory/peak_rss_bytes"),
    ("peak_device_bytes", "/memory/peak_device_bytes"),
    ("peak_reserved_bytes", "/memory/peak_reserved_bytes"),
    ("energy_unavailable", "/energy/unavailable"),
    ("steal_ns", "/noise/steal"),
    ("ctx_switches", "/noise/ctx_switches"),
    ("major_faults", "/noise/major_faults"),
    ("load_average", "/noise/load_average"),
    ("frequency_hz", "/noise/frequency_hz"),
    ("temperature_c", "/noise/temperature_c"),
    ("disturbed_share", "/noise/disturbed_share"),
    ("heavily_disturbed", "/noise/heavy"),
    ("others_processors", "/noise/others_processors"),
    ("waited_ns", "/noise/waited_ns"),
    ("was_calm", "/noise/was_calm"),
    ("device_power_w", "/noise/device/power_w"),
    ("device_clock_hz", "/noise/device/clock_hz"),
    ("device_temperature_c", "/noise/device/temperature_c"),
    ("device_throttled", "/noise/device/throttled"),
    ("device_utilisation", "/noise/device/utilisation"),
    ("device_memory_bytes", "/noise/device/memory_bytes"),
    ("finite", "/checks/finite"),
    ("reference_backend", "/checks/reference/backend"),
    ("reference_device", "/checks/reference/device"),
    ("reference_run", "/checks/reference/run"),
    ("reference_max_abs_err", "/checks/reference/max_abs_err"),
    ("reference_max_rel_err", "/checks/reference/max_rel_err"),
    ("reference_tolerance", "/checks/reference/tolerance"),
    ("reference_within", "/checks/reference/within"),
    ("not_compared", "/checks/not_compared"),
    ("domain", "/model/domain"),
    ("checkpoint", "/model/checkpoint"),
    ("reference", "/model/reference"),
    ("parameters", "/model/parameters"),
    ("nodes", "/model/nodes"),
    ("build_ns", "/phases/build_ns"),
    ("inputs_ns", "/phases/inputs_ns"),
    ("prepare_ns", "/phases/prepare_ns"),
    ("measure_ns", "/phases/measure_ns"),
    ("cpu", "/machine/cpu"),
    ("cores", "/machine/cores"),
    ("memory", "/machine/memory"),
    ("gpu", "/machine/gpu"),
    ("os", "/machine/os"),
    ("governor", "/machine/governor"),
    ("nongemm", "/software/nongemm"),
    ("backend_version", "/software/backend"),
    ("libraries", "/software/libraries"),
    ("modes", "/software/modes"),
];

/// Writes the table.
pub(super) fn write(runs: &[RunRecord], out: &mut dyn Write) -> io::Result<()> {
    let header = COLUMNS.iter().map(|(title, _)| *title).collect();
    let rows: Vec<Vec<String>> = runs.iter().map(fields).collect::<io::Result<_>>()?;
    write_table(out, header, rows.into_iter())
}

fn fields(run: &RunRecord) -> io::Result<Vec<String>> {
    // Without its operators, which have a table of their own, a record is small.
    let mut run = run.clone();
    if let Some(profile) = &mut run.profile {
        profile.ops.clear();
    }
    let record = serde_json::to_value(&run)?;
    let field = |(_, pointer): &(&str, &str)| record.pointer(pointer).map_or(String::new(), text);
    Ok(COLUMNS.iter().map(field).collect())
}

/// A value as a field: lists as `a; b`, maps as `key=a; key=b`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| format!("{key}={}", text(value)));
            pairs.collect::<Vec<_>>().join("; ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
