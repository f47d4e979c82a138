//! Which packages a customer may change to.

use super::*;

fn offered(package: Package, active: bool, changeable_to: Option<&[&str]>) -> CataloguePackage {
    let changeable_to = changeable_to.map(|ids| ids.iter().map(|id| PackageId::parse(id).unwrap()).collect());
    CataloguePackage { package, active, changeable_to }
}

fn shown(catalogue: &[CataloguePackage]) -> Vec<(String, bool)> {
    choices(&budi().entitlement, catalogue)
        .into_iter()
        .map(|choice| (choice.package.id.to_string(), choice.current))
        .collect()
}

#[test]
fn all_active_packages_are_offered_unless_the_current_one_names_others() {
    let home20 = |allowed| offered(examples::package("home20", 310_000), true, allowed);
    let others = [offered(home50(), true, None), offered(home10(), true, Some(&[])), offered(free(), false, None)];
    let catalogue = |current| [&others[..], &[current]].concat();
    let is = |ids: &[(&str, bool)]| ids.iter().map(|(id, current)| ((*id).to_owned(), *current)).collect::<Vec<_>>();
    assert_eq!(shown(&catalogue(home20(None))), is(&[("home10", false), ("home20", true), ("home50", false)]));
    assert_eq!(
        shown(&catalogue(home20(Some(&["home50", "free", "gone"])))),
        is(&[("home20", true), ("home50", false)])
    );
    assert_eq!(shown(&catalogue(home20(Some(&[])))), is(&[("home20", true)]));
    assert_eq!(shown(&[]), is(&[("home20", true)]), "the customer's own package is always there");
    let retired = offered(examples::package("home20", 310_000), false, None);
    let own_price = |catalogue: &[CataloguePackage]| choices(&budi().entitlement, catalogue)[0].package.price.get();
    assert_eq!(
        (own_price(&[home20(None)]), own_price(&[retired])),
        (310_000, 300_000),
        "as it is sold, or as the customer has it"
    );
}

#[test]
fn what_cannot_be_chosen_says_why() {
    let catalogue = [
        offered(examples::package("home20", 300_000), true, Some(&["home50", "free"])),
        offered(home50(), true, None),
        offered(home10(), true, None),
        offered(free(), false, None),
    ];
    let choose =
        |id| chosen(&budi().entitlement, &catalogue, &PackageId::parse(id).unwrap()).map(|package| package.price.get());
    assert_eq!(choose("home50"), Ok(500_000));
    assert_eq!(
        [choose("home20"), choose("home10"), choose("gone")],
        [NotOffered::Same, NotOffered::Unknown, NotOffered::Unknown].map(Err)
    );
    assert_eq!(choose("free"), Err(NotOffered::Retired));
}

#[test]
fn packages_of_the_catalogue_from_before_are_readable() {
    let old = serde_json::json!({"id": "home20", "name": "Home 20", "price": 300_000, "period_months": 1, "down_mbps": 20, "up_mbps": 10, "active": true});
    let read: CataloguePackage = serde_json::from_value(old.clone()).unwrap();
    assert_eq!((read.changeable_to.clone(), serde_json::to_value(read).unwrap()), (None, old));
}
