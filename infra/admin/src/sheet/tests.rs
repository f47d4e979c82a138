use proptest::prelude::*;

use super::*;

const REQUIRED: &[&str] = &["name", "username"];
const OPTIONAL: &[&str] = &["phone"];

fn read(file: impl AsRef<[u8]>) -> Vec<Result<SheetRow, BadRow>> {
    let mut sheet = Sheet::open(file.as_ref(), REQUIRED, OPTIONAL).unwrap();
    std::iter::from_fn(|| sheet.next_row()).collect()
}

#[track_caller]
fn check(file: impl AsRef<[u8]>, expected: &[(u64, &[&str])]) {
    let rows: Vec<_> = read(file).into_iter().map(|row| row.map(|row| (row.line, row.fields))).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, fields)| Ok((*line, fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())))
        .collect();
    assert_eq!(rows, expected);
}

#[track_caller]
fn check_bad(file: impl AsRef<[u8]>, line: u64, reason: &str) {
    let bad = read(file).into_iter().find_map(Result::err).unwrap();
    assert!(bad.line == line && bad.reason.contains(reason), "{bad:?}");
}

#[track_caller]
fn check_refused(file: impl AsRef<[u8]>, reason: &str) {
    let error = Sheet::open(file.as_ref(), REQUIRED, OPTIONAL).err().unwrap().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn columns_come_in_any_order_case_and_number() {
    check("USERNAME,extra, Name\nbudi,x, Budi \n", &[(2, &["Budi", "budi", ""])]);
    check("name,username,phone\nBudi,budi\n", &[(2, &["Budi", "budi", ""])]);
    check("name,username\n", &[]);
    let sheet = Sheet::open("name,username,extra\n".as_bytes(), REQUIRED, OPTIONAL).unwrap();
    assert_eq!(sheet.unused, ["extra"]);
}

#[test]
fn files_are_read_as_spreadsheets_write_them() {
    check("\u{feff}name;username;phone\r\nSanto, Budi;budi;0812\r\n", &[(2, &["Santo, Budi", "budi", "0812"])]);
    check("name\tusername\nBudi\tbudi", &[(2, &["Budi", "budi", ""])]);
    check("name,username\rBudi,budi\r", &[(2, &["Budi", "budi", ""])]);
    check(
        "\"name\",\"username\"\n\"Budi \"\"B\"\", S.Kom\",\u{a0}budi\u{a0}\n",
        &[(2, &["Budi \"B\", S.Kom", "budi", ""])],
    );
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for end in ["\n", "\r\n"] {
        let file = ["name;username", "", "A;a", ";;;", "", "B;b", "\"C", "c\";c", "D;d"].join(end);
        let lines: Vec<_> = read(file).into_iter().map(|row| row.map_or_else(|bad| bad.line, |row| row.line)).collect();
        assert_eq!(lines, [3, 6, 7, 9]);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_next_one_is_read() {
    let file = b"name,username\nB\xe9,b\nC,c\n";
    check_bad(file, 2, "name is not UTF-8");
    assert_eq!(read(file).len(), 2);
    check_bad("name,username\nBudi,Santoso,budi\n", 2, "3 fields, the header has 2");
    check_bad("name,username\n\"a\nb\",c\n", 2, "closed only in line 3, so 2 lines were read as one row");
    check_bad(format!("name,username\n{},c\n", "x".repeat(FIELD_LIMIT + 1)), 2, "longer than 200");
}

#[test]
fn a_quotation_mark_that_is_never_closed_does_not_swallow_the_memory() {
    let file = format!("name,username\nA,a\n\"B,b\n{}", "C,c\n".repeat(600_000));
    let rows = read(file);
    assert_eq!(rows.len(), 2);
    let bad = rows[1].clone().unwrap_err();
    assert!(bad.reason.contains("not closed") && bad.reason.contains("nothing from this line on"), "{bad:?}");
    assert_eq!(bad.lines, 600_001);
}

#[test]
fn what_is_not_a_table_is_refused_with_what_to_do() {
    check_refused("", "the file is empty");
    check_refused("name,phone\n", "columns missing in the first line: username; it must name name,username");
    check_refused("name,username,Name\n", "name stands twice");
    check_refused(b"PK\x03\x04rest", "workbook");
    check_refused(b"\xff\xfen\0a\0m\0e\0", "CSV UTF-8");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let file = [b"name,username\n".as_slice(), &bytes].concat();
        if let Ok(mut sheet) = Sheet::open(file.as_slice(), REQUIRED, OPTIONAL) {
            while sheet.next_row().is_some() {}
        }
    }
}

#[test]
fn a_quotation_mark_that_is_not_closed_is_named_with_all_that_it_took() {
    for end in ["\n", "\r\n", "\r"] {
        for last in ["", end] {
            let rows = ["name,username", "A,a", "\"Toko Jaya,t", "B,b", "C,c", "D,d", "E,e"].join(end) + last;
            let mut sheet = Sheet::open(rows.as_bytes(), REQUIRED, OPTIONAL).unwrap();
            assert_eq!(sheet.next_row().unwrap().unwrap().line, 2);
            let bad = sheet.next_row().unwrap().unwrap_err();
            assert_eq!((bad.line, bad.lines), (3, 5), "{bad:?}");
            assert!(bad.reason.contains("not closed: 5 lines"), "{bad:?}");
            assert_eq!((sheet.next_row(), sheet.lines()), (None, 7));
        }
    }
    // In a column that nobody asked for it is the same: the rows behind it would be gone.
    check_bad("name,username,address\nA,a,\"Jl. Mawar\nB,b,x\n", 2, "not closed: 2 lines");
}

#[test]
fn every_line_is_counted() {
    for (file, lines, rows) in [
        ("name,username\n", 1, vec![]),
        ("name,username\n\n\nA,a\n\n", 5, vec![(4, 1)]),
        ("name,username,address\nA,a,\"Jl. Mawar\nRT 2\"\nB,b,\"x\"", 4, vec![(2, 2), (4, 1)]),
    ] {
        let mut sheet = Sheet::open(file.as_bytes(), REQUIRED, OPTIONAL).unwrap();
        let read: Vec<_> =
            std::iter::from_fn(|| sheet.next_row()).map(|row| row.map(|row| (row.line, row.lines)).unwrap()).collect();
        assert_eq!((sheet.lines(), read), (lines, rows), "{file:?}");
    }
}

#[test]
fn what_is_left_of_a_file_that_is_too_long_is_counted() {
    let rows = usize::try_from(ROW_LIMIT).unwrap() + 3;
    let file = format!("name,username\n{}", "A,a\n".repeat(rows));
    let mut sheet = Sheet::open(file.as_bytes(), REQUIRED, OPTIONAL).unwrap();
    let bad = std::iter::from_fn(|| sheet.next_row()).find_map(Result::err).unwrap();
    assert_eq!((bad.line, bad.lines, sheet.lines()), (ROW_LIMIT + 2, 3, ROW_LIMIT + 4));
}
