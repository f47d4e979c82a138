//! CSV files as spreadsheets write them: with or without byte order mark, comma, semicolon or tab, columns in any
//! order.
//!
//! Read row by row in bounded memory. A row that cannot be read is an answer, not an end.

use std::io::{self, Cursor, Read};

use csv::ByteRecord;

/// Rows that are read.
pub const ROW_LIMIT: u64 = 1_000_000;
/// Characters in one field.
pub const FIELD_LIMIT: usize = 200;
/// Bytes read for one row: a quotation mark that is never closed must not swallow the file.
const ROW_BYTES: usize = 1 << 20;
/// Bytes that are looked at to recognise the file.
const HEAD_BYTES: u64 = 1 << 16;

/// A file being read.
pub struct Sheet<R: Read> {
    rows: csv::Reader<Bounded<R>>,
    /// For each wanted column, its place in the file.
    places: Vec<Option<usize>>,
    width: usize,
    names: Vec<&'static str>,
    read: u64,
    ended: bool,
    /// Columns of the file that nobody asked for.
    pub unused: Vec<String>,
}

/// One row: the wanted columns in the order in which they were asked for, trimmed; empty if absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// Line of the file, from 1.
    pub line: u64,
    /// Lines that it takes: more than one with line breaks inside quotation marks.
    pub lines: u64,
    pub fields: Vec<String>,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Line of the file, from 1.
    pub line: u64,
    /// Lines that are lost with it.
    pub lines: u64,
    pub reason: String,
}

/// Why nothing of a file can be read.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not CSV.
    #[error("{0}")]
    NotCsv(&'static str),
    /// The first line.
    #[error("{0}")]
    Header(String),
}

impl<R: Read> Sheet<R> {
    /// Recognises the file and reads its header. `required` and `optional` are the wanted columns.
    pub fn open(mut source: R, required: &[&'static str], optional: &[&'static str]) -> Result<Self, SheetError> {
        let mut head = Vec::new();
        source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        recognise(&head)?;
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let delimiter = delimiter(&head);
        let bounded = Bounded {
            source: Cursor::new(head).chain(source),
            left: ROW_BYTES,
            after_return: false,
            ended: false,
            given: 0,
            lines: 0,
            last: b'\n',
        };
        let mut rows =
            csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(bounded);
        let mut header = ByteRecord::new();
        if !rows
            .read_byte_record(&mut header)
            .map_err(|error| SheetError::Header(format!("the header cannot be read: {error}")))?
        {
            return Err(SheetError::Header(format!(
                "the file is empty; its first line names the columns: {}",
                required.join(",")
            )));
        }
        let header: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let names: Vec<_> = required.iter().chain(optional).copied().collect();
        let places = places(&header, &names, required.len())?;
        let unused = header
            .iter()
            .filter(|name| !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)));
        Ok(Self { unused: unused.cloned().collect(), width: header.len(), rows, places, names, read: 0, ended: false })
    }

    /// Bytes read so far, for a progress bar.
    pub fn position(&self) -> u64 {
        self.rows.position().byte()
    }

    /// Lines of the file, once all of it was read.
    pub fn lines(&self) -> u64 {
        self.rows.get_ref().lines
    }

    /// The next row that is not empty.
    pub fn next_row(&mut self) -> Option<Result<SheetRow, BadRow>> {
        let mut record = ByteRecord::new();
        while !self.ended {
            self.rows.get_mut().left = ROW_BYTES;
            match self.rows.read_byte_record(&mut record) {
                Ok(true) if record.iter().all(|field| field.trim_ascii().is_empty()) => {}
                Ok(true) => return Some(self.take(&record)),
                Ok(false) => self.ended = true,
                Err(error) => {
                    let line = record.position().map_or_else(|| self.rows.position().line(), csv::Position::line);
                    return Some(Err(self.leave_the_rest(line, &error.to_string())));
                }
            }
        }
        None
    }

    /// Ends the reading at `line`, and counts what is left.
    fn leave_the_rest(&mut self, line: u64, why: &str) -> BadRow {
        self.ended = true;
        self.rows.get_mut().count_the_rest();
        let lines = self.lines().saturating_sub(line).saturating_add(1);
        BadRow { line, lines, reason: format!("{why}; nothing from this line on was read: {lines} lines") }
    }

    fn take(&mut self, record: &ByteRecord) -> Result<SheetRow, BadRow> {
        // The position of a record is where reading began, before empty lines that were skipped; the reader stands
        // right behind it.
        let breaks =
            |field: &[u8]| u64::try_from(field.split(|byte| *byte == b'\n').skip(1).count()).unwrap_or_default();
        let is_open = self.ends_in_a_quotation(record);
        let (behind, inside) = (self.rows.position().line(), record.iter().map(breaks).sum::<u64>());
        // The file's own end is inside the quotation, if that is not closed: no line break ends the row.
        let line = behind.saturating_sub(u64::from(!is_open)).saturating_sub(inside).max(1);
        let lines = if is_open { self.lines().saturating_sub(line) } else { inside }.saturating_add(1);
        let bad = |reason: String| BadRow { line, lines, reason };
        if is_open {
            self.ended = true;
            return Err(bad(format!(
                "a quotation mark is not closed: {lines} lines up to the end of the file were read as one row"
            )));
        }
        self.read = self.read.saturating_add(1);
        if self.read > ROW_LIMIT {
            let reason = format!("more than {ROW_LIMIT} rows; split the file");
            return Err(self.leave_the_rest(line, &reason));
        }
        if record.iter().skip(self.width).any(|field| !field.trim_ascii().is_empty()) {
            let found = record.len();
            return Err(bad(format!(
                "{found} fields, the header has {}; put a field that holds the separator into quotation marks",
                self.width
            )));
        }
        let fields = self.names.iter().zip(&self.places).map(|(name, place)| {
            let bytes = place.and_then(|place| record.get(place)).unwrap_or_default();
            text(bytes).map_err(|problem| format!("{name} {problem}"))
        });
        let fields = fields.collect::<Result<_, _>>().map_err(|reason| match lines {
            1 => bad(reason),
            _ => bad(format!(
                "{reason}; a quotation mark is closed only in line {}, so {lines} lines were read as one row",
                line.saturating_add(inside)
            )),
        })?;
        Ok(SheetRow { line, lines, fields })
    }

    /// Is this the last row, and a quotation mark in it was never closed? Then the line break that [`Bounded`] puts
    /// behind the file is part of a field.
    fn ends_in_a_quotation(&self, record: &ByteRecord) -> bool {
        let source = self.rows.get_ref();
        let is_last = source.ended && self.rows.position().byte() == source.given;
        is_last && record.iter().next_back().is_some_and(|field| field.ends_with(b"\n"))
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8; save the file as \"CSV UTF-8\"")?.trim();
    if text.chars().count() > FIELD_LIMIT {
        return Err(format!("is longer than {FIELD_LIMIT} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character".to_owned());
    }
    Ok(text.to_owned())
}

fn recognise(head: &[u8]) -> Result<(), SheetError> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(SheetError::NotCsv("this is a workbook; save it as \"CSV UTF-8\" in Excel"));
    }
    if head.contains(&0) {
        return Err(SheetError::NotCsv("this is not UTF-8 text; save it as \"CSV UTF-8\" in Excel"));
    }
    Ok(())
}

/// What separates the header's names: Excel in Indonesia writes semicolons, since the comma is the decimal sign there.
fn delimiter(head: &[u8]) -> u8 {
    let header = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| header.split(|byte| *byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn places(header: &[String], names: &[&'static str], required: usize) -> Result<Vec<Option<usize>>, SheetError> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let mut found =
            header.iter().enumerate().filter(|(_, column)| column.eq_ignore_ascii_case(name)).map(|(place, _)| place);
        places.push(found.next());
        if found.next().is_some() {
            return Err(SheetError::Header(format!("the column {name} stands twice in the header")));
        }
    }
    let missing: Vec<_> =
        names.iter().zip(&places).take(required).filter(|(_, place)| place.is_none()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(places);
    }
    let wanted = names.get(..required).unwrap_or_default().join(",");
    Err(SheetError::Header(format!("columns missing in the first line: {}; it must name {wanted}", missing.join(", "))))
}

/// A source whose lines all end with a single line feed, so that lines can be counted, and that ends with an error when
/// one row takes too much of it.
struct Bounded<R> {
    source: io::Chain<Cursor<Vec<u8>>, R>,
    left: usize,
    after_return: bool,
    ended: bool,
    /// Bytes given out.
    given: u64,
    /// Lines of the file so far, the last one counted even if no line break ends it.
    lines: u64,
    last: u8,
}

impl<R: Read> Bounded<R> {
    /// Counts the lines that nobody is going to read.
    fn count_the_rest(&mut self) {
        let mut buffer = [0; 1 << 13];
        self.left = usize::MAX;
        while matches!(self.read(&mut buffer), Ok(read) if read > 0) {}
    }

    /// Moves what is kept of the first `read` bytes to the front and answers how many that are.
    fn unify(&mut self, buffer: &mut [u8], read: usize) -> usize {
        let mut kept = 0_usize;
        for from in 0..read {
            let Some(byte) = buffer.get(from).copied() else { break };
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if second_half {
                continue;
            }
            if let Some(slot) = buffer.get_mut(kept) {
                *slot = if byte == b'\r' { b'\n' } else { byte };
            }
            kept = kept.saturating_add(1);
        }
        kept
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.left == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a row of more than a megabyte: is a quotation mark not closed?",
                ));
            }
            let read = self.source.read(buffer)?;
            if read == 0 {
                let last = if self.ended { None } else { buffer.first_mut() };
                self.ended = true;
                let Some(last) = last else { return Ok(0) };
                *last = b'\n';
                self.given = self.given.saturating_add(1);
                return Ok(1);
            }
            self.left = self.left.saturating_sub(read);
            let kept = self.unify(buffer, read);
            for byte in buffer.iter().take(kept) {
                self.lines = self.lines.saturating_add(u64::from(self.last == b'\n'));
                self.last = *byte;
            }
            self.given = self.given.saturating_add(u64::try_from(kept).unwrap_or_default());
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests;
