//! `nongemm` with the plugin.

use nongemm_plugin_example as _;

fn main() -> std::process::ExitCode {
    nongemm_cli::main()
}
