//! Tables of typed columns as Parquet.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// How a column gets its values from a row `R`, and what type they have. Any may be null.
pub(super) enum Type<R> {
    /// UTF-8.
    Text(fn(&R) -> Option<String>),
    /// A 64-bit integer.
    Int(fn(&R) -> Option<i64>),
    /// A 64-bit floating-point number.
    Float(fn(&R) -> Option<f64>),
    /// True or false.
    Flag(fn(&R) -> Option<bool>),
    /// A moment in UTC, in microseconds since 1970.
    Instant(fn(&R) -> Option<i64>),
}

/// A column: its name, and its values.
pub(super) type Column<R> = (&'static str, Type<R>);

impl<R> Type<R> {
    /// The type in Parquet's schema language: before the name, and after it.
    fn spelling(&self) -> [&'static str; 2] {
        match self {
            Type::Text(_) => ["BYTE_ARRAY", " (UTF8)"],
            Type::Int(_) => ["INT64", ""],
            Type::Float(_) => ["DOUBLE", ""],
            Type::Flag(_) => ["BOOLEAN", ""],
            Type::Instant(_) => ["INT64", " (TIMESTAMP(MICROS,true))"],
        }
    }
}

/// A whole count as a Parquet integer.
pub(super) fn int(value: impl TryInto<i64>) -> Option<i64> {
    value.try_into().ok()
}

/// Writes a table, each of `groups` a group of rows.
pub(super) fn write<R>(
    name: &str,
    columns: &[Column<R>],
    groups: impl Iterator<Item = Vec<R>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_table(name, columns, groups, out).map_err(io_error)
}

fn write_table<R>(
    name: &str,
    columns: &[Column<R>],
    groups: impl Iterator<Item = Vec<R>>,
    out: &mut dyn Write,
) -> Result<(), ParquetError> {
    let mut schema = format!("message {name} {{");
    for (name, kind) in columns {
        let [before, after] = kind.spelling();
        schema += &format!("OPTIONAL {before} {name}{after};");
    }
    schema.push('}');
    let schema = Arc::new(parse_message_type(&schema)?);
    let properties = WriterProperties::builder()
        .set_created_by(created_by())
        .build();
    // The writer wants to own what it writes to, and to send it between threads.
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    for rows in groups.filter(|rows| !rows.is_empty()) {
        let mut group = writer.next_row_group()?;
        for (_, kind) in columns {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General("a column is missing".to_owned()));
            };
            write_column(column.untyped(), kind, &rows)?;
            column.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    out.write_all(&bytes)?;
    Ok(())
}

fn created_by() -> String {
    format!("nongemm {}", env!("CARGO_PKG_VERSION"))
}

/// The values that are there, and for each row whether one is.
fn split<R, T>(rows: &[R], value: impl Fn(&R) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let values: Vec<Option<T>> = rows.iter().map(value).collect();
    let levels = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    (values.into_iter().flatten().collect(), levels)
}

fn write_column<R>(
    column: &mut ColumnWriter<'_>,
    kind: &Type<R>,
    rows: &[R],
) -> Result<(), ParquetError> {
    match (column, kind) {
        (ColumnWriter::ByteArrayColumnWriter(column), Type::Text(of)) => {
            let text = |row: &R| of(row).map(|text| ByteArray::from(text.into_bytes()));
            let (values, levels) = split(rows, text);
            column.write_batch(&values, Some(&levels), None)?;
        }
        (ColumnWriter::Int64ColumnWriter(column), Type::Int(of) | Type::Instant(of)) => {
            let (values, levels) = split(rows, of);
            column.write_batch(&values, Some(&levels), None)?;
        }
        (ColumnWriter::DoubleColumnWriter(column), Type::Float(of)) => {
            let (values, levels) = split(rows, of);
            column.write_batch(&values, Some(&levels), None)?;
        }
        (ColumnWriter::BoolColumnWriter(column), Type::Flag(of)) => {
            let (values, levels) = split(rows, of);
            column.write_batch(&values, Some(&levels), None)?;
        }
        _ => {
            return Err(ParquetError::General(
                "a column has another type".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The system's own error where there is one, so that callers can look at its kind.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
