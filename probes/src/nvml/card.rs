//! What is asked of a card: a trait, so that tests bring cards of their own.

/// Why a card gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has no such sensor.
    NotSupported,
    /// Anything else, in the driver's words.
    Other(String),
}

/// One GPU.
pub trait Card: Send {
    /// Its name.
    fn name(&self) -> String;

    /// Millijoules since the driver was loaded.
    ///
    /// # Errors
    /// On cards before Volta.
    fn energy_mj(&self) -> Result<u64, Refused>;

    /// Power of the board in milliwatts.
    ///
    /// # Errors
    /// When the card does not tell.
    fn power_mw(&self) -> Result<u32, Refused>;

    /// Clock of the multiprocessors in megahertz.
    ///
    /// # Errors
    /// When the card does not tell.
    fn clock_mhz(&self) -> Result<u32, Refused>;

    /// Temperature in degrees Celsius.
    ///
    /// # Errors
    /// When the card does not tell.
    fn temperature_c(&self) -> Result<u32, Refused>;

    /// Whether heat or power hold the clock down.
    ///
    /// # Errors
    /// When the card does not tell.
    fn throttled(&self) -> Result<bool, Refused>;

    /// Part of the time during which a kernel ran, in percent.
    ///
    /// # Errors
    /// When the card does not tell.
    fn utilisation_percent(&self) -> Result<u32, Refused>;

    /// Memory in use, in bytes.
    ///
    /// # Errors
    /// When the card does not tell.
    fn memory_bytes(&self) -> Result<u64, Refused>;
}

/// The cards of a machine.
pub type Cards = Vec<Box<dyn Card>>;
