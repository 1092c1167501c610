//! Items of plain values as columns and rows, where that is shorter.

use crate::json::{Kind, Scanner};

use super::super::verdict::Problem;
use super::super::writer::Writer;

/// Most columns of a table.
const COLUMNS: usize = 64;

/// The beginning of an answer whose items are rows, without what is behind them, and how many rows there are: as many as
/// fit. `None` if the items are not all objects of plain values, or rows are not shorter.
pub(super) fn table(
    items: &str,
    end: usize,
    wanted: bool,
) -> Result<Option<(String, usize)>, Problem> {
    if !wanted || items.is_empty() {
        return Ok(None);
    }
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Vec<Vec<(usize, &str)>> = Vec::new();
    let mut scan = Scanner::lenient(items.as_bytes());
    loop {
        if scan.ahead() == 0 || scan.kind()? != Kind::Object {
            return Ok(None);
        }
        let mut row: Vec<(usize, &str)> = Vec::new();
        let mut more = scan.open(b'}')?;
        while more {
            let key = scan.key()?;
            let name = scan.plain(key.range);
            let kind = scan.kind()?;
            let begin = scan.position();
            if matches!(kind, Kind::Object | Kind::Array) {
                return Ok(None);
            }
            scan.skip(1)?;
            let column = match columns.iter().position(|column| *column == name) {
                Some(column) => column,
                None if columns.len() >= COLUMNS => return Ok(None),
                None => {
                    columns.push(name);
                    columns.len() - 1
                }
            };
            if row.iter().any(|(other, _)| *other == column) {
                // A name twice in one item has no place in a row.
                return Ok(None);
            }
            row.push((column, scan.plain(begin..scan.position())));
            more = scan.next(b'}')?;
        }
        rows.push(row);
        if scan.ahead() == 0 {
            break;
        }
        // The comma between two items.
        scan.rewind(scan.position() + 1);
    }
    let mut out = Writer::default();
    out.push("{\"columns\":[");
    for column in &columns {
        out.entry();
        // As it was written: it has its escapes.
        out.push(&format!("\"{column}\""));
    }
    out.push("],\"rows\":[");
    let mut written = 0;
    for row in &rows {
        let before = out.mark();
        out.entry();
        out.ascii('[');
        for column in 0..columns.len() {
            out.entry();
            let value = row.iter().find(|(other, _)| *other == column);
            out.push(value.map_or("null", |(_, value)| *value));
        }
        out.ascii(']');
        if out.chars() > end && written > 0 {
            out.undo(before);
            break;
        }
        written += 1;
    }
    let shorter =
        written < rows.len() || out.chars() < items.chars().count() + "{\"items\":[".len();
    out.ascii(']');
    Ok((shorter && out.chars() <= end + 1).then(|| (out.into_text(), written)))
}
