//! Imports, as an admin runs them.

mod common;

use billing::id::CustomerId;
use common::{Deployment, PACKAGES, customers};

#[test]
fn the_same_packages_again_change_nothing_and_a_new_price_does() {
    let deployment = Deployment::with_packages();
    let file = deployment.file("packages.csv", PACKAGES);
    deployment.lunas(&["packages", "import", &file]).check(0, "2 rows: 0 new, 0 changed, 2 unchanged, 0 refused");
    let dearer = deployment.file("dearer.csv", &PACKAGES.replace("225000", "235000"));
    let result = deployment.lunas(&["--json", "packages", "import", &dearer]).check(0, "").json();
    assert_eq!(result["rows"][0]["result"], "changed");
    let listed = deployment.lunas(&["packages", "list", "--json"]).json();
    assert_eq!(listed["packages"][0]["price"], 235_000);
    deployment.lunas(&["packages", "list"]).check(0, "Rp235.000");
}

#[test]
fn a_package_that_cannot_be_sold_is_refused_with_its_line() {
    let deployment = Deployment::with_packages();
    let rows = format!("{PACKAGES}home20,Again,100000,1,1,1,true\nhome99,Home,99.500,1,1,1,true\n");
    let file = deployment.file("packages.csv", &rows);
    let done = deployment.lunas(&["packages", "import", &file]).check(1, "2 refused");
    assert!(done.err.contains("line 4: the package home20 stands in the file already"), "{}", done.err);
    assert!(done.err.contains("line 5: price \"99.500\" is not whole rupiah"), "{}", done.err);
}

#[test]
fn importing_customers_twice_changes_nothing() {
    let deployment = Deployment::with_packages();
    // As Excel in Indonesia writes it: byte order mark, semicolons, CRLF.
    let text = "\u{feff}Name;Phone;Username;PackageID;ExpiresAt;DeviceID;OntSerial\r\n\
        Santoso, Budi;0812-3456-7890;budi@isp;home20;2036-12-10;;48575443A1B2C3D4\r\n\
        Siti;;siti@isp;home50;2036-12-11T00:00:00+07:00;d1;\r\n";
    let file = deployment.file("customers.csv", text);
    let first = deployment.lunas(&["--json", "customers", "import", &file]).check(0, "").json();
    assert_eq!((&first["summary"]["new"], &first["rows"][1]["username"]), (&2.into(), &"siti@isp".into()));
    let id = CustomerId::parse(first["rows"][0]["id"].as_str().unwrap()).unwrap();
    let profile = deployment.runtime.block_on(deployment.store.profile(&id)).unwrap().unwrap();
    assert_eq!((profile.name.as_str(), profile.username.as_str()), ("Santoso, Budi", "budi@isp"));

    let before = deployment.items();
    let again = deployment.lunas(&["--json", "customers", "import", &file]).check(0, "").json();
    assert_eq!((&again["summary"]["unchanged"], &again["rows"][0]["id"]), (&2.into(), &first["rows"][0]["id"]));
    assert_eq!(deployment.items(), before);
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_would_be() {
    let deployment = Deployment::with_packages();
    let file = deployment.file(
        "customers.csv",
        &customers(&[",Budi,,budi@isp,home20,2036-12-10,,", ",Siti,,siti@isp,home99,2036-12-10,,"]),
    );
    let before = deployment.items();
    deployment.lunas(&["--dry-run", "customers", "import", &file]).check(1, "dry run, nothing written: 2 rows: 1 new");
    let dearer = deployment.file("dearer.csv", &PACKAGES.replace("225000", "235000"));
    deployment.lunas(&["packages", "import", &dearer, "--dry-run"]).check(0, "1 changed");
    assert_eq!(deployment.items(), before);
}

#[test]
fn bad_rows_are_listed_and_good_ones_loaded() {
    let deployment = Deployment::with_packages();
    let rows = [
        "c01,Budi,0812-3456-7890,budi@isp,home20,2036-12-10,,",
        "c02,Siti,021-5551234,siti@isp,home20,2036-12-10,,",
        "c03,Agus,,agus@isp,home20,10/12/2026,,",
        "c04,Twin,,budi@isp,home20,2036-12-10,,",
        "c01,Same Id,,same@isp,home20,2036-12-10,,",
        "c05,Dewi,,dewi@isp,home20,2036-12-10,,",
    ];
    let file = deployment.file("customers.csv", &customers(&rows));
    let done =
        deployment.lunas(&["customers", "import", &file]).check(1, "6 rows: 2 new, 0 changed, 0 unchanged, 4 refused");
    let lines: Vec<_> = done.err.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, start) in lines.iter().zip([
        "line 3: phone",
        "line 4: expiresAt",
        "line 5: username \"budi@isp\" stands in line 2",
        "line 6: id c01 stands in line 2",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    deployment.lunas(&["customers", "show", "dewi@isp"]).check(0, "Dewi");
    deployment.lunas(&["customers", "show", "siti@isp"]).check(1, "no customer has");
    let only_bad = deployment.file("bad.csv", &customers(&["c09,,,x@isp,home20,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &only_bad]).check(2, "name is empty");
}

#[test]
fn an_id_in_the_file_stays_with_its_username() {
    let deployment = Deployment::with_customer();
    let file = deployment.file(
        "ids.csv",
        &customers(&["c02,Budi,,budi@isp,home20,2036-12-10,,", "c01,Siti,,siti@isp,home20,2036-12-10,,"]),
    );
    let done = deployment.lunas(&["customers", "import", &file]).check(2, "2 refused");
    assert!(
        done.err.contains("is customer c01, not c02") && done.err.contains("id c01 is the customer with the username"),
        "{}",
        done.err
    );
}

#[test]
fn a_changed_phone_moves_the_look_up() {
    let deployment = Deployment::with_customer();
    let file = deployment.file("moved.csv", &customers(&["c01,Budi,0813-1111-2222,budi@isp,home20,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &file]).check(0, "1 changed");
    deployment.lunas(&["customers", "show", "081311112222"]).check(0, "c01");
    deployment.lunas(&["customers", "show", "081234567890"]).check(1, "no customer has");
}

#[test]
fn a_file_that_is_no_table_of_customers_is_left_alone() {
    let deployment = Deployment::new();
    let file = deployment.file("customers.csv", &customers(&[]));
    deployment.lunas(&["customers", "import", &file]).check(2, "import packages first");
    let packages = deployment.file("packages.csv", PACKAGES);
    deployment.lunas(&["packages", "import", &packages]).check(0, "2 new");
    deployment.lunas(&["customers", "import", &file]).check(0, "0 rows");
    let error = deployment.lunas(&["--json", "customers", "import", &packages]).check(2, "columns missing").json();
    assert_eq!(error["success"], false);
    deployment.lunas(&["customers", "import", "/does/not/exist.csv"]).check(2, "cannot open");
}

#[test]
fn many_rows_keep_their_order_and_numbers() {
    let deployment = Deployment::with_packages();
    let rows: Vec<String> = (1..=200).map(|n| format!("c{n},Customer {n},,user{n}@isp,home20,2036-12-10,,")).collect();
    let file = deployment.file("many.csv", &customers(&rows.iter().map(String::as_str).collect::<Vec<_>>()));
    let result = deployment.lunas(&["--json", "customers", "import", &file]).check(0, "").json();
    let ids: Vec<_> =
        result["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (1..=200).map(|n| format!("c{n}")).collect::<Vec<_>>());
    assert_eq!(result["summary"]["new"], 200);
}

#[test]
fn two_imports_at_once_make_each_customer_once() {
    let deployment = Deployment::with_packages();
    let rows: Vec<String> =
        (1..=40).map(|n| format!(",Customer {n},0812345678{n:02},user{n}@isp,home20,2036-12-10,,")).collect();
    let file = deployment.file("twice.csv", &customers(&rows.iter().map(String::as_str).collect::<Vec<_>>()));
    let import = || deployment.lunas(&["--json", "customers", "import", &file]).check(0, "").json();
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(import);
        let second = scope.spawn(import);
        (first.join().unwrap(), second.join().unwrap())
    });
    let count = |what: &str| first["summary"][what].as_u64().unwrap() + second["summary"][what].as_u64().unwrap();
    assert_eq!((count("new"), count("unchanged"), count("refused")), (40, 40, 0));
    for (a, b) in first["rows"].as_array().unwrap().iter().zip(second["rows"].as_array().unwrap()) {
        assert_eq!(a["id"], b["id"]);
    }
}
