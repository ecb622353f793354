//! The `nongemm` binary: everything is in the library, so that a third party's binary with more
//! plugins is as short as this one.

fn main() -> std::process::ExitCode {
    nongemm_cli::main()
}
