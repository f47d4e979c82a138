use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use super::*;

const LANGUAGES: [Language; 2] = Language::ALL;
const LINK: Link<'static> = Link { prefix: "https://bayar.example.id/p/", token: "AbCdEfGhIjKlMnOpQrStUvWx" };

fn example(kind: Kind, language: Language) -> Message {
    message(kind, language, &Facts::example(language), Some(LINK), "m1")
}

/// Compares with a file of the project; `WRITE=1` writes it anew, to be read before it is committed.
fn assert_is_file(path: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("WRITE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        file == text,
        "{} is out of date: run WRITE=1 cargo test -p messaging texts, and read what changed",
        path.display()
    );
}

#[test]
fn every_message_reads_as_written_down() {
    let mut all = String::new();
    for kind in Kind::ALL {
        for language in LANGUAGES {
            let message = example(kind, language);
            writeln!(all, "---- {} {}\n{}\n", message.template, language.code(), message.text).unwrap();
        }
    }
    assert_is_file("tests/messages.txt", &all);
}

#[test]
fn what_is_submitted_to_meta_is_what_is_documented() {
    let mut page = "# Templates for Meta\n\nMade from `lib/messaging/texts`; do not edit. `lunas messages templates --url https://YOUR-PORTAL` prints them with your address,\nas Meta's API takes them.\n".to_owned();
    for language in LANGUAGES {
        for kind in Kind::ALL {
            let template = template(kind, language, "https://YOUR-PORTAL/p/");
            let (name, category) = (template["name"].as_str().unwrap(), template["category"].as_str().unwrap());
            writeln!(page, "\n## `{name}`, `{}`\n\nCategory {category}.", language.code()).unwrap();
            if kind == Kind::LoginCode {
                page.push_str("Meta's own words for authentication, with security recommendation, expiry in 5 minutes, and a button that copies the code.\n");
                continue;
            }
            let component = |index: usize| &template["components"][index];
            let (body, button) = (component(0)["text"].as_str().unwrap(), &component(1)["buttons"][0]);
            writeln!(page, "\n```\n{body}\n```\n").unwrap();
            let examples: Vec<&str> = component(0)["example"]["body_text"][0]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_str().unwrap())
                .collect();
            let (text, url) = (button["text"].as_str().unwrap(), button["url"].as_str().unwrap());
            writeln!(page, "Examples: {}.\nButton: visit website, dynamic, *{text}*, `{url}`.", examples.join(" · "))
                .unwrap();
        }
    }
    assert_is_file("../../docs/whatsapp-templates.md", &page);
}

/// The stand-in of Meta knows these from the start, with the demo's address for `PUBLIC_URL`.
#[test]
fn what_is_submitted_to_meta_is_what_its_stand_in_has_approved() {
    let templates = serde_json::to_string_pretty(&templates("https://PUBLIC_URL/p/")).unwrap();
    assert_is_file("../../infra/whatsapp-templates.json", &format!("{templates}\n"));
}

#[test]
fn template_and_text_say_the_same() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::LoginCode) {
        for language in LANGUAGES {
            let (message, template) = (example(kind, language), template(kind, language, LINK.prefix));
            assert_eq!(template["name"], message.template);
            let mut body = template["components"][0]["text"].as_str().unwrap().to_owned();
            for (index, parameter) in message.parameters.iter().enumerate() {
                let gap = format!("{{{{{}}}}}", index + 1);
                assert!(body.contains(&gap), "{kind:?} {gap}");
                body = body.replace(&gap, parameter);
            }
            let button = &template["components"][1]["buttons"][0];
            let url = button["url"].as_str().unwrap().replace("{{1}}", message.button.as_deref().unwrap());
            assert_eq!(message.text, format!("{body}\n\n{}: {url}", button["text"].as_str().unwrap()));
        }
    }
}

#[test]
fn both_languages_tell_the_same_facts_and_only_facts_that_exist() {
    for kind in Kind::ALL {
        let told = |language| gaps(text(kind, language).body).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(told(Language::Indonesian), told(Language::English), "{kind:?}");
        assert!(told(Language::Indonesian).iter().all(|name| Facts::default().get(name).is_some()), "{kind:?}");
        assert_eq!(text(kind, Language::Indonesian).button.is_some(), kind != Kind::LoginCode);
    }
}

/// What Meta refuses a template for: <https://developers.facebook.com/docs/whatsapp/message-templates/guidelines>.
#[test]
fn no_template_breaks_metas_rules() {
    for template in templates(LINK.prefix).iter().filter(|template| template["category"] == "UTILITY") {
        let name = &template["name"];
        let body = template["components"][0]["text"].as_str().unwrap();
        assert!(!body.starts_with("{{") && !body.ends_with("}}"), "{name} begins or ends with a gap");
        assert!(
            body.len() <= 1024 && !body.contains("}}{{") && !body.contains("    ") && !body.contains("\n\n\n"),
            "{name}"
        );
        let button = template["components"][1]["buttons"][0]["text"].as_str().unwrap();
        assert!(button.chars().count() <= 25, "{name}: {button}");
        let name = name.as_str().unwrap();
        assert!(name.len() <= 512 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        let gaps = body.matches("{{").count();
        assert!(body.split_whitespace().count() >= 3 * gaps, "{name}: too many gaps for its words");
    }
}

#[test]
fn the_login_code_begins_as_people_and_programs_expect() {
    let code = example(Kind::LoginCode, Language::Indonesian);
    assert!(code.text.starts_with("Kode masuk 123456. "));
    assert_eq!(
        (code.category, code.button.as_deref(), code.parameters),
        (Category::Authentication, Some("123456"), vec!["123456".to_owned()])
    );
    assert!(!code.text.contains("http"));
}

#[test]
fn what_a_sheet_says_cannot_change_a_message() {
    let facts = Facts {
        name: format!("Budi\n\n{{amount}} {{{{1}}}}\t{}", "x".repeat(200)),
        ..Facts::example(Language::Indonesian)
    };
    let message = message(Kind::DueToday, Language::Indonesian, &facts, Some(LINK), "m1");
    let name = &message.parameters[0];
    assert!(name.starts_with("Budi {amount} {{1}} x") && name.chars().count() == LONGEST_FACT, "{name}");
    assert_eq!(message.text.lines().count(), example(Kind::DueToday, Language::Indonesian).text.lines().count());
}
